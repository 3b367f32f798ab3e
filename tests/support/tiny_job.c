#include "tests/support/tiny_job.h"

#include "planner/cost/partition.h"
#include "planner/spec/rules.h"
#include "tests/support/expect.h"
#include "tests/support/sample.h"

typedef struct {
    const char *name, *text;
} Model;

#define SIZES "\"layers\": 4, \"hidden\": 20, \"heads\": 4, \"head_dim\": 6, \"vocab\": 53, \"max_seq\": 16, "

#define CLASSES "{\"ops\": [{\"linear\": 7}]}]}"

static const Model models[] = {
    { "llama", "{\"name\": \"llama\", " SIZES "\"kv_heads\": 2, \"ffn\": 28, \"gated_mlp\": true}" },
    { "gpt", "{\"name\": \"gpt\", " SIZES "\"ffn\": 36, \"positions\": \"learned\", \"norm\": \"layernorm\", \"qkv_bias\": true,"
             " \"output_bias\": true, \"mlp_bias\": true, \"tied_embeddings\": true}" },
    { "parallel",
      "{\"name\": \"parallel\", " SIZES "\"kv_heads\": 1, \"ffn\": 36, \"norm\": \"layernorm\", \"qkv_bias\": true,"
      " \"output_bias\": true, \"mlp_bias\": true, \"parallel_block\": true, \"norms_per_layer\": 1, \"head_bias\": true}" },
    { "window", "{\"name\": \"window\", " SIZES "\"kv_heads\": 2, \"ffn\": 28, \"gated_mlp\": true, \"norms_per_layer\": 4,"
                " \"window\": 5, \"full_attention_every\": 2, \"tied_embeddings\": true}" },
    { "experts", "{\"name\": \"experts\", " SIZES "\"kv_heads\": 2, \"ffn\": 28, \"gated_mlp\": true,"
                 " \"moe\": {\"experts\": 8, \"topk\": 3, \"ffn\": 12, \"shared_experts\": 1, \"leading_dense_layers\": 1}}" },
    { "routed", "{\"name\": \"routed\", " SIZES "\"kv_heads\": 4, \"ffn\": 28, \"gated_mlp\": true,"
                " \"moe\": {\"experts\": 4, \"topk\": 2, \"ffn\": 20, \"router_bias\": true}}" },
    { "mlp", "{\"name\": \"mlp\", \"input\": {\"channels\": 11}, \"sequential\": ["
             "{\"ops\": [{\"linear\": 24, \"activation\": \"gelu\"}, {\"linear\": 13, \"activation\": \"relu\"}]},"
             "{\"repeat\": 3, \"residual\": true, \"ops\": [{\"linear\": 20, \"activation\": \"silu\"}, {\"linear\": 13}]},"
             "{\"ops\": [{\"linear\": 9, \"norm\": \"layernorm\", \"activation\": \"gelu\"}]}," CLASSES },
    { "conv", "{\"name\": \"conv\", \"input\": {\"channels\": 3, \"height\": 9, \"width\": 7}, \"sequential\": ["
              "{\"ops\": [{\"conv\": 6, \"kernel\": 3, \"norm\": \"layernorm\", \"activation\": \"gelu\"}]},"
              "{\"repeat\": 2, \"residual\": true, \"activation\": \"relu\", \"ops\":"
              " [{\"conv\": 8, \"kernel\": 1, \"activation\": \"silu\"}, {\"conv\": 6, \"kernel\": 3}]},"
              "{\"residual\": true, \"activation\": \"gelu\", \"ops\": [{\"conv\": 4, \"kernel\": 3, \"stride\": 2},"
              " {\"max_pool\": 3, \"stride\": 1, \"padding\": 1}, {\"conv\": 10, \"kernel\": 1, \"norm\": \"layernorm\"}]},"
              "{\"ops\": [{\"average_pool\": 2, \"stride\": 1}, {\"linear\": 12, \"activation\": \"gelu\"}]}," CLASSES },
};

static const char runtime_text[] =
    "{\"name\": \"stack\", \"title\": \"Stack\", \"most_zero\": 3, \"most_zero_with_pp\": 3, \"vocab_multiple\": 8,"
    " \"selective\": \"attention\", \"sequence_parallel\": \"choice\","
    " \"recompute_modules\": [\"core_attn\", \"layernorm\", \"mlp\", \"moe\", \"shared_experts\"],"
    " \"schedules\": [\"gpipe\", \"1f1b\", \"interleaved\", \"breadth-first\", \"zb-h1\", \"zb-h2\", \"zb-interleaved\", "
    "\"zb-v\","
    " \"v-half\", \"v-min\", \"dualpipe-v\", \"hanayo\", \"chimera\"]}";

static MppModel *model_of(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(models); i++) {
        if (!g_str_equal(models[i].name, name))
            continue;
        g_autoptr(GError) error = NULL;
        g_autoptr(MppJson) json = mpp_expect_json(models[i].text);
        MppModel *model = mpp_model_read(json, &error);
        g_assert_no_error(error);
        return model;
    }
    g_error("no tiny model called %s", name);
}

MppInputs *tiny_job_new(const char *model, int64_t ranks)
{
    static const int64_t devices[] = { 0 };
    g_autoptr(GError) error = NULL;
    g_autoptr(MppJson) runtime = mpp_expect_json(runtime_text);
    MppInputs *inputs = mpp_inputs_new(model_of(model), mpp_sample_cluster(devices, 1), mpp_runtime_read(runtime, &error));
    g_assert_no_error(error);
    inputs->cluster.device.peak_flop_per_s.by_precision[MPP_PRECISION_FP32] = 1.9e11;
    inputs->gpus = ranks;
    inputs->training =
        (MppTraining){ .seq = inputs->model.max_seq, .global_batch = 8, .precision = MPP_PRECISION_FP32, .kernels = inputs->runtime.kernels };
    mpp_inputs_bind(inputs);
    return inputs;
}

MppStrategy tiny_job_strategy(const MppInputs *inputs, const char *text)
{
    g_autoptr(GError) error = NULL;
    MppStrategy strategy = mpp_strategy_single();
    g_assert_true(mpp_strategy_parse(text, &strategy, NULL, &error));
    g_assert_no_error(error);
    if (!strategy.stage_layers) {
        strategy.stage_layers = g_array_new(FALSE, TRUE, sizeof(int64_t));
        g_array_set_size(strategy.stage_layers, (guint)(strategy.pp * strategy.vpp));
        mpp_partition_even(inputs->model.n_layers, strategy.pp * strategy.vpp, (int64_t *)(void *)strategy.stage_layers->data);
    }
    if (!mpp_rules_check(&inputs->job, &strategy, &error))
        g_error("%s: %s", text, error->message);
    return strategy;
}
