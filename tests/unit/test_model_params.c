#include "planner/spec/model_params.h"

#include <string.h>

#include "planner/spec/zoo.h"

#define KERAS "keras-hub 71453d08, params of the presets"
#define HUB "safetensors metadata of the hub repository"
#define GGUF "general.parameter_count of the GGUF files"
#define TORCH "torchvision, num_params of the weights"
#define MEGATRON "arXiv:2104.04473 Table 1"
#define FORMULA "arXiv:2104.04473 equation 2"
#define HYBRID "transformers 5.23, the family's class"
#define README "README of the model's repository"

/** Published totals; @within is how far off a count may be: 0, a unit of a rounded number, or as the source says. */
static const struct {
    const char *name;
    double total, within;
    const char *source;
} totals[] = {
    { "bamba-9b", 9780235392, 0, HYBRID "; " README ": 9.78B" },
    { "bert-base", 109514298, 0, "transformers, BertForMaskedLM; " KERAS ": 109,482,240 with the pooler instead" },
    { "bert-large", 335174458, 0, "transformers, BertForMaskedLM; " KERAS ": 335,141,888 with the pooler instead" },
    { "bloom-176b", 176247271424, 0, HUB "; arXiv:2211.05100: 176,247M" },
    { "bloom-7b1", 7069016064, 0, HUB },
    { "dbrx", 132e9, 1e9, README },
    { "deepseek-v2", 235741434880, 0, HUB "; arXiv:2405.04434 section 3.1.2: 236B" },
    { "deepseek-v2-lite", 15706484224, 0, HUB "; arXiv:2405.04434 Appendix B: 15.7B" },
    { "deepseek-v3", 671026419200, 0, HUB ", without the prediction layer; arXiv:2412.19437: 671B" },
    { "falcon-180b", 179522565120 - 65024.0 * 14848, 0, HUB ", less its second copy of the tied matrix" },
    { "falcon-40b", 41835970560 - 65024.0 * 8192, 0, HUB ", less its second copy of the tied matrix" },
    { "falcon-7b", 7217189760 - 65024.0 * 4544, 0, HUB ", less its second copy of the tied matrix" },
    { "gemma-2-27b", 27227128320, 0, KERAS },
    { "gemma-2-2b", 2614341888, 0, KERAS },
    { "gemma-2-9b", 9241705984, 0, KERAS },
    { "gemma-3-12b", 11765788416, 0, KERAS ", text" },
    { "gemma-3-1b", 999885952, 0, KERAS },
    { "gemma-3-27b", 27009002240, 0, KERAS ", text" },
    { "gemma-3-4b", 3880099328, 0, KERAS ", text" },
    { "gpt", 6658396160, 2 * 4096, FORMULA ", which leaves out the last norm" },
    { "gpt-j-6b", 6050882784, 0, "transformers, GPTJForCausalLM" },
    { "gpt-neox-20b", 20554568208, 44 * 12, HUB ", with 12 stored constants a layer" },
    { "gpt-oss-120b", 116829156672, 0, "Megatron-Bridge, verification card; arXiv:2508.10925 Table 1: 116.83B" },
    { "gpt-oss-20b", 20914757184, 0, "Megatron-Bridge, verification card; arXiv:2508.10925 Table 1: 20.91B" },
    { "gpt2", 124439808, 0, KERAS },
    { "gpt2-large", 774030080, 0, KERAS },
    { "gpt2-medium", 354823168, 0, KERAS },
    { "gpt2-xl", 1557611200, 0, KERAS },
    { "gpt3-1.3b", 1315719168, 2 * 2048, FORMULA },
    { "gpt3-13b", 12853376000, 2 * 5120, FORMULA },
    { "gpt3-175b", 174.6e9, 0.1e9, MEGATRON },
    { "gpt3-2.7b", 2651548160, 2 * 2560, FORMULA },
    { "granite-4.0-h-small", 32207337984, 0, HYBRID "; " README ": 32B" },
    { "granite-4.0-h-tiny", 6939037248, 0, HYBRID "; " README ": 7B" },
    { "grok-1", 314e9, 2e9, README "; \"314B\" is 0.5% below what its model.py makes" },
    { "llama-13b", 13015864320, 0, "DeepSpeed, reconstructed state dict" },
    { "llama-2-13b", 13015866880, 40 * 64, HUB ", with 64 stored frequencies a layer" },
    { "llama-2-70b", 68976653312, 80 * 64, HUB ", with 64 stored frequencies a layer" },
    { "llama-2-7b", 6738415616, 0, KERAS },
    { "llama-3-70b", 70553706496, 0, HUB " of 3.1, which has the same sizes" },
    { "llama-3-8b", 8030261248, 0, KERAS },
    { "llama-3.1-405b", 405853388800, 0, HUB },
    { "llama-3.1-70b", 70553706496, 0, HUB },
    { "llama-3.1-8b", 8030261248, 0, HUB },
    { "llama-3.2-1b", 1235814400, 0, "Megatron-Bridge, conversion log" },
    { "llama-3.2-3b", 3212749824, 0, HUB },
    { "llama-30b", 32528943616, 0, "pyllama, trainable parameters; arXiv:2302.13971 Table 2: 32.5B" },
    { "llama-65b", 65285660672, 0, "pyllama, trainable parameters; arXiv:2302.13971 Table 2: 65.2B" },
    { "llama-7b", 6738415616, 0, KERAS },
    { "mamba2-2.7b", 2702599680, 0, HYBRID "; arXiv:2405.21060: 2.7B" },
    { "megatron-1t", 1008.0e9, 0.1e9, MEGATRON },
    { "megatron-530b", 529.6e9, 0.1e9, MEGATRON },
    { "llama-4-maverick", 400e9, 1e9, README },
    { "llama-4-scout", 109e9, 1.5e9, README ", with 0.9 B of images" },
    { "mistral-7b", 7241732096, 0, KERAS },
    { "mixtral-8x22b", 140630071296, 0, HUB },
    { "mixtral-8x7b", 46702792704, 0, KERAS },
    { "mpt-7b", 6.7e9, 0.1e9, README },
    { "nemotron-3-nano", 31577940288, 0, HYBRID " with the stored biases; " README ": 31.6B" },
    { "nemotron-4-15b", 3.2e9 + 12.5e9, 0.1e9, "arXiv:2402.16819 section 2: embedding and the rest" },
    { "nemotron-4-340b", 9.4e9 + 331.6e9, 0.1e9, "arXiv:2406.11704 section 2: embedding and the rest" },
    { "nemotron-h-47b", 46791554816, 0, HYBRID "; arXiv:2504.03624: 47B" },
    { "nemotron-h-56b", 56324350464, 0, HYBRID "; arXiv:2504.03624: 56B" },
    { "nemotron-h-8b", 8100852736, 0, HYBRID "; arXiv:2504.03624: 8B" },
    { "nemotron-nano-12b-v2", 12310001152, 0, HYBRID "; arXiv:2508.14444: 12B" },
    { "nemotron-nano-9b-v2", 8888227328, 0, HYBRID "; arXiv:2508.14444: 9B" },
    { "olmo-2-13b", 13716198400, 0, HUB },
    { "olmo-2-32b", 32234279936, 0, HUB },
    { "olmo-2-7b", 7298617344, 0, HUB },
    { "opt-1.3b", 1315753984, 2 * 2048, KERAS ", without two unused positions" },
    { "opt-13b", 12853463040, 2 * 5120, FORMULA ", with two unused positions" },
    { "opt-175b", 174604443648, 2 * 12288, FORMULA ", with two unused positions" },
    { "opt-6.7b", 6658465792, 2 * 4096, FORMULA ", with two unused positions" },
    { "opt-66b", 65719683072, 2 * 9216, FORMULA ", with two unused positions" },
    { "phi-2", 2779683840, 0, HUB },
    { "phi-3-mini", 3821079552, 0, KERAS },
    { "phi-4", 14659507200, 0, GGUF },
    { "phi-4-mini", 3836021760, 0, GGUF },
    { "pythia-12b", 11846072320, 0, README },
    { "qwen1.5-moe-a2.7b", 14315784192, 0, KERAS },
    { "qwen2.5-0.5b", 494032768, 0, KERAS },
    { "qwen2.5-1.5b", 1543714304, 0, KERAS },
    { "qwen2.5-14b", 14770033664, 0, GGUF },
    { "qwen2.5-32b", 32763876352, 0, KERAS },
    { "qwen2.5-3b", 3085938688, 0, KERAS },
    { "qwen2.5-72b", 72706203648, 0, KERAS },
    { "qwen2.5-7b", 7615616512, 0, KERAS },
    { "qwen3-0.6b", 596049920, 0, KERAS },
    { "qwen3-1.7b", 1720574976, 0, KERAS },
    { "qwen3-14b", 14768307200, 0, KERAS },
    { "qwen3-235b-a22b", 235093634560, 0, KERAS },
    { "qwen3-30b-a3b", 30532122624, 0, KERAS },
    { "qwen3-32b", 32762123264, 0, KERAS },
    { "qwen3-4b", 4022468096, 0, KERAS },
    { "qwen3-8b", 8190735360, 0, KERAS },
    { "qwen3-coder-480b-a35b", 480154875392, 0, HUB },
    { "qwen3-next-80b-a3b", 79674391296, 0, HYBRID "; " README ": 80B" },
    { "qwen3.5-397b-a17b", 396346350336, 0, HYBRID " (text); " README ": 397B" },
    { "resnet-18", 11689512, 0, TORCH },
    { "resnet-50", 25557032, 0, TORCH },
    { "smollm-135m", 134515008, 0, HUB },
    { "starcoder2-3b", 3e9, 0.1e9, "arXiv:2402.19173 section 6.2" },
    { "starcoder2-7b", 7.2e9, 0.1e9, HUB ", rounded" },
    { "t5-3b", 2851598336, 0, KERAS },
    { "t5-base", 222903552, 0, KERAS },
    { "t5-large", 737668096, 0, KERAS },
    { "t5-v1.1-base", 247577856, 0, KERAS },
    { "t5-v1.1-large", 750251008 + 32128 * 1024, 0, KERAS ", and the output embedding it leaves out" },
    { "t5-v1.1-small", 60511616 + 32128 * 512, 0, KERAS ", and the output embedding it leaves out" },
    { "t5-v1.1-xl", 2849757184, 0, KERAS },
    { "t5-v1.1-xxl", 11135332352, 0, KERAS },
    { "vgg-16", 138357544, 0, TORCH },
    { "vit-base", 86567656, 0, TORCH },
    { "vit-huge", 632045800, 0, TORCH },
    { "vit-large", 304326632, 0, TORCH },
};

/** Published counts of what a token meets, input embedding included, rounded as their sources round. */
static const struct {
    const char *name;
    double active, within;
    const char *source;
} actives[] = {
    { "dbrx", 36e9, 1e9, README },
    { "deepseek-v2", 21e9, 1e9, "arXiv:2405.04434 section 3.1.2" },
    { "deepseek-v3", 37e9, 1e9, "arXiv:2412.19437 section 4.2" },
    { "gpt-oss-120b",
      5.13e9 + 201088.0 * 2880, 0.01e9, "arXiv:2508.10925 Table 1, and the input embedding it leaves out" },
    { "gpt-oss-20b",
      3.61e9 + 201088.0 * 2880, 0.01e9, "arXiv:2508.10925 Table 1, and the input embedding it leaves out" },
    { "granite-4.0-h-small", 9e9, 0.5e9, README },
    { "granite-4.0-h-tiny", 1e9, 0.5e9, README },
    { "llama-4-maverick", 17e9, 0.5e9, README },
    { "llama-4-scout", 17e9, 0.5e9, README },
    { "mixtral-8x22b", 39e9, 1e9, README },
    { "mixtral-8x7b", 12.9e9, 0.1e9, README },
    { "nemotron-3-nano", 3.6e9, 0.1e9, README ", with embeddings" },
    { "qwen1.5-moe-a2.7b", 2.7e9, 0.1e9, README },
    { "qwen3-235b-a22b", 22e9, 1e9, "arXiv:2505.09388" },
    { "qwen3-30b-a3b", 3.3e9, 0.1e9, README },
    { "qwen3-coder-480b-a35b", 35e9, 1e9, README },
    { "qwen3-next-80b-a3b", 3e9, 1e9, README },
    { "qwen3.5-397b-a17b", 17e9, 0.5e9, README },
};

/** Published multiply-adds of a forward pass over one sample (torchvision, _ops of the weights, in billions). */
static const struct {
    const char *name;
    double products;
} products[] = {
    { "resnet-18", 1.814e9 },
    { "resnet-50", 4.089e9 },
    { "vgg-16", 15.47e9 },
};

static MppModel *open_built_in(const char *name)
{
    g_autoptr(GError) error = NULL;
    MppModel *model = mpp_zoo_model(name, &error);
    g_assert_no_error(error);
    return model;
}

static void test_totals(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(totals); i++) {
        g_autoptr(MppModel) model = open_built_in(totals[i].name);
        double total = mpp_model_parameters(model);
        g_test_message("%s: %.0f, published %.0f (%s)", totals[i].name, total, totals[i].total, totals[i].source);
        g_assert_cmpfloat(fabs(total - totals[i].total), <=, totals[i].within);
    }
}

/** No model is built in whose count nobody published. */
static void test_all_are_checked(void)
{
    g_autoptr(GPtrArray) names = mpp_zoo_list(MPP_ZOO_MODELS);
    for (guint i = 0; i < names->len; i++) {
        bool listed = false;
        for (size_t k = 0; k < G_N_ELEMENTS(totals); k++)
            listed = listed || strcmp(totals[k].name, names->pdata[i]) == 0;
        if (!listed)
            g_error("models/%s.json: its published count is not in the table of this test", (char *)names->pdata[i]);
    }
}

static void test_actives(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(actives); i++) {
        g_autoptr(MppModel) model = open_built_in(actives[i].name);
        double active = mpp_model_active_parameters(model);
        g_test_message("%s: %.0f, published %.0f (%s)",
          actives[i].name, active, actives[i].active, actives[i].source);
        g_assert_cmpfloat(fabs(active - actives[i].active), <=, actives[i].within);
    }
    g_autoptr(MppModel) dense = open_built_in("gpt2");
    g_assert_cmpfloat(mpp_model_active_parameters(dense), ==, mpp_model_parameters(dense));
}

static MppModel *read_text(const char *text)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MppJson) json = mpp_json_parse("m.json", text, strlen(text), 1, &error);
    MppModel *model = json ? mpp_model_read(json, &error) : NULL;
    g_assert_no_error(error);
    return model;
}

/** Each part by hand, for a model with every feature of the plain attention and of experts. */
static void test_parts(void)
{
    g_autoptr(MppModel) model = read_text(
        "{\"name\": \"p\", \"layers\": 3, \"hidden\": 22, \"heads\": 6, \"kv_heads\": 3, \"head_dim\": 5,"
          " \"ffn\": 37,\n"
        " \"gated_mlp\": true, \"qkv_bias\": true, \"output_bias\": true, \"mlp_bias\": true, \"vocab\": 101,\n"
        " \"embedding_dim\": 7, \"max_seq\": 13, \"positions\": \"learned\", \"token_types\": 2,"
          " \"norm\": \"layernorm\",\n"
        " \"norms_per_layer\": 4, \"qk_norm_dim\": -1, \"embedding_norm\": true, \"attention_sinks\": true,\n"
        " \"head_bias\": true, \"prediction_layers\": 1, \"moe\": {\"experts\": 9, \"topk\": 2, \"ffn\": 11,\n"
        " \"shared_experts\": 3, \"leading_dense_layers\": 1, \"router_bias\": true, \"expert_bias\": true,\n"
        " \"shared_gate\": true}}");
    MppEndParameters ends = mpp_model_end_parameters(model);
    g_assert_cmpfloat(ends.token_embedding, ==, 101 * 7);
    g_assert_cmpfloat(ends.other_embedding, ==, 7 * 22 + 13 * 22 + 2 * 22 + 2 * 22);
    g_assert_cmpfloat(ends.final_norm, ==, 2 * 22);
    g_assert_cmpfloat(ends.head, ==, 101 * 7 + 101 + 22 * 7);

    MppLayerParameters dense = mpp_model_layer_parameters(model, &model->kinds[0]);
    double attention = 22 * (30 + 15 + 15) + 60 + 30 * 22 + 22 + 6, norms = 4 * 2 * 22 + 2 * (30 + 15);
    double mlp = 3 * 22 * 37 + 2 * 37 + 22;
    g_assert_cmpfloat(dense.attention, ==, attention);
    g_assert_cmpfloat(dense.norms, ==, norms);
    g_assert_cmpfloat(dense.mlp, ==, mlp);
    g_assert_cmpfloat(dense.router + dense.expert + dense.shared_experts + dense.prediction, ==, 0);

    MppLayerParameters sparse = mpp_model_layer_parameters(model, &model->kinds[1]);
    double router = 22 * 9 + 9 + 22, shared = 3 * 22 * 33 + 2 * 33 + 22, expert = 3 * 22 * 11 + 2 * 11 + 22;
    g_assert_cmpfloat(sparse.mlp, ==, 0);
    g_assert_cmpfloat(sparse.router, ==, router);
    g_assert_cmpfloat(sparse.shared_experts, ==, shared);
    g_assert_cmpfloat(sparse.expert, ==, expert);
    g_assert_cmpfloat(mpp_layer_parameters_sum(&sparse, 4), ==, attention + norms + router + shared + 4 * expert);

    MppLayerParameters prediction = mpp_model_layer_parameters(model, &model->kinds[2]);
    g_assert_cmpfloat(prediction.prediction, ==, 2 * 22 * 22 + 3 * 2 * 22);

    double around = ends.token_embedding + ends.other_embedding + ends.final_norm + ends.head;
    double common = 3 * (attention + norms) + mlp + 2 * (router + shared);
    g_assert_cmpfloat(mpp_model_parameters(model), ==, around + common + 2 * 9 * expert);
    g_assert_cmpfloat(mpp_model_active_parameters(model), ==, around + common + 2 * 2 * expert);
}

static void test_latent_parts(void)
{
    g_autoptr(MppModel) model = read_text(
        "{\"name\": \"l\", \"layers\": 2, \"hidden\": 22, \"heads\": 6, \"ffn\": 37, \"vocab\": 101,"
          " \"max_seq\": 13,\n"
        " \"qkv_bias\": true, \"output_bias\": true, \"mla\": {\"q_lora_rank\": 17, \"kv_lora_rank\": 11,\n"
        " \"qk_nope_head_dim\": 5, \"qk_rope_head_dim\": 3, \"v_head_dim\": 4}}");
    MppLayerParameters layer = mpp_model_layer_parameters(model, &model->kinds[0]);
    double down = 22 * 17 + 22 * (11 + 3) + 17 + 11 + 3;
    g_assert_cmpfloat(layer.attention_unsplit, ==, down);
    g_assert_cmpfloat(layer.attention, ==, down + 17 * 6 * 8 + 11 * 6 * (5 + 4) + 6 * 4 * 22 + 22);
    g_assert_cmpfloat(layer.norms, ==, 2 * 22 + 17 + 11);
    model->mla.q_lora_rank = 0;
    layer = mpp_model_layer_parameters(model, &model->kinds[0]);
    g_assert_cmpfloat(layer.attention_unsplit, ==, 22 * (11 + 3) + 11 + 3);
    g_assert_cmpfloat(layer.norms, ==, 2 * 22 + 11);
}

static void test_heads(void)
{
    g_autoptr(MppModel) model = read_text(
        "{\"name\": \"h\", \"kind\": \"encoder\", \"layers\": 2, \"hidden\": 22, \"heads\": 2, \"ffn\": 37,"
          " \"vocab\": 101,\n"
        " \"max_seq\": 13, \"norm\": \"layernorm\", \"classes\": 19, \"tied_embeddings\": true}");
    static const double heads[] = { 0, 22 * 22 + 22 + 44 + 101, 22 * 22 + 22, 23 * 19, 0 };
    for (int head = 0; head < (int)G_N_ELEMENTS(heads); head++) {
        model->head = (MppHeadKind)head;
        g_assert_cmpfloat(mpp_model_end_parameters(model).head, ==, heads[head]);
    }
    model->norm_weights = false;
    g_assert_cmpfloat(mpp_model_end_parameters(model).final_norm, ==, 0);
}

static void test_products(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(products); i++) {
        g_autoptr(MppModel) model = open_built_in(products[i].name);
        g_test_message("%s: %.0f", products[i].name, mpp_model_products(model));
        g_assert_cmpfloat(fabs(mpp_model_products(model) / products[i].products - 1), <, 1e-3);
    }
    g_autoptr(MppModel) dense = open_built_in("gpt2");
    g_assert_cmpfloat(mpp_model_products(dense), ==, mpp_model_parameters(dense));
}

/** Layers of both kinds by hand: 6 heads of 5 in 3 groups, states of 7 rows, a convolution over 4 tokens. */
static void test_ssm(void)
{
    static const struct {
        const char *kind;
        double ssm, rest;
    } rows[] = {
        { "mamba2", 22 * (2 * 30 + 2 * 21 + 6) + 30 * 22, (30 + 42) * (4 + 1) + 3 * 6 + 30 },
        { "gated-delta", 22 * (2 * 30 + 2 * 21 + 2 * 6) + 30 * 22, (30 + 42) * 4 + 2 * 6 + 5 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = g_strdup_printf(
            "{\"name\": \"p\", \"layers\": 4, \"hidden\": 22, \"heads\": 6, \"kv_heads\": 3, \"head_dim\": 5, \"ffn\": 37, \"vocab\": 101,"
            " \"max_seq\": 13, \"attention_gate\": true, \"pattern\": \"M*-M\", \"ssm\": {\"kind\": \"%s\", \"heads\": 6, \"head_dim\": 5,"
            " \"groups\": 3, \"state\": 7}}", rows[i].kind);
        g_autoptr(MppModel) model = read_text(text);
        MppLayerParameters ssm = mpp_model_layer_parameters(model, &model->kinds[0]);
        MppLayerParameters attention = mpp_model_layer_parameters(model, &model->kinds[1]);
        MppLayerParameters mlp = mpp_model_layer_parameters(model, &model->kinds[2]);
        g_assert_cmpfloat(ssm.ssm, ==, rows[i].ssm);
        g_assert_cmpfloat(ssm.ssm_rest, ==, rows[i].rest);
        g_assert_cmpfloat(mpp_layer_parameters_sum(&ssm, 0), ==, rows[i].ssm + rows[i].rest + 22);
        g_assert_cmpfloat(mpp_layer_parameters_sum(&attention, 0), ==, 22 * (2 * 30 + 15 + 15) + 30 * 22 + 22);
        g_assert_cmpfloat(mpp_layer_parameters_sum(&mlp, 0), ==, 2 * 22 * 37 + 22);
        double layers = 2 * (rows[i].ssm + rows[i].rest + 22) + 22 * 90 + 660 + 22 + 2 * 22 * 37 + 22;
        g_assert_cmpfloat(mpp_model_parameters(model), ==, 2 * 101 * 22 + 22 + layers);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/model_params/totals", test_totals);
    g_test_add_func("/model_params/all are checked", test_all_are_checked);
    g_test_add_func("/model_params/actives", test_actives);
    g_test_add_func("/model_params/parts", test_parts);
    g_test_add_func("/model_params/latent parts", test_latent_parts);
    g_test_add_func("/model_params/heads", test_heads);
    g_test_add_func("/model-params/products", test_products);
    g_test_add_func("/model-params/ssm", test_ssm);
    return g_test_run();
}
