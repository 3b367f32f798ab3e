#include "sim/report.h"

#include <math.h>

#include "tests/support/simulated.h"

#define PASS(from, to, why)                                                                                                      \
    {                                                                                                                            \
        .start_s = from, .end_s = to, .cause = why, .action = MPP_ACTION_PASS, .pass = MPP_PASS_FORWARD                          \
    }
#define OTHER(kind, from, to, why)                                                                                               \
    {                                                                                                                            \
        .start_s = from, .end_s = to, .cause = why, .action = MPP_ACTION_##kind, .lane = 0                                       \
    }

/** A lane that waits for this and that; passes are a quarter exchange. */
static void test_gaps(void)
{
    static const struct {
        const char *what;
        MppSpan spans[4];
        int n;
        MppLaneShares shares;
    } rows[] = {
        { "passes alone", { PASS(0, 4, -1), PASS(4, 12, 0) }, 2, { 0, 9, 3, 0, 0, 0, 8 } },
        { "idle, then a message", { OTHER(SEND, 5, 7, -1), PASS(7, 11, 0) }, 2, { 0, 3, 1, 0, 2, 5, 9 } },
        { "a message sent before the last pass ended",
          { PASS(0, 4, -1), OTHER(SEND, 3, 6, 0), PASS(6, 10, 1) },
          3,
          { 0, 6, 2, 0, 2, 0, 10 } },
        { "a message that nobody waited for",
          { PASS(0, 4, -1), OTHER(SEND, 4, 5, 0), PASS(8, 12, 0) },
          3,
          { 0, 6, 2, 0, 0, 4, 8 } },
        { "gradients hidden, then exposed",
          { PASS(0, 4, -1), OTHER(REDUCE, 3, 9, 0), OTHER(UPDATE, 9, 10, 1) },
          3,
          { 0, 4, 1, 5, 0, 0, 10 } },
        { "gradients, then others",
          { PASS(0, 4, -1), OTHER(REDUCE, 5, 6, 0), OTHER(UPDATE, 9, 10, 1) },
          3,
          { 0, 4, 1, 1, 0, 4, 10 } },
        { "gradients while a message is awaited",
          { PASS(0, 4, -1), OTHER(REDUCE, 4, 6, 0), OTHER(SEND, 5, 8, 0), PASS(8, 12, 2) },
          4,
          { 0, 6, 2, 2, 2, 0, 8 } },
        { "parameters after the update", { OTHER(UPDATE, 0, 2, -1), OTHER(GATHER, 3, 7, 0) }, 2, { 0, 2, 0, 4, 0, 1, 13 } },
    };
    g_autoptr(Simulated) simulated = simulated_new("dp=2", 2, NULL);
    simulated->simulation->scene.times[0] = (MppChunkTime){ 3, 1 };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        simulated_set_spans(simulated, rows[i].spans, rows[i].n, 20);
        g_autoptr(MppReport) report = mpp_report_new(simulated->tracks, NULL);
        const MppLaneShares *got = &g_array_index(report->lanes, MppLaneShares, 0), *expected = &rows[i].shares;
        g_test_message("%s", rows[i].what);
        g_assert_cmpfloat(got->compute_s, ==, expected->compute_s);
        g_assert_cmpfloat(got->exchange_s, ==, expected->exchange_s);
        g_assert_cmpfloat(got->data_s, ==, expected->data_s);
        g_assert_cmpfloat(got->message_s, ==, expected->message_s);
        g_assert_cmpfloat(got->idle_s, ==, expected->idle_s);
        g_assert_cmpfloat(got->end_s, ==,
                          20 - expected->compute_s - expected->exchange_s - expected->data_s - expected->message_s -
                              expected->idle_s);
    }
}

/** Whatever the plan and whatever goes wrong, a lane's shares are the step. */
static void test_sums(void)
{
    static const struct {
        const char *strategy;
        bool unfold;
        double jitter_frac;
    } rows[] = {
        { "dp=8", false, 0 },
        { "dp=2,tp=2,pp=2,zero=1,sp", false, 0 },
        { "dp=2,pp=4,mbs=2,schedule=gpipe", true, 0 },
        { "dp=2,pp=2,vpp=2,tp=2,zero=0,schedule=interleaved", true, 0.3 },
        { "dp=4,pp=2,zero=2,recompute=full", true, 0.1 },
        { "dp=2,cp=2,pp=2,mbs=2,zero=3", false, 0 },
        { "dp=4,pp=2,vpp=2,schedule=zb-v", true, 0.2 },
        { "dp=4,pp=2,schedule=chimera", false, 0 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppWhatIf) what_if = mpp_what_if_new();
        what_if->unfold = rows[i].unfold;
        what_if->jitter_frac = rows[i].jitter_frac;
        g_autoptr(Simulated) simulated = simulated_new(rows[i].strategy, 8, what_if);
        g_autoptr(MppReport) report = mpp_report_new(simulated->tracks, NULL);
        g_assert_cmpint(report->lanes->len, ==, simulated->simulation->n_lanes);
        for (guint lane = 0; lane < report->lanes->len; lane++) {
            const MppLaneShares *shares = &g_array_index(report->lanes, MppLaneShares, lane);
            double sum_s = shares->compute_s + shares->exchange_s + shares->data_s + shares->message_s + shares->idle_s + shares->end_s;
            plain_job_expect("sum", sum_s, simulated->simulation->step_s);
            g_assert_true(shares->idle_s >= 0 && shares->message_s >= 0 && shares->data_s >= 0 && shares->end_s >= -1e-15);
        }
    }
}

/** By the step: what the busiest lane is not in passes; by the longest span: the same of the lane that has it. */
static void test_bubbles(void)
{
    g_autoptr(Simulated) simulated = simulated_new("dp=2,pp=2,mbs=4,schedule=gpipe", 4, NULL);
    g_autoptr(MppReport) report = mpp_report_new(simulated->tracks, NULL);
    const MppSimulation *simulation = simulated->simulation;
    g_assert_cmpfloat(report->bubble_frac, ==, simulation->bubble_frac);
    g_assert_cmpfloat(report->longest_span_s, ==, simulation->longest_span_s);
    g_assert_cmpfloat(report->longest_span_s, <=, simulation->passes_end_s);
    const MppLaneTimes *first = &simulation->lanes[0];
    plain_job_expect("of stage 0, which begins first and ends last", report->span_bubble_frac,
                     1 - first->pass_s / (first->last_s - first->first_s));
    g_assert_cmpfloat(report->span_bubble_frac, >, report->bubble_frac);
}

/** Two stages on different nodes: each message leaves and enters a port once; gradients stay below. */
static void test_tiers(void)
{
    g_autoptr(Simulated) simulated = simulated_new("dp=4,pp=2", 8, NULL);
    g_autoptr(MppReport) report = mpp_report_new(simulated->tracks, NULL);
    const MppScene *scene = &simulated->simulation->scene;
    g_assert_cmpuint(report->tiers->len, ==, 2);
    const MppTierUse *node = &g_array_index(report->tiers, MppTierUse, 0),
                     *network = &g_array_index(report->tiers, MppTierUse, 1);
    g_assert_cmpint(node->tier, ==, 0);
    g_assert_cmpint(network->tier, ==, 1);
    int messages = 2 * 16 / 4;
    plain_job_expect("network", network->carried_bytes, 2 * messages * scene->message_s[0] * scene->message_bytes_per_s);
    double reduced = 0;
    for (int k = 0; k < 2; k++)
        reduced += scene->n_replica_links[k] * scene->reductions[k].work_s * scene->reductions[k].bytes_per_s;
    plain_job_expect("node", node->carried_bytes, reduced);
    g_assert_cmpfloat(network->most_busy_frac, <=, 1);
    g_assert_cmpfloat(network->mean_busy_frac, <=, network->most_busy_frac);
    g_assert_cmpfloat(network->most_contended_s, ==, 0);
}

static void test_chosen(void)
{
    g_autoptr(Simulated) simulated = simulated_new("dp=2,pp=4,mbs=2", 8, NULL);
    const bool chosen[] = { false, false, true, false };
    g_autoptr(MppReport) report = mpp_report_new(simulated->tracks, chosen);
    g_assert_cmpuint(report->lanes->len, ==, 1);
    g_assert_cmpint(g_array_index(report->lanes, MppLaneShares, 0).lane, ==, 2);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/report/gaps", test_gaps);
    g_test_add_func("/report/sums", test_sums);
    g_test_add_func("/report/bubbles", test_bubbles);
    g_test_add_func("/report/tiers", test_tiers);
    g_test_add_func("/report/chosen", test_chosen);
    return g_test_run();
}
