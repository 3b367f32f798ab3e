#include "planner/report/accuracy_page.h"

#include "tests/support/expect.h"

#define RUN(id, source, more)                                                                                       \
    "{\"id\": \"" id "\", \"source\": \"" source "\", \"model\": {\"name\": \"GPT\", \"layers\": 24, "               \
    "\"hidden\": 2048, \"heads\": 16, \"ffn\": 8192, \"vocab\": 51200, \"seq\": 2048}, \"hardware\": {\"gpu\": "     \
    "\"a100-sxm4-80gb\", \"gpus\": 16, \"gpus_per_node\": 8}, \"training\": {\"precision\": \"bf16\", "              \
    "\"framework\": \"Megatron-LM\", \"global_batch\": 64, \"micro_batch\": 2}, \"parallel\": {\"dp\": 2, "          \
    "\"tp\": 2, \"pp\": 4}, \"measured\": {" more "}}\n"

static const char runs_text[] = RUN("a", "one", "\"step_time_s\": 1.5, \"oom\": false") RUN("b", "one", "\"step_time_s\": 1e6")
    RUN("c", "two", "\"memory_gib_per_gpu\": 20") "{\"id\": \"d\", \"source\": \"two\", \"model\": {}, \"hardware\": {}, "
                                                  "\"training\": {}, \"parallel\": {}, \"measured\": {}}\n";

static double number(const cJSON *object, const char *name)
{
    return mpp_json_get(object, name)->valuedouble;
}

/** A column of the page's @run by its name. */
static const cJSON *cell(const cJSON *data, int run, const char *column)
{
    const cJSON *columns = mpp_json_get(data, "columns");
    for (int i = 0; i < cJSON_GetArraySize(columns); i++)
        if (g_str_equal(cJSON_GetArrayItem(columns, i)->valuestring, column))
            return cJSON_GetArrayItem(cJSON_GetArrayItem(mpp_json_get(data, "runs"), run), i);
    g_assert_not_reached();
}

static void check_runs(const cJSON *data, const GArray *predictions)
{
    g_assert_cmpint(cJSON_GetArraySize(mpp_json_get(data, "runs")), ==, 3); /* the fourth cannot be predicted */
    for (int i = 0; i < 3; i++) {
        const MppPrediction *one = &g_array_index(predictions, MppPrediction, i);
        g_assert_cmpstr(cell(data, i, "id")->valuestring, ==, one->run->id);
        double predicted_s = cell(data, i, "predicted_s")->valuedouble;
        g_assert_cmpfloat_with_epsilon(predicted_s, one->step_time_s, 1e-4 * one->step_time_s);
        g_assert_cmpfloat(cell(data, i, "low_s")->valuedouble, <, cell(data, i, "high_s")->valuedouble);
        double shares = cell(data, i, "compute")->valuedouble + cell(data, i, "communication")->valuedouble +
                        cell(data, i, "host")->valuedouble + cell(data, i, "bubble")->valuedouble;
        g_assert_cmpfloat_with_epsilon(shares, 1, 1e-4);
        g_assert_cmpfloat(cell(data, i, "pp")->valuedouble, ==, 4);
    }
    g_assert_cmpfloat(cell(data, 2, "measured_bytes")->valuedouble, ==, 21475000000); /* 20 GiB to five digits */
    g_assert_cmpfloat(cell(data, 2, "source")->valuedouble, ==, 1);
}

static void test_data(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = mpp_expect_folder(), *path = mpp_expect_file(folder, "runs.jsonl", runs_text);
    g_autoptr(GPtrArray) runs = mpp_runs_new();
    g_assert_true(mpp_runs_load(path, runs, &error));
    mpp_expect_no_folder(folder);
    g_autoptr(MppProfiles) profiles = mpp_profiles_load(&error);
    g_assert_no_error(error);
    GArray *predictions = mpp_predictions_new(runs, profiles);
    g_autoptr(MppSpreads) spreads = mpp_spreads_built_in();
    mpp_predictions_set_intervals(predictions, spreads);
    g_autoptr(GHashTable) unseen = g_hash_table_new(g_str_hash, g_str_equal);
    double left_out = 0.125;
    g_hash_table_insert(unseen, (void *)"one", &left_out);
    g_autoptr(cJSON) data = mpp_accuracy_page_data(predictions, unseen);
    check_runs(data, predictions);
    const cJSON *one = cJSON_GetArrayItem(mpp_json_get(data, "sources"), 0), *two = cJSON_GetArrayItem(mpp_json_get(data, "sources"), 1);
    g_assert_cmpstr(mpp_json_get(one, "name")->valuestring, ==, "one");
    g_assert_cmpfloat(number(one, "unseen_mape"), ==, 0.125);
    g_assert_cmpfloat(number(one, "coverage"), <=, 0.5); /* a million seconds are in no interval */
    g_assert_cmpfloat(number(one, "fits_known"), ==, 1);
    g_assert_null(mpp_json_get(two, "coverage"));
    g_assert_null(mpp_json_get(two, "unseen_mape"));
    g_assert_cmpfloat(number(two, "memory_mape"), >, 0);
    g_assert_cmpfloat(number(two, "rows"), ==, 2);
    g_assert_true(g_str_has_prefix(mpp_json_get(data, "answer")->valuestring, "3 of 4 runs from 2 sources are predicted; step time is "));
    mpp_predictions_free(predictions);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/accuracy-page/data", test_data);
    return g_test_run();
}
