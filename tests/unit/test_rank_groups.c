#include "sim/rank_groups.h"

#include "tests/support/plain_job.h"
#include "tests/support/sample.h"

static char *text_of(const GArray *members)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < members->len; i++)
        g_string_append_printf(text, "%s%d", i ? " " : "", (int)g_array_index(members, int64_t, i));
    return g_string_free(text, FALSE);
}

/** Ranks of tp 2, cp 2, dp 2, pp 2 in several orders; experts are spread over tensor-parallel ranks first. */
static void test_members(void)
{
    static const struct {
        const char *strategy;
        MppAxis axis;
        int64_t rank;
        const char *members;
    } rows[] = {
        { "tp=2,cp=2,dp=2,pp=2,order=tp-cp-dp-pp", MPP_AXIS_TP, 11, "10 11" },
        { "tp=2,cp=2,dp=2,pp=2,order=tp-cp-dp-pp", MPP_AXIS_CP, 11, "9 11" },
        { "tp=2,cp=2,dp=2,pp=2,order=tp-cp-dp-pp", MPP_AXIS_DP, 11, "11 15" },
        { "tp=2,cp=2,dp=2,pp=2,order=tp-cp-dp-pp", MPP_AXIS_DP_CP, 11, "9 11 13 15" },
        { "tp=2,cp=2,dp=2,pp=2,order=tp-cp-dp-pp", MPP_AXIS_PP, 11, "3 11" },
        { "tp=2,cp=2,dp=2,pp=2,order=tp-pp-dp-cp", MPP_AXIS_CP, 11, "3 11" },
        { "tp=2,cp=2,dp=2,pp=2,order=tp-pp-dp-cp", MPP_AXIS_DP, 11, "11 15" },
        { "tp=2,cp=2,dp=2,pp=2,order=tp-pp-dp-cp", MPP_AXIS_DP_CP, 11, "3 7 11 15" },
        { "tp=2,cp=2,dp=2,pp=2,order=tp-pp-dp-cp", MPP_AXIS_PP, 11, "9 11" },
        { "tp=2,dp=4,zero=1,zero_ranks=2", MPP_AXIS_SHARD, 5, "5 7" },
        { "tp=2,dp=4,zero=1,zero_ranks=2", MPP_AXIS_REPLICAS, 5, "1 5" },
        { "tp=2,dp=4,ep=4,etp=1", MPP_AXIS_EP, 6, "4 5 6 7" },
        { "tp=2,dp=4,ep=4,etp=1", MPP_AXIS_EXPERT_DP, 6, "2 6" },
        { "tp=2,dp=4,ep=2,etp=2", MPP_AXIS_EP, 6, "4 6" },
        { "tp=2,dp=4,ep=2,etp=2", MPP_AXIS_ETP, 6, "6 7" },
        { "pp=4,dp=2,order=tp-pp-cp-dp", MPP_AXIS_PP, 6, "4 7" },
        { "dp=2", MPP_AXIS_TP, 1, "1" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        MppStrategy s = plain_job_strategy(rows[i].strategy);
        g_autoptr(GArray) members = mpp_rank_group_members(&s, rows[i].axis, rows[i].rank);
        g_autofree char *text = text_of(members);
        g_assert_cmpstr(text, ==, rows[i].members);
        g_assert_cmpint(mpp_rank_group_first(&s, rows[i].axis, rows[i].rank), ==, g_array_index(members, int64_t, 0));
    }
}

/** Every rank is in exactly one group of an axis, and groups have the mesh's size. */
static void test_partition(void)
{
    static const char *const strategies[] = { "tp=2,cp=3,dp=4,pp=2,order=tp-dp-cp-pp", "tp=3,cp=2,dp=2,pp=4,order=tp-pp-cp-dp",
                                              "tp=2,dp=12,pp=2,ep=4,etp=2", "tp=4,dp=6,pp=2,ep=8,etp=1,zero=1,zero_ranks=3" };
    enum { RANKS = 48 };
    const int64_t nodes[] = { 6, 0 };
    g_autoptr(MppCluster) cluster = mpp_sample_cluster(nodes, 2);
    for (size_t i = 0; i < G_N_ELEMENTS(strategies); i++) {
        MppStrategy s = plain_job_strategy(strategies[i]);
        MppMesh mesh = mpp_mesh_new(&s, cluster, RANKS);
        for (int axis = 0; axis < MPP_N_AXES; axis++) {
            int64_t size = axis == MPP_AXIS_PP ? 2 : mesh.groups[axis].n, n_first = 0;
            for (int64_t rank = 0; rank < RANKS; rank++) {
                g_autoptr(GArray) members = mpp_rank_group_members(&s, (MppAxis)axis, rank);
                int64_t first = mpp_rank_group_first(&s, (MppAxis)axis, rank);
                bool middle = axis == MPP_AXIS_PP && s.pp > 2, found = middle;
                g_assert_cmpuint(members->len, ==, size);
                for (guint m = 0; m < members->len; m++) {
                    int64_t member = g_array_index(members, int64_t, m);
                    g_assert_cmpint(mpp_rank_group_first(&s, (MppAxis)axis, member), ==, first);
                    found = found || member == rank;
                }
                g_assert_true(found);
                n_first += first == rank;
            }
            g_assert_cmpint(n_first * (axis == MPP_AXIS_PP ? s.pp : size), ==, RANKS);
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rank-groups/members", test_members);
    g_test_add_func("/rank-groups/partition", test_partition);
    return g_test_run();
}
