#include <cblas.h>
#include <math.h>

#include "validate/cpu/cpu.h"

void mpp_cpu_matmul(MppBackendState *s, MppTensor c, MppTensor a, bool a_transposed, MppTensor b, bool b_transposed,
                    bool accumulate)
{
    if (mpp_cpu_failed(s) || c.rows == 0 || c.columns == 0)
        return;
    int64_t k = a_transposed ? a.rows : a.columns;
    if (k == 0) {
        if (!accumulate)
            mpp_cpu_fill(s, c, 0);
        return;
    }
    cblas_sgemm(CblasRowMajor, a_transposed ? CblasTrans : CblasNoTrans, b_transposed ? CblasTrans : CblasNoTrans, (int)c.rows,
                (int)c.columns, (int)k, 1, a.data, (int)a.stride, b.data, (int)b.stride, accumulate, c.data, (int)c.stride);
}

/** Statistics: mean (0 for RMS), and one over the deviation. */
void mpp_cpu_norm(MppBackendState *s, MppNormType type, MppTensor y, MppTensor x, MppTensor weight, MppTensor bias,
                  MppTensor statistics, double epsilon)
{
    if (mpp_cpu_failed(s))
        return;
    const float *w = weight.data, *b = bias.data;
    for (int64_t i = 0; i < x.rows; i++) {
        const float *from = mpp_cpu_row(x, i);
        float *to = mpp_cpu_row(y, i), *kept = mpp_cpu_row(statistics, i);
        double mean = 0, squares = 0;
        for (int64_t j = 0; j < x.columns && type == MPP_LAYER_NORM; j++)
            mean += from[j];
        mean /= (double)x.columns;
        for (int64_t j = 0; j < x.columns; j++)
            squares += (from[j] - mean) * (from[j] - mean);
        kept[0] = (float)mean;
        kept[1] = (float)(1 / sqrt(squares / (double)x.columns + epsilon));
        for (int64_t j = 0; j < x.columns; j++)
            to[j] = (from[j] - kept[0]) * kept[1] * (w ? w[j] : 1) + (b ? b[j] : 0);
    }
}

/** With n the normalised input and g = dy * weight: dx = (g - mean(g) - n mean(g n)) / deviation; RMS lacks mean(g). */
static void norm_row(MppNormType type, float *dx, const float *dy, const float *x, const float *w, const float *kept, int64_t n)
{
    double sum = 0, product = 0;
    for (int64_t j = 0; j < n; j++) {
        double g = dy[j] * (w ? w[j] : 1);
        sum += g;
        product += g * (x[j] - kept[0]) * kept[1];
    }
    float mean = type == MPP_LAYER_NORM ? (float)(sum / (double)n) : 0, slope = (float)(product / (double)n);
    for (int64_t j = 0; j < n; j++)
        dx[j] = (dy[j] * (w ? w[j] : 1) - mean - (x[j] - kept[0]) * kept[1] * slope) * kept[1];
}

void mpp_cpu_norm_backward(MppBackendState *s, MppNormType type, MppTensor dx, MppTensor dweight, MppTensor dbias, MppTensor dy,
                           MppTensor x, MppTensor weight, MppTensor statistics)
{
    if (mpp_cpu_failed(s))
        return;
    float *dw = dweight.data, *db = dbias.data;
    for (int64_t i = 0; i < x.rows; i++) {
        const float *from = mpp_cpu_row(x, i), *given = mpp_cpu_row(dy, i), *kept = mpp_cpu_row(statistics, i);
        for (int64_t j = 0; j < x.columns && dw; j++)
            dw[j] += given[j] * (from[j] - kept[0]) * kept[1];
        for (int64_t j = 0; j < x.columns && db; j++)
            db[j] += given[j];
        norm_row(type, mpp_cpu_row(dx, i), given, from, weight.data, kept, x.columns);
    }
}

static const float gelu_slope = 1.5957691216f, gelu_cubic = 0.044715f; /* 2 sqrt(2 / pi) and the fit of the paper */

/** All are x times a number; but for ReLU's it is a sigmoid: (1 + tanh(u)) / 2 is that of 2 u. */
static float gate(MppActivation kind, float x)
{
    if (kind == MPP_RELU)
        return x > 0;
    float z = kind == MPP_SILU ? x : gelu_slope * (x + gelu_cubic * x * x * x);
    return 1 / (1 + expf(-z));
}

static float activate(MppActivation kind, float x)
{
    return x * gate(kind, x);
}

static float slope(MppActivation kind, float x)
{
    if (kind == MPP_RELU)
        return x > 0;
    float g = gate(kind, x), rise = kind == MPP_SILU ? 1 : gelu_slope * (1 + 3 * gelu_cubic * x * x);
    return g + x * g * (1 - g) * rise;
}

void mpp_cpu_activation(MppBackendState *s, MppActivation kind, bool gated, MppTensor y, MppTensor x)
{
    if (mpp_cpu_failed(s))
        return;
    for (int64_t i = 0; i < y.rows; i++) {
        const float *from = mpp_cpu_row(x, i), *right = from + y.columns;
        for (int64_t j = 0; j < y.columns; j++)
            mpp_cpu_row(y, i)[j] = activate(kind, from[j]) * (gated ? right[j] : 1);
    }
}

void mpp_cpu_activation_backward(MppBackendState *s, MppActivation kind, bool gated, MppTensor dx, MppTensor dy, MppTensor x)
{
    if (mpp_cpu_failed(s))
        return;
    int64_t n = dy.columns;
    for (int64_t i = 0; i < dy.rows; i++) {
        const float *from = mpp_cpu_row(x, i), *given = mpp_cpu_row(dy, i);
        float *to = mpp_cpu_row(dx, i);
        for (int64_t j = 0; j < n; j++)
            to[j] = given[j] * slope(kind, from[j]) * (gated ? from[n + j] : 1);
        for (int64_t j = 0; j < n && gated; j++)
            to[n + j] = given[j] * activate(kind, from[j]);
    }
}

/** Element j of a head turns with element j + dim / 2, by position / base^(2 j / dim). */
static void turn_row(float *x, int64_t width, int64_t dim, double position, double base, bool backwards)
{
    int64_t half = dim / 2;
    for (int64_t j = 0; j < half; j++) {
        double angle = position * pow(base, -2.0 * (double)j / (double)dim);
        float c = (float)cos(angle), sine = (float)(backwards ? -sin(angle) : sin(angle));
        for (int64_t h = 0; h < width; h += dim) {
            float a = x[h + j], b = x[h + half + j];
            x[h + j] = a * c - b * sine;
            x[h + half + j] = b * c + a * sine;
        }
    }
}

void mpp_cpu_rotary(MppBackendState *s, MppTensor x, MppTensor positions, int64_t dim, double base, bool backwards)
{
    if (mpp_cpu_failed(s))
        return;
    for (int64_t i = 0; i < x.rows; i++)
        turn_row(mpp_cpu_row(x, i), x.columns, dim, mpp_cpu_index(positions, i), base, backwards);
}
