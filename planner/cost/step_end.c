#include "planner/cost/step_end.h"

#include <math.h>

/** Whether the passes' own exchange uses the network that the reductions need: the ports are not free beside it. */
static bool passes_use_network(const MppPipelineCost *pipeline)
{
    const MppGroup *groups = pipeline->exchange.mesh.groups;
    return groups[MPP_AXIS_TP].widest_tier > 0 && groups[MPP_AXIS_DP_CP].widest_tier > 0;
}

MppReductionCost mpp_step_end_reduction(const MppPipelineCost *pipeline, int64_t chunk, double window_s)
{
    const MppRuntime *runtime = pipeline->shard->job->runtime;
    const MppChunkCost *cost = &pipeline->chunks[chunk];
    double work_s = mpp_exchange_time(&pipeline->exchange, cost->parameters, cost->expert_parameters).reduce_s;
    if (pipeline->n_chunks > pipeline->model_chunks)
        work_s += mpp_exchange_copies_s(&pipeline->exchange, cost->parameters, cost->expert_parameters);
    double bytes = (cost->parameters + cost->expert_parameters) * mpp_job_reduce_bytes(pipeline->shard->job);
    double last_bucket_s = bytes > 0 ? work_s * MIN(1, runtime->state.bucket_bytes / bytes) : 0;
    bool at_end = (runtime->state.zero1_at_end && pipeline->strategy->zero > 0) || passes_use_network(pipeline);
    return (MppReductionCost){ work_s, at_end ? 0 : MIN(runtime->overlap.gradients_frac * window_s, work_s - last_bucket_s) };
}

bool mpp_step_end_alike(const MppChunkCost *a, const MppChunkCost *b)
{
    return a->parameters == b->parameters && a->expert_parameters == b->expert_parameters && a->backward_s == b->backward_s &&
           a->weight_s == b->weight_s;
}

double mpp_step_end_window_s(MppPipelineCost *pipeline, int64_t chunk)
{
    return pipeline->splits_backward ? pipeline->chunks[chunk].weight_s : pipeline->chunks[chunk].backward_s;
}

double mpp_step_end_tied_s(const MppPipelineCost *pipeline)
{
    if (!pipeline->ends_apart)
        return 0;
    return mpp_exchange_tied_s(&pipeline->exchange, pipeline->shard->embedding.parameters);
}

/** The rank's chunk that ends next after @after (a chunk, -1 at first); equal ends in order of chunks. */
static int32_t next_to_end(const MppPeaks *peaks, const double *end_s, int32_t after)
{
    int32_t next = -1;
    for (int64_t i = 0; i < peaks->n_local; i++) {
        int32_t chunk = peaks->chunks[i];
        bool later = after < 0 || end_s[chunk] > end_s[after] || (end_s[chunk] == end_s[after] && chunk > after);
        if (later && (next < 0 || end_s[chunk] < end_s[next]))
            next = chunk;
    }
    return next;
}

double mpp_step_end_exchanged_s(MppPipelineCost *pipeline, int64_t stage)
{
    double free_s = mpp_pipeline_cost_end_s(pipeline)[stage], exchanged_s = 0;
    const MppPeaks *peaks = &pipeline->peaks[stage];
    const MppChunkCost *before = NULL;
    MppReductionCost cost = { 0 };
    for (int32_t chunk = next_to_end(peaks, pipeline->chunk_end_s, -1); chunk >= 0;
         chunk = next_to_end(peaks, pipeline->chunk_end_s, chunk)) {
        if (!before || !mpp_step_end_alike(before, &pipeline->chunks[chunk]))
            cost = mpp_step_end_reduction(pipeline, chunk, mpp_step_end_window_s(pipeline, chunk));
        before = &pipeline->chunks[chunk];
        exchanged_s = MAX(exchanged_s, pipeline->chunk_end_s[chunk] - cost.hidden_s) + cost.work_s;
    }
    bool tied = stage == 0 || stage == pipeline->strategy->pp - 1;
    return MAX(free_s, exchanged_s) + (tied ? mpp_step_end_tied_s(pipeline) : 0);
}

/**
 * What a forward pass hides of the parameters' gathering. A stack that gathers layer by layer as the pass comes to them does so
 * when it keeps them afterwards, too (FSDP without resharding).
 */
static double hidden_gather_s(const MppRuntime *runtime, double gather_s, double forward_s)
{
    const MppOverlap *overlap = &runtime->overlap;
    double whole_s = overlap->parameters_frac * forward_s;
    double by_layer_s = overlap->fsdp_frac * forward_s * (1 - overlap->slowdown_frac);
    return MIN(gather_s, runtime->gathers_by_layer ? MAX(whole_s, by_layer_s) : whole_s);
}

double mpp_step_end_update_s(const MppPipelineCost *pipeline, int64_t stage, double *gather_s)
{
    const MppStageCost *cost = &pipeline->stages[stage];
    double whole_s = mpp_exchange_time(&pipeline->exchange, cost->parameters, cost->expert_parameters).gather_s;
    *gather_s = whole_s - hidden_gather_s(pipeline->shard->job->runtime, whole_s, cost->forward_s);
    return mpp_exchange_update_s(&pipeline->exchange, cost->parameters, cost->expert_parameters);
}

double mpp_step_end_host_s(const MppJob *job)
{
    return mpp_cluster_host_s(job->cluster, job->runtime->host.step_s);
}

double mpp_step_end_straggler_factor(const MppJob *job)
{
    double nodes = (double)job->gpus / mpp_cluster_domain(job->cluster, 0, job->gpus);
    return 1 + job->cluster->jitter_frac * log2(MAX(nodes, 1));
}
