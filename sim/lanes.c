#include "sim/lanes.h"

static int64_t joined_replicas(const MppStrategy *s)
{
    int64_t joined = 1, model_ranks = s->tp * s->cp;
    if (s->zero >= 2)
        joined = MAX(1, mpp_strategy_shard_ranks(s) / s->cp);
    if (s->ep > 1)
        joined = MAX(joined, (s->ep * s->etp + model_ranks - 1) / model_ranks);
    return s->dp % joined ? s->dp : joined;
}

MppLanes mpp_lanes_new(const MppJob *job, const MppStrategy *s, bool folded)
{
    int64_t joined = joined_replicas(s), replicas = folded ? 1 : s->dp / joined;
    return (MppLanes){ job, s, joined, (int32_t)replicas, (int32_t)(replicas * s->pp), s->tp * s->cp * joined };
}

static int64_t coordinate(const MppLanes *lanes, int64_t rank, MppAxis axis, int64_t degree)
{
    return rank / mpp_mesh_stride(lanes->strategy, axis) % degree;
}

int32_t mpp_lanes_of_rank(const MppLanes *lanes, int64_t rank)
{
    const MppStrategy *s = lanes->strategy;
    int64_t replica = coordinate(lanes, rank, MPP_AXIS_DP, s->dp) / lanes->joined;
    return (int32_t)(replica % lanes->n_replicas * s->pp + coordinate(lanes, rank, MPP_AXIS_PP, s->pp));
}

int64_t mpp_lanes_first_rank(const MppLanes *lanes, int32_t lane)
{
    const MppStrategy *s = lanes->strategy;
    return lane / s->pp * lanes->joined * mpp_mesh_stride(s, MPP_AXIS_DP) + lane % s->pp * mpp_mesh_stride(s, MPP_AXIS_PP);
}

int64_t mpp_lanes_on_port(const MppLanes *lanes, int32_t lane, int tier)
{
    int64_t first = mpp_lanes_first_rank(lanes, lane), shared_by = mpp_cluster_tier(lanes->job->cluster, tier)->shared_by, n = 0;
    int64_t begin = first / shared_by * shared_by, end = MIN(begin + shared_by, lanes->job->gpus);
    for (int64_t rank = begin; rank < end; rank++)
        n += mpp_lanes_of_rank(lanes, rank) == lane;
    return n;
}
