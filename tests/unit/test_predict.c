#include "planner/calibrate/accuracy.h"
#include "planner/cost/estimate.h"
#include "tests/support/expect.h"

#define RUN                                                                                                          \
    "{\"id\": \"r\", \"source\": \"somewhere\", \"model\": {\"name\": \"GPT\", \"layers\": 24, \"hidden\": 2048, "   \
    "\"heads\": 16, \"ffn\": 8192, \"vocab\": 51200, \"seq\": 2048}, \"hardware\": {\"gpu\": \"%s\", \"gpus\": 16, " \
    "\"gpus_per_node\": 8}, \"training\": {\"precision\": \"bf16\", \"framework\": \"Megatron-LM\", "                \
    "\"global_batch\": 64, \"micro_batch\": 2}, \"parallel\": {\"dp\": 2, \"tp\": 2, \"pp\": 4}, \"measured\": {"     \
    "\"step_time_s\": 1.5, \"memory_gib_per_gpu\": 20, \"memory_kind\": \"%s\"}}"

typedef struct {
    GPtrArray *runs;
    GArray *predictions;
    MppRun run;
} Predicted;

static void predict(Predicted *at, const MppProfiles *profiles, const char *gpu, const char *kind)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = g_strdup_printf(RUN, gpu, kind);
    MppJson *json = mpp_expect_json(text);
    g_assert_true(mpp_fields_read(&mpp_run_fields, json, json->root, &at->run, &error));
    at->run.json = json;
    at->runs = g_ptr_array_new();
    g_ptr_array_add(at->runs, &at->run);
    at->predictions = mpp_predictions_new(at->runs, profiles);
}

static void predicted_clear(Predicted *at)
{
    mpp_predictions_free(at->predictions);
    g_ptr_array_unref(at->runs);
    mpp_json_free(at->run.json);
    mpp_fields_clear(&mpp_run_fields, &at->run);
}

/** The figure and the stage that the record names; else the stack's usual one on the fullest stage. */
static double expected_bytes(const char *kind, const MppEstimate *estimate, const MppRuntime *runtime)
{
    const MppStageEstimate *fullest = &estimate->stages[estimate->fullest_stage];
    if (g_str_equal(kind, "allocated, last rank"))
        return estimate->stages[3].memory.allocated_bytes;
    if (g_str_equal(kind, "reserved, rank 0"))
        return estimate->stages[0].memory.reserved_bytes;
    if (g_str_equal(kind, "allocated, rank 0, first iteration")) { /* two moments of Adam's and a master copy, in fp32 each */
        const MppMemory *memory = &estimate->stages[0].memory;
        return memory->allocated_bytes - memory->bytes[MPP_MEMORY_OPTIMIZER] * 2 / 3;
    }
    if (g_str_equal(kind, "nvidia-smi"))
        return fullest->memory.device_bytes;
    const double usual[] = { fullest->memory.allocated_bytes, fullest->memory.reserved_bytes, fullest->memory.device_bytes };
    return usual[runtime->memory.figure];
}

static void test_figures(void)
{
    static const char *const kinds[] = { "allocated, last rank", "reserved, rank 0", "allocated, rank 0, first iteration", "nvidia-smi", "" };
    g_autoptr(GError) error = NULL;
    g_autoptr(MppProfiles) profiles = mpp_profiles_load(&error);
    g_assert_no_error(error);
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        Predicted at;
        predict(&at, profiles, "a100-sxm4-80gb", kinds[i]);
        const MppPrediction *prediction = &g_array_index(at.predictions, MppPrediction, 0);
        g_assert_cmpstr(prediction->skipped, ==, NULL);
        g_autoptr(MppEstimate) estimate = mpp_estimate_new(&prediction->job->job, &prediction->job->strategy);
        g_assert_cmpfloat(prediction->step_time_s, ==, estimate->step_s);
        g_assert_cmpfloat(prediction->memory_bytes, ==, expected_bytes(kinds[i], estimate, prediction->job->runtime));
        g_assert_true(prediction->fits == estimate->fits);
        g_assert_cmpint(estimate->pp, ==, 4);
        predicted_clear(&at);
    }
}

static void test_skipped(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MppProfiles) profiles = mpp_profiles_load(&error);
    g_assert_no_error(error);
    Predicted at;
    predict(&at, profiles, "abacus", "");
    const MppPrediction *prediction = &g_array_index(at.predictions, MppPrediction, 0);
    g_assert_nonnull(prediction->skipped);
    g_assert_null(prediction->job);
    g_assert_cmpfloat(prediction->step_time_s, ==, 0);
    predicted_clear(&at);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/predict/figures", test_figures);
    g_test_add_func("/predict/skipped", test_skipped);
    return g_test_run();
}
