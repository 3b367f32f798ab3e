#include "planner/ops/parts.h"

#include <math.h>

#include "planner/spec/rules.h"

/** Whether attention is eager code: block by block, each head with keys of its own, sums in fp32. */
static bool is_eager(const MppOpContext *at)
{
    return at->job->runtime->ring_in_fp32 && mpp_rules_keys_in_blocks(at->job, at->shard->cp_kind);
}

double mpp_ops_context_keys(const MppOpContext *at, double kv_heads)
{
    if (is_eager(at))
        return (double)at->job->model->heads / at->tp;
    bool repeated = at->shard->cp_kind == MPP_CP_ALL_TO_ALL && at->job->runtime->context_repeats_keys;
    return repeated ? fmax(kv_heads, (double)at->shard->cp) : kv_heads;
}

/**
 * Keys and values of all ranks, gathered in both passes, and the sums of their gradients. Whole (arXiv:2407.21783 §3.3.2, Transformer
 * Engine's AttnFuncWithCPAndKVAllGather): put in the order of the sequence (a copy, also of the gradients), gradients of both runs of
 * queries added to zeros and scattered; beside the gathered there are the sums and what is added to them. In blocks
 * (torch.distributed.tensor.experimental): taken as they came, the gradients in fp32 go round the ring.
 */
static void add_gathered_keys(const MppOpContext *at, MppOps *ops, double kv_width)
{
    enum { ORDERED_PASSES = 2, ORDERED_PASSES_BACKWARD = 8, WHOLE_TENSORS = 3, WHOLE_KERNELS = 2, WHOLE_KERNELS_BACKWARD = 10 };
    int64_t cp = at->shard->cp;
    bool whole = !mpp_rules_keys_in_blocks(at->job, MPP_CP_ALL_GATHER);
    double gathered = at->tokens * cp * kv_width * at->element;
    MppOp *keys = mpp_ops_add(ops, MPP_OP_COLLECTIVE, "context gather");
    keys->axis = MPP_AXIS_CP;
    keys->collective = MPP_COLLECTIVE_ALL_GATHER;
    keys->bytes = gathered;
    keys->forward_times = keys->backward_times = 1;
    keys->working_bytes = (whole ? WHOLE_TENSORS : 1) * gathered;
    mpp_ops_mark_core(at, keys);
    MppOp *sums = mpp_ops_add(ops, MPP_OP_COLLECTIVE, "context gradients");
    sums->axis = MPP_AXIS_CP;
    sums->collective = whole ? MPP_COLLECTIVE_REDUCE_SCATTER : MPP_COLLECTIVE_EXCHANGE;
    sums->bytes = whole ? gathered : gathered / (double)cp;
    sums->backward_times = whole ? 1 : 2 * ((int)cp - 1);
    if (!whole)
        return;
    MppOp *order = mpp_ops_add_memory(at, ops, "order of gathered keys", 0, 0, 0, 0);
    order->forward_bytes = ORDERED_PASSES * gathered;
    order->backward_bytes = ORDERED_PASSES_BACKWARD * gathered;
    order->forward_kernels = WHOLE_KERNELS;
    order->backward_kernels = WHOLE_KERNELS_BACKWARD;
    mpp_ops_mark_core(at, order);
}

void mpp_ops_add_context_exchange(const MppOpContext *at, MppOps *ops, double query_width, double kv_width, double out_width)
{
    const MppShard *shard = at->shard;
    if (shard->cp == 1)
        return;
    if (shard->cp_kind == MPP_CP_ALL_GATHER) {
        add_gathered_keys(at, ops, kv_width);
        return;
    }
    MppOp *op = mpp_ops_add(ops, MPP_OP_COLLECTIVE, "context exchange");
    op->axis = MPP_AXIS_CP;
    if (shard->cp_kind == MPP_CP_ALL_TO_ALL) {
        op->collective = MPP_COLLECTIVE_ALL_TO_ALL;
        op->bytes = at->tokens * (query_width + kv_width + out_width) * at->element;
        op->forward_times = 1;
        op->backward_times = 1;
    } else { /* keys and values go round the ring; backward their gradients too, perhaps of twice the bytes */
        op->collective = MPP_COLLECTIVE_EXCHANGE;
        op->bytes = at->tokens * kv_width * at->element;
        op->forward_times = (int)shard->cp - 1;
        op->backward_times = (is_eager(at) ? 3 : 2) * ((int)shard->cp - 1);
    }
}

/**
 * Each block of keys is merged into the output by its softmax' statistics, and backward added to the queries' gradient: a fused
 * kernel each (Transformer Engine) reads both and writes one. In eager code (torch.distributed's context parallelism) the sums are
 * in fp32: forward the output is cast, and merged in three kernels (40 bytes an element); backward the gradients of queries, keys
 * and values are cast and added (18 bytes an element of each).
 */
void mpp_ops_add_block_sums(const MppOpContext *at, MppOps *ops, double width)
{
    enum { EAGER_MERGE_BYTES = 40, EAGER_ADD_BYTES = 3 * 18, EAGER_MERGE_KERNELS = 4, EAGER_ADD_KERNELS = 6, FUSED_PASSES = 3 };
    const MppShard *shard = at->shard;
    if (shard->cp == 1 || !mpp_rules_keys_in_blocks(at->job, shard->cp_kind))
        return;
    bool eager = is_eager(at);
    double elements = at->tokens * width * shard->cp;
    int blocks = (int)shard->cp;
    MppOp *op = mpp_ops_add_memory(at, ops, "sums of blocks", 0, 0, 0, 0);
    op->forward_bytes = elements * (eager ? EAGER_MERGE_BYTES : FUSED_PASSES * at->element);
    op->backward_bytes = elements * (eager ? EAGER_ADD_BYTES : FUSED_PASSES * at->element);
    op->forward_kernels = blocks * (eager ? EAGER_MERGE_KERNELS : 1);
    op->backward_kernels = blocks * (eager ? EAGER_ADD_KERNELS : 1);
    mpp_ops_mark_core(at, op);
}
