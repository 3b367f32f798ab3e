/*
 * What a model's fields must keep to beyond their tables, and the sizes that follow from others.
 */
#include <string.h>

#include "planner/spec/model_kinds.h"

static bool invalid(const MppJson *json, const cJSON *object, const char *field, GError **error, const char *message)
{
    if (json)
        return mpp_json_error(error, json, mpp_json_get(object, field), MPP_ERROR_INVALID, "%s", message);
    return mpp_error_set(error, MPP_ERROR_INVALID, "model field %s: %s", field, message);
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
        { two_stacks != (model->encoder_layers > 0), "encoder_layers", "an encoder-decoder, and only it, has encoder_layers" },
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
    g_autofree char *message = g_strdup_printf("heads (%" G_GINT64_FORMAT ") must be a multiple of kv_heads (%" G_GINT64_FORMAT ")",
                                               model->heads, model->kv_heads);
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
