/**
 * Windows over images: for convolutions as products, and pools. A thread makes one number; backward passes ask, for
 * each number that came in, which windows it is in, so that no two threads add to the same place.
 */
#include "validate/cuda/cuda_kernel.cuh"

/** The row of pixel @p of window @n; -1 beyond the edge. */
__host__ __device__ static int64_t row_of(const MppWindows &w, int64_t n, int64_t p)
{
    int64_t per_sample = w.out_height * w.out_width;
    int64_t line = n % per_sample / w.out_width * w.stride - w.padding + p / w.kernel_width;
    int64_t column = n % w.out_width * w.stride - w.padding + p % w.kernel_width;
    if (line < 0 || line >= w.height || column < 0 || column >= w.width)
        return -1;
    return (n / per_sample * w.height + line) * w.width + column;
}

/** The window whose pixel @p is row @row of the images; -1: none. */
__host__ __device__ static int64_t window_of(const MppWindows &w, int64_t row, int64_t p)
{
    int64_t line = row / w.width % w.height + w.padding - p / w.kernel_width;
    int64_t column = row % w.width + w.padding - p % w.kernel_width;
    if (line < 0 || column < 0 || line % w.stride || column % w.stride || line / w.stride >= w.out_height ||
        column / w.stride >= w.out_width)
        return -1;
    return (row / (w.height * w.width) * w.out_height + line / w.stride) * w.out_width + column / w.stride;
}

template <typename T> static void windows(MppBackendState *s, MppWindows w, View<T> y, View<T> x)
{
    int64_t pixels = w.kernel_height * w.kernel_width;
    mpp_each(s, y.rows, y.columns, [=] __device__(int64_t n, int64_t j) {
        int64_t row = row_of(w, n, j % pixels);
        y.set(n, j, row >= 0 ? x.get(row, j / pixels) : 0);
    });
}

void mpp_cuda_windows(MppBackendState *s, const MppWindows *w, MppTensor y, MppTensor x)
{
    MPP_BY_ELEMENT(y, windows, s, *w, y, x);
}

template <typename T> static void windows_backward(MppBackendState *s, MppWindows w, View<T> dx, View<T> dy)
{
    int64_t pixels = w.kernel_height * w.kernel_width;
    mpp_each(s, dx.rows, dx.columns, [=] __device__(int64_t i, int64_t c) {
        float sum = 0;
        for (int64_t p = 0; p < pixels; p++) {
            int64_t n = window_of(w, i, p);
            sum += n >= 0 ? dy.get(n, c * pixels + p) : 0;
        }
        dx.set(i, c, sum);
    });
}

void mpp_cuda_windows_backward(MppBackendState *s, const MppWindows *w, MppTensor dx, MppTensor dy)
{
    MPP_BY_ELEMENT(dx, windows_backward, s, *w, dx, dy);
}

/** Row of the largest number of channel @c in window @n. */
template <typename T> __host__ __device__ static int64_t largest_row(const MppWindows &w, View<T> x, int64_t n, int64_t c)
{
    int64_t largest = -1;
    for (int64_t p = 0; p < w.kernel_height * w.kernel_width; p++) {
        int64_t row = row_of(w, n, p);
        if (row >= 0 && (largest < 0 || x.get(row, c) > x.get(largest, c)))
            largest = row;
    }
    return largest;
}

template <typename T> static void pool(MppBackendState *s, MppPoolKind kind, MppWindows w, View<T> y, View<T> x)
{
    int64_t pixels = w.kernel_height * w.kernel_width;
    mpp_each(s, y.rows, y.columns, [=] __device__(int64_t n, int64_t c) {
        if (kind == MPP_MAX_POOL) {
            y.set(n, c, x.get(largest_row(w, x, n, c), c));
            return;
        }
        float sum = 0;
        for (int64_t p = 0; p < pixels; p++) {
            int64_t row = row_of(w, n, p);
            sum += row >= 0 ? x.get(row, c) : 0;
        }
        y.set(n, c, sum / (float)pixels);
    });
}

void mpp_cuda_pool(MppBackendState *s, MppPoolKind kind, const MppWindows *w, MppTensor y, MppTensor x)
{
    MPP_BY_ELEMENT(y, pool, s, kind, *w, y, x);
}

template <typename T>
static void pool_backward(MppBackendState *s, MppPoolKind kind, MppWindows w, View<T> dx, View<T> dy, View<T> x)
{
    int64_t pixels = w.kernel_height * w.kernel_width;
    mpp_each(s, dx.rows, dx.columns, [=] __device__(int64_t i, int64_t c) {
        float sum = 0;
        for (int64_t p = 0; p < pixels; p++) {
            int64_t n = window_of(w, i, p);
            if (n >= 0 && kind == MPP_AVERAGE_POOL)
                sum += dy.get(n, c) / (float)pixels;
            else if (n >= 0 && largest_row(w, x, n, c) == i)
                sum += dy.get(n, c);
        }
        dx.set(i, c, sum);
    });
}

void mpp_cuda_pool_backward(MppBackendState *s, MppPoolKind kind, const MppWindows *w, MppTensor dx, MppTensor dy, MppTensor x)
{
    MPP_BY_ELEMENT(dx, pool_backward, s, kind, *w, dx, dy, x);
}
