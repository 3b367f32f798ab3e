#include <math.h>
#include <string.h>

#include "validate/cpu/cpu.h"

void mpp_cpu_fill(MppBackendState *s, MppTensor x, double value)
{
    if (mpp_cpu_failed(s))
        return;
    for (int64_t i = 0; i < x.rows; i++)
        for (int64_t j = 0; j < x.columns; j++)
            mpp_cpu_row(x, i)[j] = (float)value;
}

void mpp_cpu_copy(MppBackendState *s, MppTensor y, MppTensor x)
{
    if (mpp_cpu_failed(s))
        return;
    for (int64_t i = 0; i < x.rows; i++)
        memcpy(mpp_cpu_row(y, i), mpp_cpu_row(x, i), (size_t)x.columns * sizeof(float));
}

void mpp_cpu_add(MppBackendState *s, MppTensor y, MppTensor a, MppTensor b)
{
    if (mpp_cpu_failed(s))
        return;
    for (int64_t i = 0; i < y.rows; i++) {
        float *to = mpp_cpu_row(y, i);
        const float *left = mpp_cpu_row(a, i), *right = mpp_cpu_row(b, i);
        for (int64_t j = 0; j < y.columns; j++)
            to[j] = left[j] + right[j];
    }
}

void mpp_cpu_add_bias(MppBackendState *s, MppTensor y, MppTensor bias)
{
    if (mpp_cpu_failed(s))
        return;
    const float *from = bias.data;
    for (int64_t i = 0; i < y.rows; i++)
        for (int64_t j = 0; j < y.columns; j++)
            mpp_cpu_row(y, i)[j] += from[j];
}

void mpp_cpu_add_columns(MppBackendState *s, MppTensor sums, MppTensor x)
{
    if (mpp_cpu_failed(s))
        return;
    float *to = sums.data;
    for (int64_t i = 0; i < x.rows; i++)
        for (int64_t j = 0; j < x.columns; j++)
            to[j] += mpp_cpu_row(x, i)[j];
}

void mpp_cpu_scale_rows(MppBackendState *s, MppTensor y, MppTensor x, MppTensor w)
{
    if (mpp_cpu_failed(s))
        return;
    for (int64_t i = 0; i < y.rows; i++) {
        float factor = mpp_cpu_row(w, i)[0];
        for (int64_t j = 0; j < y.columns; j++)
            mpp_cpu_row(y, i)[j] = factor * mpp_cpu_row(x, i)[j];
    }
}

static float dot(const float *a, const float *b, int64_t n)
{
    double sum = 0;
    for (int64_t j = 0; j < n; j++)
        sum += (double)a[j] * b[j];
    return (float)sum;
}

void mpp_cpu_dot_rows(MppBackendState *s, MppTensor w, MppTensor a, MppTensor b)
{
    if (mpp_cpu_failed(s))
        return;
    for (int64_t i = 0; i < a.rows; i++)
        mpp_cpu_row(w, i)[0] = dot(mpp_cpu_row(a, i), mpp_cpu_row(b, i), a.columns);
}

void mpp_cpu_dot_heads(MppBackendState *s, MppTensor delta, MppTensor a, MppTensor b)
{
    if (mpp_cpu_failed(s))
        return;
    int64_t dim = a.columns / delta.columns;
    for (int64_t i = 0; i < a.rows; i++)
        for (int64_t h = 0; h < delta.columns; h++)
            mpp_cpu_row(delta, i)[h] = dot(mpp_cpu_row(a, i) + h * dim, mpp_cpu_row(b, i) + h * dim, dim);
}

void mpp_cpu_add_squares(MppBackendState *s, MppTensor total, MppTensor x)
{
    if (mpp_cpu_failed(s))
        return;
    double sum = 0;
    for (int64_t i = 0; i < x.rows; i++)
        for (int64_t j = 0; j < x.columns; j++)
            sum += (double)mpp_cpu_row(x, i)[j] * mpp_cpu_row(x, i)[j];
    *(float *)total.data += (float)sum;
}

/** Adam without weight decay (arXiv:1412.6980 algorithm 1). */
void mpp_cpu_adam(MppBackendState *s, const MppAdam *adam, MppTensor parameter, MppTensor gradient, MppTensor mean,
                  MppTensor variance)
{
    if (mpp_cpu_failed(s))
        return;
    float *p = parameter.data, *m = mean.data, *v = variance.data;
    const float *g = gradient.data;
    float beta1 = (float)adam->beta1, beta2 = (float)adam->beta2, epsilon = (float)adam->epsilon;
    float rate = (float)(adam->rate / (1 - pow(adam->beta1, (double)adam->step)));
    float correction = (float)(1 / (1 - pow(adam->beta2, (double)adam->step)));
    for (int64_t i = 0; i < parameter.rows * parameter.columns; i++) {
        m[i] = beta1 * m[i] + (1 - beta1) * g[i];
        v[i] = beta2 * v[i] + (1 - beta2) * g[i] * g[i];
        p[i] -= rate * m[i] / (sqrtf(v[i] * correction) + epsilon);
    }
}
