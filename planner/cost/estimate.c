#include "planner/cost/estimate.h"

#include "planner/cost/plan_cost.h"
#include "planner/cost/step_end.h"
#include "planner/spec/model_params.h"

void mpp_estimate_free(MppEstimate *estimate)
{
    if (!estimate)
        return;
    g_free(estimate->stages);
    g_array_unref(estimate->chunk_layers);
    g_free(estimate);
}

double mpp_estimate_flop_per_token(const MppJob *job)
{
    const MppModel *model = job->model;
    double attention = 0, left_out = 0; /* products of a decoder's tokens, where they are fewer than the encoder's */
    for (int64_t i = 0; i < model->n_layers; i++) {
        const MppLayerKind *kind = &model->kinds[model->kind_of_layer[i]];
        if (kind->mixer != MPP_MIXER_ATTENTION)
            continue;
        double seq = mpp_training_layer_seq_of_token(&job->training, kind);
        double seen = mpp_training_document_of_token(&job->training, seq), keys = kind->window ? MIN(kind->window, seen) : seen;
        double tokens_frac = mpp_training_layer_seq(&job->training, kind) / mpp_training_mean_seq(&job->training);
        MppLayerParameters layer = mpp_model_layer_parameters(model, kind);
        left_out += (1 - tokens_frac) * mpp_layer_parameters_sum(&layer, (double)model->moe.topk);
        attention += tokens_frac * 6.0 * model->heads * (mpp_model_qk_dim(model) + mpp_model_v_dim(model)) * keys;
    }
    return 6 * (mpp_model_products(model) - left_out) + attention;
}

/** Stage by stage: own work, end of the pipeline, exposed exchange, memory. Returns: when the last exchange ends. */
static double fill_stages(MppPipelineCost *pipeline, MppEstimate *estimate)
{
    int64_t pp = pipeline->strategy->pp;
    const double *end_s = mpp_pipeline_cost_end_s(pipeline);
    MppMemoryRates rates = mpp_memory_rates(pipeline);
    double last_s = 0;
    for (int64_t k = 0; k < pp; k++) {
        MppStageEstimate *stage = &estimate->stages[k];
        for (int64_t i = 0; i < pipeline->peaks[k].n_local; i++)
            stage->layers += pipeline->chunks[pipeline->peaks[k].chunks[i]].layers;
        stage->forward_s = pipeline->stages[k].forward_s;
        stage->backward_s = pipeline->stages[k].backward_s;
        stage->end_s = end_s[k];
        stage->exchange_s = mpp_step_end_exchanged_s(pipeline, k) - end_s[k];
        stage->memory = mpp_memory_stage(pipeline, &rates, k);
        last_s = MAX(last_s, stage->end_s + stage->exchange_s);
        const MppStageEstimate *busiest = &estimate->stages[estimate->busiest_stage];
        if (stage->forward_s + stage->backward_s > busiest->forward_s + busiest->backward_s)
            estimate->busiest_stage = k;
        if (stage->memory.allocated_bytes > estimate->stages[estimate->fullest_stage].memory.allocated_bytes)
            estimate->fullest_stage = k;
    }
    return last_s;
}

/** Messages' part of the pipeline's length: what a replay without them saves. */
static double message_share_s(MppPipelineCost *pipeline, double length_s)
{
    return pipeline->message_s[0] > 0 ? length_s - mpp_pipeline_cost_silent_s(pipeline) : 0;
}

static void fill_shares(MppPipelineCost *pipeline, double exchanged_s, double update_s, double gather_s,
                        MppEstimate *estimate)
{
    const MppJob *job = pipeline->shard->job;
    const MppStageEstimate *busiest = &estimate->stages[estimate->busiest_stage];
    MppShares *shares = &estimate->shares;
    const MppPeaks *held = &pipeline->peaks[estimate->busiest_stage];
    double through_each = (double)pipeline->schedule.micro_batches / mpp_schedule_copies(&pipeline->schedule);
    for (int64_t i = 0; i < held->n_local; i++) {
        MppShares chunk;
        mpp_pipeline_cost_shares(pipeline, held->chunks[i], &chunk);
        mpp_shares_add(shares, through_each, &chunk);
    }
    double length_s = 0;
    for (int64_t k = 0; k < estimate->pp; k++)
        length_s = MAX(length_s, estimate->stages[k].end_s);
    double work_s = mpp_shares_sum(shares);
    shares->s[MPP_SHARE_PP] += MIN(message_share_s(pipeline, length_s), MAX(0, length_s - work_s));
    shares->s[MPP_SHARE_DP] += MAX(0, MIN(busiest->exchange_s, exchanged_s - work_s - shares->s[MPP_SHARE_PP])) + gather_s;
    shares->s[MPP_SHARE_OPTIMIZER] += update_s;
    shares->s[MPP_SHARE_HOST] += mpp_step_end_host_s(job);
    shares->s[MPP_SHARE_BUBBLE] += exchanged_s + gather_s + update_s + mpp_step_end_host_s(job) -
                                   mpp_shares_sum(shares);
    shares->s[MPP_SHARE_JITTER] = mpp_shares_sum(shares) * (mpp_step_end_straggler_factor(job) - 1);
    if (pipeline->strategy->pp == 1 || shares->s[MPP_SHARE_BUBBLE] < 0) /* rounding */
        shares->s[MPP_SHARE_BUBBLE] = 0;
}

static void fill_rates(const MppJob *job, MppEstimate *estimate)
{
    double tokens = (double)job->training.global_batch * mpp_training_mean_seq(&job->training);
    double peak = job->cluster->device.peak_flop_per_s.by_precision[job->training.precision];
    estimate->tokens_per_s_per_gpu = tokens / estimate->step_s / job->gpus;
    estimate->mfu = estimate->tokens_per_s_per_gpu * mpp_estimate_flop_per_token(job) / peak;
    estimate->usd_per_mtokens = job->cluster->device.price_usd_per_h / 3600 / estimate->tokens_per_s_per_gpu * 1e6;
    estimate->capacity_bytes = job->cluster->device.memory_bytes;
    estimate->usable_bytes = mpp_memory_usable_bytes(job);
    estimate->host_usable_bytes = mpp_memory_host_usable_bytes(job);
    estimate->fits = estimate->peak_bytes <= estimate->usable_bytes && estimate->host_bytes <= estimate->host_usable_bytes;
}

/** The stage whose update and gather together take longest. */
static void slowest_update(const MppPipelineCost *pipeline, double *update_s, double *gather_s)
{
    *update_s = *gather_s = 0;
    for (int64_t k = 0; k < pipeline->strategy->pp; k++) {
        double stage_gather_s, stage_update_s = mpp_step_end_update_s(pipeline, k, &stage_gather_s);
        if (stage_update_s + stage_gather_s > *update_s + *gather_s) {
            *update_s = stage_update_s;
            *gather_s = stage_gather_s;
        }
    }
}

MppEstimate *mpp_estimate_from(MppPipelineCost *pipeline)
{
    const MppJob *job = pipeline->shard->job;
    MppEstimate *estimate = g_new0(MppEstimate, 1);
    estimate->pp = pipeline->strategy->pp;
    estimate->stages = g_new0(MppStageEstimate, estimate->pp);
    estimate->chunk_layers = g_array_new(FALSE, FALSE, sizeof(int64_t));
    g_array_append_vals(estimate->chunk_layers, pipeline->layers, pipeline->model_chunks);
    double exchanged_s = fill_stages(pipeline, estimate), update_s, gather_s;
    slowest_update(pipeline, &update_s, &gather_s);
    fill_shares(pipeline, exchanged_s, update_s, gather_s, estimate);
    estimate->step_s = mpp_shares_sum(&estimate->shares);
    estimate->peak_bytes = mpp_memory_peak_bytes(pipeline);
    estimate->host_bytes = mpp_memory_host_bytes(pipeline);
    fill_rates(job, estimate);
    return estimate;
}

void mpp_estimate_contend(MppEstimate *estimate, const MppJob *job, double step_s)
{
    double factor = mpp_step_end_straggler_factor(job), added_s = step_s - estimate->step_s;
    if (added_s <= step_s * (1 - MPP_BOUND_ROUNDING)) /* the same sum in another order */
        return;
    estimate->shares.s[MPP_SHARE_CONTENTION] += added_s / factor;
    estimate->shares.s[MPP_SHARE_JITTER] += added_s - added_s / factor;
    estimate->step_s = mpp_shares_sum(&estimate->shares);
    fill_rates(job, estimate);
}

/** Step of ranks that have computed and exchanged after @end_s. */
static double step_s(const MppJob *job, double end_s)
{
    return (end_s + mpp_step_end_host_s(job)) * mpp_step_end_straggler_factor(job);
}

double mpp_estimate_step_s(MppPipelineCost *pipeline)
{
    double exchanged_s = 0, update_s, gather_s;
    for (int64_t k = 0; k < pipeline->strategy->pp; k++)
        exchanged_s = MAX(exchanged_s, mpp_step_end_exchanged_s(pipeline, k));
    slowest_update(pipeline, &update_s, &gather_s);
    return step_s(pipeline->shard->job, exchanged_s + update_s + gather_s);
}

/** What the reduction of @stage's last chunk, whichever that is, takes at least after the passes. */
static double least_exposed_s(const MppPipelineCost *pipeline, int64_t stage)
{
    double least_s = G_MAXDOUBLE;
    const MppChunkCost *before = NULL;
    for (int64_t i = 0; i < pipeline->peaks[stage].n_local; i++) {
        int32_t index = pipeline->peaks[stage].chunks[i];
        const MppChunkCost *chunk = &pipeline->chunks[index];
        if (before && mpp_step_end_alike(before, chunk))
            continue;
        before = chunk;
        MppReductionCost cost = mpp_step_end_reduction(pipeline, index, chunk->backward_s);
        least_s = MIN(least_s, cost.work_s - cost.hidden_s);
    }
    bool tied = stage == 0 || stage == pipeline->strategy->pp - 1;
    return least_s + (tied ? mpp_step_end_tied_s(pipeline) : 0);
}

/** Of the rank whose end is bounded, whichever exchanges and updates for longest. */
double mpp_estimate_bound_s(MppPipelineCost *pipeline)
{
    MppRankBound bound = mpp_pipeline_cost_bound(pipeline);
    double gather_s, update_s = mpp_step_end_update_s(pipeline, bound.rank, &gather_s);
    double end_s = bound.end_s + least_exposed_s(pipeline, bound.rank) + update_s + gather_s;
    return mpp_estimate_busy_bound_s(pipeline->shard->job, end_s);
}

double mpp_estimate_passes_bound_s(MppPipelineCost *pipeline)
{
    return mpp_estimate_busy_bound_s(pipeline->shard->job, mpp_pipeline_cost_bound(pipeline).end_s);
}

double mpp_estimate_busy_bound_s(const MppJob *job, double busy_s)
{
    return step_s(job, busy_s) * MPP_BOUND_ROUNDING;
}

MppEstimate *mpp_estimate_new(const MppJob *job, const MppStrategy *strategy)
{
    g_autoptr(MppPlanCost) cost = mpp_plan_cost_new(job, strategy);
    return mpp_estimate_from(cost->pipeline);
}

double mpp_estimate_time_s(const MppJob *job, const MppStrategy *strategy)
{
    g_autoptr(MppPlanCost) cost = mpp_plan_cost_new(job, strategy);
    return mpp_estimate_step_s(cost->pipeline);
}
