#include "planner/cost/pipeline_cost.h"

#include "planner/cost/pipeline_chunks.h"

static void take_order(MppPipelineCost *pipeline, MppOrder *order)
{
    mpp_order_free(pipeline->order);
    pipeline->order = order;
    pipeline->ordered = pipeline->schedule;
    pipeline->work = g_realloc(pipeline->work, mpp_replay_work_bytes(order));
}

const MppOrder *mpp_pipeline_cost_order(MppPipelineCost *pipeline)
{
    if (pipeline->order && mpp_schedule_equal(&pipeline->ordered, &pipeline->schedule))
        return pipeline->order;
    take_order(pipeline, mpp_schedule_order(&pipeline->schedule));
    return pipeline->order;
}

void mpp_pipeline_cost_use_order(MppPipelineCost *pipeline, MppOrder *order)
{
    g_return_if_fail(!pipeline->order_peaks && order->pp == pipeline->schedule.pp && order->n_chunks == pipeline->n_chunks);
    take_order(pipeline, order);
    pipeline->order_peaks = g_new(MppPeaks, order->pp);
    for (int64_t k = 0; k < order->pp; k++)
        pipeline->order_peaks[k] = mpp_order_peaks(order, k);
    pipeline->peaks = pipeline->order_peaks;
    pipeline->splits_backward = mpp_order_splits_backward(order);
    pipeline->ends_apart = order->rank_of[0] != order->rank_of[order->n_chunks - 1];
    mpp_pipeline_chunks_sum(pipeline);
    mpp_pipeline_cost_sum_stages(pipeline);
}

MppRankBound mpp_pipeline_cost_bound(MppPipelineCost *pipeline)
{
    MppDurations durations = mpp_pipeline_cost_durations(pipeline);
    if (!pipeline->bounded)
        pipeline->bound = mpp_schedule_bound(&pipeline->schedule, &durations, pipeline->shard->job->runtime->skips_step_barrier);
    pipeline->bounded = true;
    return pipeline->bound;
}

/** Returns: the latest end. */
static double replay(MppPipelineCost *pipeline, const double *message_s, double *chunk_end_s, double *end_s)
{
    const MppOrder *order = mpp_pipeline_cost_order(pipeline); /* makes room for the replay */
    MppDurations durations = mpp_pipeline_cost_durations(pipeline);
    durations.message_s = message_s;
    double length_s = mpp_replay_ends(order, &durations, pipeline->work, chunk_end_s, end_s);
    if (!pipeline->shard->job->runtime->skips_step_barrier)
        return length_s;
    length_s = 0;
    for (int64_t k = 0; k < order->pp; k++) {
        double start_s = mpp_replay_start_s(order, pipeline->work, k);
        for (int64_t i = 0; i < pipeline->peaks[k].n_local; i++)
            chunk_end_s[pipeline->peaks[k].chunks[i]] -= start_s;
        end_s[k] -= start_s;
        length_s = MAX(length_s, end_s[k]);
    }
    return length_s;
}

const double *mpp_pipeline_cost_end_s(MppPipelineCost *pipeline)
{
    if (!pipeline->replayed)
        replay(pipeline, pipeline->message_s, pipeline->chunk_end_s, pipeline->end_s);
    pipeline->replayed = true;
    return pipeline->end_s;
}

double mpp_pipeline_cost_silent_s(MppPipelineCost *pipeline)
{
    g_autofree double *nothing_s = g_new0(double, pipeline->n_chunks);
    g_autofree double *chunk_end_s = g_new(double, pipeline->n_chunks), *end_s = g_new(double, pipeline->schedule.pp);
    return replay(pipeline, nothing_s, chunk_end_s, end_s);
}

MppDurations mpp_pipeline_cost_durations(const MppPipelineCost *pipeline)
{
    return (MppDurations){ pipeline->forward_s, pipeline->input_s, pipeline->weight_s, pipeline->message_s };
}
