#include "validate/cuda/cuda_layout.h"

enum { MOST_ALIGNMENT = 256 }; /* what cudaMallocAsync gives, and all that cuBLASLt asks about */

static int64_t alignment_of(const void *data)
{
    uintptr_t address = (uintptr_t)data | MOST_ALIGNMENT;
    return (int64_t)(address & -address);
}

static MppCudaOperand operand(MppTensor x, bool transposed)
{
    return (MppCudaOperand){
        .rows = x.columns,
        .columns = x.rows,
        .stride = x.stride,
        .alignment_bytes = alignment_of(x.data),
        .element = x.element,
        .transposed = transposed,
    };
}

MppCudaLayout mpp_cuda_layout(MppTensor c, MppTensor a, bool a_transposed, MppTensor b, bool b_transposed)
{
    return (MppCudaLayout){ operand(b, b_transposed), operand(a, a_transposed), operand(c, false) };
}
