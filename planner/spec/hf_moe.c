/* Families with mixtures of experts. */
#include "planner/spec/model_hf_reader.h"

static void read_mixtral(MppHf *hf)
{
    hf->model->gated_mlp = true;
    mpp_hf_sizes(hf);
    mpp_hf_experts(hf);
    mpp_hf_windows(hf, 0, 1);
}

/** Layer norms, though the file calls their epsilon rms_norm_eps. */
static void read_phimoe(MppHf *hf)
{
    MppModel *model = hf->model;
    model->norm = MPP_NORM_LAYER;
    read_mixtral(hf);
    model->qkv_bias = model->output_bias = mpp_hf_bool(hf, "attention_bias", false);
    model->head_bias = mpp_hf_bool(hf, "lm_head_bias", false);
}

static void refuse_windows(MppHf *hf)
{
    mpp_hf_get(hf, "sliding_window|max_window_layers");
    if (mpp_hf_bool(hf, "use_sliding_window", false))
        mpp_hf_unsupported(hf, mpp_hf_get(hf, "use_sliding_window"), "windows of this family are not modelled");
}

static void read_qwen2_moe(MppHf *hf)
{
    MppModel *model = hf->model;
    model->gated_mlp = true;
    mpp_hf_sizes(hf);
    model->qkv_bias = mpp_hf_bool(hf, "qkv_bias", true);
    model->moe.shared_gate = true;
    mpp_hf_experts(hf);
    refuse_windows(hf);
}

static void read_qwen3_moe(MppHf *hf)
{
    MppModel *model = hf->model;
    model->gated_mlp = true;
    mpp_hf_sizes(hf);
    mpp_hf_experts(hf);
    model->qkv_bias = model->output_bias = mpp_hf_bool(hf, "attention_bias", false);
    if (!model->head_dim)
        model->head_dim = model->heads ? model->hidden / model->heads : 0;
    model->qk_norm_dim = model->head_dim;
    refuse_windows(hf);
}

static void read_gpt_oss(MppHf *hf)
{
    MppModel *model = hf->model;
    model->gated_mlp = true;
    model->head_dim = 64;
    model->attention_sinks = true;
    model->moe.router_bias = model->moe.expert_bias = true;
    mpp_hf_sizes(hf);
    mpp_hf_experts(hf);
    model->qkv_bias = model->output_bias = mpp_hf_bool(hf, "attention_bias", true);
    mpp_hf_windows(hf, 128, 2);
}

static void read_dbrx(MppHf *hf)
{
    MppModel *model = hf->model;
    model->gated_mlp = true;
    model->norm = MPP_NORM_LAYER;
    model->norm_bias = false;
    mpp_hf_sizes(hf);
    mpp_hf_experts(hf);
}

static void read_grok(MppHf *hf)
{
    MppModel *model = hf->model;
    model->gated_mlp = true;
    model->norms_per_layer = 4;
    model->tied_embeddings = true;
    mpp_hf_sizes(hf);
    mpp_hf_experts(hf);
}

/** Without q_lora_rank (V2-Lite) the queries are projected directly. */
static void read_latent_attention(MppHf *hf)
{
    const MppFields *fields = mpp_fields_find(&mpp_model_fields, "mla")->table;
    MppMla *mla = &hf->model->mla;
    mla->q_lora_rank = mpp_hf_int(hf, "q_lora_rank", fields, "q_lora_rank", 0);
    mla->kv_lora_rank = mpp_hf_int(hf, "kv_lora_rank", fields, "kv_lora_rank", 512);
    mla->qk_nope_head_dim = mpp_hf_int(hf, "qk_nope_head_dim", fields, "qk_nope_head_dim", 128);
    mla->qk_rope_head_dim = mpp_hf_int(hf, "qk_rope_head_dim", fields, "qk_rope_head_dim", 64);
    mla->v_head_dim = mpp_hf_int(hf, "v_head_dim", fields, "v_head_dim", 128);
    hf->model->head_dim = 0;
    hf->model->kv_heads = hf->model->heads;
}

static void read_deepseek_v2(MppHf *hf)
{
    MppModel *model = hf->model;
    model->gated_mlp = true;
    mpp_hf_sizes(hf);
    read_latent_attention(hf);
    mpp_hf_experts(hf);
    model->qkv_bias = model->output_bias = mpp_hf_bool(hf, "attention_bias", false);
}

/** The bias by which experts are balanced (arXiv:2412.19437 §2.1.2) is stored as a parameter. */
static void read_deepseek_v3(MppHf *hf)
{
    read_deepseek_v2(hf);
    hf->model->moe.router_bias = true;
    hf->model->prediction_layers = mpp_hf_int(hf, "num_nextn_predict_layers", &mpp_model_fields, "prediction_layers",
                                              0);
}

const MppHfFamily mpp_hf_moe_families[] = {
    { "mixtral", read_mixtral },         { "phimoe", read_phimoe },   { "qwen2_moe", read_qwen2_moe },
    { "qwen3_moe", read_qwen3_moe },     { "gpt_oss", read_gpt_oss }, { "dbrx", read_dbrx },
    { "grok-1", read_grok },             { "deepseek_v2", read_deepseek_v2 },
    { "deepseek_v3", read_deepseek_v3 }, { NULL, NULL },
};
