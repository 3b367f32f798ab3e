#include "planner/spec/model.h"

#include <string.h>

#include "planner/spec/model_hf.h"
#include "planner/spec/model_kinds.h"

static const char *const kind_names[] = { "decoder", "encoder", "encoder-decoder", "sequential" };
const MppNames mpp_model_kind_names = MPP_NAMES("model kind", kind_names);
static const char *const norm_names[] = { "layernorm", "rmsnorm" };
const MppNames mpp_norm_kind_names = MPP_NAMES("norm", norm_names);
static const char *const positions_names[] = { "none", "learned", "rotary", "relative" };
const MppNames mpp_positions_names = MPP_NAMES("position encoding", positions_names);
static const char *const head_names[] = { "lm", "masked-lm", "pooler", "classifier", "none", "cross-entropy" };
const MppNames mpp_head_kind_names = MPP_NAMES("head", head_names);
static const char *const ssm_names[] = { "mamba2", "gated-delta" };
const MppNames mpp_ssm_kind_names = MPP_NAMES("state-space layer", ssm_names);

enum { MOST = 1 << 20, MOST_VOCAB = 1 << 24 };

static const MppField mla_rows[] = {
    MPP_FIELD_INT(MppMla, q_lora_rank, 0, MOST, 0, "rank of the queries' down projection; 0: none"),
    MPP_FIELD_INT(MppMla, kv_lora_rank, 0, MOST, 0, "rank of the keys' and values' down projection"),
    MPP_FIELD_INT(MppMla, qk_nope_head_dim, 0, MOST, 0, "part of a head without position"),
    MPP_FIELD_INT(MppMla, qk_rope_head_dim, 0, MOST, 0, "part of a head with rotary position"),
    MPP_FIELD_INT(MppMla, v_head_dim, 0, MOST, 0, "width of a head's values"),
};
static const MppFields mla_fields = MPP_FIELDS("multi-head latent attention", MppMla, mla_rows);

static const MppField moe_rows[] = {
    MPP_FIELD_INT(MppMoe, experts, 0, MOST, 0, "routed experts of a layer"),
    MPP_FIELD_INT(MppMoe, topk, 0, MOST, 0, "routed experts a token visits"),
    MPP_FIELD_INT(MppMoe, ffn, 0, MOST, 0, "width of a routed expert"),
    MPP_FIELD_INT(MppMoe, shared_experts, 0, MOST, 0, "experts every token visits"),
    MPP_FIELD_INT(MppMoe, shared_ffn, 0, MOST, 0, "width of the shared experts together; 0: shared_experts * ffn"),
    MPP_FIELD_INT(MppMoe, leading_dense_layers, 0, MPP_MODEL_MOST_LAYERS, 0,
                  "dense layers before the first with experts"),
    MPP_FIELD_INT(MppMoe, every, 1, MPP_MODEL_MOST_LAYERS, 1, "each n-th layer has experts"),
    MPP_FIELD_BOOL(MppMoe, router_bias, 0, "the router has a bias"),
    MPP_FIELD_BOOL(MppMoe, expert_bias, 0, "the experts' projections have biases"),
    MPP_FIELD_BOOL(MppMoe, shared_gate, 0, "the shared experts have a gate of width 1"),
};
static const MppFields moe_fields = MPP_FIELDS("mixture of experts", MppMoe, moe_rows);

static const MppField ssm_rows[] = {
    MPP_FIELD_ENUM(MppSsm, kind, &mpp_ssm_kind_names, MPP_SSM_MAMBA2, "Mamba-2 or gated delta rule"),
    MPP_FIELD_INT(MppSsm, heads, 0, 65536, 0, "heads (of values); 0: no such layers"),
    MPP_FIELD_INT(MppSsm, head_dim, 0, MOST, 0, "width of a head (of values)"),
    MPP_FIELD_INT(MppSsm, groups, 0, 65536, 0, "groups of heads, or heads of keys"),
    MPP_FIELD_INT(MppSsm, state, 0, MOST, 0, "state size, or width of a head of keys"),
    MPP_FIELD_INT(MppSsm, conv, 1, 64, 4, "tokens that the convolution sees"),
    MPP_FIELD_INT(MppSsm, chunk, 1, 65536, 128, "tokens of a chunk of the scan"),
};
static const MppFields ssm_fields = MPP_FIELDS("state-space layer", MppSsm, ssm_rows);

static const MppField vision_rows[] = {
    MPP_FIELD_INT(MppVision, image_size, 0, MOST, 0, "pixels a side"),
    MPP_FIELD_INT(MppVision, patch_size, 0, MOST, 0, "pixels a side of a patch"),
    MPP_FIELD_INT(MppVision, channels, 1, MOST, 3, "colour channels"),
    MPP_FIELD_BOOL(MppVision, class_token, 1, "a learned token is put before the patches"),
};
static const MppFields vision_fields = MPP_FIELDS("vision input", MppVision, vision_rows);

static const MppField rows[] = {
    MPP_FIELD_STRING(MppModel, name, MPP_REQUIRED, "name, as reports show it"),
    MPP_FIELD_STRING(MppModel, source, 0, "where the sizes were published"),
    MPP_FIELD_ENUM(MppModel, kind, &mpp_model_kind_names, MPP_MODEL_DECODER, "which stacks it has"),
    MPP_FIELD_INT(MppModel, layers, 1, MPP_MODEL_MOST_LAYERS, MPP_REQUIRED,
                  "layers (of the decoder if there are two stacks)"),
    MPP_FIELD_INT(MppModel, encoder_layers, 0, MPP_MODEL_MOST_LAYERS, 0, "layers of the encoder, encoder-decoder only"),
    MPP_FIELD_INT(MppModel, hidden, 1, MOST, MPP_REQUIRED, "width of the residual stream"),
    MPP_FIELD_INT(MppModel, heads, 0, 65536, MPP_REQUIRED, "attention heads; 0: no layer has attention"),
    MPP_FIELD_INT(MppModel, kv_heads, 0, 65536, 0, "heads of keys and values; 0: as heads"),
    MPP_FIELD_INT(MppModel, head_dim, 0, MOST, 0, "width of a head; 0: hidden / heads"),
    MPP_FIELD_INT(MppModel, ffn, 0, MOST, MPP_REQUIRED, "width of the MLP (one matrix); 0 if all layers have experts"),
    MPP_FIELD_BOOL(MppModel, gated_mlp, 0, "the MLP has a gate (SwiGLU, GeGLU)"),
    MPP_FIELD_BOOL(MppModel, qkv_bias, 0, "query, key and value projections have biases"),
    MPP_FIELD_BOOL(MppModel, output_bias, 0, "the attention's output projection has a bias"),
    MPP_FIELD_BOOL(MppModel, mlp_bias, 0, "the MLP's projections have biases"),
    MPP_FIELD_INT(MppModel, vocab, 0, MOST_VOCAB, MPP_REQUIRED, "tokens of the vocabulary, unpadded; 0 for images"),
    MPP_FIELD_INT(MppModel, embedding_dim, 0, MOST, 0, "width of the embedding if not hidden"),
    MPP_FIELD_INT(MppModel, max_seq, 1, 1 << 28, MPP_REQUIRED,
                  "longest sequence it was made for; default sequence length if at most 8192"),
    MPP_FIELD_INT(MppModel, learned_positions, 0, 1 << 28, 0, "rows of the learned position table; 0: as tokens"),
    MPP_FIELD_INT(MppModel, token_types, 0, 64, 0, "rows of the segment table (BERT)"),
    MPP_FIELD_ENUM(MppModel, positions, &mpp_positions_names, MPP_POSITIONS_ROTARY, "position encoding"),
    MPP_FIELD_INT(MppModel, relative_buckets, 0, MOST, 0, "rows of the relative position bias, one table a stack"),
    MPP_FIELD_ENUM(MppModel, norm, &mpp_norm_kind_names, MPP_NORM_RMS, "kind of norm"),
    MPP_FIELD_BOOL(MppModel, norm_bias, 1, "layer norms have biases"),
    MPP_FIELD_BOOL(MppModel, norm_weights, 1, "norms have learned parameters"),
    MPP_FIELD_INT(MppModel, norms_per_layer, 0, 8, 2, "norms of a layer over the hidden width"),
    MPP_FIELD_INT(MppModel, qk_norm_dim, -1, MOST, 0,
                  "norm of queries and keys: 0 none, a head's width, -1 over all heads"),
    MPP_FIELD_BOOL(MppModel, embedding_norm, 0, "a norm follows the embedding"),
    MPP_FIELD_BOOL(MppModel, final_norm, 1, "a norm precedes the head"),
    MPP_FIELD_BOOL(MppModel, parallel_block, 0, "attention and MLP run side by side"),
    MPP_FIELD_BOOL(MppModel, attention_sinks, 0, "a learned logit a head"),
    MPP_FIELD_BOOL(MppModel, attention_gate, 0, "a gate of the attention's output, as wide as the queries"),
    MPP_FIELD_INT(MppModel, window, 0, 1 << 28, 0, "tokens seen by windowed layers; 0: no window"),
    MPP_FIELD_INT(MppModel, full_attention_every, 1, MPP_MODEL_MOST_LAYERS, 1,
                  "with a window or an ssm, every n-th layer has full attention; 1: none has"),
    MPP_FIELD_STRING(MppModel, pattern, 0,
                     "a character a layer: M state space, * attention, - MLP, E experts; without it each has both parts"),
    MPP_FIELD_BOOL(MppModel, tied_embeddings, 0, "embedding and head share their matrix"),
    MPP_FIELD_ENUM(MppModel, head, &mpp_head_kind_names, MPP_HEAD_LM, "what follows the last layer"),
    MPP_FIELD_BOOL(MppModel, head_bias, 0, "the head has a bias"),
    MPP_FIELD_INT(MppModel, classes, 0, MOST_VOCAB, 0, "classes of a classifier head"),
    MPP_FIELD_INT(MppModel, prediction_layers, 0, 64, 0, "multi-token prediction layers"),
    MPP_FIELD_STRUCT(MppModel, mla, &mla_fields, 0, "multi-head latent attention"),
    MPP_FIELD_STRUCT(MppModel, moe, &moe_fields, 0, "mixture of experts"),
    MPP_FIELD_STRUCT(MppModel, ssm, &ssm_fields, 0, "state-space layers, or linear attention"),
    MPP_FIELD_STRUCT(MppModel, vision, &vision_fields, 0, "vision input"),
};

static const MppField sequential_rows[] = {
    MPP_FIELD_STRING(MppModel, name, MPP_REQUIRED, "name, as reports show it"),
    MPP_FIELD_STRING(MppModel, source, 0, "where the sizes were published"),
    MPP_FIELD_STRUCT(MppModel, input, &mpp_shape_fields, MPP_REQUIRED, "one sample"),
    MPP_FIELD_STRUCTS(MppModel, sequential, &mpp_sequential_layer_fields, MPP_REQUIRED,
                      "layers in order; the last gives the logits of the classes"),
};
static const MppFields sequential_fields = MPP_FIELDS("sequential model", MppModel, sequential_rows);
const MppFields mpp_model_fields =
    MPP_FIELDS_OR("model", MppModel, rows, &sequential_rows[3], &sequential_fields);

void mpp_model_clear(MppModel *model)
{
    mpp_model_clear_kinds(model);
    mpp_fields_clear(&mpp_model_fields, model);
}

void mpp_model_free(MppModel *model)
{
    if (!model)
        return;
    mpp_model_clear(model);
    g_free(model);
}

MppModel *mpp_model_read(const MppJson *json, GError **error)
{
    g_autoptr(MppModel) model = g_new0(MppModel, 1);
    bool read = mpp_model_hf_recognise(json) ? mpp_model_hf_read(json, model, error)
                                             : mpp_fields_read(&mpp_model_fields, json, json->root, model, error);
    if (!read || !mpp_model_finish(model, json, json->root, error))
        return NULL;
    return g_steal_pointer(&model);
}

static bool invalid(const MppJson *json, const cJSON *object, const char *field, GError **error, const char *message)
{
    if (json)
        return mpp_json_error(error, json, mpp_json_get(object, field), MPP_ERROR_INVALID, "%s", message);
    g_set_error(error, MPP_ERROR, MPP_ERROR_INVALID, "model field %s: %s", field, message);
    return false;
}

typedef struct {
    bool broken;
    const char *field, *message;
} ModelRule;

static bool keeps(const ModelRule *rules, size_t n, const MppJson *json, const cJSON *object, GError **error)
{
    for (size_t i = 0; i < n; i++)
        if (rules[i].broken)
            return invalid(json, object, rules[i].field, error, rules[i].message);
    return true;
}

static bool check_parts(const MppModel *model, const MppJson *json, const cJSON *object, GError **error)
{
    const MppMoe *moe = &model->moe;
    const MppMla *mla = &model->mla;
    const MppVision *vision = &model->vision;
    bool two_stacks = model->kind == MPP_MODEL_ENCODER_DECODER;
    bool words = model->head == MPP_HEAD_LM || model->head == MPP_HEAD_MASKED_LM;
    const ModelRule rules[] = {
        { model->kind == MPP_MODEL_SEQUENTIAL, "kind", "layers that are listed stand under \"sequential\"" },
        { model->head == MPP_HEAD_CROSS_ENTROPY, "head", "logits without a head are those of a sequential model" },
        { moe->experts && (moe->topk < 1 || moe->topk > moe->experts || moe->ffn < 1), "moe",
          "experts need topk from 1 to experts and an ffn" },
        { moe->shared_experts && !moe->experts, "moe", "shared experts need experts" },
        { moe->leading_dense_layers > model->layers, "moe", "there are more leading dense layers than layers" },
        { vision->image_size && (vision->patch_size < 1 || vision->image_size % vision->patch_size), "vision",
          "image_size must be a multiple of patch_size" },
        { !vision->image_size && model->vocab < 1, "vocab", "a model without images needs a vocabulary" },
        { words && model->vocab < 1, "head", "a head over words needs a vocabulary" },
        { model->head == MPP_HEAD_CLASSIFIER && model->classes < 1, "classes", "a classifier needs classes" },
        { two_stacks != (model->encoder_layers > 0), "encoder_layers",
          "an encoder-decoder, and only it, has encoder_layers" },
        { mla->kv_lora_rank && (!mla->qk_nope_head_dim || !mla->qk_rope_head_dim || !mla->v_head_dim), "mla",
          "latent attention needs qk_nope_head_dim, qk_rope_head_dim and v_head_dim" },
        { model->positions == MPP_POSITIONS_RELATIVE && model->relative_buckets < 1, "relative_buckets",
          "relative positions need relative_buckets" },
    };
    return keeps(rules, G_N_ELEMENTS(rules), json, object, error);
}

/** What says which layer is of which kind, before that is worked out. */
static bool check_mixers(const MppModel *model, const MppJson *json, const cJSON *object, GError **error)
{
    const MppSsm *ssm = &model->ssm;
    const MppMoe *moe = &model->moe;
    bool sized = ssm->groups && ssm->heads % ssm->groups == 0 && ssm->head_dim && ssm->state;
    const char *pattern = model->pattern;
    const ModelRule rules[] = {
        { model->full_attention_every > 1 && !model->window && !ssm->heads, "full_attention_every",
          "there is no window and no ssm" },
        { ssm->heads && !sized, "ssm", "an ssm needs head_dim, state, and groups that divide its heads" },
        { ssm->heads && (model->kind != MPP_MODEL_DECODER || model->parallel_block), "ssm",
          "an ssm is of a decoder whose layers are not parallel blocks" },
        { ssm->heads && model->window && !pattern, "window",
          "layers with an ssm have no window; with both there must be a pattern" },
        { pattern && (int64_t)strlen(pattern) != model->layers, "pattern", "expected a character for each layer" },
        { pattern && pattern[strspn(pattern, "M*-E")], "pattern", "expected the characters M, *, - and E" },
        { pattern && model->full_attention_every > 1, "full_attention_every", "the pattern says which layers have attention" },
        { pattern && (moe->every > 1 || moe->leading_dense_layers), "moe", "the pattern says which layers have experts" },
        { pattern && (model->kind != MPP_MODEL_DECODER || model->parallel_block || model->prediction_layers), "pattern",
          "a pattern is for decoders without parallel blocks and prediction layers" },
    };
    return keeps(rules, G_N_ELEMENTS(rules), json, object, error);
}

/** Whether there is what the layers need. */
static bool check_kinds(const MppModel *model, const MppJson *json, const cJSON *object, GError **error)
{
    bool attention = false, ssm = false, dense = false, experts = false;
    for (int64_t i = 0; i < model->n_kinds; i++) {
        const MppLayerKind *kind = &model->kinds[i];
        attention |= kind->mixer == MPP_MIXER_ATTENTION;
        ssm |= kind->mixer == MPP_MIXER_SSM;
        dense |= kind->ffn && !kind->moe;
        experts |= kind->moe;
    }
    const ModelRule rules[] = {
        { attention && !model->heads, "heads", "layers with attention need heads" },
        { ssm && !model->ssm.heads, "ssm", "layers M of the pattern need an ssm" },
        { dense && !model->ffn, "ffn", "dense layers need an ffn" },
        { experts && !model->moe.experts, "moe", "layers E of the pattern need experts" },
    };
    return keeps(rules, G_N_ELEMENTS(rules), json, object, error);
}

static bool check_heads(const MppModel *model, const MppJson *json, const cJSON *object, GError **error)
{
    if (!model->heads || model->heads % model->kv_heads == 0)
        return true;
    g_autofree char *message = g_strdup_printf("heads (%" G_GINT64_FORMAT ") must be a multiple of kv_heads (%"
                                               G_GINT64_FORMAT ")", model->heads, model->kv_heads);
    return invalid(json, object, "kv_heads", error, message);
}

/** Sizes that other sizes imply. */
static bool fill(MppModel *model, const MppJson *json, const cJSON *object, GError **error)
{
    if (!model->kv_heads)
        model->kv_heads = model->heads;
    if (!model->head_dim && model->mla.kv_lora_rank)
        model->head_dim = model->mla.qk_nope_head_dim + model->mla.qk_rope_head_dim;
    if (!model->head_dim && model->heads) {
        if (model->hidden % model->heads)
            return invalid(json, object, "heads", error, "hidden must be a multiple of heads, or head_dim be given");
        model->head_dim = model->hidden / model->heads;
    }
    if (!model->learned_positions && model->positions == MPP_POSITIONS_LEARNED)
        model->learned_positions = mpp_model_tokens(model, model->max_seq);
    return true;
}

bool mpp_model_finish(MppModel *model, const MppJson *json, const cJSON *object, GError **error)
{
    if (model->sequential)
        return mpp_model_list_kinds(model, json, object, error);
    if (!check_parts(model, json, object, error) || !check_mixers(model, json, object, error))
        return false;
    mpp_model_set_kinds(model);
    return check_kinds(model, json, object, error) && fill(model, json, object, error) && check_heads(model, json, object, error);
}

int64_t mpp_model_tokens(const MppModel *model, int64_t seq)
{
    if (!model->vision.image_size)
        return seq;
    int64_t patches = model->vision.image_size / model->vision.patch_size;
    return patches * patches + model->vision.class_token;
}

MppSsmWidths mpp_ssm_widths(const MppSsm *ssm, double heads, double groups)
{
    double inner = heads * (double)ssm->head_dim, outer = 2 * groups * (double)ssm->state;
    double scalars = ssm->kind == MPP_SSM_MAMBA2 ? heads : 2 * heads;
    return (MppSsmWidths){ inner, outer, scalars, 2 * inner + outer + scalars };
}

MppSsm mpp_ssm_usual(int64_t hidden)
{
    enum { HEAD_DIM = 64 };
    return (MppSsm){ .heads = MAX(2 * hidden / HEAD_DIM, 1),
                     .head_dim = HEAD_DIM,
                     .groups = 8,
                     .state = 128,
                     .conv = 4,
                     .chunk = 128 };
}

int64_t mpp_model_norms(const MppModel *model, const MppLayerKind *kind)
{
    bool one_part = kind->mixer == MPP_MIXER_NONE || !kind->ffn;
    return one_part ? MIN(model->norms_per_layer, 1) : model->norms_per_layer;
}

int64_t mpp_model_qk_dim(const MppModel *model)
{
    return model->mla.kv_lora_rank ? model->mla.qk_nope_head_dim + model->mla.qk_rope_head_dim : model->head_dim;
}

int64_t mpp_model_v_dim(const MppModel *model)
{
    return model->mla.kv_lora_rank ? model->mla.v_head_dim : model->head_dim;
}
