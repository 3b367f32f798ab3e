#include "validate/worker/stopwatch.h"

#include <math.h>

#include "validate/run_report.h"
#include "validate/worker/gather.h"

/** A time covers several slices of a scheduler, so that ranks which share a core all get their part. */
static const double least_s = 0.012;
static const double most_calls = 20000;

typedef struct {
    int64_t calls;   /* a time covers */
    double first_s;  /* of one call, in the first round */
    GArray *seconds; /* double: of one call, by round */
} Timing;

static void timing_free(gpointer data)
{
    Timing *timing = data;
    g_array_unref(timing->seconds);
    g_free(timing);
}

/** Ranks on the host of rank @i, among ranks @first … + @n. */
static int64_t sharing(const int32_t *hosts, int64_t first, int64_t n, int64_t i)
{
    int64_t sharing = 0;
    for (int64_t r = first; r < first + n; r++)
        sharing += hosts[r] == hosts[i];
    return sharing;
}

int64_t mpp_stopwatch_nodes(const int32_t *hosts, int64_t n_ranks, int64_t n)
{
    int64_t on_host = sharing(hosts, 0, n, 0);
    for (int64_t r = 0; r < n_ranks; r++)
        if (sharing(hosts, r / n * n, n, r) != on_host)
            return 0;
    return n / on_host;
}

MppStopwatch *mpp_stopwatch_new(const MppRank *rank, MppSamples *samples, MppWatchdog *watchdog)
{
    MppStopwatch *watch = g_new0(MppStopwatch, 1);
    watch->rank = rank;
    watch->world = rank->size > 1 ? mpp_run(rank, group_new, 0, rank->index) : NULL;
    watch->hosts = mpp_gather_numbers(rank, watch->world, (int32_t)rank->host);
    for (int64_t r = 0; r < rank->size; r++)
        watch->busy_ranks = MAX(watch->busy_ranks, sharing(watch->hosts, 0, rank->size, r));
    watch->samples = samples;
    watch->watchdog = watchdog;
    watch->timings = g_ptr_array_new_with_free_func(timing_free);
    return watch;
}

void mpp_stopwatch_free(MppStopwatch *watch)
{
    if (!watch)
        return;
    if (watch->world)
        mpp_run(watch->rank, group_free, watch->world);
    g_ptr_array_unref(watch->timings);
    g_free(watch->hosts);
    g_free(watch);
}

/** Seconds of @calls calls that all ranks begin together, on the slowest. */
static double time_calls(const MppStopwatch *watch, int64_t calls, MppStopwatchCall call, gpointer data)
{
    const MppRank *rank = watch->rank;
    if (watch->world)
        mpp_run(rank, barrier, watch->world);
    double begin_s = rank->backend->now_s(rank->state);
    for (int64_t i = 0; i < calls; i++)
        call(rank, data);
    rank->backend->settle(rank->state);
    return mpp_gather_most(rank, watch->world, rank->backend->now_s(rank->state) - begin_s);
}

static Timing *first_time(MppStopwatch *watch, MppStopwatchCall call, gpointer data)
{
    Timing *timing = g_new0(Timing, 1);
    timing->seconds = g_array_new(FALSE, FALSE, sizeof(double));
    time_calls(watch, 1, call, data);
    double once_s = time_calls(watch, 1, call, data);
    timing->calls = (int64_t)ceil(MIN(least_s / MAX(once_s, 1e-9), most_calls));
    g_ptr_array_add(watch->timings, timing);
    return timing;
}

double mpp_stopwatch_take(MppStopwatch *watch, MppSample sample, MppStopwatchCall call, gpointer data)
{
    mpp_watchdog_feed(watch->watchdog, "measurement");
    bool first = watch->next == watch->timings->len;
    Timing *timing = first ? first_time(watch, call, data) : watch->timings->pdata[watch->next];
    watch->next++;
    double seconds = time_calls(watch, timing->calls, call, data) / (double)timing->calls;
    g_array_append_val(timing->seconds, seconds);
    if (first) {
        timing->first_s = seconds;
        sample.busy_ranks = watch->busy_ranks;
        mpp_samples_add(watch->samples, sample);
    } else {
        mpp_fields_clear(&mpp_sample_fields, &sample);
    }
    return timing->first_s;
}

void mpp_stopwatch_rewind(MppStopwatch *watch)
{
    watch->next = 0;
}

static int by_value(gconstpointer a, gconstpointer b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

void mpp_stopwatch_finish(MppStopwatch *watch)
{
    for (guint i = 0; i < watch->timings->len; i++) {
        GArray *seconds = ((Timing *)watch->timings->pdata[i])->seconds;
        MppSample *sample = &g_array_index(watch->samples->samples, MppSample, i);
        g_array_sort(seconds, by_value);
        const double *s = (const double *)(void *)seconds->data;
        sample->repeats = seconds->len;
        sample->median_s = mpp_median(s, seconds->len);
        sample->p10_s = s[(seconds->len - 1) / 10];
        sample->p90_s = s[seconds->len - 1 - (seconds->len - 1) / 10];
    }
}
