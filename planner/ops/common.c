#include "planner/ops/parts.h"

MppOp *mpp_ops_add_matmul(const MppOpContext *at, MppOps *ops, const char *name, double m, double n, double k, bool bias)
{
    MppOp *op = mpp_ops_add(ops, MPP_OP_MATMUL, name);
    op->count = 1;
    op->m = m;
    op->n = n;
    op->k = k;
    op->precision = at->job->training.precision;
    op->parameters = n * k + (bias ? n : 0);
    op->forward_kernels = 1;
    op->backward_kernels = 2;
    return op;
}

MppOp *mpp_ops_add_memory(const MppOpContext *at, MppOps *ops, const char *name, double read, double written,
                          double backward_extra, int kernels)
{
    MppOp *op = mpp_ops_add(ops, MPP_OP_MEMORY, name);
    op->forward_bytes = (read + written) * at->element;
    op->backward_bytes = (read + written + backward_extra) * at->element;
    op->forward_kernels = kernels;
    op->backward_kernels = kernels;
    return op;
}

void mpp_ops_keep_longest(const MppOpContext *at, MppOps *ops)
{
    for (int i = 0; i < ops->n; i++)
        ops->ops[i].kept_bytes *= at->longest;
}

void mpp_ops_half_products(const MppOpContext *at, MppOp *op, double again_frac, double dropped_frac)
{
    if (at->job->runtime->selective != MPP_SELECTIVE_HALF_PRODUCTS)
        return;
    op->again_frac = again_frac;
    op->dropped_frac = dropped_frac;
}

void mpp_ops_listed_products(const MppOpContext *at, MppOp *op, double again_frac, double dropped_frac)
{
    bool listed = at->job->training.precision != MPP_PRECISION_NVFP4;
    mpp_ops_half_products(at, op, listed ? again_frac : 1, listed ? dropped_frac : 1);
}

void mpp_ops_in_module(const MppOpContext *at, MppOp *op, MppModule module, double dropped_frac)
{
    int64_t usual = at->job->runtime->selective == MPP_SELECTIVE_ATTENTION ? 1 << MPP_MODULE_CORE_ATTENTION : 0;
    int64_t modules = at->shard->recompute_modules ? at->shard->recompute_modules : usual;
    if (!(modules >> module & 1))
        return;
    op->again_frac = 1;
    op->dropped_frac = dropped_frac;
}

void mpp_ops_are_module(const MppOpContext *at, MppOps *ops, int first, MppModule module)
{
    for (int i = first; i < ops->n; i++)
        mpp_ops_in_module(at, &ops->ops[i], module, 1);
}

void mpp_ops_stream_again(const MppOpContext *at, MppOp *op, double bytes)
{
    if (at->job->runtime->selective != MPP_SELECTIVE_STREAMS || at->shard->recompute_modules)
        return;
    op->again_frac = 1;
    op->dropped_frac = bytes / op->kept_bytes;
}

void mpp_ops_mark_core(const MppOpContext *at, MppOp *op)
{
    op->attention_core = true;
    mpp_ops_in_module(at, op, MPP_MODULE_CORE_ATTENTION, 1);
}

/**
 * Fused: input read, output written; backward reads both gradients' sources and the input, and sums the weights'
 * gradient in a second kernel. Unfused (the textbook expression of an RMS norm in eager code): cast to fp32, square,
 * mean, scale, cast back and product read and write 36 bytes an element of 2 bytes, 9 times as many as one kernel;
 * backward, with a kernel for each operand's gradient and the sums of both uses, 78 bytes, 13 times.
 */
MppOp *mpp_ops_add_norm(const MppOpContext *at, MppOps *ops, const char *name, double tokens, double width, bool keeps_input)
{
    enum { UNFUSED_PASSES = 9, UNFUSED_PASSES_BACKWARD = 13, UNFUSED_KERNELS = 8, UNFUSED_KERNELS_BACKWARD = 14 };
    const MppRuntime *runtime = at->job->runtime;
    bool fused = at->job->training.kernels.norm_fused;
    double elements = tokens * width;
    MppOp *op = mpp_ops_add_memory(at, ops, name, elements, elements, elements, 1);
    op->streaming = MPP_STREAMING_NORM;
    op->backward_kernels = 2;
    if (!fused) {
        op->forward_bytes *= UNFUSED_PASSES;
        op->backward_bytes *= UNFUSED_PASSES_BACKWARD;
        op->forward_kernels = UNFUSED_KERNELS;
        op->backward_kernels = UNFUSED_KERNELS_BACKWARD;
        op->kept_bytes += elements * runtime->memory.norm_kept_elements * at->element;
    }
    op->kept_bytes += elements * (at->input + (keeps_input ? at->element : 0));
    const MppModel *model = at->job->model;
    bool bias = model->norm == MPP_NORM_LAYER && model->norm_bias;
    op->parameters = model->norm_weights ? width * (bias ? 2 : 1) : 0;
    mpp_ops_half_products(at, op, 1, 1);
    mpp_ops_stream_again(at, op, elements * at->input);
    return op;
}

static MppOp *add_tp_collective(const MppOpContext *at, MppOps *ops, const char *name, MppCollective collective, double width)
{
    MppOp *op = mpp_ops_add(ops, MPP_OP_COLLECTIVE, name);
    op->collective = collective;
    op->axis = MPP_AXIS_TP;
    op->bytes = at->tokens * width * (collective == MPP_COLLECTIVE_ALL_GATHER ? at->gathered : at->element);
    return op;
}

/** Megatron gathers the block's input again in the backward pass for the weight gradients (arXiv:2205.05198 §4.2.2). */
void mpp_ops_add_tp_entry(const MppOpContext *at, MppOps *ops, double width)
{
    if (at->shard->tp == 1)
        return;
    if (!at->shard->sequence_parallel) {
        add_tp_collective(at, ops, "sum input gradients", MPP_COLLECTIVE_ALL_REDUCE, width)->backward_times = 1;
        return;
    }
    MppOp *gather = add_tp_collective(at, ops, "gather sequence", MPP_COLLECTIVE_ALL_GATHER, width);
    gather->forward_times = 1;
    gather->backward_times = 1;
    gather->kept_bytes = at->job->runtime->keeps_gathered ? gather->bytes : 0;
    mpp_ops_half_products(at, gather, 0, 1);
    add_tp_collective(at, ops, "scatter input gradients", MPP_COLLECTIVE_REDUCE_SCATTER, width)->backward_times = 1;
}

void mpp_ops_add_tp_exit(const MppOpContext *at, MppOps *ops, double width)
{
    if (at->shard->tp == 1)
        return;
    if (!at->shard->sequence_parallel) {
        add_tp_collective(at, ops, "sum outputs", MPP_COLLECTIVE_ALL_REDUCE, width)->forward_times = 1;
        return;
    }
    add_tp_collective(at, ops, "scatter outputs", MPP_COLLECTIVE_REDUCE_SCATTER, width)->forward_times = 1;
    add_tp_collective(at, ops, "gather output gradients", MPP_COLLECTIVE_ALL_GATHER, width)->backward_times = 1;
}

void mpp_ops_add_residual(const MppOpContext *at, MppOps *ops, const char *name)
{
    const MppTraining *training = &at->job->training;
    double elements = at->norm_tokens * at->job->model->hidden;
    bool fused = training->kernels.elementwise_fused;
    bool bias = !fused && at->job->model->output_bias, inside = at->job->runtime->bias_in_products;
    int passes = fused ? 1 : 1 + training->dropout + (bias && !inside);
    double summed = bias && inside ? elements : 0; /* the bias' gradient is a sum over tokens */
    MppOp *op = mpp_ops_add_memory(at, ops, name, 2 * elements * passes, elements * passes, summed, passes);
    if (!training->dropout && fused)
        op->backward_bytes = elements * at->element; /* the gradient passes through */
    op->kept_bytes = training->dropout ? elements : 0; /* a mask of one byte */
    mpp_ops_half_products(at, op, 1, 0);
}
