/**
 * Cross entropy over a split vocabulary: a block takes one row of logits.
 */
#include "validate/cuda/cuda_kernel.cuh"

template <typename T> __global__ void maximum_kernel(View<float> maximum, View<T> logits, int64_t n_valid)
{
    int64_t i = blockIdx.x;
    float most = -INFINITY;
    for (int64_t j = threadIdx.x; j < n_valid; j += MPP_BLOCK)
        most = fmaxf(most, logits.get(i, j));
    most = mpp_block_reduce<MppMaximum>(most);
    if (threadIdx.x == 0)
        maximum.set(i, 0, most);
}

template <typename T> static void loss_maximum(MppBackendState *s, View<float> maximum, View<T> logits, int64_t n_valid)
{
    mpp_launch(s, maximum_kernel<T>, dim3((unsigned)logits.rows), MPP_BLOCK, 0, maximum, logits, n_valid);
}

void mpp_cuda_loss_maximum(MppBackendState *s, MppTensor maximum, MppTensor logits, int64_t n_valid)
{
    MPP_BY_ELEMENT(logits, loss_maximum, s, maximum, logits, n_valid);
}

template <typename T>
__global__ void sums_kernel(View<float> sums, View<T> logits, View<float> maximum, View<int32_t> targets, int64_t first,
                            int64_t n_valid)
{
    int64_t i = blockIdx.x, target = targets.data[i * targets.stride] - first;
    float most = maximum.get(i, 0), sum = 0;
    for (int64_t j = threadIdx.x; j < n_valid; j += MPP_BLOCK)
        sum += expf(logits.get(i, j) - most);
    sum = mpp_block_reduce<MppSum>(sum);
    if (threadIdx.x > 0)
        return;
    sums.set(i, 0, sum);
    sums.set(i, 1, target >= 0 && target < n_valid ? logits.get(i, target) - most : 0);
}

template <typename T>
static void loss_sums(MppBackendState *s, View<float> sums, View<T> logits, View<float> maximum, View<int32_t> targets,
                      int64_t first, int64_t n_valid)
{
    mpp_launch(s, sums_kernel<T>, dim3((unsigned)logits.rows), MPP_BLOCK, 0, sums, logits, maximum, targets, first, n_valid);
}

void mpp_cuda_loss_sums(MppBackendState *s, MppTensor sums, MppTensor logits, MppTensor maximum, MppTensor targets, int64_t first,
                        int64_t n_valid)
{
    MPP_BY_ELEMENT(logits, loss_sums, s, sums, logits, maximum, targets, first, n_valid);
}

__global__ void total_kernel(float *total, View<float> sums, float scale)
{
    float sum = 0;
    for (int64_t i = threadIdx.x; i < sums.rows; i += MPP_BLOCK)
        sum += logf(sums.get(i, 0)) - sums.get(i, 1);
    sum = mpp_block_reduce<MppSum>(sum);
    if (threadIdx.x == 0)
        *total += sum * scale;
}

void mpp_cuda_loss_total(MppBackendState *s, MppTensor total, MppTensor sums, double scale)
{
    mpp_launch(s, total_kernel, dim3(1), MPP_BLOCK, 0, (float *)total.data, View<float>(sums), (float)scale);
}

template <typename T>
static void loss_gradient(MppBackendState *s, View<T> logits, View<float> maximum, View<float> sums, View<int32_t> targets,
                          int64_t first, int64_t n_valid, float scale)
{
    mpp_each(s, logits.rows, logits.columns, [=] __device__(int64_t i, int64_t j) {
        float share = j < n_valid ? expf(logits.get(i, j) - maximum.get(i, 0)) / sums.get(i, 0) : 0;
        bool is_target = j < n_valid && j == targets.data[i * targets.stride] - first;
        logits.set(i, j, scale * (share - (is_target ? 1 : 0)));
    });
}

void mpp_cuda_loss_gradient(MppBackendState *s, MppTensor logits, MppTensor maximum, MppTensor sums, MppTensor targets,
                            int64_t first, int64_t n_valid, double scale)
{
    MPP_BY_ELEMENT(logits, loss_gradient, s, logits, maximum, sums, targets, first, n_valid, (float)scale);
}
