#include "planner/ops/parts.h"

static void add_mlp_block(const MppOpContext *at, MppOps *ops)
{
    if (at->layer->moe) {
        mpp_ops_add_moe(at, ops);
        return;
    }
    int first = ops->n;
    mpp_ops_add_tp_entry(at, ops, at->job->model->hidden);
    mpp_ops_add_mlp(at, ops, at->job->model->ffn, at->tokens, at->tp);
    mpp_ops_add_tp_exit(at, ops, at->job->model->hidden);
    mpp_ops_are_module(at, ops, first, MPP_MODULE_MLP);
}

static void add_attention_block(const MppOpContext *at, MppOps *ops, bool cross)
{
    mpp_ops_add_tp_entry(at, ops, at->job->model->hidden);
    mpp_ops_add_attention(at, ops, cross);
    mpp_ops_add_tp_exit(at, ops, at->job->model->hidden);
}

static void add_ssm_block(const MppOpContext *at, MppOps *ops)
{
    mpp_ops_add_tp_entry(at, ops, at->job->model->hidden);
    mpp_ops_add_ssm(at, ops);
    mpp_ops_add_tp_exit(at, ops, at->job->model->hidden);
}

/** A norm apart from the product after it: its input, the residual stream, stays. */
static void drop_norm(const MppOpContext *at, MppOp *op)
{
    double input = at->norm_tokens * at->job->model->hidden * at->element;
    mpp_ops_in_module(at, op, MPP_MODULE_NORMS, 1 - input / op->kept_bytes);
}

/** A norm before a block keeps the residual stream; further ones (Gemma's after the blocks) only their input. */
static void add_first_norm(const MppOpContext *at, MppOps *ops, const char *name)
{
    MppOp *op = mpp_ops_add_norm(at, ops, name, at->norm_tokens, at->job->model->hidden, true);
    mpp_ops_half_products(at, op, 1, 0.5);
    if (at->job->model->mla.kv_lora_rank) /* others are part of the products after them */
        drop_norm(at, op);
}

/** Attention and MLP read one norm's output and are added: one exchange each way serves both (GPT-J, Falcon). */
static void add_parallel_block(const MppOpContext *at, MppOps *ops, int64_t norms)
{
    if (norms > 0)
        add_first_norm(at, ops, "attention norm");
    if (norms > 1)
        mpp_ops_add_norm(at, ops, "mlp norm", at->norm_tokens, at->job->model->hidden, false);
    mpp_ops_add_tp_entry(at, ops, at->job->model->hidden);
    mpp_ops_add_attention(at, ops, false);
    mpp_ops_add_mlp(at, ops, at->job->model->ffn, at->tokens, at->tp);
    mpp_ops_add_tp_exit(at, ops, at->job->model->hidden);
    mpp_ops_add_residual(at, ops, "residual");
}

/** A multi-token-prediction layer first joins the hidden state and the next token's embedding (DeepSeek-V3 §2.2). */
static void add_prediction_entry(const MppOpContext *at, MppOps *ops)
{
    double hidden = at->job->model->hidden;
    mpp_ops_add_norm(at, ops, "prediction norms", at->norm_tokens, 2 * hidden, true);
    mpp_ops_add_matmul(at, ops, "prediction projection", at->tokens, hidden / at->tp, 2 * hidden, false);
}

/** What joins the tokens. */
static void add_mixer(const MppOpContext *at, MppOps *ops, bool norm)
{
    bool ssm = at->layer->mixer == MPP_MIXER_SSM;
    if (norm)
        add_first_norm(at, ops, ssm ? "ssm norm" : "attention norm");
    if (ssm)
        add_ssm_block(at, ops);
    else
        add_attention_block(at, ops, false);
    mpp_ops_add_residual(at, ops, ssm ? "ssm residual" : "attention residual");
}

/** MLP or experts with @norms norms: one before, the others after blocks. */
static void add_ffn(const MppOpContext *at, MppOps *ops, int64_t norms)
{
    double hidden = at->job->model->hidden;
    for (int64_t i = 0; i < norms; i++) {
        MppOp *op = mpp_ops_add_norm(at, ops, i ? "norm after block" : "mlp norm", at->norm_tokens, hidden, i == 0);
        if (i == 0 && at->layer->moe)
            drop_norm(at, op);
    }
    add_mlp_block(at, ops);
    mpp_ops_add_residual(at, ops, "mlp residual");
}

static void add_transformer_layer(const MppOpContext *at, MppOps *ops)
{
    const MppModel *model = at->job->model;
    const MppLayerKind *kind = at->layer;
    double hidden = model->hidden;
    int64_t norms = mpp_model_norms(model, kind);
    bool mixes = kind->mixer != MPP_MIXER_NONE;
    if (kind->prediction)
        add_prediction_entry(at, ops);
    if (model->parallel_block) {
        add_parallel_block(at, ops, norms);
        return;
    }
    if (mixes)
        add_mixer(at, ops, norms > 0);
    if (kind->cross_attention) {
        mpp_ops_add_norm(at, ops, "cross attention norm", at->norm_tokens, hidden, true);
        add_attention_block(at, ops, true);
        mpp_ops_add_residual(at, ops, "cross attention residual");
    }
    if (kind->ffn)
        add_ffn(at, ops, norms - mixes);
    if (kind->prediction)
        mpp_ops_add_norm(at, ops, "prediction output norm", at->norm_tokens, hidden, true);
}

void mpp_ops_layer(const MppJob *job, const MppShard *shard, const MppLayerKind *kind, MppOps *ops)
{
    MppOpContext at = mpp_op_context(job, shard, kind);
    ops->n = 0;
    if (kind->listed)
        mpp_ops_add_listed(&at, ops);
    else
        add_transformer_layer(&at, ops);
    mpp_ops_keep_longest(&at, ops);
}
