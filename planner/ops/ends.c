#include "planner/ops/parts.h"

static const MppLayerKind no_layer;

/** Embedding and output layer keep the wider format. */
static MppOpContext end_context(const MppJob *job, const MppShard *shard)
{
    MppOpContext at = mpp_op_context(job, shard, &no_layer);
    at.gathered = at.element;
    return at;
}

static double embedding_width(const MppModel *model)
{
    return model->embedding_dim ? model->embedding_dim : model->hidden;
}

static void add_patches(const MppOpContext *at, MppOps *ops)
{
    const MppVision *vision = &at->job->model->vision;
    double pixels = (double)vision->patch_size * vision->patch_size * vision->channels;
    MppOp *op = mpp_ops_add_matmul(at, ops, "patch embedding", at->tokens, at->job->model->hidden, pixels, true);
    op->parameters += vision->class_token ? at->job->model->hidden : 0;
    op->kept_bytes = at->tokens * pixels * at->element;
}

static void add_token_embedding(const MppOpContext *at, MppOps *ops)
{
    const MppJob *job = at->job;
    double width = embedding_width(job->model), elements = at->tokens * width;
    MppOp *op = mpp_ops_add_memory(at, ops, "token embedding", elements, elements, elements, 1);
    op->streaming = MPP_STREAMING_GATHER;
    op->backward_kernels = 3;
    op->parameters = (double)mpp_ops_padded_vocab(job, at->shard->tp) / at->tp * width;
    op->kept_bytes = at->tokens * 8; /* token numbers */
    if (width != job->model->hidden)
        mpp_ops_add_matmul(at, ops, "embedding projection", at->tokens, job->model->hidden, width, false);
    mpp_ops_add_tp_exit(at, ops, job->model->hidden);
}

/** One sample of a net that lists its layers, as the first of them reads it. */
static void add_sample(const MppOpContext *at, MppOps *ops)
{
    double elements = at->tokens * (double)mpp_shape_elements(at->job->model->input);
    MppOp *op = mpp_ops_add_memory(at, ops, "input", elements, elements, 0, 1);
    op->kept_bytes = elements * at->element;
    op->backward_bytes = 0;
    op->backward_kernels = 0;
}

void mpp_ops_embedding(const MppJob *job, const MppShard *shard, MppOps *ops)
{
    const MppModel *model = job->model;
    MppOpContext at = end_context(job, shard);
    ops->n = 0;
    if (model->sequential) {
        add_sample(&at, ops);
        return;
    }
    if (model->vision.image_size)
        add_patches(&at, ops);
    else
        add_token_embedding(&at, ops);

    double elements = at.norm_tokens * model->hidden;
    if (model->positions == MPP_POSITIONS_LEARNED) {
        MppOp *op = mpp_ops_add_memory(&at, ops, "position embedding", 2 * elements, elements, 0, 2);
        double rows = model->learned_positions ? model->learned_positions : model->max_seq;
        op->parameters = (rows + model->token_types) * model->hidden;
    }
    if (model->embedding_norm)
        mpp_ops_add_norm(&at, ops, "embedding norm", at.norm_tokens, model->hidden, true);
    if (job->training.dropout)
        mpp_ops_add_memory(&at, ops, "embedding dropout", elements, elements, 0, 1)->kept_bytes = elements;
    mpp_ops_keep_longest(&at, ops);
}

/** @logits: of a token on this rank. */
static void add_cross_entropy(const MppOpContext *at, MppOps *ops, double logits)
{
    const double fused_bytes = 8; /* of a logit, of a fused loss unlike the stack's own: 16-bit logits read thrice, their gradient written */
    const MppRuntime *runtime = at->job->runtime;
    bool fused = at->job->training.kernels.cross_entropy_fused, as_usual = !fused || runtime->kernels.cross_entropy_fused;
    MppOp *loss = mpp_ops_add(ops, MPP_OP_MEMORY, "cross entropy");
    loss->streaming = MPP_STREAMING_LOSS;
    loss->forward_bytes = at->tokens * logits * (as_usual ? runtime->loss_traffic_bytes : fused_bytes) / 2;
    loss->backward_bytes = loss->forward_bytes;
    loss->forward_kernels = fused ? 2 : 8;
    loss->backward_kernels = fused ? 1 : 4;
}

bool mpp_ops_logits_split(const MppJob *job, int64_t tp)
{
    return tp > 1 && job->runtime->memory.logits_split && !job->training.kernels.logits_gathered;
}

double mpp_ops_logits(const MppJob *job, int64_t tp)
{
    switch (job->model->head) {
    case MPP_HEAD_LM:
    case MPP_HEAD_MASKED_LM: return (double)mpp_ops_padded_vocab(job, tp) / (mpp_ops_logits_split(job, tp) ? tp : 1);
    case MPP_HEAD_CROSS_ENTROPY: return job->model->classes;
    default: return 0;
    }
}

/** Projection to the vocabulary and cross entropy; the logits live only here, see MppShardCost.head_bytes. */
static void add_vocabulary(const MppOpContext *at, MppOps *ops)
{
    const MppJob *job = at->job;
    const MppModel *model = job->model;
    double width = embedding_width(model), vocab = (double)mpp_ops_padded_vocab(job, at->shard->tp) / at->tp;
    mpp_ops_add_tp_entry(at, ops, job->model->hidden);
    if (width != model->hidden)
        mpp_ops_add_matmul(at, ops, "head projection", at->tokens, width, model->hidden, false);
    bool bias = model->head_bias || model->head == MPP_HEAD_MASKED_LM;
    MppOp *op = mpp_ops_add_matmul(at, ops, "vocabulary projection", at->tokens, vocab, width, bias);
    op->precision = mpp_precision_outside_layers(job->training.precision);
    op->parameters -= model->tied_embeddings ? vocab * width : 0;

    bool whole = at->shard->tp > 1 && !mpp_ops_logits_split(job, at->shard->tp);
    if (whole) { /* every rank gathers all logits and computes the whole loss; each keeps its part of the gradient */
        MppOp *gather = mpp_ops_add(ops, MPP_OP_COLLECTIVE, "gather logits");
        gather->collective = MPP_COLLECTIVE_ALL_GATHER;
        gather->axis = MPP_AXIS_TP;
        gather->bytes = at->tokens * vocab * at->tp * at->element;
        gather->forward_times = 1;
    }
    add_cross_entropy(at, ops, vocab * (whole ? at->tp : 1));
    if (at->shard->tp > 1 && !whole) {
        MppOp *sums = mpp_ops_add(ops, MPP_OP_COLLECTIVE, "loss sums"); /* maximum, target's logit, sum of exponents */
        sums->collective = MPP_COLLECTIVE_ALL_REDUCE;
        sums->axis = MPP_AXIS_TP;
        sums->bytes = at->tokens * 4;
        sums->forward_times = 3;
    }
}

void mpp_ops_head(const MppJob *job, const MppShard *shard, MppOps *ops)
{
    const MppModel *model = job->model;
    MppOpContext at = end_context(job, shard);
    ops->n = 0;
    if (model->final_norm)
        mpp_ops_add_norm(&at, ops, "final norm", at.norm_tokens, model->hidden, true);
    at.tokens *= mpp_training_loss_frac(&job->training);
    at.norm_tokens *= mpp_training_loss_frac(&job->training);
    switch (model->head) {
    case MPP_HEAD_MASKED_LM:
        mpp_ops_add_matmul(&at, ops, "head transform", at.tokens, model->hidden, model->hidden, true);
        mpp_ops_add_norm(&at, ops, "head norm", at.norm_tokens, model->hidden, true);
        add_vocabulary(&at, ops);
        break;
    case MPP_HEAD_LM: add_vocabulary(&at, ops); break;
    case MPP_HEAD_POOLER:
        mpp_ops_add_matmul(&at, ops, "pooler", shard->micro_batch, model->hidden, model->hidden, true);
        break;
    case MPP_HEAD_CLASSIFIER:
        mpp_ops_add_matmul(&at, ops, "classifier", shard->micro_batch, model->classes, model->hidden, true);
        break;
    case MPP_HEAD_CROSS_ENTROPY: add_cross_entropy(&at, ops, model->classes); break;
    case MPP_HEAD_NONE: break;
    }
    mpp_ops_keep_longest(&at, ops);
}
