#include "planner/spec/mesh.h"

#include <math.h>

static const char *const axis_names[MPP_N_AXES] = { "tp", "cp", "dp",    "pp",       "ep",
                                                    "etp", "dp-cp", "shard", "replicas", "expert-dp" };
const MppNames mpp_axis_names = MPP_NAMES("axis", axis_names);

static const MppAxis orders[MPP_N_ORDERS][3] = {
    [MPP_ORDER_CP_DP_PP] = { MPP_AXIS_CP, MPP_AXIS_DP, MPP_AXIS_PP },
    [MPP_ORDER_CP_PP_DP] = { MPP_AXIS_CP, MPP_AXIS_PP, MPP_AXIS_DP },
    [MPP_ORDER_DP_CP_PP] = { MPP_AXIS_DP, MPP_AXIS_CP, MPP_AXIS_PP },
    [MPP_ORDER_DP_PP_CP] = { MPP_AXIS_DP, MPP_AXIS_PP, MPP_AXIS_CP },
    [MPP_ORDER_PP_CP_DP] = { MPP_AXIS_PP, MPP_AXIS_CP, MPP_AXIS_DP },
    [MPP_ORDER_PP_DP_CP] = { MPP_AXIS_PP, MPP_AXIS_DP, MPP_AXIS_CP },
};

static int64_t degree(const MppStrategy *strategy, MppAxis axis)
{
    return axis == MPP_AXIS_TP ? strategy->tp : axis == MPP_AXIS_CP ? strategy->cp
                                            : axis == MPP_AXIS_DP ? strategy->dp
                                                                  : strategy->pp;
}

int64_t mpp_mesh_stride(const MppStrategy *strategy, MppAxis axis)
{
    int64_t stride = 1;
    if (axis == MPP_AXIS_TP)
        return stride;
    stride = strategy->tp;
    for (int i = 0; orders[strategy->order][i] != axis; i++)
        stride *= degree(strategy, orders[strategy->order][i]);
    return stride;
}

/**
 * A ring goes at the pace of its slowest flow, so what a group loses grows with its flows, one for each member: beyond two
 * whole domains' of them. Kept with the group: collectives ask for it far more often than groups are made.
 */
static void set_lost(const MppCluster *cluster, int64_t gpus, MppGroup *group)
{
    for (int i = 0; i <= group->widest_tier; i++) {
        double congestion = mpp_cluster_tier(cluster, i)->congestion;
        double full_domains = (double)group->members[i] / (i ? mpp_cluster_domain(cluster, i - 1, gpus) : 1);
        group->lost_frac[i] = congestion > 0 && full_domains > 2 ? 1 - pow(full_domains / 2, -congestion) : 0;
    }
}

/** One or two nested progressions of ranks; (n1, stride1) is a single one when n2 is 1. */
static MppGroup make_group(const MppCluster *cluster, int64_t gpus, int64_t n1, int64_t stride1, int64_t n2, int64_t stride2)
{
    MppGroup group = { .n = n1 * n2 };
    int n_tiers = mpp_cluster_n_tiers(cluster);
    group.widest_tier = group.n > 1 ? n_tiers - 1 : 0;
    for (int i = n_tiers - 1; i >= 0; i--) {
        int64_t domain = mpp_cluster_domain(cluster, i, gpus);
        int64_t inner = CLAMP(domain / stride1, 1, n1), outer = CLAMP(domain / stride2, 1, n2);
        group.members[i] = i == n_tiers - 1 ? group.n : inner * outer;
        if (group.members[i] == group.n && group.n > 1)
            group.widest_tier = i;
    }
    set_lost(cluster, gpus, &group);
    return group;
}

static int64_t common_divisor(int64_t a, int64_t b)
{
    return b ? common_divisor(b, a % b) : a;
}

/**
 * Groups over the grid of dp and cp, of @shard neighbours each, and the groups of those in the same place of each.
 * Where pp stands between the two, neighbours are taken for a block of the grid; they are one if @shard and the
 * faster degree divide one another.
 */
static void set_grid_groups(const MppStrategy *s, const MppCluster *cluster, int64_t gpus, int64_t shard, MppGroup *within, MppGroup *across)
{
    int64_t cp_stride = mpp_mesh_stride(s, MPP_AXIS_CP), dp_stride = mpp_mesh_stride(s, MPP_AXIS_DP);
    bool cp_first = cp_stride < dp_stride || s->dp == 1;
    int64_t fast = cp_first ? s->cp : s->dp, fast_stride = cp_first ? cp_stride : dp_stride;
    int64_t slow = cp_first ? s->dp : s->cp, slow_stride = cp_first ? dp_stride : cp_stride;
    if (slow == 1 || slow_stride == fast * fast_stride) {
        *within = make_group(cluster, gpus, shard, fast_stride, 1, 1);
        *across = make_group(cluster, gpus, fast * slow / shard, fast_stride * shard, 1, 1);
        return;
    }
    int64_t inner = common_divisor(shard, fast), outer = shard / inner;
    *within = make_group(cluster, gpus, inner, fast_stride, outer, slow_stride);
    *across = make_group(cluster, gpus, fast / inner, fast_stride * inner, slow / outer, slow_stride * outer);
}

MppMesh mpp_mesh_new(const MppStrategy *s, const MppCluster *cluster, int64_t gpus)
{
    MppMesh mesh;
    for (MppAxis axis = MPP_AXIS_TP; axis <= MPP_AXIS_PP; axis++)
        mesh.groups[axis] = make_group(cluster, gpus, degree(s, axis), mpp_mesh_stride(s, axis), 1, 1);

    MppGroup *groups = mesh.groups;
    set_grid_groups(s, cluster, gpus, s->dp * s->cp, &groups[MPP_AXIS_DP_CP], &groups[MPP_AXIS_REPLICAS]);
    set_grid_groups(s, cluster, gpus, mpp_strategy_shard_ranks(s), &groups[MPP_AXIS_SHARD], &groups[MPP_AXIS_REPLICAS]);
    mesh.groups[MPP_AXIS_ETP] = make_group(cluster, gpus, s->etp, 1, 1, 1);
    mesh.groups[MPP_AXIS_EP] = make_group(cluster, gpus, s->ep, s->etp, 1, 1);
    mesh.groups[MPP_AXIS_EXPERT_DP] = make_group(cluster, gpus, mpp_strategy_expert_dp(s), s->etp * s->ep, 1, 1);
    mesh.host_ranks = mpp_cluster_domain(cluster, 0, gpus);
    mesh.stage_ranks = MAX(1, mesh.host_ranks / groups[MPP_AXIS_PP].members[0]);
    return mesh;
}
