#include "planner/ops/parts.h"

#include <math.h>

#include "planner/spec/rules.h"

/** Heads of keys and values on a rank: fewer heads than ranks are replicated. */
static double local_kv_heads(const MppOpContext *at)
{
    return MAX((double)at->job->model->kv_heads / at->tp, 1);
}

/** Tokens of the sequence that a query's keys are from, on average: the encoder's under cross attention. */
static double seq_of_keys(const MppOpContext *at, bool cross)
{
    const MppTraining *training = &at->job->training;
    return cross ? mpp_training_seq_of_token(training) : mpp_training_layer_seq_of_token(training, at->layer);
}

/** Keys a query sees, on average over the sequence. */
static double mean_keys(const MppOpContext *at, bool cross)
{
    double seq = seq_of_keys(at, cross), window = at->layer->window;
    if (cross)
        return seq;
    seq = mpp_training_document_of_token(&at->job->training, seq);
    if (!at->layer->causal)
        return seq;
    if (window > 0 && window < seq)
        return window - window * window / (2 * seq);
    return seq / 2;
}

/** One learned logit a head beside the scores (gpt-oss). */
static double sinks(const MppOpContext *at)
{
    return at->job->model->attention_sinks ? at->job->model->heads / at->tp : 0;
}

enum { FP32_BYTES = 4 };

/** Whether the softmax over @batch score matrices is one kernel: it takes 16-bit ones, by fours (Megatron-LM model/fused_softmax.py). */
static bool softmax_is_fused(const MppOpContext *at, double batch)
{
    bool one_kernel = at->job->training.kernels.attention == MPP_ATTENTION_FUSED_SOFTMAX;
    return one_kernel && at->element < FP32_BYTES && fmod(batch, 4) == 0;
}

/**
 * One kernel reads the scores and writes the probabilities; backward it reads both and writes one. In eager code, as Megatron's
 * forward_torch_softmax, a cast to fp32, scale, mask, softmax and a cast back are kernels of their own, which all read and write
 * every score; the backward pass of the softmax reads its output, too. Kept are that in fp32 and its cast.
 */
static void add_softmax(const MppOpContext *at, MppOps *ops, double scores, double kept, bool one_kernel)
{
    enum { APART = 5, INNER_PASSES = 6 };
    MppOp *op = mpp_ops_add_memory(at, ops, "softmax", scores, scores, scores, one_kernel ? 1 : APART);
    if (!one_kernel) {
        double casts = at->element < FP32_BYTES ? 2 * (at->element + FP32_BYTES) : 0;
        op->forward_bytes = scores * (casts + INNER_PASSES * FP32_BYTES);
        op->backward_bytes = op->forward_bytes + scores * FP32_BYTES;
    }
    op->kept_bytes = kept * (one_kernel || at->element == FP32_BYTES ? at->element : FP32_BYTES + at->element);
    op->parameters = sinks(at);
    mpp_ops_mark_core(at, op);
}

/** Scores in memory: two batched products around the passes over the score matrix. */
static void add_unfused_core(const MppOpContext *at, MppOps *ops, bool cross)
{
    const MppJob *job = at->job;
    const MppModel *model = job->model;
    const MppShard *shard = at->shard;
    double longest = mpp_training_longest_seq(&job->training, at->layer), keys = cross ? job->training.seq : longest;
    double queries = longest / shard->cp, batch = shard->micro_batch * model->heads / at->tp;
    double full_frac = seq_of_keys(at, cross) / keys / at->longest; /* of the longest sequences' scores */
    double scores = full_frac * batch * queries * keys, kept = batch * queries * keys / at->longest;

    MppOp *products = mpp_ops_add_matmul(at, ops, "scores", queries, keys, mpp_model_qk_dim(model), false);
    products->count = full_frac * batch;
    products->precision = mpp_precision_outside_layers(job->training.precision);
    products->parameters = 0;
    mpp_ops_mark_core(at, products);

    add_softmax(at, ops, scores, kept, softmax_is_fused(at, batch));
    if (job->training.dropout) {
        MppOp *dropout = mpp_ops_add_memory(at, ops, "attention dropout", scores, scores, 0, 1);
        dropout->forward_bytes += scores; /* a mask of one byte */
        dropout->backward_bytes += scores;
        dropout->kept_bytes = kept * (1 + at->element);
        mpp_ops_mark_core(at, dropout);
    }

    MppOp *values = mpp_ops_add_matmul(at, ops, "weighted values", queries, mpp_model_v_dim(model), keys, false);
    values->count = products->count;
    values->precision = products->precision;
    values->parameters = 0;
    mpp_ops_mark_core(at, values);
}

static void add_fused_core(const MppOpContext *at, MppOps *ops, bool cross)
{
    const MppModel *model = at->job->model;
    const MppShard *shard = at->shard;
    MppOp *op = mpp_ops_add(ops, MPP_OP_ATTENTION, "attention core");
    op->count = shard->micro_batch * model->heads / at->tp;
    op->m = at->seq / shard->cp;
    op->n = mean_keys(at, cross);
    op->k = mpp_model_qk_dim(model);
    op->v = mpp_model_v_dim(model);
    op->precision = mpp_precision_outside_layers(at->job->training.precision);
    bool gathered = shard->cp > 1 && shard->cp_kind == MPP_CP_ALL_GATHER; /* then a kernel for each of its two runs of queries */
    op->blocks = mpp_rules_keys_in_blocks(at->job, shard->cp_kind) ? (double)shard->cp : 1;
    op->forward_kernels = MAX((int)op->blocks, gathered ? 2 : 1);
    op->backward_kernels = 3 * op->forward_kernels;
    op->kept_bytes = at->tokens * model->heads / at->tp * 4; /* the softmax' statistics, fp32 */
    op->parameters = sinks(at);
    mpp_ops_mark_core(at, op);
}

static void add_core(const MppOpContext *at, MppOps *ops, bool cross)
{
    const MppModel *model = at->job->model;
    double heads = model->heads / at->tp;
    double kv = model->mla.kv_lora_rank ? heads : mpp_ops_context_keys(at, local_kv_heads(at));
    double out = heads * mpp_model_v_dim(model);
    mpp_ops_add_context_exchange(at, ops, heads * mpp_model_qk_dim(model),
                                 kv * (mpp_model_qk_dim(model) + mpp_model_v_dim(model)), out);
    if (mpp_attention_is_unfused(at->job->training.kernels.attention))
        add_unfused_core(at, ops, cross);
    else
        add_fused_core(at, ops, cross);
    mpp_ops_add_block_sums(at, ops, out);
}

/** DeepSeek-V2 (arXiv:2405.04434 §2.1): low-rank projections, the down ones on every tp rank. */
static void add_mla_projections(const MppOpContext *at, MppOps *ops)
{
    const MppModel *model = at->job->model;
    const MppMla *mla = &model->mla;
    double heads = model->heads / at->tp, hidden = model->hidden, qk = mpp_model_qk_dim(model), down = at->norm_tokens;
    double query_in = mla->q_lora_rank ? mla->q_lora_rank : hidden;
    if (mla->q_lora_rank)
        mpp_ops_add_matmul(at, ops, "query down projection", down, mla->q_lora_rank, hidden, false)->kept_bytes =
            down * mla->q_lora_rank * at->element;
    double kv_in = mla->kv_lora_rank + mla->qk_rope_head_dim;
    mpp_ops_add_matmul(at, ops, "key-value down projection", down, kv_in, hidden, false)->kept_bytes = down * kv_in * at->element;
    int up = ops->n;
    if (mla->q_lora_rank)
        mpp_ops_add_norm(at, ops, "query norm", down, mla->q_lora_rank, false);
    mpp_ops_add_norm(at, ops, "key-value norm", down, mla->kv_lora_rank, false);
    mpp_ops_add_matmul(at, ops, "query up projection", at->tokens, heads * qk, query_in, false)->kept_bytes =
        at->tokens * heads * qk * at->element;
    mpp_ops_add_matmul(at, ops, "key-value up projection", at->tokens, heads * (mla->qk_nope_head_dim + mla->v_head_dim),
                       mla->kv_lora_rank, false)
        ->kept_bytes = at->tokens * heads * (qk + mla->v_head_dim) * at->element;
    mpp_ops_are_module(at, ops, up, MPP_MODULE_LATENT_PROJECTIONS);
}

static void add_plain_projections(const MppOpContext *at, MppOps *ops, bool cross)
{
    const MppModel *model = at->job->model;
    double q_width = model->heads / at->tp * model->head_dim, kv_width = 2 * local_kv_heads(at) * model->head_dim;
    q_width *= 1 + model->attention_gate;
    if (cross) {
        mpp_ops_add_matmul(at, ops, "query projection", at->tokens, q_width, model->hidden, model->qkv_bias)->kept_bytes =
            at->tokens * q_width * at->element;
        mpp_ops_add_matmul(at, ops, "key-value projection", at->source, kv_width, model->hidden, model->qkv_bias)->kept_bytes =
            at->source * kv_width * at->element;
        return;
    }
    MppOp *op = mpp_ops_add_matmul(at, ops, "qkv projection", at->tokens, q_width + kv_width, model->hidden, model->qkv_bias);
    double keys_frac = kv_width / 2 / (q_width + kv_width); /* of queries, keys and values the second is not kept */
    op->kept_bytes = at->tokens * (q_width + kv_width) * at->element;
    mpp_ops_listed_products(at, op, keys_frac, keys_frac);
}

/**
 * Rotary embedding and the norms of queries and keys. A rotation written out (a product with cosines, half of the numbers negated and
 * joined anew, a product with sines, a sum) reads and writes 20 bytes an element of 2 bytes, 5 times as many as one kernel; as a product
 * of complex numbers in fp32, 20 as well. Backward that is 30 and 20, with the halves' gradients laid into empty tensors and summed.
 */
static void add_positions(const MppOpContext *at, MppOps *ops)
{
    const MppJob *job = at->job;
    const MppModel *model = job->model;
    bool mla = model->mla.kv_lora_rank > 0, fused = job->training.kernels.rotary_fused;
    double heads = model->heads / at->tp, kv_heads = mla ? 1 : local_kv_heads(at);
    double elements = at->tokens * (heads + kv_heads) * (mla ? model->mla.qk_rope_head_dim : model->head_dim);
    if (model->qk_norm_dim) { /* one weight vector for all heads, or one that spans them */
        double width = (heads + kv_heads) * model->head_dim;
        MppOp *op = mpp_ops_add_norm(at, ops, "query and key norms", at->tokens, width, false);
        op->parameters *= model->qk_norm_dim > 0 ? 2.0 * model->qk_norm_dim / width : 1;
    }
    if (model->positions == MPP_POSITIONS_ROTARY) {
        enum { UNFUSED_PASSES = 5, UNFUSED_PASSES_BACKWARD = 6, UNFUSED_KERNELS = 8 };
        MppOp *op = mpp_ops_add_memory(at, ops, "rotary embedding", elements, elements, 0, fused ? 2 : UNFUSED_KERNELS);
        op->forward_bytes *= fused ? 1 : UNFUSED_PASSES;
        op->backward_bytes *= fused ? 1 : UNFUSED_PASSES_BACKWARD;
        op->streaming = MPP_STREAMING_ROTARY;
        mpp_ops_half_products(at, op, 1, 1);
        if (mla)
            mpp_ops_in_module(at, op, MPP_MODULE_LATENT_PROJECTIONS, 1);
        if (job->runtime->memory.rotary_copies)
            op->kept_bytes = at->tokens * 2 * kv_heads * model->head_dim * at->element;
    }
}

/** The output times a sigmoid of what came with the queries (arXiv:2505.06708); kept are both factors. */
static void add_gate(const MppOpContext *at, MppOps *ops, double elements)
{
    MppOp *op = mpp_ops_add_memory(at, ops, "attention gate", 3 * elements, 2 * elements, elements, 2);
    op->kept_bytes = 2 * elements * at->element;
}

void mpp_ops_add_attention(const MppOpContext *at, MppOps *ops, bool cross)
{
    const MppModel *model = at->job->model;
    if (model->mla.kv_lora_rank)
        add_mla_projections(at, ops);
    else
        add_plain_projections(at, ops, cross);
    if (!cross)
        add_positions(at, ops);
    add_core(at, ops, cross);
    double out_width = model->heads / at->tp * mpp_model_v_dim(model);
    if (model->attention_gate)
        add_gate(at, ops, at->tokens * out_width);
    MppOp *out = mpp_ops_add_matmul(at, ops, "output projection", at->tokens, model->hidden, out_width, model->output_bias);
    double narrow = at->input < at->element ? at->input : 0; /* a copy of the core's output, which that keeps */
    out->kept_bytes = at->tokens * out_width * (at->element + narrow);
    mpp_ops_half_products(at, out, 1, 0);
}
