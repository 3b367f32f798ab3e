#include <math.h>

#include "validate/cpu/cpu.h"

void mpp_cpu_loss_maximum(MppBackendState *s, MppTensor maximum, MppTensor logits, int64_t n_valid)
{
    if (mpp_cpu_failed(s))
        return;
    for (int64_t i = 0; i < logits.rows; i++) {
        float most = -INFINITY;
        for (int64_t j = 0; j < n_valid; j++)
            most = fmaxf(most, mpp_cpu_row(logits, i)[j]);
        mpp_cpu_row(maximum, i)[0] = most;
    }
}

void mpp_cpu_loss_sums(MppBackendState *s, MppTensor sums, MppTensor logits, MppTensor maximum, MppTensor targets, int64_t first,
                       int64_t n_valid)
{
    if (mpp_cpu_failed(s))
        return;
    for (int64_t i = 0; i < logits.rows; i++) {
        const float *row = mpp_cpu_row(logits, i);
        float most = mpp_cpu_row(maximum, i)[0];
        int64_t target = mpp_cpu_index(targets, i) - first;
        double sum = 0;
        for (int64_t j = 0; j < n_valid; j++)
            sum += expf(row[j] - most);
        mpp_cpu_row(sums, i)[0] = (float)sum;
        mpp_cpu_row(sums, i)[1] = target >= 0 && target < n_valid ? row[target] - most : 0;
    }
}

void mpp_cpu_loss_total(MppBackendState *s, MppTensor total, MppTensor sums, double scale)
{
    if (mpp_cpu_failed(s))
        return;
    double sum = 0;
    for (int64_t i = 0; i < sums.rows; i++)
        sum += log(mpp_cpu_row(sums, i)[0]) - mpp_cpu_row(sums, i)[1];
    *(float *)total.data += (float)(sum * scale);
}

void mpp_cpu_loss_gradient(MppBackendState *s, MppTensor logits, MppTensor maximum, MppTensor sums, MppTensor targets,
                           int64_t first, int64_t n_valid, double scale)
{
    if (mpp_cpu_failed(s))
        return;
    for (int64_t i = 0; i < logits.rows; i++) {
        float *row = mpp_cpu_row(logits, i);
        float most = mpp_cpu_row(maximum, i)[0], factor = (float)(scale / mpp_cpu_row(sums, i)[0]);
        int64_t target = mpp_cpu_index(targets, i) - first;
        for (int64_t j = 0; j < logits.columns; j++)
            row[j] = j < n_valid ? expf(row[j] - most) * factor : 0;
        if (target >= 0 && target < n_valid)
            row[target] -= (float)scale;
    }
}
