#include "validate/worker/measure.h"

#include "validate/net/counter_random.h"

MppBuffer *mpp_measure_numbers(const MppRank *rank, MppElement element, int64_t rows, int64_t columns)
{
    uint64_t stream = mpp_counter_random_stream("measure", 0);
    g_autofree float *values = g_new(float, rows *columns);
    for (int64_t i = 0; i < rows * columns; i++)
        values[i] = (float)mpp_counter_random_signed(stream, (uint64_t)i);
    g_autoptr(MppBuffer) exact = mpp_buffer_of(rank, MPP_ELEMENT_F32, rows, columns, values);
    if (element == MPP_ELEMENT_F32)
        return g_steal_pointer(&exact);
    MppBuffer *rounded = mpp_buffer_new(rank, element, rows, columns);
    mpp_run(rank, copy, rounded->tensor, exact->tensor);
    return rounded;
}

/* --- the host --- */

static void start_small(const MppRank *rank, gpointer data)
{
    mpp_run(rank, fill, ((MppBuffer *)data)->tensor, 1);
}

typedef struct {
    MppBuffer *device;
    void *host;
    size_t bytes;
} Copy;

static void to_device(const MppRank *rank, gpointer data)
{
    Copy *copy = data;
    mpp_run(rank, upload, copy->device->tensor.data, copy->host, copy->bytes);
}

static void to_host(const MppRank *rank, gpointer data)
{
    Copy *copy = data;
    mpp_run(rank, download, copy->host, copy->device->tensor.data, copy->bytes);
}

/** Starting an operation of no work, and copies between host and device. */
static void measure_host(MppStopwatch *watch)
{
    g_autoptr(MppBuffer) one = mpp_buffer_zeros(watch->rank, MPP_ELEMENT_F32, 1, 1);
    MppSample launch = mpp_samples_blank(MPP_SAMPLE_LAUNCH, "fill of one element");
    mpp_stopwatch_take(watch, launch, start_small, one);
    static const int64_t columns[] = { 1 << 14, 1 << 18, 1 << 22 };
    for (size_t i = 0; i < G_N_ELEMENTS(columns); i++) {
        g_autoptr(MppBuffer) buffer = mpp_buffer_zeros(watch->rank, MPP_ELEMENT_F32, 1, columns[i]);
        g_autofree float *host = g_new0(float, columns[i]);
        Copy copy = { buffer, host, (size_t)columns[i] * sizeof(float) };
        MppSample up = mpp_samples_blank(MPP_SAMPLE_COPY, "to the device"),
                  down = mpp_samples_blank(MPP_SAMPLE_COPY, "to the host");
        up.bytes = down.bytes = (double)copy.bytes;
        mpp_stopwatch_take(watch, up, to_device, &copy);
        mpp_stopwatch_take(watch, down, to_host, &copy);
    }
}

bool mpp_measure_run(const MppRank *rank, int64_t rounds, MppWatchdog *watchdog, MppSamples *samples, GError **error)
{
    static const MppElement elements[] = { MPP_ELEMENT_F32, MPP_ELEMENT_BF16 };
    g_autoptr(MppStopwatch) watch = mpp_stopwatch_new(rank, samples, watchdog);
    for (int64_t round = 0; round < rounds; round++) {
        mpp_stopwatch_rewind(watch);
        measure_host(watch);
        for (int i = 0; i < (rank->backend->computes_bf16 ? 2 : 1); i++) {
            mpp_measure_products(watch, elements[i]);
            mpp_measure_attention(watch, elements[i]);
            mpp_measure_streams(watch, elements[i]);
        }
        mpp_measure_links(watch);
        if (!mpp_rank_check(rank, error))
            return false;
    }
    mpp_stopwatch_finish(watch);
    return true;
}
