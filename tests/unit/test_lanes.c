#include "sim/lanes.h"

#include "tests/support/plain_job.h"

/** Lane of each rank, as letters. */
static char *letters(const MppLanes *lanes)
{
    GString *text = g_string_new(NULL);
    for (int64_t rank = 0; rank < lanes->job->gpus; rank++)
        g_string_append_c(text, (char)('a' + mpp_lanes_of_rank(lanes, rank)));
    return g_string_free(text, FALSE);
}

/** plain_job's nodes hold 4 devices; tp is fastest, then dp, then pp. */
static void test_lanes(void)
{
    static const struct { const char *strategy; int64_t gpus; bool folded; const char *lanes; int64_t ranks; } rows[] = {
        { "dp=2,tp=2,pp=2", 8, false, "aaccbbdd", 2 },
        { "dp=2,tp=2,pp=2", 8, true, "aaaabbbb", 2 },
        { "dp=2,tp=2,pp=2,order=tp-pp-cp-dp", 8, false, "aabbccdd", 2 },
        { "dp=4,pp=2,zero=1", 8, false, "acegbdfh", 1 },
        { "dp=4,pp=2,zero=2,zero_ranks=2", 8, false, "aaccbbdd", 2 },
        { "dp=8,zero=3", 8, false, "aaaaaaaa", 8 },
        { "dp=4,cp=2", 8, false, "aabbccdd", 2 },
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppInputs) inputs = plain_job_new(rows[i].gpus);
        MppStrategy strategy = plain_job_strategy(rows[i].strategy);
        MppLanes lanes = mpp_lanes_new(&inputs->job, &strategy, rows[i].folded);
        g_autofree char *text = letters(&lanes);
        g_assert_cmpstr(text, ==, rows[i].lanes);
        for (int32_t lane = 0; lane < lanes.n_lanes && !rows[i].folded; lane++)
            g_assert_cmpint(mpp_lanes_of_rank(&lanes, mpp_lanes_first_rank(&lanes, lane)), ==, lane);
        if (!rows[i].folded)
            g_assert_cmpint(lanes.ranks * lanes.n_lanes, ==, rows[i].gpus);
    }
}

static void test_port(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    g_array_index(inputs->cluster.tiers, MppTier, 1).shared_by = 4;
    MppStrategy strategy = plain_job_strategy("dp=2,tp=2,pp=2");
    MppLanes lanes = mpp_lanes_new(&inputs->job, &strategy, false);
    g_assert_cmpint(mpp_lanes_on_port(&lanes, 0, 0), ==, 1);
    g_assert_cmpint(mpp_lanes_on_port(&lanes, 0, 1), ==, 2);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/lanes/lanes", test_lanes);
    g_test_add_func("/lanes/port", test_port);
    return g_test_run();
}
