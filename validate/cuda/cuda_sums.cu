/**
 * Sums over rows and over columns, always in the same order.
 */
#include "validate/cuda/cuda_kernel.cuh"

/** A block takes 32 columns: 8 threads a column go through the rows. */
enum { COLUMNS = MPP_WARP, LANES = MPP_BLOCK / MPP_WARP };

template <typename T> __global__ void add_columns_kernel(float *sums, View<T> x)
{
    __shared__ float parts[LANES][COLUMNS];
    int column = threadIdx.x % COLUMNS, lane = threadIdx.x / COLUMNS;
    int64_t j = blockIdx.x * (int64_t)COLUMNS + column;
    float sum = 0;
    for (int64_t i = lane; i < x.rows && j < x.columns; i += LANES)
        sum += x.get(i, j);
    parts[lane][column] = sum;
    __syncthreads();
    if (lane > 0 || j >= x.columns)
        return;
    for (int i = 1; i < LANES; i++)
        sum += parts[i][column];
    sums[j] += sum;
}

template <typename T> static void add_columns(MppBackendState *s, float *sums, View<T> x)
{
    mpp_launch(s, add_columns_kernel<T>, dim3(mpp_blocks(x.columns, COLUMNS)), MPP_BLOCK, 0, sums, x);
}

void mpp_cuda_add_columns(MppBackendState *s, MppTensor sums, MppTensor x)
{
    MPP_BY_ELEMENT(x, add_columns, s, (float *)sums.data, x);
}

/** A warp takes one head of one row. */
template <typename T> __global__ void dot_heads_kernel(View<float> delta, View<T> a, View<T> b)
{
    int64_t i = blockIdx.x, head = blockIdx.y, dim = a.columns / delta.columns;
    float sum = 0;
    for (int64_t j = threadIdx.x; j < dim; j += MPP_WARP)
        sum += a.get(i, head * dim + j) * b.get(i, head * dim + j);
    sum = mpp_warp_reduce<MppSum>(sum);
    if (threadIdx.x == 0)
        delta.set(i, head, sum);
}

template <typename T> static void dot_heads(MppBackendState *s, View<float> delta, View<T> a, View<T> b)
{
    mpp_launch(s, dot_heads_kernel<T>, dim3((unsigned)a.rows, (unsigned)delta.columns), MPP_WARP, 0, delta, a, b);
}

void mpp_cuda_dot_heads(MppBackendState *s, MppTensor delta, MppTensor a, MppTensor b)
{
    MPP_BY_ELEMENT(a, dot_heads, s, delta, a, b);
}

/** One head as wide as the row. */
void mpp_cuda_dot_rows(MppBackendState *s, MppTensor w, MppTensor a, MppTensor b)
{
    mpp_cuda_dot_heads(s, w, a, b);
}

/** One block: the norm of the gradients is taken once a step. */
__global__ void add_squares_kernel(float *total, const float *parts, int64_t n)
{
    float sum = 0;
    for (int64_t i = threadIdx.x; i < n; i += MPP_BLOCK)
        sum += parts[i];
    sum = mpp_block_reduce<MppSum>(sum);
    if (threadIdx.x == 0)
        *total += sum;
}

__global__ void square_parts_kernel(float *parts, View<float> x)
{
    int64_t stride = (int64_t)gridDim.x * MPP_BLOCK;
    float sum = 0;
    for (int64_t i = blockIdx.x * (int64_t)MPP_BLOCK + threadIdx.x; i < x.rows * x.columns; i += stride) {
        float number = x.get(i / x.columns, i % x.columns);
        sum += number * number;
    }
    sum = mpp_block_reduce<MppSum>(sum);
    if (threadIdx.x == 0)
        parts[blockIdx.x] = sum;
}

void mpp_cuda_add_squares(MppBackendState *s, MppTensor total, MppTensor x)
{
    const int64_t most_parts = 1024;
    int64_t wanted = mpp_blocks(x.rows * x.columns, MPP_BLOCK), n = wanted < most_parts ? wanted : most_parts;
    float *parts = (float *)mpp_cuda_alloc(s, (size_t)n * sizeof(float));
    mpp_launch(s, square_parts_kernel, dim3((unsigned)n), MPP_BLOCK, 0, parts, View<float>(x));
    mpp_launch(s, add_squares_kernel, dim3(1), MPP_BLOCK, 0, (float *)total.data, (const float *)parts, n);
    mpp_cuda_free(s, parts);
}
