#include "planner/cost/order_cost.h"

void mpp_order_cost_free(MppOrderCost *cost)
{
    if (!cost)
        return;
    g_free(cost->peak_bytes);
    g_free(cost);
}

static double sum_rates(const MppParameterBytes *rates)
{
    return rates->weights + rates->gradients + rates->optimizer + rates->buffers;
}

double *mpp_order_cost_fixed_bytes(const MppPipelineCost *pipeline, const int32_t *rank_of)
{
    int64_t pp = pipeline->strategy->pp;
    MppMemoryRates rates = mpp_memory_rates(pipeline);
    double dense = sum_rates(&rates.dense), experts = sum_rates(&rates.experts), *bytes = g_new0(double, pp);
    g_autofree double *working = g_new0(double, pp);
    for (int64_t c = 0; c < pipeline->n_chunks; c++) {
        const MppChunkCost *chunk = &pipeline->chunks[c];
        bool last = c % pipeline->model_chunks == pipeline->model_chunks - 1;
        double at_loss = rates.gathered_at_loss_bytes + (last ? pipeline->shard->head_bytes : 0);
        double at_work = rates.gathered_bytes + mpp_pipeline_cost_working_bytes(pipeline, c);
        bytes[rank_of[c]] += chunk->parameters * dense + chunk->expert_parameters * experts;
        bytes[rank_of[c]] += last ? mpp_pipeline_cost_output_bytes(pipeline) : 0;
        working[rank_of[c]] = MAX(working[rank_of[c]], MAX(at_work, at_loss));
    }
    for (int64_t k = 0; k < pp; k++)
        bytes[k] += working[k] + pipeline->shard->job->runtime->memory.fixed_bytes;
    return bytes;
}

/** Time that @rank spends in passes. */
static double work_of(const MppOrder *order, const MppReplay *replay, int64_t rank)
{
    double work_s = 0;
    for (guint i = 0; i < order->slots[rank]->len; i++)
        work_s += replay->end_s[rank][i] - replay->start_s[rank][i];
    return work_s;
}

MppOrderCost *mpp_order_cost_new(const MppPipelineCost *pipeline, const MppOrder *order)
{
    MppDurations durations = mpp_pipeline_cost_durations(pipeline);
    g_autoptr(MppReplay) replay = mpp_replay_new(order, &durations);
    MppOrderCost *cost = g_new0(MppOrderCost, 1);
    cost->pp = order->pp;
    cost->length_s = replay->length_s;
    cost->peak_bytes = mpp_order_cost_fixed_bytes(pipeline, order->rank_of);
    for (int64_t k = 0; k < order->pp; k++) {
        MppPeaks peaks = mpp_order_peaks(order, k);
        cost->peak_bytes[k] += mpp_peaks_weigh(&peaks, pipeline->kept_bytes);
        mpp_peaks_clear(&peaks);
        cost->work_s = MAX(cost->work_s, work_of(order, replay, k));
        cost->fullest = cost->peak_bytes[k] > cost->peak_bytes[cost->fullest] ? k : cost->fullest;
    }
    return cost;
}
