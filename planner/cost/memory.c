#include "planner/cost/memory.h"

#define PART(part, name, title) name,
static const char *const names[] = { MPP_MEMORY_PARTS(PART) };
#undef PART
#define PART(part, name, title) title,
static const char *const titles[] = { MPP_MEMORY_PARTS(PART) };
#undef PART

const MppNames mpp_memory_names = MPP_NAMES("memory part", names);
const MppNames mpp_memory_titles = MPP_NAMES("memory part", titles);

/** fp32 weights are their own master copy. */
static double optimizer_bytes(const MppJob *job)
{
    double bytes = job->runtime->state.optimizer_bytes * (1.0 + mpp_optimizer_moments(job->training.optimizer)) / 3;
    return mpp_precision_element_bytes(job->training.precision) > 2 ? MAX(bytes - 4, 0) : bytes;
}

/** Of a parameter whose replicas are sharded over @ranks. */
static MppParameterBytes parameter_bytes(const MppJob *job, const MppStrategy *s, double ranks)
{
    const MppStateCosts *state = &job->runtime->state;
    int64_t zero = mpp_exchange_zero(s);
    double element = mpp_precision_element_bytes(job->training.precision);
    double kept = zero == 1 ? state->zero1_kept_bytes : zero == 0 && s->dp * s->cp > 1 ? state->zero0_kept_bytes : 0;
    bool parameters_away = s->offload == MPP_OFFLOAD_PARAMETERS;
    bool bf16 = job->training.precision == MPP_PRECISION_BF16, bare = bf16 && state->bf16_accumulates_with_pp && s->pp == 1;
    double gradient = bare ? element : mpp_job_gradient_bytes(job);
    kept += bf16 && !bare ? state->bf16_kept_bytes : 0;
    if (zero == 2 && job->training.narrow_states && job->runtime->gathers_by_layer) /* shards beside what is gathered of them; else a master copy is */
        kept += element / ranks;
    if (job->runtime->memory.narrow_weights && mpp_precision_needs_casts(job->training.precision))
        kept += 2 * mpp_precision_matmul_bytes(job->training.precision);
    double sharded = mpp_exchange_whole_gradients(job, s) ? mpp_job_reduce_bytes(job) : gradient / ranks; /* FSDP2 adds them up as they are reduced */
    return (MppParameterBytes){
        .weights = zero < 3 ? element : parameters_away || state->sharded_master ? 0 : element / ranks,
        .gradients = parameters_away ? 0 : zero >= 2 ? sharded : gradient + state->gradient_transient_bytes,
        .optimizer = s->offload ? 0 : optimizer_bytes(job) / (zero >= 1 ? ranks : 1),
        .buffers = kept,
        .update = s->offload || job->training.kernels.update_fused ? 0 : state->update_bytes / (zero >= 1 ? ranks : 1),
        .host = (s->offload ? optimizer_bytes(job) / (zero >= 1 ? ranks : 1) : 0) + (parameters_away ? (element + gradient) / ranks : 0),
    };
}

static MppParameterBytes expert_bytes(const MppJob *job, const MppStrategy *s)
{
    return parameter_bytes(job, s, job->model->moe.experts ? mpp_strategy_expert_shard_ranks(s) : 1);
}

/**
 * Whole parameters and gradients of sharded layers: two layers' parameters (the one at work and the next), those of
 * the embedding and the head, and one layer's gradients. At the loss FSDP has one layer's, the last, and those of the
 * ends; other stacks have buffers of a constant size. A stack that copies what it gathers out of a buffer has that of the next layer
 * besides, one that copies gradients into a buffer has them as they were made, too (FSDP2: torch/distributed/fsdp/_fully_shard,
 * foreach_all_gather_copy_out, foreach_reduce). Beside them what the stack holds for a layer's new gradients.
 */
static double gathered_bytes(const MppShardCost *shard, const MppStrategy *s, bool at_loss)
{
    const MppJob *job = shard->job;
    double element = mpp_precision_element_bytes(job->training.precision), largest = 0, densest = 0;
    for (int64_t i = 0; i < job->model->n_kinds; i++) {
        largest = MAX(largest, shard->kinds[i].parameters + shard->kinds[i].expert_parameters);
        densest = MAX(densest, shard->kinds[i].parameters);
    }
    double ends = shard->embedding.parameters + shard->head.parameters;
    const MppStateCosts *state = &job->runtime->state;
    bool before = at_loss && state->sharded_master;
    double as_made = state->reduce_copy_bytes > 0 ? element : 0, layers = before ? 1 : 2 + (state->gather_copy_bytes > 0);
    double gradients = !before && mpp_exchange_zero(s) >= 2 ? largest * (mpp_job_reduce_bytes(job) + as_made) : 0;
    double weights = mpp_exchange_zero(s) >= 3 ? (layers * largest + ends) * element : 0;
    return weights + gradients + densest * state->new_gradient_bytes;
}

MppMemoryRates mpp_memory_rates(const MppPipelineCost *pipeline)
{
    const MppJob *job = pipeline->shard->job;
    const MppStrategy *s = pipeline->strategy;
    return (MppMemoryRates){
        .dense = parameter_bytes(job, s, mpp_strategy_shard_ranks(s)),
        .experts = expert_bytes(job, s),
        .gathered_bytes = gathered_bytes(pipeline->shard, s, false),
        .gathered_at_loss_bytes = gathered_bytes(pipeline->shard, s, true),
        .gradients_anew = job->runtime->state.gradients_anew && pipeline->schedule.micro_batches == 1,
    };
}

/** In the loss, or in the backward pass of a layer. */
static double pass_bytes(const MppStageCost *cost, const MppMemoryRates *rates)
{
    return MAX(cost->loss_bytes + rates->gathered_at_loss_bytes, cost->working_bytes + rates->gathered_bytes);
}

static double all_gradient_bytes(const MppStageCost *cost, const MppMemoryRates *rates)
{
    return cost->parameters * rates->dense.gradients + cost->expert_parameters * rates->experts.gradients;
}

/** Beside all activations and the fuller pass; gradients that each step makes anew are there as far as both have gone at its end. */
static double gradient_bytes(const MppStageCost *cost, const MppMemoryRates *rates)
{
    double bytes = all_gradient_bytes(cost, rates);
    double gone = cost->activation_bytes + pass_bytes(cost, rates) - cost->working_bytes - rates->gathered_bytes;
    return rates->gradients_anew ? MAX(0, bytes - gone) : bytes;
}

static double all_update_bytes(const MppStageCost *cost, const MppMemoryRates *rates)
{
    return cost->parameters * rates->dense.update + cost->expert_parameters * rates->experts.update;
}

/** What the update holds, as far as it is more than activations and the fuller pass were, which are gone then. */
static double update_bytes(const MppStageCost *cost, const MppMemoryRates *rates)
{
    double bytes = all_update_bytes(cost, rates) + all_gradient_bytes(cost, rates);
    return MAX(0, bytes - gradient_bytes(cost, rates) - cost->activation_bytes - pass_bytes(cost, rates));
}

static void fill_parts(const MppPipelineCost *pipeline, const MppMemoryRates *rates, int64_t stage, double *bytes)
{
    const MppStageCost *cost = &pipeline->stages[stage];
    const MppParameterBytes *dense = &rates->dense, *experts = &rates->experts;
    bool at_loss = cost->loss_bytes + rates->gathered_at_loss_bytes > cost->working_bytes + rates->gathered_bytes;
    double p = cost->parameters, e = cost->expert_parameters;
    bytes[MPP_MEMORY_WEIGHTS] = p * dense->weights + e * experts->weights;
    bytes[MPP_MEMORY_GRADIENTS] = gradient_bytes(cost, rates);
    bytes[MPP_MEMORY_OPTIMIZER] = p * dense->optimizer + e * experts->optimizer;
    bytes[MPP_MEMORY_ACTIVATIONS] = cost->activation_bytes;
    bytes[MPP_MEMORY_WORKING] = at_loss ? rates->gathered_at_loss_bytes : rates->gathered_bytes + cost->working_bytes;
    bytes[MPP_MEMORY_LOSS] = at_loss ? cost->loss_bytes : 0;
    bytes[MPP_MEMORY_BUFFERS] = p * dense->buffers + e * experts->buffers + cost->output_bytes + update_bytes(cost, rates) +
                                pipeline->shard->job->runtime->memory.fixed_bytes;
}

/** Whether a layer's forward pass takes the host longer than the device: then more than 1 - 2^(-1/6) of it is host time. */
static bool host_limits(const MppShardCost *shard)
{
    const MppPassCost *pass = &shard->kinds[0].by_recompute[MPP_RECOMPUTE_NONE];
    const double at_par_frac = 0.109;
    return pass->forward.s[MPP_SHARE_HOST] > at_par_frac * pass->forward_s;
}

/**
 * Whether buffers of exchanges between tensor-parallel ranks wait for their stream, so that the allocator cannot give
 * them out again: while the host issues work ahead of the device. It does not where passes wait for collectives
 * between nodes and for messages of the pipeline in turn, or for messages alone without several forward passes before
 * them (two stages). Measured under nanotron: 5 buffers (waiting_buffers) instead of 30 to 57 (deferred_buffers).
 */
static bool runs_ahead(const MppPipelineCost *pipeline)
{
    const MppBlockPlace *place = &pipeline->shard->place;
    bool waits_each_pass = place->tp.widest_tier > 0 || (pipeline->strategy->pp == 2 && host_limits(pipeline->shard));
    return !(pipeline->strategy->pp > 1 && waits_each_pass);
}

static double sum_parts(const double *bytes)
{
    double sum = 0;
    for (int i = 0; i < MPP_N_MEMORY_PARTS; i++)
        sum += bytes[i];
    return sum;
}

/** Freed gradients are too small for activations, and freed activations too small for an update in one block. */
static double freed_bytes(const MppPipelineCost *pipeline, const MppMemoryRates *rates, int64_t stage)
{
    const MppStageCost *cost = &pipeline->stages[stage];
    const MppJob *job = pipeline->shard->job;
    if (job->training.kernels.segments_grow)
        return 0;
    double update = job->runtime->state.update_flat ? all_update_bytes(cost, rates) - update_bytes(cost, rates) : 0;
    return all_gradient_bytes(cost, rates) - gradient_bytes(cost, rates) + MAX(0, update);
}

static double context_bytes(const MppRuntime *runtime, const MppStrategy *s)
{
    bool alone = s->dp * s->tp * s->pp * s->cp == 1 && runtime->memory.lone_context_bytes > 0;
    return alone ? runtime->memory.lone_context_bytes : runtime->memory.context_bytes;
}

MppMemory mpp_memory_stage(const MppPipelineCost *pipeline, const MppMemoryRates *rates, int64_t stage)
{
    const MppShardCost *shard = pipeline->shard;
    const MppJob *job = shard->job;
    const MppMemoryCosts *costs = &job->runtime->memory;
    MppMemory memory;
    fill_parts(pipeline, rates, stage, memory.bytes);
    memory.allocated_bytes = sum_parts(memory.bytes);

    MppOpContext at = mpp_op_context(job, &shard->place.shard, &job->model->kinds[0]);
    double buffers = shard->place.shard.tp == 1 ? 0 : runs_ahead(pipeline) ? costs->deferred_buffers : costs->waiting_buffers;
    double deferred = buffers * at.longest * at.tokens * mpp_model_widest(job->model) * at.element;
    double recomputing = pipeline->strategy->recompute == MPP_RECOMPUTE_FULL ? costs->recompute_fragment_frac : 0;
    double reserved = memory.allocated_bytes * (1 + costs->fragment_frac + recomputing) + deferred + freed_bytes(pipeline, rates, stage);
    double most = MAX(memory.allocated_bytes, job->cluster->device.memory_bytes); /* the allocator gives back what it can */
    memory.reserved_bytes = MIN(reserved, most);
    double context = context_bytes(job->runtime, pipeline->strategy);
    memory.device_bytes = MIN(reserved + context, MAX(memory.allocated_bytes + context, most));
    return memory;
}

/** But gradients. */
static double sum_rates(const MppParameterBytes *rates)
{
    return rates->weights + rates->optimizer + rates->buffers;
}

double mpp_memory_peak_bytes(const MppPipelineCost *pipeline)
{
    MppMemoryRates rates = mpp_memory_rates(pipeline);
    double dense = sum_rates(&rates.dense), experts = sum_rates(&rates.experts), peak = 0;
    int64_t pp = pipeline->strategy->pp;
    for (int64_t k = 0; k < pp; k++) {
        const MppStageCost *cost = &pipeline->stages[k];
        peak = MAX(peak, cost->parameters * dense + cost->expert_parameters * experts + gradient_bytes(cost, &rates) + cost->activation_bytes +
                             cost->output_bytes + pass_bytes(cost, &rates) + update_bytes(cost, &rates));
    }
    return peak + pipeline->shard->job->runtime->memory.fixed_bytes;
}

double mpp_memory_bound_bytes(const MppShardCost *shard, const MppStrategy *s)
{
    const MppJob *job = shard->job;
    MppParameterBytes dense = parameter_bytes(job, s, mpp_strategy_shard_ranks(s)), experts = expert_bytes(job, s);
    const MppBlockCost *whole = &shard->whole;
    double states = whole->parameters * sum_rates(&dense) + whole->expert_parameters * sum_rates(&experts);
    if (!job->runtime->state.gradients_anew)
        states += whole->parameters * dense.gradients + whole->expert_parameters * experts.gradients;
    double kept = s->recompute < MPP_RECOMPUTE_FULL ? whole->by_recompute[s->recompute].kept_bytes : 0; /* else the host may have it */
    return ((states + kept) / s->pp + job->runtime->memory.fixed_bytes) * MPP_BOUND_ROUNDING;
}

double mpp_memory_usable_bytes(const MppJob *job)
{
    return job->cluster->device.memory_bytes * job->runtime->memory.usable_frac;
}

double mpp_memory_host_bytes(const MppPipelineCost *pipeline)
{
    const MppStrategy *s = pipeline->strategy;
    double most = 0;
    if (!s->offload && s->recompute != MPP_RECOMPUTE_OFFLOAD && !mpp_pipeline_cost_inputs_in_host(pipeline))
        return 0;
    MppMemoryRates rates = mpp_memory_rates(pipeline);
    for (int64_t k = 0; k < s->pp; k++) {
        const MppStageCost *cost = &pipeline->stages[k];
        most = MAX(most, cost->parameters * rates.dense.host + cost->expert_parameters * rates.experts.host + cost->copied_bytes);
    }
    return most;
}

double mpp_memory_host_usable_bytes(const MppJob *job)
{
    const double usable_frac = 0.9; /* guess: the rest is the system's, data loaders' and buffers' */
    return usable_frac * job->cluster->host_bytes;
}
