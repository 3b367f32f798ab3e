#include "planner/spec/model_params.h"

static double norm(const MppModel *model, double width)
{
    if (!model->norm_weights)
        return 0;
    return model->norm == MPP_NORM_LAYER && model->norm_bias ? 2 * width : width;
}

static double embedding_width(const MppModel *model)
{
    return model->embedding_dim ? model->embedding_dim : model->hidden;
}

static double other_embedding(const MppModel *model)
{
    double hidden = model->hidden, n = model->token_types * hidden;
    if (model->embedding_dim)
        n += model->embedding_dim * hidden;
    if (model->positions == MPP_POSITIONS_LEARNED)
        n += model->learned_positions * hidden;
    int stacks = model->kind == MPP_MODEL_ENCODER_DECODER ? 2 : 1;
    n += (double)stacks * model->relative_buckets * model->heads;
    const MppVision *vision = &model->vision;
    if (vision->image_size)
        n += ((double)vision->channels * vision->patch_size * vision->patch_size + 1 + vision->class_token) * hidden;
    return n + (model->embedding_norm ? norm(model, hidden) : 0);
}

static double head(const MppModel *model)
{
    double hidden = model->hidden, vocab = model->vocab;
    double matrix = model->tied_embeddings ? 0 : vocab * embedding_width(model);
    double bias = model->head_bias ? vocab : 0;
    switch (model->head) {
    case MPP_HEAD_LM: return matrix + bias + model->embedding_dim * hidden;
    case MPP_HEAD_MASKED_LM: return hidden * hidden + hidden + norm(model, hidden) + matrix + vocab;
    case MPP_HEAD_POOLER: return hidden * hidden + hidden;
    case MPP_HEAD_CLASSIFIER: return (hidden + 1) * model->classes;
    case MPP_HEAD_CROSS_ENTROPY:
    case MPP_HEAD_NONE: return 0;
    }
    g_return_val_if_reached(0);
}

MppEndParameters mpp_model_end_parameters(const MppModel *model)
{
    return (MppEndParameters){
        .token_embedding = model->vocab * embedding_width(model),
        .other_embedding = other_embedding(model),
        .final_norm = model->final_norm ? norm(model, model->hidden) : 0,
        .head = head(model),
    };
}

/** Projections of DeepSeek-V2 (arXiv:2405.04434 §2.1); biases stand at the down projections and the output. */
static double latent_attention(const MppModel *model, double *unsplit)
{
    const MppMla *mla = &model->mla;
    double hidden = model->hidden, heads = model->heads;
    double queries = heads * (mla->qk_nope_head_dim + mla->qk_rope_head_dim);
    double kv_down = mla->kv_lora_rank + mla->qk_rope_head_dim;
    double kv_up = heads * (mla->qk_nope_head_dim + mla->v_head_dim) * mla->kv_lora_rank;
    double output = heads * mla->v_head_dim * hidden + model->output_bias * hidden;

    double down = kv_down + mla->q_lora_rank;
    *unsplit = down * hidden + model->qkv_bias * down;
    return *unsplit + queries * (mla->q_lora_rank ? mla->q_lora_rank : hidden) + kv_up + output;
}

static double plain_attention(const MppModel *model)
{
    double hidden = model->hidden, queries = (double)model->heads * model->head_dim;
    double qkv = queries * (1 + model->attention_gate) + 2.0 * model->kv_heads * model->head_dim;
    return qkv * (hidden + model->qkv_bias) + (queries + model->output_bias) * hidden;
}

/** Mamba-2's convolution has a bias and its norm spans all heads; it adds its input by a weight a head. */
static void fill_ssm(const MppModel *model, MppLayerParameters *layer)
{
    const MppSsm *ssm = &model->ssm;
    bool mamba2 = ssm->kind == MPP_SSM_MAMBA2;
    MppSsmWidths widths = mpp_ssm_widths(ssm, (double)ssm->heads, (double)ssm->groups);
    layer->ssm = (widths.projected + widths.inner) * model->hidden;
    layer->ssm_rest = (widths.inner + widths.outer) * (double)(ssm->conv + mamba2) + (mamba2 ? 3 : 2) * (double)ssm->heads +
                      (mamba2 ? widths.inner : (double)ssm->head_dim);
}

static double mlp(const MppModel *model, double width, bool bias)
{
    double in = model->gated_mlp ? 2 * width : width;
    return (in + width) * model->hidden + (bias ? in + model->hidden : 0);
}

static double layer_norms(const MppModel *model, const MppLayerKind *kind)
{
    double n = (mpp_model_norms(model, kind) + kind->cross_attention) * norm(model, model->hidden);
    if (kind->mixer != MPP_MIXER_ATTENTION)
        return n;
    if (model->mla.kv_lora_rank)
        return n + norm(model, model->mla.kv_lora_rank) + norm(model, model->mla.q_lora_rank);
    if (model->qk_norm_dim > 0)
        return n + 2 * norm(model, model->qk_norm_dim);
    if (model->qk_norm_dim < 0)
        return n + norm(model, (double)(model->heads + model->kv_heads) * model->head_dim);
    return n;
}

static double listed(const MppLayerKind *kind)
{
    double n = 0;
    for (guint i = 0; i < kind->parts->len; i++)
        n += mpp_part_parameters(&g_array_index(kind->parts, MppPart, i));
    return n;
}

MppLayerParameters mpp_model_layer_parameters(const MppModel *model, const MppLayerKind *kind)
{
    if (kind->listed)
        return (MppLayerParameters){ .listed = listed(kind) };
    const MppMoe *moe = &model->moe;
    double hidden = model->hidden;
    MppLayerParameters layer = { .norms = layer_norms(model, kind) };
    if (kind->mixer == MPP_MIXER_ATTENTION) {
        layer.attention = model->mla.kv_lora_rank ? latent_attention(model, &layer.attention_unsplit)
                                                  : plain_attention(model);
        layer.cross_attention = kind->cross_attention ? layer.attention : 0;
        layer.attention += model->attention_sinks ? model->heads : 0;
    }
    if (kind->mixer == MPP_MIXER_SSM)
        fill_ssm(model, &layer);
    if (kind->moe) {
        double shared = moe->shared_ffn ? moe->shared_ffn : (double)moe->shared_experts * moe->ffn;
        layer.router = (hidden + moe->router_bias) * moe->experts + (moe->shared_gate ? hidden : 0);
        layer.shared_experts = moe->shared_experts ? mlp(model, shared, moe->expert_bias) : 0;
        layer.expert = mlp(model, moe->ffn, moe->expert_bias);
    } else if (kind->ffn) {
        layer.mlp = mlp(model, model->ffn, model->mlp_bias);
    }
    if (kind->prediction)
        layer.prediction = 2 * hidden * hidden + 3 * norm(model, hidden);
    return layer;
}

double mpp_layer_parameters_sum(const MppLayerParameters *layer, double experts)
{
    double mixers = layer->attention + layer->cross_attention + layer->ssm + layer->ssm_rest;
    double ffn = layer->mlp + layer->router + layer->shared_experts + experts * layer->expert;
    return layer->listed + mixers + ffn + layer->norms + layer->prediction;
}

static double count(const MppModel *model, int64_t experts)
{
    MppEndParameters ends = mpp_model_end_parameters(model);
    int stacks = model->kind == MPP_MODEL_ENCODER_DECODER ? 2 : 1;
    double total = ends.token_embedding + ends.other_embedding + ends.head + stacks * ends.final_norm;
    for (int64_t i = 0; i < model->n_layers; i++) {
        const MppLayerKind *kind = &model->kinds[model->kind_of_layer[i]];
        MppLayerParameters layer = mpp_model_layer_parameters(model, kind);
        if (!kind->prediction)
            total += mpp_layer_parameters_sum(&layer, (double)experts);
    }
    return total;
}

double mpp_model_parameters(const MppModel *model)
{
    return count(model, model->moe.experts);
}

double mpp_model_active_parameters(const MppModel *model)
{
    return count(model, model->moe.topk);
}

/** Transformers use each parameter once a token; windows use theirs at every pixel. */
double mpp_model_products(const MppModel *model)
{
    if (!model->sequential)
        return mpp_model_active_parameters(model);
    double n = 0;
    for (int64_t i = 0; i < model->n_layers; i++) {
        const GArray *parts = model->kinds[model->kind_of_layer[i]].parts;
        for (guint k = 0; k < parts->len; k++)
            n += mpp_part_products(&g_array_index(parts, MppPart, k));
    }
    return n;
}
