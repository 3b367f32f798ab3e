#include "planner/cost/block_cost.h"

#include "planner/cost/collective.h"
#include "planner/cost/compute.h"
#include "planner/cost/host_time.h"

MppBlockPlace mpp_block_place(const MppStrategy *strategy, const MppMesh *mesh)
{
    return (MppBlockPlace){
        .shard = mpp_shard_of(strategy),
        .tp = mesh->groups[MPP_AXIS_TP],
        .cp = mesh->groups[MPP_AXIS_CP],
        .ep = mesh->groups[MPP_AXIS_EP],
        .etp = mesh->groups[MPP_AXIS_ETP],
        .stage_ranks = mesh->stage_ranks,
        .waits_for_nodes = mesh->groups[MPP_AXIS_PP].widest_tier > 0,
    };
}

/** One pass over the ops, before hiding; beside it what the host does. */
typedef struct {
    MppShares s;
    double weight_s;
    MppHostWork host;
} RawPass;

static MppShare op_share(const MppOp *op)
{
    switch (op->kind) {
    case MPP_OP_MATMUL: return op->attention_core ? MPP_SHARE_ATTENTION : MPP_SHARE_MATMUL;
    case MPP_OP_ATTENTION: return MPP_SHARE_ATTENTION;
    case MPP_OP_MEMORY: return op->attention_core ? MPP_SHARE_ATTENTION : MPP_SHARE_MEMORY;
    default: return op->axis == MPP_AXIS_CP ? MPP_SHARE_CP : op->axis == MPP_AXIS_TP ? MPP_SHARE_TP : MPP_SHARE_EP;
    }
}

static const MppGroup *op_group(const MppBlockPlace *place, const MppOp *op)
{
    switch (op->axis) {
    case MPP_AXIS_CP: return &place->cp;
    case MPP_AXIS_EP: return &place->ep;
    case MPP_AXIS_ETP: return &place->etp;
    default: return &place->tp;
    }
}

/** What one op adds to each pass, all of it to one share. */
typedef struct {
    MppShare share;
    double forward_s, backward_s;
    double weight_s; /* of backward_s */
    double forward_host_s, backward_host_s;
} OpCost;

static OpCost op_cost(const MppJob *job, const MppBlockPlace *place, const MppOp *op)
{
    const MppHostCosts *host = &job->runtime->host;
    OpCost cost = { .share = op_share(op) };
    double slowdown = mpp_cluster_slowdown(job->cluster, place->stage_ranks);
    if (op->kind == MPP_OP_COLLECTIVE) {
        double once_s = slowdown * (mpp_collective_op_s(job->cluster, op, op_group(place, op)) + host->wait_s);
        double issue_s = host->collective_s + host->member_s * (op_group(place, op)->n - 1);
        cost.forward_s = op->forward_times * once_s;
        cost.backward_s = op->backward_times * once_s;
        cost.forward_host_s = op->forward_times * issue_s;
        cost.backward_host_s = op->backward_times * issue_s;
        return cost;
    }
    MppOpTime time = mpp_compute_time(job, op);
    cost.forward_s = slowdown * time.forward_s;
    cost.backward_s = slowdown * (time.backward_input_s + time.backward_weight_s);
    cost.weight_s = op->parameters > 0 ? slowdown * time.backward_weight_s : 0;
    cost.forward_host_s = op->forward_kernels * host->kernel_s + op->forward_launches * host->launch_s;
    cost.backward_host_s = op->backward_kernels * host->kernel_s + op->backward_launches * host->launch_s;
    return cost;
}

#define BIT(share) (1u << MPP_SHARE_##share)

/** Takes up to @s seconds off the shares of the set @behind. Returns: how much there was. */
static double take(MppShares *left, unsigned behind, double s)
{
    double taken = 0;
    for (int i = 0; i < MPP_N_SHARES; i++) {
        double part = behind >> i & 1 ? MIN(left->s[i], s - taken) : 0;
        left->s[i] -= part;
        taken += part;
    }
    return taken;
}

/**
 * Takes what the stack hides off the transfers' shares; computation slows down under them, and hides one at a time. Attention hides
 * the blocks of a ring; it waits for all-to-alls and gathers (Transformer Engine's cp_comm_type).
 * Where experts' exchange runs beside another micro-batch's pass, there is as much computation to hide behind as in this one.
 */
static void hide_transfers(const MppJob *job, MppCpKind cp_kind, MppShares *pass)
{
    const MppOverlap *overlap = &job->runtime->overlap;
    const MppKernels *kernels = &job->training.kernels;
    const struct {
        MppShare share;
        unsigned behind;
        double frac;
    } hidden[] = {
        { MPP_SHARE_TP, BIT(MATMUL), kernels->tensor_async ? overlap->tensor_async_frac : overlap->tensor_frac },
        { MPP_SHARE_CP, BIT(ATTENTION), cp_kind == MPP_CP_RING ? overlap->context_frac : 0 },
        { MPP_SHARE_EP, BIT(MATMUL) | BIT(ATTENTION) | BIT(MEMORY), kernels->expert_async ? overlap->expert_async_frac : 0 },
    };
    MppShares left = *pass;
    for (size_t i = 0; i < G_N_ELEMENTS(hidden); i++) {
        double s = take(&left, hidden[i].behind, hidden[i].frac * pass->s[hidden[i].share]);
        pass->s[hidden[i].share] -= s * (1 - overlap->slowdown_frac);
    }
}

/**
 * Collectives between nodes are moved along by the host's threads: they add to a pass that the host limits. While messages
 * to other nodes are pending, a host that is stalled stalls its whole tensor-parallel group, whose transfers go on.
 */
static double add_host(const MppJob *job, const MppBlockPlace *place, const MppHostWork *host, MppShares *pass)
{
    double pending = place->waits_for_nodes ? job->runtime->host.waiting_p2p_frac : 0;
    double between_nodes = place->tp.widest_tier > 0 ? pass->s[MPP_SHARE_TP] : 0;
    double device_s = mpp_shares_sum(pass);
    double stalled = pending * place->shard.tp * mpp_host_launch_s(job, host->s);
    double total_s = mpp_host_pass_s(job, host, device_s, MAX(stalled, between_nodes));
    pass->s[MPP_SHARE_HOST] += total_s - device_s;
    return total_s;
}

/** What hooks of the modules that take @hooks_s add to a pass of @total_s: launches that did not limit it may do so with them. */
static double hooked_s(const MppJob *job, const MppHostWork *host, double hooks_s, double total_s)
{
    return MAX(0, mpp_host_launch_s(job, host->s + hooks_s) - total_s);
}

/** Computation of @again becomes recomputation; its transfers stay what they are. */
static void add_again(MppShares *backward, const MppShares *again)
{
    for (int i = 0; i < MPP_N_SHARES; i++) {
        bool compute = i == MPP_SHARE_MATMUL || i == MPP_SHARE_ATTENTION || i == MPP_SHARE_MEMORY || i == MPP_SHARE_HOST;
        backward->s[compute ? MPP_SHARE_RECOMPUTE : i] += again->s[i];
    }
}

typedef struct {
    RawPass forward, backward;
    RawPass selective; /* what selective recomputation runs again */
    RawPass full;      /* what full recomputation runs again */
    double kept_bytes, dropped_bytes, working_bytes;
} RawBlock;

/** Ops that full recomputation runs again: all, or those before the last product, whose output nothing keeps. */
static int recomputed_ops(const MppRuntime *runtime, const MppOps *ops)
{
    int n = ops->n;
    while (runtime->recompute_stops_early && n > 0 && ops->ops[--n].kind != MPP_OP_MATMUL)
        continue;
    return n;
}

/** @factor: how much of the op's forward pass the pass has. */
static void add_forward(RawPass *inout, double factor, const OpCost *op)
{
    inout->s.s[op->share] += factor * op->forward_s;
    inout->host.s += factor * op->forward_host_s;
}

static void add_backward(RawPass *inout, const OpCost *op)
{
    inout->s.s[op->share] += op->backward_s;
    inout->weight_s += op->weight_s;
    inout->host.s += op->backward_host_s;
}

/** What the host does for a layer beyond its kernels, and the wait for the counts of tokens, which backward passes know. */
static void add_layer_host(const MppJob *job, const MppBlockPlace *place, const MppLayerKind *layer, bool experts, RawBlock *inout)
{
    double layer_s = mpp_host_layer_s(job, layer, place->shard.tp), counts_s = experts ? mpp_host_counts_s(job) : 0;
    inout->forward.host.s += layer_s;
    inout->backward.host.s += layer_s;
    inout->full.host.s += layer_s;
    inout->forward.host.counts_s = inout->full.host.counts_s = counts_s;
}

static RawBlock sum_ops(const MppJob *job, const MppBlockPlace *place, const MppOps *ops, const MppLayerKind *layer,
                        MppBlockCost *out)
{
    RawBlock raw = { 0 };
    int again = recomputed_ops(job->runtime, ops);
    for (int i = 0; i < ops->n; i++) {
        const MppOp *op = &ops->ops[i];
        OpCost cost = op_cost(job, place, op);
        if (job->training.kernels.partial_graphs && !op->routed)
            cost.forward_host_s = cost.backward_host_s = 0;
        add_forward(&raw.forward, 1, &cost);
        add_backward(&raw.backward, &cost);
        add_forward(&raw.selective, op->again_frac, &cost);
        add_forward(&raw.full, i < again, &cost);
        raw.kept_bytes += op->kept_bytes;
        raw.dropped_bytes += op->dropped_frac * op->kept_bytes;
        raw.working_bytes = MAX(raw.working_bytes, op->working_bytes);
        *(op->expert ? &out->expert_parameters : &out->parameters) += op->parameters;
    }
    add_layer_host(job, place, layer, out->expert_parameters > 0, &raw);
    return raw;
}

/** @again: what recomputation runs again, or NULL; @whole: that is the layer's whole forward pass. */
static MppPassCost pass_cost(const MppJob *job, const MppBlockPlace *place, const RawBlock *raw, const MppLayerKind *layer,
                             const RawPass *again, bool whole)
{
    double hooks_s = mpp_host_layers(job, layer) * job->runtime->host.gathered_s;
    MppPassCost cost = { .forward = raw->forward.s, .backward = raw->backward.s };
    hide_transfers(job, place->shard.cp_kind, &cost.forward);
    hide_transfers(job, place->shard.cp_kind, &cost.backward);
    cost.forward_s = add_host(job, place, &raw->forward.host, &cost.forward);
    double device_s = mpp_shares_sum(&cost.backward);
    cost.backward_s = add_host(job, place, &raw->backward.host, &cost.backward);
    cost.gathered_forward_s = hooked_s(job, &raw->forward.host, hooks_s, cost.forward_s);
    cost.gathered_backward_s = hooked_s(job, &raw->backward.host, hooks_s, cost.backward_s);
    cost.weight_s = device_s > 0 ? raw->backward.weight_s * cost.backward_s / device_s : 0;
    if (again) {
        MppShares extra = again->s;
        hide_transfers(job, place->shard.cp_kind, &extra);
        double again_s = add_host(job, place, &again->host, &extra);
        cost.gathered_backward_s += whole ? hooked_s(job, &again->host, hooks_s, again_s) : 0;
        cost.backward_s += again_s;
        add_again(&cost.backward, &extra);
    }
    return cost;
}

void mpp_block_cost(const MppJob *job, const MppBlockPlace *place, const MppOps *ops, const MppLayerKind *layer, MppBlockCost *out)
{
    *out = (MppBlockCost){ 0 };
    RawBlock raw = sum_ops(job, place, ops, layer, out);
    MppPassCost *none = &out->by_recompute[MPP_RECOMPUTE_NONE];
    *none = pass_cost(job, place, &raw, layer, NULL, false);
    none->kept_bytes = raw.kept_bytes;
    none->working_bytes = raw.working_bytes;
    out->by_recompute[MPP_RECOMPUTE_SELECTIVE] = *none;
    out->by_recompute[MPP_RECOMPUTE_FULL] = *none;
    out->by_recompute[MPP_RECOMPUTE_OFFLOAD] = *none;
    if (!layer)
        return;
    MppPassCost *selective = &out->by_recompute[MPP_RECOMPUTE_SELECTIVE];
    *selective = pass_cost(job, place, &raw, layer, &raw.selective, false);
    selective->kept_bytes = raw.kept_bytes - raw.dropped_bytes;
    selective->working_bytes = raw.dropped_bytes + raw.working_bytes;
    MppPassCost *full = &out->by_recompute[MPP_RECOMPUTE_FULL];
    *full = pass_cost(job, place, &raw, layer, &raw.full, true);
    MppOpContext at = mpp_op_context(job, &place->shard, layer);
    full->kept_bytes = at.longest * at.norm_tokens * (double)mpp_shape_elements(layer->in) * at.element;
    full->working_bytes = raw.kept_bytes + raw.working_bytes;
    MppPassCost *offload = &out->by_recompute[MPP_RECOMPUTE_OFFLOAD];
    offload->kept_bytes = 0;
    offload->working_bytes = 2 * raw.kept_bytes + raw.working_bytes; /* the layer at work and the one on its way */
    offload->copied_bytes = raw.kept_bytes;
}
