/* Families with layer norms, plain MLPs and, mostly, a bias everywhere. */
#include <string.h>

#include "planner/spec/model_hf_reader.h"

static void set_biases(MppModel *model, bool all)
{
    model->qkv_bias = model->output_bias = model->mlp_bias = model->norm_bias = all;
}

/** Sizes with an MLP of four times the hidden width where the file gives none. */
static void read_sizes(MppHf *hf)
{
    mpp_hf_sizes(hf);
    if (!hf->model->ffn)
        hf->model->ffn = 4 * hf->model->hidden;
}

static void read_gpt2(MppHf *hf)
{
    hf->model->norm = MPP_NORM_LAYER;
    hf->model->positions = MPP_POSITIONS_LEARNED;
    hf->model->tied_embeddings = true;
    set_biases(hf->model, true);
    read_sizes(hf);
}

static void read_gptj(MppHf *hf)
{
    MppModel *model = hf->model;
    model->norm = MPP_NORM_LAYER;
    model->norms_per_layer = 1;
    model->parallel_block = true;
    model->mlp_bias = model->head_bias = true;
    read_sizes(hf);
}

static void read_gpt_neox(MppHf *hf)
{
    MppModel *model = hf->model;
    model->norm = MPP_NORM_LAYER;
    set_biases(model, true);
    read_sizes(hf);
    model->qkv_bias = model->output_bias = mpp_hf_bool(hf, "attention_bias", true);
    model->parallel_block = mpp_hf_bool(hf, "use_parallel_residual", true);
}

/** The tables of positions have two unused rows; the 350M model normalises after the blocks and has no last norm. */
static void read_opt(MppHf *hf)
{
    MppModel *model = hf->model;
    model->norm = MPP_NORM_LAYER;
    model->positions = MPP_POSITIONS_LEARNED;
    model->tied_embeddings = true;
    read_sizes(hf);
    set_biases(model, mpp_hf_bool(hf, "enable_bias", true));
    model->norm_bias = model->norm_weights = mpp_hf_bool(hf, "layer_norm_elementwise_affine", true);
    model->learned_positions = model->max_seq + 2;
    model->final_norm = mpp_hf_bool(hf, "do_layer_norm_before", true) &&
                        !mpp_hf_bool(hf, "_remove_final_layer_norm", false);
    model->embedding_dim = mpp_hf_int(hf, "word_embed_proj_dim", &mpp_model_fields, "embedding_dim", 0);
    if (model->embedding_dim == model->hidden)
        model->embedding_dim = 0;
}

static void read_bloom(MppHf *hf)
{
    MppModel *model = hf->model;
    model->norm = MPP_NORM_LAYER;
    model->positions = MPP_POSITIONS_NONE;
    model->tied_embeddings = model->embedding_norm = true;
    model->max_seq = 2048;
    set_biases(model, true);
    read_sizes(hf);
}

/** One group of keys unless the file says otherwise; only the newer layer has a norm each for attention and MLP. */
static void read_falcon(MppHf *hf)
{
    MppModel *model = hf->model;
    model->norm = MPP_NORM_LAYER;
    model->tied_embeddings = true;
    model->max_seq = 2048;
    read_sizes(hf);
    bool newer = mpp_hf_bool(hf, "new_decoder_architecture", false);
    bool multi_query = mpp_hf_bool(hf, "multi_query", true);
    if (!newer)
        model->kv_heads = multi_query ? 1 : model->heads;
    bool parallel = mpp_hf_bool(hf, "parallel_attn", true);
    model->parallel_block = newer || parallel;
    model->norms_per_layer = model->parallel_block && !newer ? 1 : 2;
    model->norms_per_layer = mpp_hf_int(hf, "num_ln_in_parallel_attn", &mpp_model_fields, "norms_per_layer",
                                        model->norms_per_layer);
    model->qkv_bias = model->output_bias = model->mlp_bias = mpp_hf_bool(hf, "bias", false);
    if (mpp_hf_bool(hf, "alibi", false))
        model->positions = MPP_POSITIONS_NONE;
}

static void read_mpt(MppHf *hf)
{
    MppModel *model = hf->model;
    model->norm = MPP_NORM_LAYER;
    model->tied_embeddings = true;
    mpp_hf_sizes(hf);
    int64_t ratio = mpp_hf_int(hf, "expansion_ratio", &mpp_model_fields, "ffn", 4);
    model->ffn = model->ffn ? model->ffn : ratio * model->hidden;
    set_biases(model, !mpp_hf_bool(hf, "no_bias", true));
    if (mpp_hf_bool(hf, "attn_config.alibi", true))
        model->positions = MPP_POSITIONS_NONE;
    else if (!mpp_hf_bool(hf, "attn_config.rope", false))
        model->positions = MPP_POSITIONS_LEARNED;
    const char *type = mpp_hf_string(hf, "attn_config.attn_type", "multihead_attention");
    if (strcmp(type, "multiquery_attention") == 0)
        model->kv_heads = 1;
    if (mpp_hf_bool(hf, "attn_config.qk_ln", false))
        model->qk_norm_dim = -1;
}

static void read_phi(MppHf *hf)
{
    MppModel *model = hf->model;
    model->norm = MPP_NORM_LAYER;
    model->norms_per_layer = 1;
    model->parallel_block = true;
    model->head_bias = true;
    set_biases(model, true);
    read_sizes(hf);
}

static void read_starcoder2(MppHf *hf)
{
    hf->model->norm = MPP_NORM_LAYER;
    hf->model->tied_embeddings = true;
    read_sizes(hf);
    bool biases = mpp_hf_bool(hf, "use_bias", true);
    set_biases(hf->model, biases);
    hf->model->norm_bias = true;
    mpp_hf_windows(hf, 0, 1);
}

const MppHfFamily mpp_hf_gpt_families[] = {
    { "gpt2", read_gpt2 },     { "gptj", read_gptj },     { "gpt_neox", read_gpt_neox },
    { "opt", read_opt },       { "bloom", read_bloom },   { "falcon", read_falcon },
    { "mpt", read_mpt },       { "phi", read_phi },       { "phi-msft", read_phi },
    { "starcoder2", read_starcoder2 }, { NULL, NULL },
};
