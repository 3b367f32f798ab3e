#include "sim/writers.h"

#include <math.h>

#include "planner/base/json.h"
#include "tests/support/expect.h"
#include "tests/support/simulated.h"

static MppJson *trace_of(const Simulated *simulated, const MppWriterOptions *options)
{
    g_autoptr(MppOutput) output = mpp_output_new_memory();
    mpp_write_chrome.write(simulated->tracks, options, 0, output);
    return mpp_expect_json(mpp_output_content(output)->str);
}

static const char *phase_of(const cJSON *event)
{
    return mpp_json_get(event, "ph")->valuestring;
}

static double number(const cJSON *event, const char *key)
{
    const cJSON *node = mpp_json_get(event, key);
    g_assert_true(cJSON_IsNumber(node));
    return node->valuedouble;
}

/** Whole nanoseconds, as viewers keep them. */
static int64_t ns(const cJSON *event, const char *key)
{
    return llround(number(event, key) * 1000);
}

static GArray *events_with(const MppJson *trace, const char *phase)
{
    GArray *events = g_array_new(FALSE, FALSE, sizeof(const cJSON *));
    const cJSON *event;
    cJSON_ArrayForEach(event, mpp_json_get(trace->root, "traceEvents")) if (g_str_equal(phase_of(event), phase))
        g_array_append_val(events, event);
    return events;
}

/** By track, then start, then the longer first. */
static int by_track(const void *a, const void *b)
{
    const cJSON *p = *(const cJSON *const *)a, *q = *(const cJSON *const *)b;
    int64_t order[] = { ns(p, "pid") - ns(q, "pid"), ns(p, "tid") - ns(q, "tid"), ns(p, "ts") - ns(q, "ts"),
                        ns(q, "dur") - ns(p, "dur") };
    for (size_t i = 0; i < G_N_ELEMENTS(order); i++)
        if (order[i])
            return order[i] < 0 ? -1 : 1;
    return 0;
}

/** Slices on a track lie within each other or apart. Returns: the deepest nesting. */
static int check_nesting(const MppJson *trace)
{
    g_autoptr(GArray) slices = events_with(trace, "X");
    g_autoptr(GArray) open = g_array_new(FALSE, FALSE, sizeof(int64_t));
    int64_t track = -1;
    guint deepest = 0;
    g_array_sort(slices, by_track);
    for (guint i = 0; i < slices->len; i++) {
        const cJSON *slice = g_array_index(slices, const cJSON *, i);
        int64_t start = ns(slice, "ts"), end = start + ns(slice, "dur"), own = ns(slice, "pid") * 1000 + ns(slice, "tid");
        g_assert_cmpint(ns(slice, "dur"), >=, 0);
        if (own != track)
            g_array_set_size(open, 0);
        track = own;
        while (open->len && g_array_index(open, int64_t, open->len - 1) <= start)
            g_array_set_size(open, open->len - 1);
        g_assert_true(!open->len || end <= g_array_index(open, int64_t, open->len - 1));
        g_array_append_val(open, end);
        deepest = MAX(deepest, open->len);
    }
    return (int)deepest;
}

static void test_nesting(void)
{
    static const struct {
        const char *strategy;
        bool unfold, detail;
        int deepest;
    } rows[] = {
        { "dp=8", false, false, 1 },
        { "dp=2,pp=4,mbs=1", true, false, 1 },
        { "dp=2,tp=2,pp=2,sp,recompute=full", false, true, 2 },
        { "dp=2,pp=2,vpp=2,cp=2,zero=1,schedule=interleaved", false, true, 2 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppWhatIf) what_if = mpp_what_if_new();
        what_if->unfold = rows[i].unfold;
        g_autoptr(Simulated) simulated = simulated_new(rows[i].strategy, 8, what_if);
        MppWriterOptions options = { .detail = rows[i].detail };
        g_autoptr(MppJson) trace = trace_of(simulated, &options);
        g_assert_cmpint(check_nesting(trace), ==, rows[i].deepest);
    }
}

/** Whether some slice of the event's track contains its time. */
static bool lies_in_slice(const GArray *slices, const cJSON *event)
{
    for (guint i = 0; i < slices->len; i++) {
        const cJSON *slice = g_array_index(slices, const cJSON *, i);
        if (ns(slice, "pid") == ns(event, "pid") && ns(slice, "tid") == ns(event, "tid") && ns(slice, "ts") <= ns(event, "ts") &&
            ns(event, "ts") <= ns(slice, "ts") + ns(slice, "dur"))
            return true;
    }
    return false;
}

/** Each message is an arrow from its transfer to a later pass on another rank. */
static void test_flows(void)
{
    g_autoptr(Simulated) simulated = simulated_new("dp=2,pp=2,vpp=2,mbs=2,schedule=interleaved", 4, NULL);
    g_autoptr(MppJson) trace = trace_of(simulated, &(MppWriterOptions){ 0 });
    g_autoptr(GArray) starts = events_with(trace, "s"), ends = events_with(trace, "f"), slices = events_with(trace, "X");
    g_assert_cmpuint(starts->len, ==, 4 * 2 * 3); /* micro-batches, passes, boundaries of chunks */
    g_assert_cmpuint(ends->len, ==, starts->len);
    for (guint i = 0; i < starts->len; i++) {
        const cJSON *start = g_array_index(starts, const cJSON *, i), *found = NULL;
        g_assert_true(lies_in_slice(slices, start));
        for (guint k = 0; k < ends->len; k++) {
            const cJSON *end = g_array_index(ends, const cJSON *, k);
            if (number(end, "id") != number(start, "id"))
                continue;
            g_assert_null(found);
            found = end;
        }
        g_assert_nonnull(found);
        g_assert_true(lies_in_slice(slices, found));
        g_assert_cmpfloat(number(found, "ts"), >, number(start, "ts"));
        g_assert_cmpfloat(number(found, "pid"), !=, number(start, "pid"));
    }
}

/** Slices of passes last as long as the lane's passes; processes are first ranks; memory peaks as the closed form says. */
static void test_contents(void)
{
    g_autoptr(Simulated) simulated = simulated_new("dp=2,tp=2,pp=2", 8, NULL);
    g_autoptr(MppJson) trace = trace_of(simulated, &(MppWriterOptions){ 0 });
    g_autoptr(GArray) slices = events_with(trace, "X"), counters = events_with(trace, "C"), names = events_with(trace, "M");
    for (int lane = 0; lane < 2; lane++) {
        double passes_s = 0, peak = 0;
        for (guint i = 0; i < slices->len; i++) {
            const cJSON *slice = g_array_index(slices, const cJSON *, i);
            bool own = number(slice, "pid") == 4 * lane && mpp_json_get(slice, "cat");
            passes_s += own ? number(slice, "dur") / 1e6 : 0;
        }
        for (guint i = 0; i < counters->len; i++) {
            const cJSON *counter = g_array_index(counters, const cJSON *, i), *parts = mpp_json_get(counter, "args");
            if (number(counter, "pid") == 4 * lane)
                peak = MAX(peak, number(parts, "stays") + number(parts, "activations") + number(parts, "working"));
        }
        g_assert_cmpfloat_with_epsilon(passes_s, simulated->simulation->lanes[lane].pass_s, 1e-7);
        MppMemoryRates rates = mpp_memory_rates(simulated->pipeline);
        g_assert_cmpfloat_with_epsilon(peak, mpp_memory_stage(simulated->pipeline, &rates, lane).allocated_bytes, 2);
    }
    const cJSON *name = mpp_json_get(mpp_json_get(g_array_index(names, const cJSON *, 0), "args"), "name");
    g_assert_cmpstr(name->valuestring, ==, "stage 0, rank 0 and the 1 it moves with");
}

/** Without the others' lanes there are no arrows to them. */
static void test_chosen(void)
{
    g_autoptr(Simulated) simulated = simulated_new("dp=2,pp=4,mbs=2", 8, NULL);
    const bool chosen[] = { false, true, true, false };
    g_autoptr(MppJson) trace = trace_of(simulated, &(MppWriterOptions){ .lanes = chosen });
    g_autoptr(GArray) starts = events_with(trace, "s"), ends = events_with(trace, "f"), slices = events_with(trace, "X");
    g_assert_cmpuint(starts->len, ==, 4 * 2);
    g_assert_cmpuint(ends->len, ==, starts->len);
    for (guint i = 0; i < slices->len; i++) {
        double rank = number(g_array_index(slices, const cJSON *, i), "pid");
        g_assert_true(rank == 2 || rank == 4);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/write-chrome/nesting", test_nesting);
    g_test_add_func("/write-chrome/flows", test_flows);
    g_test_add_func("/write-chrome/contents", test_contents);
    g_test_add_func("/write-chrome/chosen", test_chosen);
    return g_test_run();
}
