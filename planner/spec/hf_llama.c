/* Families with RMS norms, gated MLPs and rotary positions. */
#include "planner/spec/model_hf_reader.h"

static void read_llama(MppHf *hf)
{
    MppModel *model = hf->model;
    model->gated_mlp = true;
    mpp_hf_sizes(hf);
    model->qkv_bias = model->output_bias = mpp_hf_bool(hf, "attention_bias", false);
    model->mlp_bias = mpp_hf_bool(hf, "mlp_bias", false);
}

/** A file that leaves the window out means 4096; later ones write null. */
static void read_mistral(MppHf *hf)
{
    hf->model->gated_mlp = true;
    mpp_hf_sizes(hf);
    mpp_hf_windows(hf, 4096, 1);
}

/** With use_sliding_window the layers from max_window_layers on have a window. */
static void read_qwen_windows(MppHf *hf)
{
    MppModel *model = hf->model;
    mpp_hf_get(hf, "sliding_window");
    int64_t n_full = mpp_hf_int(hf, "max_window_layers", &mpp_model_fields, "encoder_layers", 28);
    if (!mpp_hf_bool(hf, "use_sliding_window", false) || n_full >= model->layers)
        return;
    if (n_full > 0)
        mpp_hf_unsupported(hf, mpp_hf_get(hf, "max_window_layers|use_sliding_window"),
                           "layers of full attention before windowed ones are not modelled");
    mpp_hf_windows(hf, 4096, 1);
}

static void read_qwen2(MppHf *hf)
{
    hf->model->gated_mlp = true;
    mpp_hf_sizes(hf);
    hf->model->qkv_bias = mpp_hf_bool(hf, "attention_bias|qkv_bias", true);
    read_qwen_windows(hf);
}

static void read_qwen3(MppHf *hf)
{
    hf->model->head_dim = 128;
    read_llama(hf);
    hf->model->qk_norm_dim = hf->model->head_dim;
    read_qwen_windows(hf);
}

static void read_phi3(MppHf *hf)
{
    read_llama(hf);
    hf->model->head_bias = mpp_hf_bool(hf, "lm_head_bias", false);
    mpp_hf_windows(hf, 0, 1);
}

static void read_gemma(MppHf *hf)
{
    hf->model->tied_embeddings = true;
    hf->model->head_dim = 256;
    read_llama(hf);
}

static void read_gemma2(MppHf *hf)
{
    hf->model->norms_per_layer = 4;
    read_gemma(hf);
    mpp_hf_windows(hf, 4096, 2);
}

/** A text_config within a wrapper leaves out what equals Gemma3TextConfig's defaults. */
static void read_gemma3(MppHf *hf)
{
    MppModel *model = hf->model;
    model->vocab = 262208;
    model->hidden = 2304;
    model->ffn = 9216;
    model->layers = 26;
    model->heads = 8;
    model->kv_heads = 4;
    model->max_seq = 131072;
    model->norms_per_layer = 4;
    read_gemma(hf);
    model->qk_norm_dim = model->head_dim;
    mpp_hf_windows(hf, 4096, 6);
}

static void read_olmo2(MppHf *hf)
{
    hf->model->qk_norm_dim = -1;
    read_llama(hf);
}

static void read_olmo3(MppHf *hf)
{
    read_olmo2(hf);
    mpp_hf_windows(hf, 4096, 4);
}

const MppHfFamily mpp_hf_llama_families[] = {
    { "llama", read_llama },   { "mistral", read_mistral }, { "qwen2", read_qwen2 },   { "qwen3", read_qwen3 },
    { "phi3", read_phi3 },     { "gemma", read_gemma },     { "gemma2", read_gemma2 }, { "gemma3", read_gemma3 },
    { "gemma3_text", read_gemma3 }, { "olmo2", read_olmo2 }, { "olmo3", read_olmo3 },  { NULL, NULL },
};
