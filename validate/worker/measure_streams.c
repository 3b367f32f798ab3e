/**
 * What moves bytes. They are counted as planner/ops counts them for the same operation in a layer.
 */
#include "validate/worker/measure.h"

/** @wide: twice the columns, the two halves of a gated activation. */
typedef struct {
    int64_t rows, columns;
    MppTensor x, y, z, wide, dwide, moments, weight, dweight, statistics, row, sums, index;
} Streams;

static void add_up(const MppRank *rank, gpointer data)
{
    const Streams *s = data;
    mpp_run(rank, add, s->z, s->x, s->y);
}

static void rms_norm(const MppRank *rank, gpointer data)
{
    const Streams *s = data;
    mpp_run(rank, norm, MPP_RMS_NORM, s->y, s->x, s->weight, (MppTensor){ 0 }, s->statistics, 1e-5);
}

static void rms_norm_backward(const MppRank *rank, gpointer data)
{
    const Streams *s = data;
    mpp_run(rank, norm_backward, MPP_RMS_NORM, s->z, s->dweight, (MppTensor){ 0 }, s->y, s->x, s->weight, s->statistics);
}

static void layer_norm(const MppRank *rank, gpointer data)
{
    const Streams *s = data;
    mpp_run(rank, norm, MPP_LAYER_NORM, s->y, s->x, s->weight, s->weight, s->statistics, 1e-5);
}

static void silu(const MppRank *rank, gpointer data)
{
    const Streams *s = data;
    mpp_run(rank, activation, MPP_SILU, true, s->y, s->wide);
}

static void silu_backward(const MppRank *rank, gpointer data)
{
    const Streams *s = data;
    mpp_run(rank, activation_backward, MPP_SILU, true, s->dwide, s->y, s->wide);
}

static void gelu(const MppRank *rank, gpointer data)
{
    const Streams *s = data;
    mpp_run(rank, activation, MPP_GELU, false, s->y, s->x);
}

static void turn(const MppRank *rank, gpointer data)
{
    const Streams *s = data;
    mpp_run(rank, rotary, s->x, s->index, 64, 10000, false);
}

static void take(const MppRank *rank, gpointer data)
{
    const Streams *s = data;
    mpp_run(rank, take_rows, s->y, s->x, s->index, 0);
}

static void put(const MppRank *rank, gpointer data)
{
    const Streams *s = data;
    mpp_run(rank, add_rows, s->z, s->x, s->index, 0);
}

static void cross_entropy(const MppRank *rank, gpointer data)
{
    const Streams *s = data;
    MppTensor total = mpp_tensor_columns(s->dweight, 0, 1);
    mpp_run(rank, loss_maximum, s->row, s->x, s->columns);
    mpp_run(rank, loss_sums, s->sums, s->x, s->row, s->index, 0, s->columns);
    mpp_run(rank, loss_total, total, s->sums, 1);
    mpp_run(rank, loss_gradient, s->x, s->row, s->sums, s->index, 0, s->columns, 1);
}

/** With what belongs to an update: the norm of the gradients, and clearing them. */
static void update(const MppRank *rank, gpointer data)
{
    const Streams *s = data;
    const MppAdam how = { 1e-4, 0.9, 0.95, 1e-8, 1 };
    int64_t n = s->rows * s->columns;
    MppTensor mean = mpp_tensor_shaped(mpp_tensor_rows(s->moments, 0, s->rows), 1, n),
              variance = mpp_tensor_shaped(mpp_tensor_rows(s->moments, s->rows, s->rows), 1, n);
    mpp_run(rank, add_squares, mpp_tensor_columns(s->dweight, 0, 1), s->x);
    mpp_run(rank, adam, &how, mpp_tensor_shaped(s->y, 1, n), mpp_tensor_shaped(s->x, 1, n), mean, variance);
    mpp_run(rank, fill, s->x, 0.001);
}

/** @moved: numbers read and written for an element of the activations; of the parameters, always F32, for "adam". */
static const struct {
    const char *name;
    MppStreaming streaming;
    double moved;
    int64_t kernels;
    MppStopwatchCall call;
} streams[] = {
    { "sum", MPP_STREAMING_COPY, 3, 1, add_up },
    { "rms norm", MPP_STREAMING_NORM, 2, 1, rms_norm },
    { "rms norm, backward", MPP_STREAMING_NORM, 3, 2, rms_norm_backward },
    { "layer norm", MPP_STREAMING_NORM, 2, 1, layer_norm },
    { "gated silu", MPP_STREAMING_ACTIVATION, 3, 1, silu },
    { "gated silu, backward", MPP_STREAMING_ACTIVATION, 4, 1, silu_backward },
    { "gelu", MPP_STREAMING_ACTIVATION, 2, 1, gelu },
    { "rotary embedding", MPP_STREAMING_ROTARY, 2, 1, turn },
    { "rows taken", MPP_STREAMING_GATHER, 2, 1, take },
    { "rows added", MPP_STREAMING_GATHER, 3, 1, put },
    { "cross entropy", MPP_STREAMING_LOSS, 4, 3, cross_entropy },
    { "adam", MPP_STREAMING_OPTIMIZER, 9, 1, update },
};

static void take_streams(MppStopwatch *watch, Streams *s)
{
    double elements = (double)s->rows * (double)s->columns;
    for (size_t i = 0; i < G_N_ELEMENTS(streams); i++) {
        if (s->x.element != MPP_ELEMENT_F32 && streams[i].streaming == MPP_STREAMING_OPTIMIZER)
            continue;
        MppSample sample = mpp_samples_blank(MPP_SAMPLE_MEMORY, streams[i].name);
        sample.precision = mpp_measure_precision(s->x.element);
        sample.streaming = streams[i].streaming;
        sample.bytes = elements * streams[i].moved * (double)mpp_element_bytes(s->x.element);
        sample.kernels = streams[i].kernels;
        mpp_stopwatch_take(watch, sample, streams[i].call, s);
    }
}

static MppBuffer *numbers_below(const MppRank *rank, int64_t n, int64_t below)
{
    g_autofree int32_t *values = g_new(int32_t, n);
    for (int64_t i = 0; i < n; i++)
        values[i] = (int32_t)(i * 37 % below); /* scattered */
    return mpp_buffer_of(rank, MPP_ELEMENT_I32, n, 1, values);
}

static void measure_size(MppStopwatch *watch, MppElement element, int64_t rows, int64_t columns)
{
    const MppRank *rank = watch->rank;
    g_autoptr(MppBuffer) x = mpp_measure_numbers(rank, element, rows, columns);
    g_autoptr(MppBuffer) y = mpp_measure_numbers(rank, element, rows, columns);
    g_autoptr(MppBuffer) z = mpp_buffer_zeros(rank, element, rows, columns);
    g_autoptr(MppBuffer) wide = mpp_measure_numbers(rank, element, rows, 2 * columns);
    g_autoptr(MppBuffer) dwide = mpp_buffer_zeros(rank, element, rows, 2 * columns);
    g_autoptr(MppBuffer)
        moments = mpp_buffer_zeros(rank, MPP_ELEMENT_F32, 2 * rows, columns); /* of Adam: variances are never negative */
    g_autoptr(MppBuffer) weight = mpp_measure_numbers(rank, element, 1, columns);
    g_autoptr(MppBuffer) dweight = mpp_buffer_zeros(rank, MPP_ELEMENT_F32, 1, columns);
    g_autoptr(MppBuffer) statistics = mpp_buffer_zeros(rank, MPP_ELEMENT_F32, rows, 2);
    g_autoptr(MppBuffer) row = mpp_buffer_zeros(rank, MPP_ELEMENT_F32, rows, 1);
    g_autoptr(MppBuffer) sums = mpp_buffer_zeros(rank, MPP_ELEMENT_F32, rows, 2);
    g_autoptr(MppBuffer) index = numbers_below(rank, rows, rows);
    Streams s = { rows,          columns,         x->tensor,      y->tensor,       z->tensor,          wide->tensor,
                  dwide->tensor, moments->tensor, weight->tensor, dweight->tensor, statistics->tensor, row->tensor,
                  sums->tensor,  index->tensor };
    take_streams(watch, &s);
}

void mpp_measure_streams(MppStopwatch *watch, MppElement element)
{
    static const struct {
        int64_t rows, columns;
    } shapes[] = { { 64, 256 }, { 256, 512 }, { 256, 2048 }, { 1024, 1024 } };
    for (size_t i = 0; i < G_N_ELEMENTS(shapes); i++)
        measure_size(watch, element, shapes[i].rows, shapes[i].columns);
}
