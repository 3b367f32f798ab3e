#include "planner/spec/model.h"

#include <string.h>

#include "planner/spec/zoo.h"
#include "tests/support/plain_job.h"

static MppModel *read_text(const char *text, GError **error)
{
    g_autoptr(MppJson) json = mpp_json_parse("m.json", text, strlen(text), 1, error);
    return json ? mpp_model_read(json, error) : NULL;
}

static MppModel *must_read(const char *text)
{
    g_autoptr(GError) error = NULL;
    MppModel *model = read_text(text, &error);
    g_assert_no_error(error);
    return model;
}

static void test_own_format(void)
{
    g_autoptr(MppModel) model = must_read(
        "{\"name\": \"odd\", \"source\": \"a test\", \"layers\": 7, \"hidden\": 385, \"heads\": 11, \"ffn\": 1023,\n"
        " \"vocab\": 32003, \"max_seq\": 1537, \"positions\": \"learned\", \"norm\": \"layernorm\",\n"
        " \"moe\": {\"experts\": 13, \"topk\": 3, \"ffn\": 129, \"leading_dense_layers\": 2}}");
    g_assert_cmpstr(model->name, ==, "odd");
    g_assert_cmpstr(model->source, ==, "a test");
    g_assert_cmpint(model->kind, ==, MPP_MODEL_DECODER);
    g_assert_cmpint(model->kv_heads, ==, 11);
    g_assert_cmpint(model->head_dim, ==, 35);
    g_assert_cmpint(model->learned_positions, ==, 1537);
    g_assert_cmpint(model->norm, ==, MPP_NORM_LAYER);
    g_assert_true(model->norm_bias && model->norm_weights && model->final_norm);
    g_assert_false(model->tied_embeddings || model->gated_mlp || model->qkv_bias);
    g_assert_cmpint(model->moe.topk, ==, 3);
    g_assert_cmpint(model->moe.every, ==, 1);
    g_assert_cmpint(mpp_model_tokens(model, 1025), ==, 1025);
    g_assert_cmpint(mpp_model_qk_dim(model), ==, 35);
    g_assert_cmpint(mpp_model_v_dim(model), ==, 35);
}

static void test_latent_dimensions(void)
{
    g_autoptr(MppModel) model = must_read(
        "{\"name\": \"m\", \"layers\": 3, \"hidden\": 385, \"heads\": 6, \"ffn\": 97, \"vocab\": 1009,"
          " \"max_seq\": 64,\n"
        " \"mla\": {\"kv_lora_rank\": 50, \"qk_nope_head_dim\": 33, \"qk_rope_head_dim\": 14, \"v_head_dim\": 29}}");
    g_assert_cmpint(model->head_dim, ==, 47);
    g_assert_cmpint(mpp_model_qk_dim(model), ==, 47);
    g_assert_cmpint(mpp_model_v_dim(model), ==, 29);
}

static void test_image_tokens(void)
{
    g_autoptr(MppModel) model = must_read(
        "{\"name\": \"v\", \"kind\": \"encoder\", \"layers\": 5, \"hidden\": 66, \"heads\": 3, \"ffn\": 131,"
          " \"vocab\": 0,\n"
        " \"max_seq\": 170, \"positions\": \"learned\", \"head\": \"classifier\", \"classes\": 37,\n"
        " \"vision\": {\"image_size\": 182, \"patch_size\": 14}}");
    g_assert_cmpint(mpp_model_tokens(model, 999), ==, 170);
    g_assert_cmpint(model->learned_positions, ==, 170);
    g_assert_false(model->kinds[0].causal);
}

/** A layer's letters: e encoder or x cross attention, s ssm or n no mixer, m experts, d dense or o neither, w windowed, p prediction. */
static char *spell_kinds(const MppModel *model)
{
    GString *out = g_string_new(NULL);
    for (int64_t i = 0; i < model->n_layers; i++) {
        const MppLayerKind *kind = &model->kinds[model->kind_of_layer[i]];
        g_string_append(out, kind->cross_attention ? "x" : kind->causal ? "" : "e");
        g_string_append(out, kind->mixer == MPP_MIXER_SSM ? "s" : kind->mixer == MPP_MIXER_NONE ? "n" : "");
        g_string_append(out, kind->moe ? "m" : kind->ffn ? "d" : "o");
        g_string_append(out, kind->window ? "w" : "");
        g_string_append(out, kind->prediction ? "p" : "");
    }
    return g_string_free(out, FALSE);
}

#define SIZES "\"name\": \"k\", \"hidden\": 66, \"heads\": 3, \"ffn\": 131, \"vocab\": 1009, \"max_seq\": 64"
#define SSM "\"ssm\": {\"heads\": 6, \"head_dim\": 5, \"groups\": 3, \"state\": 7}"
#define EXPERTS "\"experts\": 7, \"topk\": 2, \"ffn\": 19"

static void test_kinds(void)
{
    static const struct {
        const char *text, *kinds;
        int64_t n_kinds;
    } rows[] = {
        { "{" SIZES ", \"layers\": 4}", "dddd", 1 },
        { "{" SIZES ", \"layers\": 4, \"window\": 17}", "dwdwdwdw", 1 },
        { "{" SIZES ", \"layers\": 7, \"window\": 17, \"full_attention_every\": 3}", "dwdwddwdwddw", 2 },
        { "{" SIZES ", \"layers\": 5, \"moe\": {" EXPERTS ", \"every\": 2}}", "dmdmd", 2 },
        { "{" SIZES ", \"layers\": 5, \"moe\": {" EXPERTS ", \"leading_dense_layers\": 2}}", "ddmmm", 2 },
        { "{" SIZES ", \"layers\": 2, \"prediction_layers\": 2, \"moe\": {" EXPERTS "}}", "mmmpmp", 2 },
        { "{" SIZES ", \"kind\": \"encoder\", \"layers\": 3}", "ededed", 1 },
        { "{" SIZES ", \"layers\": 5, \"full_attention_every\": 2, " SSM "}", "sddsddsd", 2 },
        { "{" SIZES ", \"layers\": 2, \"prediction_layers\": 1, " SSM "}", "sdsddp", 2 },
        { "{" SIZES ", \"layers\": 6, \"pattern\": \"MM*-EM\", \"moe\": {" EXPERTS "}, " SSM "}", "sosoondnmso", 4 },
        { "{" SIZES ", \"layers\": 3, \"pattern\": \"*M-\", \"window\": 17, " SSM "}", "owsond", 3 },
        { "{" SIZES ", \"layers\": 2, \"pattern\": \"*-\"}", "ond", 2 },
        { "{" SIZES ", \"kind\": \"encoder-decoder\", \"layers\": 2, \"encoder_layers\": 3}", "edededxdxd", 2 },
        { "{" SIZES ", \"kind\": \"encoder-decoder\", \"layers\": 6, \"encoder_layers\": 1, \"prediction_layers\": 6,"
          " \"window\": 17, \"full_attention_every\": 3, \"moe\": {" EXPERTS ", \"every\": 2}}",
          "edxdwxmwxdxmwxdwxmxdwpxmwpxdpxmwpxdwpxmp", 9 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppModel) model = must_read(rows[i].text);
        g_autofree char *kinds = spell_kinds(model);
        g_assert_cmpstr(kinds, ==, rows[i].kinds);
        g_assert_cmpint(model->n_kinds, ==, rows[i].n_kinds);
    }
}

static void test_zoo_kinds(void)
{
    static const struct {
        const char *name, *kinds; /* the first layers' */
        int64_t n_layers, n_kinds, n_windowed, n_moe;
    } rows[] = {
        { "deepseek-v3", "dddm", 62, 3, 0, 59 },
        { "gemma-3-27b", "dwdwdwdwdwddw", 62, 2, 52, 0 },
        { "gpt-oss-20b", "mwmmwm", 24, 2, 12, 24 },
        { "t5-3b", "eded", 48, 2, 0, 0 },
        { "mistral-7b", "dwdw", 32, 1, 32, 0 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(MppModel) model = mpp_zoo_model(rows[i].name, &error);
        g_assert_no_error(error);
        int64_t n_windowed = 0, n_moe = 0;
        for (int64_t k = 0; k < model->n_layers; k++) {
            n_windowed += model->kinds[model->kind_of_layer[k]].window > 0;
            n_moe += model->kinds[model->kind_of_layer[k]].moe;
        }
        g_autofree char *kinds = spell_kinds(model);
        g_assert_true(g_str_has_prefix(kinds, rows[i].kinds));
        g_assert_cmpint(model->n_layers, ==, rows[i].n_layers);
        g_assert_cmpint(model->n_kinds, ==, rows[i].n_kinds);
        g_assert_cmpint(n_windowed, ==, rows[i].n_windowed);
        g_assert_cmpint(n_moe, ==, rows[i].n_moe);
    }
}

typedef struct {
    const char *line; /* the second line, after the sizes */
    MppError code;
    const char *message;
} Refusal;

static const Refusal refusals[] = {
    { "\"kv_heads\": 2", MPP_ERROR_INVALID, "m.json:2:13: /kv_heads: heads (3) must be a multiple of kv_heads (2)" },
    { "\"moe\": {\"experts\": 7, \"ffn\": 19}", MPP_ERROR_INVALID,
      "m.json:2:8: /moe: experts need topk from 1 to experts and an ffn" },
    { "\"moe\": {\"experts\": 7, \"topk\": 8, \"ffn\": 19}", MPP_ERROR_INVALID,
      "m.json:2:8: /moe: experts need topk from 1 to experts and an ffn" },
    { "\"moe\": {\"experts\": 7, \"topk\": 2}", MPP_ERROR_INVALID,
      "m.json:2:8: /moe: experts need topk from 1 to experts and an ffn" },
    { "\"moe\": {\"shared_experts\": 2}", MPP_ERROR_INVALID, "m.json:2:8: /moe: shared experts need experts" },
    { "\"moe\": {" EXPERTS ", \"leading_dense_layers\": 6}", MPP_ERROR_INVALID,
      "m.json:2:8: /moe: there are more leading dense layers than layers" },
    { "\"vision\": {\"image_size\": 182, \"patch_size\": 15}", MPP_ERROR_INVALID,
      "m.json:2:11: /vision: image_size must be a multiple of patch_size" },
    { "\"vision\": {\"image_size\": 182}", MPP_ERROR_INVALID,
      "m.json:2:11: /vision: image_size must be a multiple of patch_size" },
    { "\"head\": \"classifier\"", MPP_ERROR_INVALID, "m.json:1:1: /: a classifier needs classes" },
    { "\"encoder_layers\": 4", MPP_ERROR_INVALID,
      "m.json:2:19: /encoder_layers: an encoder-decoder, and only it, has encoder_layers" },
    { "\"kind\": \"encoder-decoder\"", MPP_ERROR_INVALID,
      "m.json:1:1: /: an encoder-decoder, and only it, has encoder_layers" },
    { "\"mla\": {\"kv_lora_rank\": 50, \"v_head_dim\": 29}", MPP_ERROR_INVALID,
      "m.json:2:8: /mla: latent attention needs qk_nope_head_dim, qk_rope_head_dim and v_head_dim" },
    { "\"full_attention_every\": 3", MPP_ERROR_INVALID, "m.json:2:25: /full_attention_every: there is no window and no ssm" },
    { "\"ssm\": {\"heads\": 6, \"head_dim\": 5, \"groups\": 4, \"state\": 7}", MPP_ERROR_INVALID,
      "m.json:2:8: /ssm: an ssm needs head_dim, state, and groups that divide its heads" },
    { "\"ssm\": {\"heads\": 6, \"head_dim\": 5, \"groups\": 3}", MPP_ERROR_INVALID,
      "m.json:2:8: /ssm: an ssm needs head_dim, state, and groups that divide its heads" },
    { "\"parallel_block\": true, " SSM, MPP_ERROR_INVALID,
      "m.json:2:32: /ssm: an ssm is of a decoder whose layers are not parallel blocks" },
    { "\"window\": 17, " SSM, MPP_ERROR_INVALID,
      "m.json:2:11: /window: layers with an ssm have no window; with both there must be a pattern" },
    { "\"pattern\": \"M*-\", " SSM, MPP_ERROR_INVALID, "m.json:2:12: /pattern: expected a character for each layer" },
    { "\"pattern\": \"M*-x-\", " SSM, MPP_ERROR_INVALID, "m.json:2:12: /pattern: expected the characters M, *, - and E" },
    { "\"pattern\": \"M*-M-\", \"full_attention_every\": 2, " SSM, MPP_ERROR_INVALID,
      "m.json:2:45: /full_attention_every: the pattern says which layers have attention" },
    { "\"pattern\": \"M*-E-\", \"moe\": {" EXPERTS ", \"every\": 2}, " SSM, MPP_ERROR_INVALID,
      "m.json:2:28: /moe: the pattern says which layers have experts" },
    { "\"pattern\": \"M*-M-\", \"prediction_layers\": 1, " SSM, MPP_ERROR_INVALID,
      "m.json:2:12: /pattern: a pattern is for decoders without parallel blocks and prediction layers" },
    { "\"pattern\": \"M*-M-\"", MPP_ERROR_INVALID, "m.json:1:1: /: layers M of the pattern need an ssm" },
    { "\"pattern\": \"**-E-\"", MPP_ERROR_INVALID, "m.json:1:1: /: layers E of the pattern need experts" },
    { "\"positions\": \"relative\"", MPP_ERROR_INVALID, "m.json:1:1: /: relative positions need relative_buckets" },
    { "\"window\": 2.385", MPP_ERROR_SCHEMA,
      "m.json:2:11: /window: expected an integer from 0 to 268435456, got 2.385" },
    { "\"positions\": \"rotory\"", MPP_ERROR_SCHEMA,
      "m.json:2:14: /positions: unknown position encoding \"rotory\"; known: rotary, none, relative, learned" },
    { "\"moe\": {\"topkk\": 2}", MPP_ERROR_SCHEMA,
      "m.json:2:18: /moe/topkk: unknown mixture of experts field \"topkk\"; known: topk, ffn, every, experts, "
      "shared_ffn, router_bias, expert_bias, shared_gate, shared_experts, leading_dense_layers" },
};

/** @code with @message as its first line; the source line and a caret follow. */
static void assert_refused(const char *text, MppError code, const char *message)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(read_text(text, &error));
    g_assert_error(error, MPP_ERROR, (int)code);
    g_auto(GStrv) lines = g_strsplit(error->message, "\n", 3);
    g_assert_cmpstr(lines[0], ==, message);
    g_assert_cmpuint(g_strv_length(lines), ==, 3);
}

static void test_refusals(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
        g_autofree char *text = g_strconcat("{" SIZES ", \"layers\": 5,\n", refusals[i].line, "}", NULL);
        assert_refused(text, refusals[i].code, refusals[i].message);
    }
}

static void test_refused_sizes(void)
{
    static const Refusal rows[] = {
        { "{\"name\": \"k\", \"hidden\": 67, \"heads\": 3, \"ffn\": 131, \"vocab\": 1009, \"max_seq\": 64,"
          " \"layers\": 5}",
          MPP_ERROR_INVALID, "m.json:1:38: /heads: hidden must be a multiple of heads, or head_dim be given" },
        { "{\"name\": \"k\", \"hidden\": 66, \"heads\": 3, \"ffn\": 0, \"vocab\": 1009, \"max_seq\": 64,"
          " \"layers\": 5}",
          MPP_ERROR_INVALID, "m.json:1:48: /ffn: dense layers need an ffn" },
        { "{\"name\": \"k\", \"hidden\": 66, \"heads\": 3, \"ffn\": 131, \"vocab\": 0, \"max_seq\": 64,"
          " \"layers\": 5}",
          MPP_ERROR_INVALID, "m.json:1:62: /vocab: a model without images needs a vocabulary" },
        { "{\"name\": \"k\", \"hidden\": 66, \"heads\": 3, \"ffn\": 131, \"vocab\": 0, \"max_seq\": 64,"
          " \"layers\": 5,"
          " \"vision\": {\"image_size\": 182, \"patch_size\": 14}}",
          MPP_ERROR_INVALID, "m.json:1:1: /: a head over words needs a vocabulary" },
        { "{" SIZES "}", MPP_ERROR_SCHEMA,
          "m.json:1:1: /: the model field \"layers\" is missing (layers (of the decoder if there are two stacks))" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        assert_refused(rows[i].line, rows[i].code, rows[i].message);
}

static void test_refused_without_text(void)
{
    g_autoptr(MppModel) model = must_read("{" SIZES ", \"layers\": 5}");
    g_autoptr(GError) error = NULL;
    model->kv_heads = 2;
    g_assert_false(mpp_model_finish(model, NULL, NULL, &error));
    g_assert_error(error, MPP_ERROR, MPP_ERROR_INVALID);
    g_assert_cmpstr(error->message, ==, "model field kv_heads: heads (3) must be a multiple of kv_heads (2)");
}

/** Read, written in full and in brief, and read again, each built-in model is the same. */
static void test_zoo_round_trip(void)
{
    g_autoptr(GPtrArray) names = mpp_zoo_list(MPP_ZOO_MODELS);
    g_assert_cmpuint(names->len, >=, 45);
    for (guint i = 0; i < names->len; i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(MppModel) model = mpp_zoo_model(names->pdata[i], &error);
        g_assert_no_error(error);
        g_assert_nonnull(model->source);
        g_autoptr(cJSON) full = mpp_fields_write(&mpp_model_fields, model, false);
        g_autoptr(cJSON) brief = mpp_fields_write(&mpp_model_fields, model, true);
        g_autofree char *full_text = mpp_json_to_text(full);
        g_autofree char *brief_text = mpp_json_to_text(brief);
        g_autoptr(MppModel) again = must_read(brief_text);
        g_autoptr(cJSON) rewritten = mpp_fields_write(&mpp_model_fields, again, false);
        g_autofree char *again_text = mpp_json_to_text(rewritten);
        g_assert_cmpstr(again_text, ==, full_text);
    }
}

/** Every second layer has a window, the first of four is dense. */
static void test_counts(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    inputs->model.layers = 9;
    inputs->model.window = 256;
    inputs->model.full_attention_every = 2;
    inputs->model.moe = (MppMoe){ .experts = 8, .topk = 2, .ffn = 512, .every = 1, .leading_dense_layers = 4 };
    plain_job_finish(inputs);
    g_assert_cmpint(inputs->model.n_kinds, ==, 4);
    static const struct {
        int64_t first, count;
        int16_t expected[4]; /* dense windowed, dense full, experts windowed, experts full */
    } rows[] = {
        { 0, 9, { 2, 2, 3, 2 } }, { 0, 0, { 0 } }, { 3, 3, { 0, 1, 1, 1 } }, { 8, 1, { 0, 0, 1, 0 } },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        MppKindCounts counts;
        mpp_model_count_kinds(&inputs->model, rows[i].first, rows[i].count, &counts);
        for (int k = 0; k < 4; k++)
            g_assert_cmpint(counts.n[k], ==, rows[i].expected[k]);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/model/own format", test_own_format);
    g_test_add_func("/model/latent dimensions", test_latent_dimensions);
    g_test_add_func("/model/image tokens", test_image_tokens);
    g_test_add_func("/model/kinds", test_kinds);
    g_test_add_func("/model/zoo kinds", test_zoo_kinds);
    g_test_add_func("/model/refusals", test_refusals);
    g_test_add_func("/model/refused sizes", test_refused_sizes);
    g_test_add_func("/model/refused without text", test_refused_without_text);
    g_test_add_func("/model/zoo round trip", test_zoo_round_trip);
    g_test_add_func("/model/counts", test_counts);
    return g_test_run();
}
