#include "planner/ops/parts.h"

#include <math.h>

#include <gsl/gsl_cdf.h>

/** Kept: what the activation read and what the second product reads. */
static void add_activation(const MppOpContext *at, MppOps *ops, double tokens, double width)
{
    const MppJob *job = at->job;
    bool fused = job->training.kernels.elementwise_fused, gated = job->model->gated_mlp;
    double elements = tokens * width;
    double read = gated ? 2 : 1, kernels = 1;
    bool bias = !fused && !gated && job->model->mlp_bias, inside = !gated && job->runtime->bias_in_products;
    bool apart = !fused && !inside; /* gated: activation, product; plain: bias, activation */
    if (apart) {
        read += gated ? 1 : 1 + job->model->mlp_bias;
        kernels = 2;
    }
    double summed = bias && inside ? elements : 0; /* the bias' gradient is a sum over tokens */
    MppOp *op = mpp_ops_add_memory(at, ops, "activation", elements * read, elements * (apart ? 2 : 1), elements + summed, (int)kernels);
    if (!fused && gated) /* gradients of both factors, then the activation's: three kernels that read two and write one */
        op->backward_bytes = 9 * elements * at->element;
    op->streaming = MPP_STREAMING_ACTIVATION;
    double tensors = gated ? job->runtime->memory.gated_mlp_tensors : 2;
    op->kept_bytes = elements * ((tensors - 1) * at->element + at->input);
    mpp_ops_listed_products(at, op, 1, (tensors - 1) / tensors);
    mpp_ops_stream_again(at, op, elements * at->input);
}

/** Of every second product the output is kept: of the last one, which nothing reads again, unless a compiler drops it. */
static void keep_eager_output(const MppOpContext *at, MppOp *activation, double tokens)
{
    bool half = at->job->runtime->selective == MPP_SELECTIVE_HALF_PRODUCTS, gated = at->job->model->gated_mlp;
    if (half && gated && !at->job->training.kernels.elementwise_fused)
        activation->dropped_frac -= tokens * at->job->model->hidden * at->element / activation->kept_bytes;
}

void mpp_ops_add_mlp(const MppOpContext *at, MppOps *ops, double ffn, double tokens, double ranks)
{
    const MppModel *model = at->job->model;
    double width = ffn / ranks;
    MppOp *up = mpp_ops_add_matmul(at, ops, "mlp up projection", tokens, model->gated_mlp ? 2 * width : width, model->hidden,
                                   model->mlp_bias);
    mpp_ops_listed_products(at, up, model->gated_mlp ? 0.5 : 0, 0);
    add_activation(at, ops, tokens, width);
    keep_eager_output(at, &ops->ops[ops->n - 1], tokens);
    mpp_ops_add_matmul(at, ops, "mlp down projection", tokens, model->hidden, width, model->mlp_bias);
}

static void add_exchange(const MppOpContext *at, MppOps *ops, const char *name, MppAxis axis, MppCollective collective,
                         double tokens)
{
    MppOp *op = mpp_ops_add(ops, MPP_OP_COLLECTIVE, name);
    op->collective = collective;
    op->axis = axis;
    op->bytes = tokens * at->job->model->hidden * at->element;
    op->forward_times = 1;
}

/** The backward pass of a dispatch is a combine and the other way round. */
static void add_expert_exchange(const MppOpContext *at, MppOps *ops, const char *name, double tokens)
{
    if (at->shard->ep > 1) {
        add_exchange(at, ops, name, MPP_AXIS_EP, MPP_COLLECTIVE_ALL_TO_ALL, tokens);
        MppOp *op = &ops->ops[ops->n - 1];
        op->backward_times = 1;
        const MppMoe *moe = &at->job->model->moe;
        const MppKernels *kernels = &at->job->training.kernels;
        op->copies = kernels->dispatch_once ? moe->topk : 0;
        op->experts_in_turn = kernels->experts_in_turn ? (double)moe->experts / at->shard->ep : 0;
    }
}

/**
 * Tokens of the fullest rank over the average where a router decides: that of ep ranks, each the mean of its experts', whose loads
 * vary by a quarter. With an auxiliary loss the fullest of 64 experts has 1.5 to 1.7 times the average over a test set
 * (arXiv:2408.15664 table 2), 2.4 standard deviations more. The fullest of n normal ones: Blom, Statistical Estimates, 1958.
 */
static double fullest_frac(const MppOpContext *at)
{
    const double variation = 0.26; /* of the loads, over their mean */
    double ep = (double)at->shard->ep, local = (double)at->job->model->moe.experts / ep;
    const MppKernels *kernels = &at->job->training.kernels;
    if (!kernels->natural_routing || kernels->experts_padded || ep < 2)
        return 1;
    return 1 + variation / sqrt(local) * gsl_cdf_ugaussian_Pinv((ep - 0.375) / (ep + 0.25));
}

/** What arrives from each rank is in the order of that rank's experts; several local experts want it by expert. */
static void add_expert_sort(const MppOpContext *at, MppOps *ops, const char *name, double elements)
{
    if (at->shard->ep > 1 && at->job->model->moe.experts > at->shard->ep)
        mpp_ops_add_memory(at, ops, name, elements, elements, 0, 2);
}

/**
 * The bias of an expert's output counts by the token's share of that expert, so it is added outside the product, expert by expert
 * and in fp32: product of bias and share, sum, concatenation and cast move 28 bytes an element; backward the casts, the
 * concatenation and the gradients of bias and share 42 (Megatron-Core's TEGroupedMLP).
 */
static void add_expert_biases(const MppOpContext *at, MppOps *ops, double tokens, double local)
{
    enum { FORWARD_BYTES = 28, BACKWARD_BYTES = 42, EACH = 2, EACH_BACKWARD = 5, AFTER = 2 };
    if (!at->job->model->moe.expert_bias)
        return;
    MppOp *op = mpp_ops_add_memory(at, ops, "expert biases", 0, 0, 0, 0);
    double elements = tokens * at->job->model->hidden, launches = at->job->training.kernels.experts_fused ? 1 : local;
    op->forward_bytes = elements * FORWARD_BYTES;
    op->backward_bytes = elements * BACKWARD_BYTES;
    op->forward_kernels = (int)(EACH * launches) + AFTER;
    op->backward_kernels = (int)(EACH_BACKWARD * launches) + AFTER;
}

/**
 * Gated experts with biases are gpt-oss', whose activation reads limited values. Megatron-Core limits both halves and joins them
 * before its fused kernel, 8 numbers moved for each of @elements, and passes gradients back where they were within the limits, 10;
 * what was limited is kept besides (core/fusions/fused_bias_geglu.py, weighted_bias_quick_geglu_impl with a clamp_value). Code that
 * nobody compiled keeps the limited gate, its sigmoid and the other half plus one (torchtitan).
 */
static void add_activation_limits(const MppOpContext *at, MppOps *ops, double elements)
{
    enum { MOVED = 8, MOVED_BACKWARD = 10, KEPT = 2, KEPT_EAGER = 3, KERNELS = 3 };
    const MppModel *model = at->job->model;
    bool eager = at->job->runtime->eager_unless_stated && !at->job->training.kernels.elementwise_fused;
    if (!model->moe.expert_bias || !model->gated_mlp || !(eager || at->job->runtime->experts_weighted_inside))
        return;
    MppOp *op = mpp_ops_add_memory(at, ops, "activation limits", MOVED * elements, 0, (MOVED_BACKWARD - MOVED) * elements, KERNELS);
    op->kept_bytes = (eager ? KEPT_EAGER : KEPT) * elements * at->element;
    mpp_ops_in_module(at, op, MPP_MODULE_EXPERT_ACTIVATION, 1);
}

/** Of the activation function among the ops from @first on its output, which the second product reads, is made again from its input. */
static void drop_activation(const MppOpContext *at, MppOps *ops, int first)
{
    for (int i = first; i < ops->n; i++) {
        MppOp *op = &ops->ops[i];
        double tensors = at->job->model->gated_mlp ? at->job->runtime->memory.gated_mlp_tensors : 2;
        if (op->kind == MPP_OP_MEMORY && op->streaming == MPP_STREAMING_ACTIVATION)
            mpp_ops_in_module(at, op, MPP_MODULE_EXPERT_ACTIVATION, at->input / ((tensors - 1) * at->element + at->input));
    }
}

/** Kernels for one expert's product. */
typedef struct {
    int forward, backward;
} ExpertLaunches;

/**
 * The product of a pass, and what makes its operand narrow (mpp_precision_casts()); block scales are laid out anew for each of a
 * product's operands (Transformer Engine's swizzle; NVIDIA/Megatron-LM docs/discussions/deepseek-v3-gb200-optimization, section 2.1.3).
 */
static ExpertLaunches expert_launches(MppPrecision precision)
{
    int casts = mpp_precision_casts(precision);
    int product = 1 + (precision == MPP_PRECISION_MXFP8 || precision == MPP_PRECISION_NVFP4 ? 2 : 0);
    return (ExpertLaunches){ casts + product, casts + 2 * product };
}

static void add_experts(const MppOpContext *at, MppOps *ops, double routed)
{
    const MppModel *model = at->job->model;
    const MppMoe *moe = &model->moe;
    const MppShard *shard = at->shard;
    double local = (double)moe->experts / shard->ep;
    double tokens = routed * shard->etp;
    int first = ops->n;
    if (shard->etp > 1) {
        add_exchange(at, ops, "gather expert tokens", MPP_AXIS_ETP, MPP_COLLECTIVE_ALL_GATHER, tokens);
        ops->ops[ops->n - 1].kept_bytes = tokens * model->hidden * at->input; /* for the gradient of the weights */
        add_exchange(at, ops, "scatter expert gradients", MPP_AXIS_ETP, MPP_COLLECTIVE_REDUCE_SCATTER, tokens);
        ops->ops[ops->n - 1].forward_times = 0;
        ops->ops[ops->n - 1].backward_times = 1;
    }
    mpp_ops_add_mlp(at, ops, moe->ffn, tokens, shard->etp);
    drop_activation(at, ops, first);
    add_activation_limits(at, ops, tokens * moe->ffn / shard->etp);
    if (at->job->runtime->experts_weighted_inside && !model->gated_mlp) { /* of a gated one the activation's kernel does it */
        double elements = tokens * moe->ffn / shard->etp;
        mpp_ops_add_memory(at, ops, "weigh by router", elements, elements, elements, 1)->kept_bytes = elements * at->element;
    }
    add_expert_biases(at, ops, tokens, local);
    if (shard->etp > 1) {
        add_exchange(at, ops, "scatter expert outputs", MPP_AXIS_ETP, MPP_COLLECTIVE_REDUCE_SCATTER, tokens);
        add_exchange(at, ops, "gather output gradients", MPP_AXIS_ETP, MPP_COLLECTIVE_ALL_GATHER, tokens);
        ops->ops[ops->n - 1].forward_times = 0;
        ops->ops[ops->n - 1].backward_times = 1;
    }
    for (int i = first; i < ops->n; i++) {
        MppOp *op = &ops->ops[i];
        if (op->kind != MPP_OP_MATMUL)
            continue;
        op->count = local;
        op->m = tokens / local;
        op->expert = true;
        if (!at->job->training.kernels.experts_fused) {
            ExpertLaunches each = expert_launches(op->precision);
            op->forward_launches = each.forward * (int)local - op->forward_kernels;
            op->backward_launches = each.backward * (int)local - op->backward_kernels;
        }
        op->parameters = local * (op->n * op->k + (moe->expert_bias ? op->n : 0));
    }
}

/**
 * Of the routed part, whose ops begin at @first, a stack that keeps every second product keeps no product of experts: they are
 * grouped ones, not among the kept kinds (torchtitan's SelectiveAC). What exchanges bring is kept.
 */
static void drop_routed(const MppOpContext *at, MppOps *ops, int first)
{
    double again_frac = 0; /* of the last one, whose output nothing here needs again */
    for (int i = ops->n - 1; i >= first; i--) {
        MppOp *op = &ops->ops[i];
        if (op->kind == MPP_OP_COLLECTIVE)
            continue;
        mpp_ops_half_products(at, op, again_frac, at->shard->ep > 1 && op->streaming == MPP_STREAMING_GATHER ? 0 : 1);
        again_frac = 1;
    }
}

/**
 * A layer with experts is compiled part by part, and what a part returns is kept: the attention block's output and that of the norm
 * before the router (torchtitan, releases of 2026: SelectiveAC sees compiled parts as single operators).
 */
static void keep_returned(const MppOpContext *at, MppOp *routing, double tokens)
{
    enum { RETURNED = 2 };
    bool half = at->job->runtime->selective == MPP_SELECTIVE_HALF_PRODUCTS;
    if (half && at->job->training.kernels.elementwise_fused)
        routing->dropped_frac -= RETURNED * tokens * at->job->model->hidden * at->element / routing->kept_bytes;
}

/**
 * Copies of tokens are sorted by rank, sent, and sorted by expert where they arrive; and back. What sends a token once takes it as it
 * is: copies are made where it arrives, by expert at once, and summed up there before it goes back (Megatron-Core's flex dispatcher).
 */
void mpp_ops_add_moe(const MppOpContext *at, MppOps *ops)
{
    const MppModel *model = at->job->model;
    const MppMoe *moe = &model->moe;
    double tokens = at->tokens / (at->shard->sequence_parallel ? at->tp : 1);
    double sent = tokens * moe->topk, routed = sent * fullest_frac(at), elements = routed * model->hidden;
    int first = ops->n;

    MppOp *router = mpp_ops_add_matmul(at, ops, "router", tokens, moe->experts, model->hidden, moe->router_bias);
    router->precision = mpp_precision_outside_layers(at->job->training.precision);
    enum { ROUTING_KERNELS = 24 }; /* scores, top-k, maps and counts of tokens, auxiliary loss, sorts */
    MppOp *routing = mpp_ops_add_memory(at, ops, "routing", 4 * tokens * moe->experts, 4 * tokens * moe->experts, 0, ROUTING_KERNELS);
    routing->kept_bytes = tokens * moe->experts * 4 * 2; /* fp32 logits and probabilities */

    bool once = at->job->training.kernels.dispatch_once && at->shard->ep > 1;
    int first_routed = ops->n;
    if (once)
        add_expert_exchange(at, ops, "dispatch", routed);
    double copied = (once ? routed : sent) * model->hidden;
    MppOp *permute = mpp_ops_add_memory(at, ops, "permute tokens", copied, copied, 0, 2);
    permute->streaming = MPP_STREAMING_GATHER;
    permute->kept_bytes = at->shard->etp > 1 ? 0 : elements * at->input;
    if (!once) {
        add_expert_exchange(at, ops, "dispatch", routed);
        add_expert_sort(at, ops, "sort by expert", elements);
    }
    add_experts(at, ops, routed);
    if (!once) {
        add_expert_sort(at, ops, "sort by rank", elements);
        add_expert_exchange(at, ops, "combine", routed);
    }
    MppOp *unpermute = mpp_ops_add_memory(at, ops, "unpermute tokens", copied, copied, copied, 2);
    unpermute->streaming = MPP_STREAMING_GATHER;
    bool inside = at->job->runtime->experts_weighted_inside || at->job->training.kernels.dispatch_once; /* DeepEP's combine sums as it is */
    if (!inside) /* the gradient of a router's weight is a product with what it weighs */
        unpermute->kept_bytes = copied * at->element;
    if (once)
        add_expert_exchange(at, ops, "combine", routed);
    drop_routed(at, ops, first);
    keep_returned(at, &ops->ops[first + 1], tokens);
    for (int i = first_routed; i < ops->n; i++)
        ops->ops[i].routed = true;

    double shared = moe->shared_ffn ? moe->shared_ffn : moe->shared_experts * moe->ffn;
    if (shared > 0) {
        int first_shared = ops->n;
        mpp_ops_add_tp_entry(at, ops, model->hidden);
        mpp_ops_add_mlp(at, ops, shared, at->tokens, at->tp);
        mpp_ops_add_tp_exit(at, ops, model->hidden);
        if (moe->shared_gate)
            mpp_ops_add_matmul(at, ops, "shared gate", tokens, 1, model->hidden, false);
        mpp_ops_are_module(at, ops, first_shared, MPP_MODULE_SHARED_EXPERTS);
    }
    mpp_ops_are_module(at, ops, first, MPP_MODULE_MOE);
}
