#include <math.h>
#include <string.h>

#include "validate/cpu/cpu.h"

void mpp_cpu_take_rows(MppBackendState *s, MppTensor y, MppTensor x, MppTensor index, int64_t first)
{
    if (mpp_cpu_failed(s))
        return;
    size_t bytes = (size_t)y.columns * sizeof(float);
    for (int64_t i = 0; i < y.rows; i++) {
        int64_t row = mpp_cpu_index(index, i) - first;
        if (row >= 0 && row < x.rows)
            memcpy(mpp_cpu_row(y, i), mpp_cpu_row(x, row), bytes);
        else
            memset(mpp_cpu_row(y, i), 0, bytes);
    }
}

void mpp_cpu_add_rows(MppBackendState *s, MppTensor y, MppTensor x, MppTensor index, int64_t first)
{
    if (mpp_cpu_failed(s))
        return;
    for (int64_t i = 0; i < x.rows; i++) {
        int64_t row = mpp_cpu_index(index, i) - first;
        if (row < 0 || row >= y.rows)
            continue;
        for (int64_t j = 0; j < x.columns; j++)
            mpp_cpu_row(y, row)[j] += mpp_cpu_row(x, i)[j];
    }
}

static bool is_taken(const int32_t *chosen, int64_t n, int64_t expert)
{
    for (int64_t i = 0; i < n; i++)
        if (chosen[i] == expert)
            return true;
    return false;
}

void mpp_cpu_route(MppBackendState *s, MppTensor weights, MppTensor experts, MppTensor logits)
{
    if (mpp_cpu_failed(s))
        return;
    int64_t k = experts.columns;
    for (int64_t i = 0; i < logits.rows; i++) {
        const float *row = mpp_cpu_row(logits, i);
        float *w = mpp_cpu_row(weights, i);
        int32_t *chosen = (int32_t *)experts.data + i * experts.stride;
        double sum = 0;
        for (int64_t n = 0; n < k; n++) {
            chosen[n] = -1;
            for (int64_t e = 0; e < logits.columns; e++)
                if ((chosen[n] < 0 || row[e] > row[chosen[n]]) && !is_taken(chosen, n, e))
                    chosen[n] = (int32_t)e;
            w[n] = expf(row[chosen[n]] - row[chosen[0]]);
            sum += w[n];
        }
        for (int64_t n = 0; n < k; n++)
            w[n] = (float)(w[n] / sum);
    }
}

void mpp_cpu_route_backward(MppBackendState *s, MppTensor dlogits, MppTensor dweights, MppTensor weights, MppTensor experts)
{
    mpp_cpu_fill(s, dlogits, 0);
    if (mpp_cpu_failed(s))
        return;
    for (int64_t i = 0; i < dlogits.rows; i++) {
        const float *w = mpp_cpu_row(weights, i), *given = mpp_cpu_row(dweights, i);
        const int32_t *chosen = (const int32_t *)experts.data + i * experts.stride;
        double mean = 0;
        for (int64_t n = 0; n < experts.columns; n++)
            mean += (double)w[n] * given[n];
        for (int64_t n = 0; n < experts.columns; n++)
            mpp_cpu_row(dlogits, i)[chosen[n]] = (float)(w[n] * (given[n] - mean));
    }
}
