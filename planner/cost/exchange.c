#include "planner/cost/exchange.h"

#include "planner/cost/collective.h"
#include "planner/cost/compute.h"

typedef struct {
    const MppGroup *all, *shard, *replicas;
} Groups;

static Groups dense_groups(const MppExchange *exchange)
{
    const MppGroup *groups = exchange->mesh.groups;
    return (Groups){ &groups[MPP_AXIS_DP_CP], &groups[MPP_AXIS_SHARD], &groups[MPP_AXIS_REPLICAS] };
}

static Groups expert_groups(const MppExchange *exchange)
{
    static const MppGroup single = { .n = 1, .members = { 1, 1, 1, 1 } };
    const MppGroup *all = &exchange->mesh.groups[MPP_AXIS_EXPERT_DP];
    return (Groups){ all, all, &single };
}

static double collective_s(const MppExchange *exchange, MppCollective kind, double bytes, const MppGroup *group)
{
    return bytes > 0 ? mpp_collective_time_s(exchange->job->cluster, kind, bytes, group) : 0;
}

int64_t mpp_exchange_zero(const MppStrategy *strategy)
{
    return strategy->pp > 1 ? MIN(strategy->zero, 1) : strategy->zero;
}

static MppExchangeTime once_a_step(const MppExchange *exchange, double parameters, Groups groups)
{
    const MppStateCosts *state = &exchange->job->runtime->state;
    const MppStrategy *s = exchange->strategy;
    double gradient_bytes = parameters * state->reduce_bytes, parameter_bytes = parameters * state->gather_bytes;
    MppExchangeTime time = { 0 };
    int64_t zero = mpp_exchange_zero(s);
    if (zero == 0 || (zero == 1 && !state->zero1_reduce_scatter)) {
        time.reduce_s = collective_s(exchange, MPP_COLLECTIVE_ALL_REDUCE, gradient_bytes, groups.all);
    } else {
        if (zero == 1)
            time.reduce_s = collective_s(exchange, MPP_COLLECTIVE_REDUCE_SCATTER, gradient_bytes, groups.shard);
        time.reduce_s += collective_s(exchange, MPP_COLLECTIVE_ALL_REDUCE, gradient_bytes / groups.shard->n, groups.replicas);
    }
    if (zero == 1 || zero == 2)
        time.gather_s = collective_s(exchange, MPP_COLLECTIVE_ALL_GATHER, parameter_bytes, groups.shard);
    return time;
}

MppExchangeTime mpp_exchange_time(const MppExchange *exchange, double parameters, double expert_parameters)
{
    MppExchangeTime dense = once_a_step(exchange, parameters, dense_groups(exchange));
    MppExchangeTime experts = once_a_step(exchange, expert_parameters, expert_groups(exchange));
    return (MppExchangeTime){ dense.reduce_s + experts.reduce_s, dense.gather_s + experts.gather_s };
}

/** A stack that moves a layer tensor by tensor pays the start of a collective as often. */
static void sharded_transfers(const MppExchange *exchange, double parameters, Groups groups, double *gather_s, double *scatter_s)
{
    const MppStateCosts *state = &exchange->job->runtime->state;
    double calls = state->sharded_calls, each = parameters / calls / state->sharded_rate_frac;
    if (mpp_exchange_zero(exchange->strategy) == 3)
        *gather_s += calls * collective_s(exchange, MPP_COLLECTIVE_ALL_GATHER, each * state->gather_bytes, groups.shard);
    *scatter_s += calls * collective_s(exchange, MPP_COLLECTIVE_REDUCE_SCATTER, each * state->reduce_bytes, groups.shard);
}

MppShardedLayer mpp_exchange_layer(const MppExchange *exchange, const MppBlockCost *block, const MppPassCost *cost)
{
    if (mpp_exchange_zero(exchange->strategy) < 2)
        return (MppShardedLayer){ 0 };
    double gather_s = 0, scatter_s = 0, frac = exchange->job->runtime->overlap.fsdp_frac;
    double slowdown = exchange->job->runtime->overlap.slowdown_frac;
    sharded_transfers(exchange, block->parameters, dense_groups(exchange), &gather_s, &scatter_s);
    sharded_transfers(exchange, block->expert_parameters, expert_groups(exchange), &gather_s, &scatter_s);
    double hidden_forward_s = MIN(gather_s, frac * cost->forward_s);
    double hidden_backward_s = MIN(gather_s + scatter_s, frac * cost->backward_s);
    return (MppShardedLayer){
        .forward_s = gather_s - hidden_forward_s * (1 - slowdown),
        .backward_s = gather_s + scatter_s - hidden_backward_s * (1 - slowdown),
        .first_s = gather_s,
        .last_s = scatter_s,
    };
}

/** Full-precision training has no master copy beside the weights. */
static double optimizer_scale(const MppJob *job)
{
    return (1.0 + mpp_optimizer_moments(job->training.optimizer)) / 3;
}

double mpp_exchange_update_s(const MppExchange *exchange, double parameters, double expert_parameters)
{
    const MppJob *job = exchange->job;
    const MppStrategy *s = exchange->strategy;
    double held = parameters + expert_parameters;
    if (s->zero)
        held = parameters / mpp_strategy_shard_ranks(s) + expert_parameters / mpp_strategy_expert_dp(s);
    double update_s = mpp_compute_stream_s(&job->cluster->device,
                                           held * job->runtime->state.update_traffic_bytes * optimizer_scale(job), 1);
    double norm_s = mpp_collective_time_s(job->cluster, MPP_COLLECTIVE_ALL_REDUCE, 4, &exchange->mesh.groups[MPP_AXIS_DP_CP]);
    if (s->offload_optimizer) { /* gradients down and parameters up; the host's own memory is slower still */
        double moved = held * (job->runtime->state.reduce_bytes + job->runtime->state.gather_bytes);
        update_s = moved / job->cluster->device.host_link_bytes_per_s +
                   held * job->runtime->state.update_traffic_bytes / job->cluster->device.host_memory_bytes_per_s;
    }
    return update_s + norm_s;
}

double mpp_exchange_copies_s(const MppExchange *exchange, double parameters, double expert_parameters)
{
    const MppStrategy *s = exchange->strategy;
    double held = parameters + expert_parameters;
    if (s->zero)
        held = parameters / mpp_strategy_shard_ranks(s) + expert_parameters / mpp_strategy_expert_dp(s);
    return mpp_collective_message_s(exchange->job->cluster, held * exchange->job->runtime->state.reduce_bytes,
                                    &exchange->mesh.groups[MPP_AXIS_PP]);
}

double mpp_exchange_tied_s(const MppExchange *exchange, double embedding_parameters)
{
    const MppJob *job = exchange->job;
    if (exchange->strategy->pp == 1 || !job->model->tied_embeddings)
        return 0;
    return 2 * mpp_collective_message_s(job->cluster, embedding_parameters * job->runtime->state.reduce_bytes / 2,
                                        &exchange->mesh.groups[MPP_AXIS_PP]);
}
