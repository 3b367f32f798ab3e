#include <math.h>

#include "validate/cpu/cpu.h"

/** Number @n of all windows: where its first pixel is, and its sample's first row. Both may lie beyond the edge. */
typedef struct {
    int64_t top, left, first_row;
} Spot;

static Spot spot_of(const MppWindows *w, int64_t n)
{
    int64_t per_sample = w->out_height * w->out_width;
    return (Spot){ n % per_sample / w->out_width * w->stride - w->padding, n % w->out_width * w->stride - w->padding,
                   n / per_sample * w->height * w->width };
}

/** The row of the window's pixel at @a, @b; -1 beyond the edge. */
static int64_t row_of(const MppWindows *w, const Spot *spot, int64_t a, int64_t b)
{
    int64_t line = spot->top + a, column = spot->left + b;
    if (line < 0 || line >= w->height || column < 0 || column >= w->width)
        return -1;
    return spot->first_row + line * w->width + column;
}

void mpp_cpu_windows(MppBackendState *s, const MppWindows *w, MppTensor y, MppTensor x)
{
    if (mpp_cpu_failed(s))
        return;
    int64_t pixels = w->kernel_height * w->kernel_width;
    for (int64_t n = 0; n < y.rows; n++) {
        Spot spot = spot_of(w, n);
        float *to = mpp_cpu_row(y, n);
        for (int64_t p = 0; p < pixels; p++) {
            int64_t row = row_of(w, &spot, p / w->kernel_width, p % w->kernel_width);
            const float *from = row >= 0 ? mpp_cpu_row(x, row) : NULL;
            for (int64_t c = 0; c < x.columns; c++)
                to[c * pixels + p] = from ? from[c] : 0;
        }
    }
}

void mpp_cpu_windows_backward(MppBackendState *s, const MppWindows *w, MppTensor dx, MppTensor dy)
{
    mpp_cpu_fill(s, dx, 0);
    if (mpp_cpu_failed(s))
        return;
    int64_t pixels = w->kernel_height * w->kernel_width;
    for (int64_t n = 0; n < dy.rows; n++) {
        Spot spot = spot_of(w, n);
        const float *given = mpp_cpu_row(dy, n);
        for (int64_t p = 0; p < pixels; p++) {
            int64_t row = row_of(w, &spot, p / w->kernel_width, p % w->kernel_width);
            for (int64_t c = 0; row >= 0 && c < dx.columns; c++)
                mpp_cpu_row(dx, row)[c] += given[c * pixels + p];
        }
    }
}

/** Row of the window's largest number of channel @c. */
static int64_t largest_row(const MppWindows *w, const Spot *spot, MppTensor x, int64_t c)
{
    int64_t largest = -1;
    for (int64_t a = 0; a < w->kernel_height; a++)
        for (int64_t b = 0; b < w->kernel_width; b++) {
            int64_t row = row_of(w, spot, a, b);
            if (row >= 0 && (largest < 0 || mpp_cpu_row(x, row)[c] > mpp_cpu_row(x, largest)[c]))
                largest = row;
        }
    return largest;
}

static float mean(const MppWindows *w, const Spot *spot, MppTensor x, int64_t c)
{
    double sum = 0;
    for (int64_t a = 0; a < w->kernel_height; a++)
        for (int64_t b = 0; b < w->kernel_width; b++) {
            int64_t row = row_of(w, spot, a, b);
            sum += row >= 0 ? mpp_cpu_row(x, row)[c] : 0;
        }
    return (float)(sum / (double)(w->kernel_height * w->kernel_width));
}

void mpp_cpu_pool(MppBackendState *s, MppPoolKind kind, const MppWindows *w, MppTensor y, MppTensor x)
{
    if (mpp_cpu_failed(s))
        return;
    for (int64_t n = 0; n < y.rows; n++) {
        Spot spot = spot_of(w, n);
        for (int64_t c = 0; c < y.columns; c++)
            mpp_cpu_row(y, n)[c] = kind == MPP_AVERAGE_POOL ? mean(w, &spot, x, c)
                                                            : mpp_cpu_row(x, largest_row(w, &spot, x, c))[c];
    }
}

static void spread(const MppWindows *w, const Spot *spot, MppTensor dx, int64_t c, float given)
{
    for (int64_t a = 0; a < w->kernel_height; a++)
        for (int64_t b = 0; b < w->kernel_width; b++) {
            int64_t row = row_of(w, spot, a, b);
            if (row >= 0)
                mpp_cpu_row(dx, row)[c] += given / (float)(w->kernel_height * w->kernel_width);
        }
}

void mpp_cpu_pool_backward(MppBackendState *s, MppPoolKind kind, const MppWindows *w, MppTensor dx, MppTensor dy, MppTensor x)
{
    mpp_cpu_fill(s, dx, 0);
    if (mpp_cpu_failed(s))
        return;
    for (int64_t n = 0; n < dy.rows; n++) {
        Spot spot = spot_of(w, n);
        for (int64_t c = 0; c < dy.columns; c++) {
            float given = mpp_cpu_row(dy, n)[c];
            if (kind == MPP_AVERAGE_POOL)
                spread(w, &spot, dx, c, given);
            else
                mpp_cpu_row(dx, largest_row(w, &spot, x, c))[c] += given;
        }
    }
}
