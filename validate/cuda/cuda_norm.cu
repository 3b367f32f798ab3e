/**
 * Layer and RMS norm. Statistics of a row: mean (0 for RMS), and one over the deviation.
 */
#include "validate/cuda/cuda_kernel.cuh"

/** A block takes one row. @bias: none without a weight. */
template <typename T>
__global__ void norm_kernel(bool centred, View<T> y, View<T> x, const T *weight, const T *bias, View<float> statistics,
                            float epsilon)
{
    int64_t i = blockIdx.x, n = x.columns;
    float mean = 0, squares = 0;
    for (int64_t j = threadIdx.x; j < n && centred; j += MPP_BLOCK)
        mean += x.get(i, j);
    mean = mpp_block_reduce<MppSum>(mean) / (float)n;
    for (int64_t j = threadIdx.x; j < n; j += MPP_BLOCK)
        squares += (x.get(i, j) - mean) * (x.get(i, j) - mean);
    float scale = 1 / sqrtf(mpp_block_reduce<MppSum>(squares) / (float)n + epsilon);
    for (int64_t j = threadIdx.x; j < n; j += MPP_BLOCK)
        y.set(i, j, (x.get(i, j) - mean) * scale * (weight ? mpp_to_float(weight[j]) : 1) + (bias ? mpp_to_float(bias[j]) : 0));
    if (threadIdx.x == 0) {
        statistics.set(i, 0, mean);
        statistics.set(i, 1, scale);
    }
}

template <typename T>
static void norm(MppBackendState *s, MppNormType type, View<T> y, View<T> x, View<T> weight, View<T> bias, View<float> statistics,
                 double epsilon)
{
    mpp_launch(s, norm_kernel<T>, dim3((unsigned)x.rows), MPP_BLOCK, 0, type == MPP_LAYER_NORM, y, x, (const T *)weight.data,
               (const T *)bias.data, statistics, (float)epsilon);
}

void mpp_cuda_norm(MppBackendState *s, MppNormType type, MppTensor y, MppTensor x, MppTensor weight, MppTensor bias,
                   MppTensor statistics, double epsilon)
{
    MPP_BY_ELEMENT(x, norm, s, type, y, x, weight, bias, statistics, epsilon);
}

/** With n the normalised input and g = dy * weight: dx = (g - mean(g) - n mean(g n)) / deviation; RMS lacks mean(g). */
template <typename T>
__global__ void norm_backward_kernel(bool centred, View<T> dx, View<T> dy, View<T> x, const T *weight, View<float> statistics)
{
    int64_t i = blockIdx.x, n = x.columns;
    float mean = statistics.get(i, 0), scale = statistics.get(i, 1), sum = 0, product = 0;
    for (int64_t j = threadIdx.x; j < n; j += MPP_BLOCK) {
        float g = dy.get(i, j) * (weight ? mpp_to_float(weight[j]) : 1);
        sum += g;
        product += g * (x.get(i, j) - mean) * scale;
    }
    sum = mpp_block_reduce<MppSum>(sum) / (float)n;
    product = mpp_block_reduce<MppSum>(product) / (float)n;
    for (int64_t j = threadIdx.x; j < n; j += MPP_BLOCK) {
        float g = dy.get(i, j) * (weight ? mpp_to_float(weight[j]) : 1);
        dx.set(i, j, (g - (centred ? sum : 0) - (x.get(i, j) - mean) * scale * product) * scale);
    }
}

/** A block takes 32 columns: 8 threads a column go through the rows. */
enum { COLUMNS = MPP_WARP, LANES = MPP_BLOCK / MPP_WARP };

template <typename T>
__global__ void norm_parameters_kernel(float *dweight, float *dbias, View<T> dy, View<T> x, View<float> statistics)
{
    __shared__ float weights[LANES][COLUMNS], biases[LANES][COLUMNS];
    int column = threadIdx.x % COLUMNS, lane = threadIdx.x / COLUMNS;
    int64_t j = blockIdx.x * (int64_t)COLUMNS + column;
    float weight = 0, bias = 0;
    for (int64_t i = lane; i < x.rows && j < x.columns; i += LANES) {
        float given = dy.get(i, j);
        weight += given * (x.get(i, j) - statistics.get(i, 0)) * statistics.get(i, 1);
        bias += given;
    }
    weights[lane][column] = weight;
    biases[lane][column] = bias;
    __syncthreads();
    if (lane > 0 || j >= x.columns)
        return;
    for (int i = 1; i < LANES; i++) {
        weight += weights[i][column];
        bias += biases[i][column];
    }
    dweight[j] += weight;
    if (dbias)
        dbias[j] += bias;
}

template <typename T>
static void norm_backward(MppBackendState *s, MppNormType type, View<T> dx, float *dweight, float *dbias, View<T> dy, View<T> x,
                          View<T> weight, View<float> statistics)
{
    mpp_launch(s, norm_backward_kernel<T>, dim3((unsigned)x.rows), MPP_BLOCK, 0, type == MPP_LAYER_NORM, dx, dy, x,
               (const T *)weight.data, statistics);
    if (dweight)
        mpp_launch(s, norm_parameters_kernel<T>, dim3(mpp_blocks(x.columns, COLUMNS)), MPP_BLOCK, 0, dweight, dbias, dy, x,
                   statistics);
}

void mpp_cuda_norm_backward(MppBackendState *s, MppNormType type, MppTensor dx, MppTensor dweight, MppTensor dbias, MppTensor dy,
                            MppTensor x, MppTensor weight, MppTensor statistics)
{
    MPP_BY_ELEMENT(x, norm_backward, s, type, dx, (float *)dweight.data, (float *)dbias.data, dy, x, weight, statistics);
}
