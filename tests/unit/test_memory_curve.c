#include "sim/memory_curve.h"

#include "tests/support/simulated.h"

/** With equal chunks the peak is the closed form's, stage by stage. */
static void test_peaks(void)
{
    static const char *const strategies[] = {
        "dp=8",
        "dp=2,pp=4,mbs=2,schedule=gpipe",
        "dp=2,pp=4,mbs=1",
        "dp=2,pp=4,mbs=1,recompute=full",
        "dp=2,pp=4,mbs=1,recompute=selective,zero=1",
        "dp=4,pp=2,zero=2",
        "dp=2,pp=2,tp=2,sp,zero=3,recompute=full",
        "dp=2,pp=2,cp=2,schedule=gpipe,recompute=full",
        "dp=2,pp=2,vpp=2,tp=2,schedule=interleaved",
        "dp=2,pp=2,vpp=2,tp=2,schedule=interleaved,recompute=full",
        "dp=2,pp=4,mbs=1,schedule=zb-h1",
        "dp=2,pp=4,mbs=1,schedule=zb-h2",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(strategies); i++) {
        g_autoptr(Simulated) simulated = simulated_new(strategies[i], 8, NULL);
        MppMemoryRates rates = mpp_memory_rates(simulated->pipeline);
        for (int32_t lane = 0; lane < simulated->simulation->n_lanes; lane++) {
            g_autoptr(MppMemoryCurve) curve = mpp_memory_curve_new(simulated->tracks, lane);
            MppMemory closed = mpp_memory_stage(simulated->pipeline, &rates, lane);
            g_test_message("%s, stage %d", strategies[i], lane);
            plain_job_expect("peak", curve->peak_bytes, closed.allocated_bytes);
            for (int part = 0; part < MPP_N_MEMORY_PARTS; part++)
                plain_job_expect(mpp_names_get(&mpp_memory_names, part), curve->parts[part], closed.bytes[part]);
        }
    }
}

/** Starts and ends with what stays, rises in time, never exceeds its peak, reaches it. */
static void test_points(void)
{
    g_autoptr(Simulated) simulated = simulated_new("dp=2,pp=2,vpp=2,recompute=full,schedule=interleaved", 4, NULL);
    for (int32_t lane = 0; lane < 2; lane++) {
        g_autoptr(MppMemoryCurve) curve = mpp_memory_curve_new(simulated->tracks, lane);
        const MppMemoryPoint *points = &g_array_index(curve->points, MppMemoryPoint, 0);
        guint n = curve->points->len;
        double most = 0, stays = curve->parts[MPP_MEMORY_WEIGHTS] + curve->parts[MPP_MEMORY_GRADIENTS] +
                                 curve->parts[MPP_MEMORY_OPTIMIZER] + curve->parts[MPP_MEMORY_BUFFERS];
        g_assert_cmpfloat(points[0].time_s, ==, 0);
        g_assert_cmpfloat(points[n - 1].bytes, ==, stays);
        g_assert_cmpfloat(points[n - 1].activation_bytes, ==, 0);
        for (guint i = 0; i < n; i++) {
            g_assert_true(!i || points[i].time_s > points[i - 1].time_s);
            plain_job_expect("sum", points[i].bytes, stays + points[i].activation_bytes + points[i].pass_bytes);
            most = MAX(most, points[i].bytes);
        }
        plain_job_expect("most", most, curve->peak_bytes);
    }
}

/** 1F1B keeps pp - stage micro-batches, GPipe all of them. */
static void test_held(void)
{
    static const struct {
        const char *strategy;
        int32_t held[4];
    } rows[] = { { "dp=2,pp=4,mbs=1", { 4, 3, 2, 1 } }, { "dp=2,pp=4,mbs=1,schedule=gpipe", { 8, 8, 8, 8 } } };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Simulated) simulated = simulated_new(rows[i].strategy, 8, NULL);
        for (int32_t lane = 0; lane < 4; lane++) {
            g_autoptr(MppMemoryCurve) curve = mpp_memory_curve_new(simulated->tracks, lane);
            g_assert_cmpuint(curve->held->len, ==, 1);
            g_assert_cmpint(g_array_index(curve->held, MppChunkHeld, 0).chunk, ==, lane);
            g_assert_cmpint(g_array_index(curve->held, MppChunkHeld, 0).micro_batches, ==, rows[i].held[lane]);
        }
    }
}

/** A split backward pass frees with the weights' part only. */
static void test_split(void)
{
    static const MppSpan spans[] = {
        { .start_s = 0, .end_s = 1, .cause = -1, .action = MPP_ACTION_PASS, .pass = MPP_PASS_FORWARD },
        { .start_s = 1, .end_s = 3, .cause = 0, .action = MPP_ACTION_PASS, .pass = MPP_PASS_INPUT },
        { .start_s = 5, .end_s = 6, .cause = 1, .action = MPP_ACTION_PASS, .pass = MPP_PASS_WEIGHT },
    };
    g_autoptr(Simulated) simulated = simulated_new("dp=2", 2, NULL);
    simulated_set_spans(simulated, spans, G_N_ELEMENTS(spans), 7);
    g_autoptr(MppMemoryCurve) curve = mpp_memory_curve_new(simulated->tracks, 0);
    double kept = simulated->pipeline->chunks[0].kept_bytes, loss = simulated->cost->shard.head_bytes;
    const MppMemoryPoint expected[] = {
        { 0, 0, kept, loss }, { 1, 0, kept, loss }, { 3, 0, kept, 0 }, { 5, 0, kept, 0 }, { 6, 0, 0, 0 }
    };
    g_assert_cmpuint(curve->points->len, ==, G_N_ELEMENTS(expected));
    for (guint i = 0; i < curve->points->len; i++) {
        const MppMemoryPoint *point = &g_array_index(curve->points, MppMemoryPoint, i);
        g_assert_cmpfloat(point->time_s, ==, expected[i].time_s);
        g_assert_cmpfloat(point->activation_bytes, ==, expected[i].activation_bytes);
        g_assert_cmpfloat(point->pass_bytes, ==, expected[i].pass_bytes);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/memory-curve/peaks", test_peaks);
    g_test_add_func("/memory-curve/points", test_points);
    g_test_add_func("/memory-curve/held", test_held);
    g_test_add_func("/memory-curve/split", test_split);
    return g_test_run();
}
