#include "planner/runs/run_model.h"

#include <string.h>

static MppModel *model_of(const char *members, char **skipped)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = g_strdup_printf("{\"id\": \"r\", \"source\": \"s\", \"model\": {%s}, \"hardware\": {}, \"training\": {}, "
                                            "\"parallel\": {}, \"measured\": {}}", members);
    g_autoptr(GPtrArray) runs = mpp_runs_new();
    g_assert_true(mpp_runs_parse("runs.jsonl", text, strlen(text), 1, runs, &error));
    g_assert_no_error(error);
    g_autoptr(GPtrArray) assumed = g_ptr_array_new_with_free_func(g_free);
    *skipped = NULL;
    MppModel *model = mpp_run_model(runs->pdata[0], assumed, skipped);
    g_assert_cmpint(model != NULL, ==, *skipped == NULL);
    return model;
}

static void test_named(void)
{
    static const struct { const char *members, *name; } rows[] = {
        { "\"name\": \"ResNet-50 v1.5\", \"family\": \"cnn\"", "ResNet-50" },
        { "\"name\": \"hf-mistral-7b\"", "Mistral 7B v0.1" },
        { "\"name\": \"Mixtral_8x7B Instruct\", \"family\": \"moe\", \"layers\": 32", "Mixtral 8x7B" },
        { "\"name\": \"llama3.1-8b\"", "Llama 3.1 8B" },
        { "\"name\": \"the llama 3 8B\", \"hidden\": 4096", "Llama 3 8B" },
        { "\"name\": \"Llama 2 70B\"", "Llama 2 70B" },
        { "\"name\": \"phi-4-mini\"", "Phi-4-mini 3.8B" },
        { "\"name\": \"nemotron-h-56b\", \"family\": \"hybrid-mamba\", \"layers\": 118", "Nemotron-H 56B" },
        { "\"name\": \"Nemotron_3_Nano\", \"family\": \"moe/hybrid\"", "Nemotron 3 Nano 30B-A3B" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        char *skipped;
        g_autoptr(MppModel) model = model_of(rows[i].members, &skipped);
        g_assert_nonnull(model);
        g_assert_cmpstr(model->name, ==, rows[i].name);
    }
}

/** A name is whole words of the record's. */
static void test_refused(void)
{
    static const struct { const char *members, *reason; } rows[] = {
        { "\"name\": \"gpt 2.7B\"", "model.layers is not stated" },
        { "\"name\": \"codellama-7b-hf2\", \"layers\": 9", "model.hidden is not stated" },
        { "\"name\": \"resnet-501\", \"family\": \"cnn\"", "model family cnn is not modelled" },
        { "\"family\": \"hybrid-mamba\", \"hidden\": 1024, \"heads\": 16, \"ffn\": 4096", "model.pattern is not stated" },
        { "\"family\": \"dlrm\"", "model family dlrm is not modelled" },
        { "\"name\": \"mixtral-8x7b\", \"layers\": 31", "model.layers is not that of mixtral-8x7b, whose name it has" },
        { "\"name\": \"mixtral-8x7b\", \"experts\": 9", "model.experts is not that of mixtral-8x7b, whose name it has" },
        { "\"layers\": 4, \"hidden\": 100, \"heads\": 7, \"ffn\": 400",
          "model field heads: hidden must be a multiple of heads, or head_dim be given" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *skipped = NULL;
        g_assert_null(model_of(rows[i].members, &skipped));
        g_assert_cmpstr(skipped, ==, rows[i].reason);
    }
}

/** What is stated in full is not looked up. */
static void test_described(void)
{
    char *skipped;
    g_autoptr(MppModel) model = model_of("\"name\": \"mistral-7b\", \"layers\": 4, \"hidden\": 96, \"heads\": 6, \"ffn\": 400", &skipped);
    g_assert_cmpint(model->n_layers, ==, 4);
    g_assert_cmpint(model->head_dim, ==, 16);
}

/** Families whose queries and keys have norms of their own have them by size as by name. */
static void test_query_norms(void)
{
    static const struct { const char *members; int width; } rows[] = {
        { "\"name\": \"Qwen3-A\", \"layers\": 4, \"hidden\": 96, \"heads\": 6, \"ffn\": 400", 16 },
        { "\"name\": \"Qwen3_B\", \"layers\": 4, \"hidden\": 96, \"heads\": 6, \"head_dim\": 40, \"ffn\": 400", 40 },
        { "\"name\": \"Qwen2.5-C\", \"layers\": 4, \"hidden\": 96, \"heads\": 6, \"ffn\": 400", 0 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        char *skipped;
        g_autoptr(MppModel) model = model_of(rows[i].members, &skipped);
        g_assert_cmpint(model->qk_norm_dim, ==, rows[i].width);
    }
}

/** What a family has beside its sizes comes with its name. */
static void test_families(void)
{
    static const struct {
        const char *name;
        bool encoder, parallel, biases, sinks;
    } rows[] = {
        { "BERT-A", true, false, true, false },   { "GPT-NeoX 7", false, true, true, false }, { "Pythia", false, true, true, false },
        { "GPT-J-6", false, true, true, false },  { "Falcon-7", false, true, false, false },  { "GPT OSS", false, false, true, true },
        { "unknown", false, false, true, false },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *members = g_strdup_printf("\"name\": \"%s\", \"layers\": 4, \"hidden\": 96, \"heads\": 6, \"ffn\": 400", rows[i].name);
        char *skipped;
        g_autoptr(MppModel) model = model_of(members, &skipped);
        g_assert_true((model->kind == MPP_MODEL_ENCODER) == rows[i].encoder);
        g_assert_true(model->parallel_block == rows[i].parallel);
        g_assert_true((model->positions == MPP_POSITIONS_ROTARY) == rows[i].parallel);
        g_assert_true(model->mlp_bias == rows[i].biases);
        g_assert_true(model->attention_sinks == rows[i].sinks);
    }
}

/** A pattern of layers is enough for state-space layers of the usual sizes. */
static void test_pattern(void)
{
    char *skipped;
    g_autoptr(MppModel) model = model_of(
        "\"family\": \"hybrid-mamba\", \"hidden\": 512, \"heads\": 6, \"head_dim\": 85, \"ffn\": 1500, \"seq\": 512, "
        "\"pattern\": \"M-M*-\"",
        &skipped);
    g_assert_cmpint(model->n_layers, ==, 5);
    g_assert_cmpint(model->kinds[model->kind_of_layer[3]].mixer, ==, MPP_MIXER_ATTENTION);
    g_assert_cmpint(model->ssm.heads * model->ssm.head_dim, ==, 1024);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/run_model/named", test_named);
    g_test_add_func("/run_model/refused", test_refused);
    g_test_add_func("/run_model/described", test_described);
    g_test_add_func("/run_model/query-norms", test_query_norms);
    g_test_add_func("/run_model/families", test_families);
    g_test_add_func("/run_model/pattern", test_pattern);
    return g_test_run();
}
