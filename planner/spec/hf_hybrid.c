/* Families with state-space layers, all of one size, among or instead of those of attention. */
#include <string.h>

#include "planner/spec/model_hf_reader.h"

typedef struct {
    const char *heads, *head_dim, *groups, *state, *conv, *chunk;
} SsmKeys;

static void read_ssm(MppHf *hf, const SsmKeys *keys)
{
    const MppFields *fields = mpp_fields_find(&mpp_model_fields, "ssm")->table;
    MppSsm *ssm = &hf->model->ssm;
    ssm->heads = mpp_hf_int(hf, keys->heads, fields, "heads", ssm->heads);
    ssm->head_dim = mpp_hf_int(hf, keys->head_dim, fields, "head_dim", ssm->head_dim);
    ssm->groups = mpp_hf_int(hf, keys->groups, fields, "groups", ssm->groups);
    ssm->state = mpp_hf_int(hf, keys->state, fields, "state", ssm->state);
    ssm->conv = mpp_hf_int(hf, keys->conv, fields, "conv", ssm->conv);
    ssm->chunk = mpp_hf_int(hf, keys->chunk, fields, "chunk", ssm->chunk);
    mpp_hf_get(hf, "expand|mamba_expand"); /* said again by the heads */
    const char *conv_bias = "use_conv_bias|mamba_conv_bias";
    if (ssm->kind == MPP_SSM_MAMBA2 && !mpp_hf_bool(hf, conv_bias, true))
        mpp_hf_unsupported(hf, mpp_hf_get(hf, conv_bias), "not modelled: a convolution without biases");
}

static const SsmKeys bamba_keys = { "mamba_n_heads", "mamba_d_head", "mamba_n_groups",
                                    "mamba_d_state", "mamba_d_conv", "mamba_chunk_size" };

/** @key: where it stands, or what it follows from. */
static void set_pattern(MppHf *hf, const char *key, const char *pattern)
{
    size_t n = strlen(pattern);
    if (n < 1 || n > MPP_MODEL_MOST_LAYERS) {
        g_autofree char *expected = g_strdup_printf("1 to %d layers", MPP_MODEL_MOST_LAYERS);
        mpp_hf_wrong(hf, mpp_hf_get(hf, key), expected);
        return;
    }
    hf->model->pattern = g_strdup(pattern);
    hf->model->layers = (int64_t)n;
}

static void require_pattern(MppHf *hf, const char *key)
{
    if (!hf->model->pattern && !hf->error)
        mpp_json_error(&hf->error, hf->json, hf->object, MPP_ERROR_SCHEMA, "the key \"%s\" is missing (what each layer has)", key);
}

static void refuse_if(MppHf *hf, const char *key, const char *what)
{
    if (mpp_hf_bool(hf, key, false))
        mpp_hf_unsupported(hf, mpp_hf_get(hf, key), "not modelled: %s", what);
}

/** A pattern from a list of what each layer has; @after: what follows each of them. */
static void read_types(MppHf *hf, const char *key, const char *after)
{
    const cJSON *types = mpp_hf_get(hf, key);
    static const struct {
        const char *type;
        char part;
    } known[] = { { "mamba", 'M' }, { "linear_attention", 'M' }, { "attention", '*' }, { "full_attention", '*' }, { "mlp", '-' },
                  { "moe", 'E' } };
    if (!types)
        return;
    if (!cJSON_IsArray(types)) {
        mpp_hf_wrong(hf, types, "an array of layer types");
        return;
    }
    g_autoptr(GString) pattern = g_string_new(NULL);
    const cJSON *item;
    cJSON_ArrayForEach(item, types) {
        char part = 0;
        for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
            if (cJSON_IsString(item) && strcmp(item->valuestring, known[i].type) == 0)
                part = known[i].part;
        if (!part) {
            mpp_hf_unsupported(hf, item, "this type of layer is not modelled; known: mamba, attention, mlp, moe");
            return;
        }
        g_string_append_printf(pattern, "%c%s", part, after);
    }
    set_pattern(hf, key, pattern->str);
}

/** The MLPs of a pattern keep their width beside its experts. */
static void read_experts(MppHf *hf, const char *pattern)
{
    int64_t ffn = strchr(pattern, '-') ? hf->model->ffn : 0;
    mpp_hf_experts(hf);
    hf->model->ffn = ffn;
}

/** Layers of one part; the bias by which experts are balanced is stored. */
static void read_nemotron_h(MppHf *hf)
{
    static const SsmKeys keys = { "mamba_num_heads", "mamba_head_dim",           "n_groups|mamba_n_groups",
                                  "ssm_state_size",  "conv_kernel|mamba_d_conv", "chunk_size|mamba_chunk_size" };
    MppModel *model = hf->model;
    model->positions = MPP_POSITIONS_NONE;
    model->head_dim = 128;
    mpp_hf_sizes(hf);
    read_ssm(hf, &keys);
    const char *pattern = mpp_hf_string(hf, "hybrid_override_pattern", NULL);
    if (pattern)
        set_pattern(hf, "hybrid_override_pattern", pattern);
    else
        read_types(hf, "layers_block_type", "");
    require_pattern(hf, "hybrid_override_pattern");
    if (model->pattern && strchr(model->pattern, 'E')) {
        read_experts(hf, model->pattern);
        model->moe.router_bias = true;
    }
    model->qkv_bias = model->output_bias = mpp_hf_bool(hf, "attention_bias", false);
    model->mlp_bias = model->moe.expert_bias = mpp_hf_bool(hf, "mlp_bias", false);
    refuse_if(hf, "use_bias", "biases of a state-space layer's projections");
    const cJSON *latent = mpp_hf_get(hf, "moe_latent_size"), *more = mpp_hf_get(hf, "num_nextn_predict_layers");
    if (latent)
        mpp_hf_unsupported(hf, latent, "not modelled: experts of a narrower width than the layers");
    if (cJSON_IsNumber(more) && more->valuedouble > 0)
        mpp_hf_unsupported(hf, more, "not modelled: multi-token prediction by layers of one part");
}

/** A layer of this family is two of a pattern: state space or attention, then an MLP or experts. */
static void read_granite_hybrid(MppHf *hf)
{
    MppModel *model = hf->model;
    model->gated_mlp = true;
    mpp_hf_sizes(hf);
    read_ssm(hf, &bamba_keys);
    const char *positions = mpp_hf_string(hf, "position_embedding_type", "rope");
    model->positions = strcmp(positions, "rope") == 0 ? MPP_POSITIONS_ROTARY : MPP_POSITIONS_NONE;
    int64_t shared = mpp_hf_int(hf, "shared_intermediate_size", &mpp_model_fields, "ffn", 1024);
    read_experts(hf, "");
    if (model->moe.experts) {
        model->moe.shared_experts = 1;
        model->moe.shared_ffn = shared;
    } else {
        model->ffn = shared;
        model->moe = (MppMoe){ .every = 1 };
    }
    model->qkv_bias = model->output_bias = mpp_hf_bool(hf, "attention_bias", false);
    refuse_if(hf, "mamba_proj_bias", "biases of a state-space layer's projections");
    read_types(hf, "layer_types|layers_block_type", model->moe.experts ? "E" : "-");
    require_pattern(hf, "layer_types");
}

/** Layers as in Granite's, those of attention by number. */
static void read_bamba(MppHf *hf)
{
    MppModel *model = hf->model;
    model->gated_mlp = true;
    mpp_hf_sizes(hf);
    read_ssm(hf, &bamba_keys);
    model->qkv_bias = model->output_bias = mpp_hf_bool(hf, "attention_bias", false);
    model->mlp_bias = mpp_hf_bool(hf, "mlp_bias", false);
    refuse_if(hf, "mamba_proj_bias", "biases of a state-space layer's projections");
    g_autoptr(GString) pattern = g_string_new(NULL);
    for (int64_t i = 0; i < model->layers; i++)
        g_string_append(pattern, "M-");
    const cJSON *item, *attention = mpp_hf_get(hf, "attn_layer_indices");
    cJSON_ArrayForEach(item, attention) {
        double layer = cJSON_IsNumber(item) ? item->valuedouble : -1;
        if (layer < 0 || layer >= (double)model->layers || floor(layer) != layer) {
            mpp_hf_wrong(hf, item, "the number of a layer");
            return;
        }
        pattern->str[2 * (gsize)layer] = '*';
    }
    set_pattern(hf, "num_hidden_layers", pattern->str);
}

/** No attention, no MLPs. The published models were trained on 2048 tokens (arXiv:2405.21060). */
static void read_mamba2(MppHf *hf)
{
    static const SsmKeys keys = { "num_heads", "head_dim", "n_groups", "state_size", "conv_kernel", "chunk_size" };
    MppModel *model = hf->model;
    model->max_seq = 2048;
    model->positions = MPP_POSITIONS_NONE;
    model->ssm = (MppSsm){ .heads = 128, .head_dim = 64, .groups = 8, .state = 128, .conv = 4, .chunk = 256 };
    mpp_hf_sizes(hf);
    read_ssm(hf, &keys);
    model->heads = model->head_dim = 0;
    refuse_if(hf, "use_bias", "biases of a state-space layer's projections");
    g_autofree char *pattern = g_strnfill((gsize)model->layers, 'M');
    set_pattern(hf, "num_hidden_layers", pattern);
}

/** Three layers of the gated delta rule to one of gated attention. The scan's chunk is the library's (fla). */
static void read_qwen3_5(MppHf *hf)
{
    static const SsmKeys keys = { "linear_num_value_heads", "linear_value_head_dim",  "linear_num_key_heads",
                                  "linear_key_head_dim",    "linear_conv_kernel_dim", "linear_chunk_size" };
    MppModel *model = hf->model;
    model->gated_mlp = true;
    model->attention_gate = mpp_hf_bool(hf, "attn_output_gate", true);
    model->head_dim = 256;
    model->ssm = (MppSsm){ .kind = MPP_SSM_GATED_DELTA, .conv = 4, .chunk = 64 };
    mpp_hf_sizes(hf);
    read_ssm(hf, &keys);
    model->qk_norm_dim = model->head_dim;
    model->qkv_bias = model->output_bias = mpp_hf_bool(hf, "attention_bias", false);
    model->prediction_layers = mpp_hf_int(hf, "mtp_num_hidden_layers", &mpp_model_fields, "prediction_layers", 0);
    mpp_hf_windows(hf, 0, 4);
}

static void read_qwen3_next(MppHf *hf)
{
    read_qwen3_5(hf);
    mpp_hf_experts(hf);
    hf->model->moe.shared_gate = true;
}

const MppHfFamily mpp_hf_hybrid_families[] = {
    { "nemotron_h", read_nemotron_h },
    { "qwen3_next", read_qwen3_next },
    { "qwen3_5_moe_text", read_qwen3_next },
    { "qwen3_5_text", read_qwen3_5 },
    { "granitemoehybrid", read_granite_hybrid },
    { "bamba", read_bamba },
    { "mamba2", read_mamba2 },
    { NULL, NULL },
};
