#include "sim/writers.h"

#include "planner/base/json.h"
#include "tests/support/expect.h"
#include "tests/support/simulated.h"

static MppJson *trace_of(const Simulated *simulated, int64_t rank, bool detail)
{
    g_autoptr(MppOutput) output = mpp_output_new_memory();
    mpp_write_kineto.write(simulated->tracks, &(MppWriterOptions){ .detail = detail }, rank, output);
    return mpp_expect_json(mpp_output_content(output)->str);
}

static double number(const cJSON *object, const char *key)
{
    const cJSON *node = mpp_json_get(object, key);
    g_assert_true(cJSON_IsNumber(node));
    return node->valuedouble;
}

/** Time in which some kernel of the kind runs, as HTA counts it: overlaps once. Kernels come in order of their streams. */
static double busy_s(const MppJson *trace, bool collectives, bool both)
{
    enum { MOST = 1 << 16 };
    g_autoptr(GArray) edges = g_array_new(FALSE, FALSE, 2 * sizeof(double));
    const cJSON *event;
    cJSON_ArrayForEach(event, mpp_json_get(trace->root, "traceEvents"))
    {
        bool collective = g_str_has_prefix(mpp_json_get(event, "name")->valuestring, "nccl");
        if (!g_str_equal(mpp_json_get(event, "cat")->valuestring, "kernel") || (!both && collective != collectives))
            continue;
        double edge[2] = { number(event, "ts"), number(event, "ts") + number(event, "dur") };
        guint at = edges->len;
        while (at && ((double *)(void *)edges->data)[2 * (at - 1)] > edge[0])
            at--;
        g_array_insert_vals(edges, at, edge, 1);
    }
    double sum = 0, until = -1;
    for (guint i = 0; i < edges->len; i++) {
        const double *edge = (const double *)(void *)edges->data + 2 * i;
        sum += MAX(0, edge[1] - MAX(edge[0], until));
        until = MAX(until, edge[1]);
    }
    return sum / 1e6;
}

/** What HTA's temporal breakdown computes from a file is what the report says. */
static void test_breakdown(void)
{
    static const char *const strategies[] = { "dp=8", "dp=2,tp=2,pp=2,sp,zero=1", "cp=2,dp=4,zero=3", "dp=2,pp=4,mbs=2" };
    for (size_t i = 0; i < G_N_ELEMENTS(strategies); i++) {
        g_autoptr(Simulated) simulated = simulated_new(strategies[i], 8, NULL);
        g_autoptr(MppReport) report = mpp_report_new(simulated->tracks, NULL);
        for (guint lane = 0; lane < report->lanes->len; lane++) {
            const MppLaneShares *shares = &g_array_index(report->lanes, MppLaneShares, lane);
            int64_t rank = mpp_lanes_first_rank(&simulated->simulation->ranks, (int32_t)lane);
            g_autoptr(MppJson) trace = trace_of(simulated, rank, false), layers = trace_of(simulated, rank, true);
            double waits_s = shares->exchange_s + shares->data_s + shares->message_s;
            g_assert_cmpfloat_with_epsilon(busy_s(trace, false, false), shares->compute_s, 1e-6);
            g_assert_cmpfloat(busy_s(trace, false, true) - shares->compute_s, >=, waits_s - 1e-6);
            g_assert_cmpfloat(busy_s(trace, false, true), <=, shares->compute_s + waits_s + shares->idle_s + 1e-6);
            g_assert_cmpfloat_with_epsilon(busy_s(layers, false, false), shares->compute_s, 1e-6);
        }
    }
}

/** The rank stands on a line of its own, every kernel has its launch before it, streams do not overlap. */
static void test_form(void)
{
    g_autoptr(Simulated) simulated = simulated_new("dp=2,tp=2,pp=2,sp,zero=1", 8, NULL);
    g_autoptr(MppOutput) output = mpp_output_new_memory();
    mpp_write_kineto.write(simulated->tracks, &(MppWriterOptions){ .detail = true }, 4, output);
    g_assert_nonnull(g_strstr_len(mpp_output_content(output)->str, 200, "\n\"rank\": 4,\n"));
    g_autoptr(MppJson) trace = mpp_expect_json(mpp_output_content(output)->str);
    g_assert_cmpfloat(number(mpp_json_get(trace->root, "distributedInfo"), "world_size"), ==, 8);
    double ends[64] = { 0 };
    const cJSON *event, *launch = NULL;
    int n = 0;
    cJSON_ArrayForEach(event, mpp_json_get(trace->root, "traceEvents"))
    {
        if (g_str_equal(mpp_json_get(event, "cat")->valuestring, "cuda_runtime")) {
            launch = event;
            continue;
        }
        const cJSON *args = mpp_json_get(event, "args");
        int stream = (int)number(args, "stream");
        g_assert_cmpfloat(number(args, "correlation"), ==, number(mpp_json_get(launch, "args"), "correlation"));
        g_assert_cmpfloat(number(launch, "ts"), <=, number(event, "ts"));
        g_assert_cmpfloat(number(event, "ts"), >=, ends[stream] - 1e-6);
        ends[stream] = number(event, "ts") + number(event, "dur");
        n++;
    }
    g_assert_cmpint(n, >, 100);
}

/** A lane gets the messages that are sent to it. */
static void test_messages(void)
{
    g_autoptr(Simulated) simulated = simulated_new("dp=2,pp=4,mbs=2", 8, NULL);
    const int messages[] = { 4, 8, 8, 4 };
    for (int lane = 0; lane < 4; lane++) {
        g_autoptr(MppJson) trace = trace_of(simulated, 2 * lane, false);
        const cJSON *event;
        int n = 0;
        cJSON_ArrayForEach(event, mpp_json_get(trace->root, "traceEvents"))
            n += g_str_equal(mpp_json_get(event, "name")->valuestring, "ncclDevKernel_SendRecv(pp)");
        g_assert_cmpint(n, ==, messages[lane]);
    }
}

/** A collective is called what context-parallel ranks exchange by. */
static void test_context(void)
{
    static const struct { const char *strategy, *name; } rows[] = {
        { "cp=2,mbs=1", "ncclDevKernel_SendRecv(cp)" },
        { "cp=2,mbs=1,cp_kind=all-to-all", "ncclDevKernel_AllToAll(cp)" },
        { "cp=2,mbs=1,cp_kind=all-gather", "ncclDevKernel_AllGather_ReduceScatter(cp)" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Simulated) simulated = simulated_new(rows[i].strategy, 2, NULL);
        g_autoptr(MppJson) trace = trace_of(simulated, 0, false);
        const cJSON *event;
        int n = 0;
        cJSON_ArrayForEach(event, mpp_json_get(trace->root, "traceEvents"))
            n += g_str_equal(mpp_json_get(event, "name")->valuestring, rows[i].name);
        g_assert_cmpint(n, >, 0);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/write-kineto/breakdown", test_breakdown);
    g_test_add_func("/write-kineto/form", test_form);
    g_test_add_func("/write-kineto/messages", test_messages);
    g_test_add_func("/write-kineto/context", test_context);
    return g_test_run();
}
