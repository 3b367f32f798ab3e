/**
 * Row-major products in cuBLASLt's column-major terms. No CUDA in it.
 *
 * A row-major matrix is its transpose in column-major order, so c = a b is done as c^T = b^T a^T: the factors change
 * places, and each is transposed exactly where it was before.
 */
#pragma once

#include "validate/backend.h"

/** Without padding: layouts are compared byte by byte. */
typedef struct {
    int64_t rows, columns, stride; /* as it lies in memory, column-major */
    int64_t alignment_bytes;       /* of its address; 256 at most */
    MppElement element;
    int32_t transposed; /* 0 or 1 */
} MppCudaOperand;

typedef struct {
    MppCudaOperand left, right, out;
} MppCudaLayout;

MppCudaLayout mpp_cuda_layout(MppTensor c, MppTensor a, bool a_transposed, MppTensor b, bool b_transposed);
