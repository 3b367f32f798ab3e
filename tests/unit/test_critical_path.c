#include "sim/critical_path.h"

#include "tests/support/simulated.h"

/** "pass 0-4, message 4-6": segments and what they are. */
static char *text_of(const MppCriticalPath *path)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < path->segments->len; i++) {
        const MppCriticalSegment *segment = &g_array_index(path->segments, MppCriticalSegment, i);
        g_string_append_printf(text, "%s%s %g-%g", i ? ", " : "", mpp_names_get(&mpp_critical_names, segment->kind),
                               segment->start_s, segment->end_s);
    }
    return g_string_free(text, FALSE);
}

#define SPAN(kind, from, to, why)                                                                                                \
    {                                                                                                                            \
        .start_s = from, .end_s = to, .cause = why, .action = MPP_ACTION_##kind                                                  \
    }

static void test_walk(void)
{
    static const struct {
        MppSpan spans[5];
        int n;
        const char *path;
    } rows[] = {
        { { SPAN(PASS, 0, 3, -1), SPAN(PASS, 0, 2, -1), SPAN(SEND, 3, 5, 0), SPAN(PASS, 5, 9, 2), SPAN(UPDATE, 9, 10, 3) },
          5,
          "pass 0-3, message 3-5, pass 5-9, update 9-10, host 10-12, straggler 12-16" },
        { { SPAN(PASS, 0, 6, -1), SPAN(REDUCE, 4, 8, 0), SPAN(UPDATE, 8, 9, 1), SPAN(GATHER, 9, 10, 2) },
          4,
          "pass 0-4, reduce 4-8, update 8-9, gather 9-10, host 10-12, straggler 12-16" },
        { { SPAN(PASS, 2, 6, -1), SPAN(TIED, 7, 9, 0) },
          2,
          "unknown 0-2, pass 2-6, unknown 6-7, tied 7-9, unknown 9-10, host 10-12, straggler 12-16" },
        { { SPAN(PASS, 0, 10, -1), SPAN(PASS, 0, 10, -1) }, 2, "pass 0-10, host 10-12, straggler 12-16" },
        { { { 0 } }, 0, "unknown 0-10, host 10-12, straggler 12-16" },
    };
    g_autoptr(Simulated) simulated = simulated_new("dp=2", 2, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        simulated_set_spans(simulated, rows[i].spans, rows[i].n, 16);
        simulated->simulation->host_s = 2;
        simulated->simulation->straggler_s = 4;
        g_autoptr(MppCriticalPath) path = mpp_critical_path_new(simulated->simulation);
        g_autofree char *text = text_of(path);
        g_assert_cmpstr(text, ==, rows[i].path);
    }
}

/** Segments touch, cover the step, and what they are made of adds up to it. */
static void test_cover(void)
{
    static const struct {
        const char *strategy;
        double jitter_frac;
    } rows[] = { { "dp=8", 0 },
                 { "dp=2,tp=2,pp=2,sp", 0 },
                 { "dp=2,pp=4,mbs=1,recompute=full", 0.2 },
                 { "dp=2,pp=2,vpp=2,tp=2,schedule=interleaved,zero=1", 0.1 },
                 { "dp=4,pp=2,zero=3", 0 },
                 { "dp=4,pp=2,vpp=2,schedule=zb-v", 0.1 },
                 { "dp=2,pp=4,mbs=1,schedule=chimera", 0 } };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppWhatIf) what_if = mpp_what_if_new();
        what_if->jitter_frac = rows[i].jitter_frac;
        g_autoptr(Simulated) simulated = simulated_new(rows[i].strategy, 8, what_if);
        g_autoptr(MppCriticalPath) path = mpp_critical_path_new(simulated->simulation);
        double at_s = 0, sum_s = 0;
        for (guint k = 0; k < path->segments->len; k++) {
            const MppCriticalSegment *segment = &g_array_index(path->segments, MppCriticalSegment, k);
            g_assert_cmpfloat(segment->start_s, ==, at_s);
            g_assert_cmpint(segment->kind, !=, MPP_CRITICAL_UNKNOWN);
            at_s = segment->end_s;
        }
        g_assert_cmpfloat(at_s, ==, simulated->simulation->step_s);
        for (guint k = 0; k < path->parts->len; k++) {
            const MppCriticalPart *part = &g_array_index(path->parts, MppCriticalPart, k);
            g_assert_true(!k || part->s <= g_array_index(path->parts, MppCriticalPart, k - 1).s);
            sum_s += part->s;
        }
        plain_job_expect("parts", sum_s, at_s);
    }
}

static double part_s(const MppCriticalPath *path, MppCriticalKind kind, int32_t stage, MppPass pass, MppShare share)
{
    for (guint i = 0; i < path->parts->len; i++) {
        const MppCriticalPart *part = &g_array_index(path->parts, MppCriticalPart, i);
        if (part->kind == kind && part->stage == stage &&
            (kind != MPP_CRITICAL_PASS || (part->pass == pass && part->share == share)))
            return part->s;
    }
    return 0;
}

/** One stage: all its passes are critical, and their shares are the closed form's. */
static void test_parts(void)
{
    g_autoptr(Simulated) simulated = simulated_new("dp=2,tp=2,sp,zero=0", 4, NULL);
    g_autoptr(MppCriticalPath) path = mpp_critical_path_new(simulated->simulation);
    const MppPass passes[] = { MPP_PASS_FORWARD, MPP_PASS_BACKWARD };
    for (int p = 0; p < 2; p++) {
        MppShares shares;
        mpp_pipeline_cost_pass_shares(simulated->pipeline, 0, passes[p], &shares);
        for (int share = 0; share < MPP_N_SHARES; share++)
            plain_job_expect(mpp_names_get(&mpp_share_names, share), part_s(path, MPP_CRITICAL_PASS, 0, passes[p], share),
                             8 * shares.s[share]);
    }
    plain_job_expect("update", part_s(path, MPP_CRITICAL_UPDATE, 0, 0, 0), simulated->simulation->scene.update_s[0]);
}

static void test_titles(void)
{
    static const struct {
        MppCriticalPart part;
        const char *title;
    } rows[] = {
        { { .kind = MPP_CRITICAL_PASS, .stage = 3, .pass = MPP_PASS_BACKWARD, .share = MPP_SHARE_MATMUL },
          "stage 3, backward: matrix products" },
        { { .kind = MPP_CRITICAL_PASS, .stage = 0, .pass = MPP_PASS_WEIGHT, .share = MPP_SHARE_HOST },
          "stage 0, backward of weights: host" },
        { { .kind = MPP_CRITICAL_MESSAGE, .stage = 11 }, "stage 11: messages to other stages" },
        { { .kind = MPP_CRITICAL_HOST, .stage = -1 }, "host" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *title = mpp_critical_part_title(&rows[i].part);
        g_assert_cmpstr(title, ==, rows[i].title);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/critical-path/walk", test_walk);
    g_test_add_func("/critical-path/cover", test_cover);
    g_test_add_func("/critical-path/parts", test_parts);
    g_test_add_func("/critical-path/titles", test_titles);
    return g_test_run();
}
