#include "planner/spec/inputs.h"

#include <string.h>

#include "tests/support/expect.h"
#include "tests/support/sample.h"

static MppInputs *read_text(const char *text, GError **error)
{
    g_autoptr(MppJson) json = mpp_expect_json(text);
    return mpp_inputs_read(json, mpp_json_get(json->root, "inputs"), error);
}

/** As it stands in a plan file. */
static char *write_text(const MppInputs *inputs)
{
    g_autoptr(cJSON) root = cJSON_CreateObject();
    cJSON_AddItemToObject(root, "inputs", mpp_inputs_write(inputs));
    return mpp_json_to_text(root);
}

static void test_round_trip(void)
{
    for (int variant = 0; variant < 3; variant++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(MppInputs) inputs = mpp_sample_new(37);
        if (variant == 1)
            mpp_sample_add_experts(inputs);
        if (variant == 2) {
            inputs->model.window = 17;
            inputs->runtime.host.layer_s = 0.1 + 0.2;
            inputs->training.kernels.attention = MPP_ATTENTION_FUSED_SOFTMAX;
            mpp_inputs_assume(inputs, "batch %d", 385);
            mpp_inputs_assume(inputs, "%s", "µ");
        }
        g_autofree char *text = write_text(inputs);
        g_autoptr(MppInputs) again = read_text(text, &error);
        g_assert_no_error(error);
        g_autofree char *second = write_text(again);
        g_assert_cmpstr(second, ==, text);
        g_assert_cmpint(again->gpus, ==, 37);
        g_assert_cmpint(again->model.n_kinds, ==, 1);
        g_assert_true(again->runtime.host.layer_s == inputs->runtime.host.layer_s);
        g_assert_cmpint(again->training.kernels.attention, ==, inputs->training.kernels.attention);
        g_assert_true(again->job.model == &again->model && again->job.cluster == &again->cluster);
        g_assert_true(again->job.runtime == &again->runtime && again->job.gpus == 37);
    }
}

static void test_bind(void)
{
    g_autoptr(MppInputs) inputs = mpp_sample_new(37);
    inputs->gpus = 41;
    inputs->training.seq = 385;
    g_assert_cmpint(inputs->job.gpus, ==, 37);
    mpp_inputs_bind(inputs);
    g_assert_cmpint(inputs->job.gpus, ==, 41);
    g_assert_cmpint(inputs->job.training.seq, ==, 385);
}

static void test_title(void)
{
    static const struct {
        int64_t gpus;
        const char *title;
    } rows[] = {
        { 1, "sample, 96 tokens × 120 sequences a step, on 1 × Chip 7 (one node), Stack 3, bf16" },
        { 6, "sample, 96 tokens × 120 sequences a step, on 6 × Chip 7 (one node), Stack 3, bf16" },
        { 7, "sample, 96 tokens × 120 sequences a step, on 7 × Chip 7 (2 nodes), Stack 3, bf16" },
        { 385, "sample, 96 tokens × 120 sequences a step, on 385 × Chip 7 (65 nodes), Stack 3, bf16" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppInputs) inputs = mpp_sample_new(rows[i].gpus);
        g_autofree char *title = mpp_inputs_title(inputs);
        g_assert_cmpstr(title, ==, rows[i].title);
    }
    g_autoptr(MppInputs) inputs = mpp_sample_new(1);
    inputs->job.training.mean_seq = 41;
    g_autofree char *title = mpp_inputs_title(inputs);
    g_assert_cmpstr(title, ==, "sample, 96 tokens (41 on average) × 120 sequences a step, on 1 × Chip 7 (one node), Stack 3, bf16");
    inputs->job.training.mean_seq = 0;
    inputs->job.training.document_tokens = 83;
    g_autofree char *packed = mpp_inputs_title(inputs);
    g_assert_cmpstr(packed, ==, "sample, 96 tokens (documents of 83) × 120 sequences a step, on 1 × Chip 7 (one node), Stack 3, bf16");
    inputs->job.training.document_tokens = 0;
    inputs->job.training.target_seq = 11;
    g_autofree char *decoded = mpp_inputs_title(inputs);
    g_assert_cmpstr(decoded, ==, "sample, 96 tokens and the decoder's 11 × 120 sequences a step, on 1 × Chip 7 (one node), Stack 3, bf16");
}

typedef void (*Spoil)(cJSON *inputs);

static void five_tiers(cJSON *inputs)
{
    cJSON *tiers = cJSON_GetObjectItem(cJSON_GetObjectItem(inputs, "cluster"), "tiers");
    for (int i = 0; i < 2; i++)
        cJSON_AddItemToArray(tiers, cJSON_Duplicate(tiers->child, true));
}

static void no_tiers(cJSON *inputs)
{
    cJSON_ReplaceItemInObject(cJSON_GetObjectItem(inputs, "cluster"), "tiers", cJSON_CreateArray());
}

static void odd_tiers(cJSON *inputs)
{
    cJSON *tiers = cJSON_GetObjectItem(cJSON_GetObjectItem(inputs, "cluster"), "tiers");
    cJSON_ReplaceItemInObject(cJSON_GetArrayItem(tiers, 1), "devices", cJSON_CreateNumber(25));
}

static void no_rate(cJSON *inputs)
{
    cJSON_DeleteItemFromObject(cJSON_GetObjectItem(cJSON_GetObjectItem(inputs, "device"), "matmul_frac"), "bf16");
}

static void odd_heads(cJSON *inputs)
{
    cJSON_ReplaceItemInObject(cJSON_GetObjectItem(inputs, "model"), "kv_heads", cJSON_CreateNumber(7));
}

static void no_runtime(cJSON *inputs)
{
    cJSON_DeleteItemFromObject(inputs, "runtime");
}

static void no_gpus(cJSON *inputs)
{
    cJSON_ReplaceItemInObject(inputs, "gpus", cJSON_CreateNumber(0));
}

static void stranger(cJSON *inputs)
{
    cJSON_AddNullToObject(inputs, "devize");
}

static void test_refused(void)
{
    static const struct {
        Spoil spoil;
        MppError code;
        const char *message;
    } rows[] = {
        { five_tiers, MPP_ERROR_INVALID, "/inputs/cluster/tiers: expected 1 to 4 tiers, got 5" },
        { no_tiers, MPP_ERROR_INVALID, "/inputs/cluster/tiers: expected 1 to 4 tiers, got 0" },
        { odd_tiers, MPP_ERROR_INVALID, "/inputs/cluster/tiers/1: devices must be a multiple of the inner tier's 6" },
        { no_rate, MPP_ERROR_INVALID, "/inputs/device/matmul_frac: bf16 has a peak rate but no matmul_frac" },
        { odd_heads, MPP_ERROR_INVALID, "/inputs/model/kv_heads: heads (30) must be a multiple of kv_heads (7)" },
        { no_runtime, MPP_ERROR_SCHEMA, "/inputs: the plan's inputs field \"runtime\" is missing (software stack)" },
        { no_gpus, MPP_ERROR_SCHEMA, "/inputs/gpus: expected an integer from 1 to 16777216, got 0" },
        { stranger, MPP_ERROR_SCHEMA,
          "/inputs/devize: unknown plan's inputs field \"devize\"; known: device, runtime, model, cluster, "
          "gpus, assumed, training" },
    };
    g_autoptr(MppInputs) inputs = mpp_sample_new(37);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(cJSON) root = cJSON_CreateObject();
        cJSON_AddItemToObject(root, "inputs", mpp_inputs_write(inputs));
        rows[i].spoil(cJSON_GetObjectItem(root, "inputs"));
        g_autofree char *text = mpp_json_to_text(root);
        g_autoptr(GError) error = NULL;
        g_assert_null(read_text(text, &error));
        g_assert_true(g_error_matches(error, MPP_ERROR, (gint)rows[i].code));
        g_auto(GStrv) lines = g_strsplit(error->message, "\n", 2);
        g_assert_true(g_str_has_prefix(lines[0], "t.json:"));
        g_assert_cmpstr(strstr(lines[0], ": ") + 2, ==, rows[i].message);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/inputs/round-trip", test_round_trip);
    g_test_add_func("/inputs/bind", test_bind);
    g_test_add_func("/inputs/title", test_title);
    g_test_add_func("/inputs/refused", test_refused);
    return g_test_run();
}
