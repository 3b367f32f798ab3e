#include "planner/cost/exchange.h"

#include "planner/cost/collective.h"
#include "planner/cost/compute.h"

/** Over which axes the replicas of a parameter lie; @replicas: of hybrid sharding, else -1. */
typedef struct {
    MppAxis all, shard;
    int replicas;
} Axes;

static const Axes dense_axes = { MPP_AXIS_DP_CP, MPP_AXIS_SHARD, MPP_AXIS_REPLICAS };
static const Axes expert_axes = { MPP_AXIS_EXPERT_DP, MPP_AXIS_EXPERT_DP, -1 };

/** All ranks of a host exchange and update at the same time. */
static double slowdown(const MppExchange *exchange)
{
    return mpp_cluster_slowdown(exchange->job->cluster, (double)exchange->mesh.host_ranks);
}

/** Appends a collective of @bytes, if it takes time. Returns: how many there are then. */
static int add(const MppExchange *exchange, MppCollective kind, MppAxis axis, double bytes, MppExchangeTransfer *out, int n)
{
    const MppGroup *group = &exchange->mesh.groups[axis];
    if (!(bytes > 0) || group->n == 1)
        return n;
    double time_s = slowdown(exchange) * mpp_collective_time_s(exchange->job->cluster, kind, bytes, group);
    out[n] = (MppExchangeTransfer){ kind, axis, bytes, 1, time_s, kind == MPP_COLLECTIVE_ALL_GATHER };
    return n + 1;
}

int64_t mpp_exchange_zero(const MppStrategy *strategy)
{
    return strategy->pp > 1 ? MIN(strategy->zero, 1) : strategy->zero;
}

bool mpp_exchange_whole_gradients(const MppJob *job, const MppStrategy *strategy)
{
    return job->training.kernels.gradients_whole && mpp_exchange_zero(strategy) >= 2 &&
           mpp_strategy_micro_batches(strategy, job->training.global_batch) > 1;
}

/** Of a micro-batch's backward pass: how often its gradients are sharded. */
static double scatters(const MppExchange *exchange)
{
    const MppJob *job = exchange->job;
    bool once = mpp_exchange_whole_gradients(job, exchange->strategy);
    return once ? 1.0 / (double)mpp_strategy_micro_batches(exchange->strategy, job->training.global_batch) : 1;
}

static int add_once(const MppExchange *exchange, double parameters, Axes axes, MppExchangeTransfer *out, int n)
{
    const MppStateCosts *state = &exchange->job->runtime->state;
    double gradient_bytes = parameters * mpp_job_reduce_bytes(exchange->job), parameter_bytes = parameters * state->gather_bytes;
    int64_t zero = mpp_exchange_zero(exchange->strategy);
    if (zero == 0 || (zero == 1 && !state->zero1_reduce_scatter)) {
        n = add(exchange, MPP_COLLECTIVE_ALL_REDUCE, axes.all, gradient_bytes, out, n);
    } else {
        if (zero == 1)
            n = add(exchange, MPP_COLLECTIVE_REDUCE_SCATTER, axes.shard, gradient_bytes, out, n);
        if (axes.replicas >= 0)
            n = add(exchange, MPP_COLLECTIVE_ALL_REDUCE, (MppAxis)axes.replicas,
                    gradient_bytes / exchange->mesh.groups[axes.shard].n, out, n);
    }
    int gathers = n;
    if (zero == 1 || zero == 2)
        n = add(exchange, MPP_COLLECTIVE_ALL_GATHER, axes.shard, parameter_bytes, out, n);
    for (int i = gathers; i < n; i++)
        out[i].time_s += exchange->mesh.groups[axes.shard].n * state->owner_s;
    return n;
}

int mpp_exchange_once(const MppExchange *exchange, double parameters, double expert_parameters, MppExchangeTransfer *out)
{
    int n = add_once(exchange, parameters, dense_axes, out, 0);
    return add_once(exchange, expert_parameters, expert_axes, out, n);
}

MppExchangeTime mpp_exchange_time(const MppExchange *exchange, double parameters, double expert_parameters)
{
    MppExchangeTransfer transfers[MPP_EXCHANGE_MOST];
    int n = mpp_exchange_once(exchange, parameters, expert_parameters, transfers);
    MppExchangeTime time = { 0 };
    for (int i = 0; i < n; i++)
        *(transfers[i].gather ? &time.gather_s : &time.reduce_s) += transfers[i].time_s;
    return time;
}

/** A stack that moves a layer tensor by tensor pays the start of a collective as often, and reaches less of the links' rate. */
static int add_each(const MppExchange *exchange, double parameters, Axes axes, MppExchangeTransfer *out, int n)
{
    const MppStateCosts *state = &exchange->job->runtime->state;
    double each = parameters / state->sharded_calls / state->sharded_rate_frac;
    int first = n;
    if (mpp_exchange_zero(exchange->strategy) == 3)
        n = add(exchange, MPP_COLLECTIVE_ALL_GATHER, axes.shard, each * state->gather_bytes, out, n);
    n = add(exchange, MPP_COLLECTIVE_REDUCE_SCATTER, axes.shard, each * mpp_job_reduce_bytes(exchange->job), out, n);
    for (int i = first; i < n; i++) {
        out[i].calls = state->sharded_calls * (out[i].gather ? 1 : scatters(exchange));
        out[i].time_s *= out[i].calls;
        out[i].bytes *= state->sharded_rate_frac;
    }
    return n;
}

int mpp_exchange_each(const MppExchange *exchange, double parameters, double expert_parameters, MppExchangeTransfer *out)
{
    if (mpp_exchange_zero(exchange->strategy) < 2)
        return 0;
    int n = add_each(exchange, parameters, dense_axes, out, 0);
    return add_each(exchange, expert_parameters, expert_axes, out, n);
}

/** Of a stage's parameters, those whose states are the rank's own. */
static double held_parameters(const MppExchange *exchange, double parameters, double expert_parameters)
{
    const MppStrategy *s = exchange->strategy;
    return s->zero ? parameters / mpp_strategy_shard_ranks(s) + expert_parameters / mpp_strategy_expert_dp(s)
                   : parameters + expert_parameters;
}

/** Copies run where the computation does, so nothing hides them; @bytes are a parameter's. */
static double copies_s(const MppExchange *exchange, const MppBlockCost *block, double bytes)
{
    double moved = (block->parameters + block->expert_parameters) * bytes;
    return moved > 0 ? slowdown(exchange) * mpp_compute_stream_s(&exchange->job->cluster->device, MPP_STREAMING_COPY, moved, 1) : 0;
}

/** Of a recomputed layer's parameters, the share with too many used between recomputation and backward pass to be kept: twice those behind it. */
static double gathered_again_frac(const MppExchange *exchange, const MppBlockCost *block, const MppPassCost *cost)
{
    double kept = exchange->job->runtime->state.reuse_parameters, parameters = block->parameters + block->expert_parameters;
    return kept > 0 && cost == &block->by_recompute[MPP_RECOMPUTE_FULL] ? MAX(0, 1 - kept / 2 / parameters) : 0;
}

/** How often a shard's gradients go over the host's link in a step, to where the host updates it: down, and up for a further micro-batch's sum. */
static double gradient_copies(const MppExchange *exchange)
{
    bool in_host = exchange->job->runtime->state.gradients_in_host && mpp_exchange_zero(exchange->strategy) >= 2;
    return in_host ? 2.0 * (double)mpp_strategy_micro_batches(exchange->strategy, exchange->job->training.global_batch) - 1 : 1;
}

MppShardedLayer mpp_exchange_layer(const MppExchange *exchange, const MppBlockCost *block, const MppPassCost *cost)
{
    if (mpp_exchange_zero(exchange->strategy) < 2)
        return (MppShardedLayer){ 0 };
    const MppStateCosts *state = &exchange->job->runtime->state;
    double gather_s = 0, scatter_s = 0, frac = exchange->job->runtime->overlap.fsdp_frac;
    double beside_frac = exchange->job->runtime->overlap.slowdown_frac;
    MppExchangeTransfer transfers[MPP_EXCHANGE_MOST];
    int n = mpp_exchange_each(exchange, block->parameters, block->expert_parameters, transfers);
    for (int i = 0; i < n; i++)
        *(transfers[i].gather ? &gather_s : &scatter_s) += transfers[i].time_s;
    if (exchange->strategy->offload == MPP_OFFLOAD_PARAMETERS) { /* a shard comes from the host before it is gathered */
        double host_s = held_parameters(exchange, block->parameters, block->expert_parameters) /
                        exchange->job->cluster->device.host_link_bytes_per_s;
        gather_s += host_s * (state->sharded_master ? 4 : state->gather_bytes);
        double micro_batches = (double)mpp_strategy_micro_batches(exchange->strategy, exchange->job->training.global_batch);
        scatter_s += host_s * mpp_job_reduce_bytes(exchange->job) * MAX(1, gradient_copies(exchange) / micro_batches);
    }
    bool hooked = mpp_exchange_zero(exchange->strategy) == 3 || exchange->job->runtime->hooks_zero2;
    double hooks_forward_s = hooked ? cost->gathered_forward_s : 0, hooks_backward_s = hooked ? cost->gathered_backward_s : 0;
    double gathers_backward = 1 + gathered_again_frac(exchange, block, cost), backward_s = gathers_backward * gather_s + scatter_s;
    double hidden_forward_s = MIN(gather_s, frac * (cost->forward_s + hooks_forward_s));
    double hidden_backward_s = MIN(backward_s, frac * (cost->backward_s + hooks_backward_s));
    double copy_gathered_s = gather_s > 0 ? copies_s(exchange, block, state->gather_copy_bytes) : 0;
    double copy_scattered_s = scatter_s > 0 ? copies_s(exchange, block, state->reduce_copy_bytes) : 0;
    return (MppShardedLayer){
        .forward_s = gather_s - hidden_forward_s * (1 - beside_frac) + copy_gathered_s + hooks_forward_s,
        .backward_s = backward_s - hidden_backward_s * (1 - beside_frac) + gathers_backward * copy_gathered_s + copy_scattered_s +
                      hooks_backward_s,
        .first_s = hidden_forward_s * (1 - beside_frac),
        .last_s = MIN(scatter_s, hidden_backward_s) * (1 - beside_frac),
    };
}

/** Full-precision training has no master copy beside the weights. */
static double optimizer_scale(const MppJob *job)
{
    return (1.0 + mpp_optimizer_moments(job->training.optimizer)) / 3;
}

/** Of the host's memory: a rank has threads for a part of it, and all of a host's share it. */
static double host_update_rate(const MppExchange *exchange)
{
    const MppCluster *cluster = exchange->job->cluster;
    return MIN(cluster->device.host_memory_bytes_per_s, cluster->host_memory_bytes_per_s / (double)exchange->mesh.host_ranks);
}

double mpp_exchange_update_s(const MppExchange *exchange, double parameters, double expert_parameters)
{
    const MppJob *job = exchange->job;
    const MppStrategy *s = exchange->strategy;
    double held = held_parameters(exchange, parameters, expert_parameters);
    double update_s = mpp_compute_stream_s(&job->cluster->device, MPP_STREAMING_OPTIMIZER,
                                           held * job->runtime->state.update_traffic_bytes * optimizer_scale(job), 1);
    double norm_s = mpp_collective_time_s(job->cluster, MPP_COLLECTIVE_ALL_REDUCE, 4, &exchange->mesh.groups[MPP_AXIS_DP_CP]);
    if (s->offload) { /* gradients down and parameters up, if they are not there; the host's own memory is slower still */
        double bytes = mpp_job_reduce_bytes(job) * gradient_copies(exchange) + job->runtime->state.gather_bytes;
        double moved = s->offload == MPP_OFFLOAD_OPTIMIZER ? held * bytes : 0;
        update_s = moved / job->cluster->device.host_link_bytes_per_s +
                   held * job->runtime->state.update_traffic_bytes / host_update_rate(exchange);
    }
    return slowdown(exchange) * (update_s + norm_s);
}

double mpp_exchange_copies_s(const MppExchange *exchange, double parameters, double expert_parameters)
{
    double held = held_parameters(exchange, parameters, expert_parameters);
    return mpp_collective_message_s(exchange->job->cluster, held * mpp_job_reduce_bytes(exchange->job),
                                    &exchange->mesh.groups[MPP_AXIS_PP]);
}

double mpp_exchange_tied_s(const MppExchange *exchange, double embedding_parameters)
{
    const MppJob *job = exchange->job;
    if (exchange->strategy->pp == 1 || !job->model->tied_embeddings)
        return 0;
    return 2 * mpp_collective_message_s(job->cluster, embedding_parameters * mpp_job_reduce_bytes(job) / 2,
                                        &exchange->mesh.groups[MPP_AXIS_PP]);
}
