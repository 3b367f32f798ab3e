#include "validate/cuda/cuda_kernel.cuh"

template <typename T> static void fill(MppBackendState *s, View<T> x, float value)
{
    mpp_each(s, x.rows, x.columns, [=] __device__(int64_t i, int64_t j) { x.set(i, j, value); });
}

void mpp_cuda_fill(MppBackendState *s, MppTensor x, double value)
{
    MPP_BY_ELEMENT(x, fill, s, x, (float)value);
}

template <typename T, typename U> static void convert(MppBackendState *s, View<T> y, View<U> x)
{
    mpp_each(s, y.rows, y.columns, [=] __device__(int64_t i, int64_t j) { y.set(i, j, x.get(i, j)); });
}

template <typename T> static void copy_into(MppBackendState *s, View<T> y, MppTensor x)
{
    if (x.element == MPP_ELEMENT_BF16)
        convert<T, MppBf16>(s, y, x);
    else
        convert<T, float>(s, y, x);
}

void mpp_cuda_copy(MppBackendState *s, MppTensor y, MppTensor x)
{
    MPP_BY_ELEMENT(y, copy_into, s, y, x);
}

template <typename T> static void add(MppBackendState *s, View<T> y, View<T> a, View<T> b)
{
    mpp_each(s, y.rows, y.columns, [=] __device__(int64_t i, int64_t j) { y.set(i, j, a.get(i, j) + b.get(i, j)); });
}

void mpp_cuda_add(MppBackendState *s, MppTensor y, MppTensor a, MppTensor b)
{
    MPP_BY_ELEMENT(y, add, s, y, a, b);
}

/** @bias is one column or one row, without gaps. */
template <typename T> static void add_bias(MppBackendState *s, View<T> y, View<T> bias)
{
    const T *from = bias.data;
    mpp_each(s, y.rows, y.columns, [=] __device__(int64_t i, int64_t j) { y.set(i, j, y.get(i, j) + mpp_to_float(from[j])); });
}

void mpp_cuda_add_bias(MppBackendState *s, MppTensor y, MppTensor bias)
{
    MPP_BY_ELEMENT(y, add_bias, s, y, bias);
}

template <typename T> static void scale_rows(MppBackendState *s, View<T> y, View<T> x, View<float> w)
{
    mpp_each(s, y.rows, y.columns, [=] __device__(int64_t i, int64_t j) { y.set(i, j, w.get(i, 0) * x.get(i, j)); });
}

void mpp_cuda_scale_rows(MppBackendState *s, MppTensor y, MppTensor x, MppTensor w)
{
    MPP_BY_ELEMENT(y, scale_rows, s, y, x, w);
}

/* --- activation: sqrt(2 / pi) and the fit of arXiv:1606.08415 --- */

#define GELU_SLOPE 0.7978845608f
#define GELU_CUBIC 0.044715f

__host__ __device__ static float activate(MppActivation kind, float x)
{
    if (kind == MPP_RELU)
        return x > 0 ? x : 0;
    if (kind == MPP_SILU)
        return x / (1 + expf(-x));
    return 0.5f * x * (1 + tanhf(GELU_SLOPE * (x + GELU_CUBIC * x * x * x)));
}

__host__ __device__ static float slope(MppActivation kind, float x)
{
    if (kind == MPP_RELU)
        return x > 0;
    if (kind == MPP_SILU) {
        float sigmoid = 1 / (1 + expf(-x));
        return sigmoid * (1 + x * (1 - sigmoid));
    }
    float t = tanhf(GELU_SLOPE * (x + GELU_CUBIC * x * x * x));
    return 0.5f * (1 + t) + 0.5f * x * (1 - t * t) * GELU_SLOPE * (1 + 3 * GELU_CUBIC * x * x);
}

template <typename T> static void activation(MppBackendState *s, MppActivation kind, bool gated, View<T> y, View<T> x)
{
    int64_t n = y.columns;
    mpp_each(s, y.rows, n,
             [=] __device__(int64_t i, int64_t j) { y.set(i, j, activate(kind, x.get(i, j)) * (gated ? x.get(i, n + j) : 1)); });
}

void mpp_cuda_activation(MppBackendState *s, MppActivation kind, bool gated, MppTensor y, MppTensor x)
{
    MPP_BY_ELEMENT(y, activation, s, kind, gated, y, x);
}

template <typename T>
static void activation_backward(MppBackendState *s, MppActivation kind, bool gated, View<T> dx, View<T> dy, View<T> x)
{
    int64_t n = dy.columns;
    mpp_each(s, dy.rows, n, [=] __device__(int64_t i, int64_t j) {
        float left = x.get(i, j), given = dy.get(i, j);
        dx.set(i, j, given * slope(kind, left) * (gated ? x.get(i, n + j) : 1));
        if (gated)
            dx.set(i, n + j, given * activate(kind, left));
    });
}

void mpp_cuda_activation_backward(MppBackendState *s, MppActivation kind, bool gated, MppTensor dx, MppTensor dy, MppTensor x)
{
    MPP_BY_ELEMENT(dx, activation_backward, s, kind, gated, dx, dy, x);
}

/* --- rotary --- */

/** Element j of a head turns with element j + dim / 2, by position / base^(2 j / dim); a thread does one j of all heads. */
template <typename T>
static void rotary(MppBackendState *s, View<T> x, View<int32_t> positions, int64_t dim, double base, bool backwards)
{
    int64_t half = dim / 2;
    mpp_each(s, x.rows, half, [=] __device__(int64_t i, int64_t j) {
        double angle = positions.data[i * positions.stride] * pow(base, -2.0 * (double)j / (double)dim);
        float c = (float)cos(angle), sine = (float)(backwards ? -sin(angle) : sin(angle));
        for (int64_t h = 0; h < x.columns; h += dim) {
            float a = x.get(i, h + j), b = x.get(i, h + half + j);
            x.set(i, h + j, a * c - b * sine);
            x.set(i, h + half + j, b * c + a * sine);
        }
    });
}

void mpp_cuda_rotary(MppBackendState *s, MppTensor x, MppTensor positions, int64_t dim, double base, bool backwards)
{
    MPP_BY_ELEMENT(x, rotary, s, x, positions, dim, base, backwards);
}

/** Adam without weight decay (arXiv:1412.6980 algorithm 1). */
void mpp_cuda_adam(MppBackendState *s, const MppAdam *adam, MppTensor parameter, MppTensor gradient, MppTensor mean,
                   MppTensor variance)
{
    float *p = (float *)parameter.data, *m = (float *)mean.data, *v = (float *)variance.data;
    const float *g = (const float *)gradient.data;
    float beta1 = (float)adam->beta1, beta2 = (float)adam->beta2, epsilon = (float)adam->epsilon;
    float rate = (float)(adam->rate / (1 - pow(adam->beta1, (double)adam->step)));
    float correction = (float)(1 / (1 - pow(adam->beta2, (double)adam->step)));
    mpp_each(s, 1, parameter.rows * parameter.columns, [=] __device__(int64_t, int64_t j) {
        m[j] = beta1 * m[j] + (1 - beta1) * g[j];
        v[j] = beta2 * v[j] + (1 - beta2) * g[j] * g[j];
        p[j] -= rate * m[j] / (sqrtf(v[j] * correction) + epsilon);
    });
}
