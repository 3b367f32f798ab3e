#include "planner/search/placed_shard.h"

#include <string.h>

#include "planner/cost/estimate.h"

/** Bound of a step by its work alone, spread over all ranks without loss; @recompute in every layer. */
static double work_bound_s(const MppShardCost *shard, MppRecompute recompute)
{
    const MppJob *job = shard->job;
    const MppShard *size = &shard->place.shard;
    const MppPassCost *whole = &shard->whole.by_recompute[recompute];
    double micro_batches = (double)job->training.global_batch / size->micro_batch;
    return mpp_estimate_busy_bound_s(job, (whole->forward_s + whole->backward_s) * micro_batches * size->tp * size->cp / job->gpus);
}

/** Wherever members lie: context is exchanged at once, no message is pending, only ranks of tp slow each other down on a host. */
double mpp_placed_shard_bound_s(const MppJob *job, const MppStrategy *base)
{
    MppStrategy s = *base;
    s.dp = job->gpus / (s.tp * s.cp);
    MppMesh mesh = mpp_mesh_new(&s, job->cluster, job->gpus);
    MppBlockPlace place = mpp_block_place(&s, &mesh);
    place.cp = (MppGroup){ .n = 1 };
    place.stage_ranks = MIN(s.tp, mesh.host_ranks);
    g_autofree MppShardCost *shard = g_new(MppShardCost, 1);
    mpp_shard_cost(job, &place, shard);
    return work_bound_s(shard, MPP_RECOMPUTE_NONE);
}

static bool same_group(const MppGroup *a, const MppGroup *b)
{
    return a->n == b->n && a->widest_tier == b->widest_tier && memcmp(a->members, b->members, sizeof(a->members)) == 0;
}

/** Members of a family differ in nothing else that layer costs depend on, but whether messages are pending. */
static bool same_place(const MppCluster *cluster, const MppBlockPlace *a, const MppBlockPlace *b)
{
    return a->shard.recompute_modules == b->shard.recompute_modules && same_group(&a->cp, &b->cp) &&
           mpp_cluster_slowdown(cluster, a->stage_ranks) == mpp_cluster_slowdown(cluster, b->stage_ranks);
}

const MppPlacedShard *mpp_placed_shard(MppPlacedShards *shards, const MppJob *job, const MppStrategy *s, const MppMesh *mesh)
{
    MppBlockPlace place = mpp_block_place(s, mesh);
    MppPlacedShard *shard = &shards->last[place.waits_for_nodes && job->runtime->host.waiting_p2p_frac > 0];
    if (shard->cost.job && same_place(job->cluster, &shard->cost.place, &place))
        return shard;
    mpp_shard_cost(job, &place, &shard->cost);
    for (MppRecompute i = 0; i < MPP_N_RECOMPUTES; i++)
        shard->bound_s[i] = work_bound_s(&shard->cost, i);
    return shard;
}
