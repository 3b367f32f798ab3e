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
    return mpp_precision_element_bytes(job->training.precision) > 2 ? bytes - 4 : bytes;
}

/** Weights, gradients and optimizer states of @parameters whose replicas are sharded over @ranks. */
static void add_states(const MppJob *job, const MppStrategy *s, double parameters, double ranks, MppMemory *memory)
{
    const MppStateCosts *state = &job->runtime->state;
    double element = mpp_precision_element_bytes(job->training.precision);
    double buffers = s->zero == 1 ? state->zero1_kept_bytes : s->zero == 0 && s->dp > 1 ? state->zero0_kept_bytes : 0;
    memory->bytes[MPP_MEMORY_WEIGHTS] += parameters * element / (s->zero >= 3 ? ranks : 1);
    memory->bytes[MPP_MEMORY_GRADIENTS] += parameters * state->gradient_bytes / (s->zero >= 2 ? ranks : 1) +
                                           (s->zero >= 2 ? 0 : parameters * state->gradient_transient_bytes);
    memory->bytes[MPP_MEMORY_OPTIMIZER] += s->offload_optimizer ? 0 : parameters * optimizer_bytes(job) / (s->zero >= 1 ? ranks : 1);
    memory->bytes[MPP_MEMORY_BUFFERS] += parameters * buffers;
}

/** Two layers' gathered parameters (the one at work and the next) and one's gradients. */
static double gathered_bytes(const MppShardCost *shard, const MppStrategy *s)
{
    const MppJob *job = shard->job;
    double element = mpp_precision_element_bytes(job->training.precision), largest = 0;
    for (int64_t i = 0; i < job->model->n_kinds; i++)
        largest = MAX(largest, shard->kinds[i].parameters + shard->kinds[i].expert_parameters);
    double gradients = s->zero >= 2 ? largest * job->runtime->state.reduce_bytes : 0;
    return gradients + (s->zero >= 3 ? 2 * largest * element : 0);
}

MppMemory mpp_memory_stage(const MppPipelineCost *pipeline, int64_t stage)
{
    const MppShardCost *shard = pipeline->shard;
    const MppJob *job = shard->job;
    const MppStrategy *s = pipeline->strategy;
    const MppMemoryCosts *costs = &job->runtime->memory;
    const MppStageCost *cost = &pipeline->stages[stage];

    MppMemory memory = { 0 };
    add_states(job, s, cost->parameters, mpp_strategy_shard_ranks(s), &memory);
    add_states(job, s, cost->expert_parameters, job->model->moe.experts ? mpp_strategy_expert_dp(s) : 1, &memory);
    memory.bytes[MPP_MEMORY_ACTIVATIONS] = cost->activation_bytes;
    memory.bytes[MPP_MEMORY_WORKING] = cost->working_bytes + gathered_bytes(shard, s);
    memory.bytes[MPP_MEMORY_LOSS] = stage == s->pp - 1 ? shard->head_bytes : 0;
    memory.bytes[MPP_MEMORY_BUFFERS] += costs->fixed_bytes;
    for (int i = 0; i < MPP_N_MEMORY_PARTS; i++)
        memory.allocated_bytes += memory.bytes[i];

    MppOpContext at = mpp_op_context(job, &shard->place.shard, &job->model->kinds[0]);
    double deferred = s->tp > 1 ? costs->deferred_buffers * at.tokens * job->model->hidden * at.element : 0;
    memory.reserved_bytes = MIN(memory.allocated_bytes + deferred, MAX(memory.allocated_bytes, job->cluster->device.memory_bytes));
    memory.device_bytes = memory.reserved_bytes + costs->context_bytes;
    return memory;
}

double mpp_memory_usable_bytes(const MppJob *job)
{
    return job->cluster->device.memory_bytes * job->runtime->memory.usable_frac;
}
