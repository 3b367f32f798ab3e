#include "planner/report/page_parts.h"

#include "tests/support/plain_job.h"

static const cJSON *row_of(const cJSON *section, const char *name)
{
    const cJSON *row;
    cJSON_ArrayForEach(row,
                       mpp_json_get(section, "rows")) if (g_str_equal(cJSON_GetArrayItem(row, 0)->valuestring, name)) return row;
    return NULL;
}

static const char *cell(const cJSON *section, const char *name, int column)
{
    const cJSON *item = cJSON_GetArrayItem(row_of(section, name), column);
    return item ? item->valuestring : NULL;
}

/** Each value with its source; that of an object stands for what is in it. */
static void test_sources(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    GHashTable *sources = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_hash_table_insert(sources, g_strdup("memory_bytes"), g_strdup("datasheet <7>"));
    g_hash_table_insert(sources, g_strdup("peak_flop_per_s"), g_strdup("measured"));
    if (inputs->cluster.device.sources)
        g_hash_table_unref(inputs->cluster.device.sources);
    inputs->cluster.device.sources = sources;
    mpp_inputs_assume(inputs, "global batch %d", 385);
    g_autoptr(cJSON) root = cJSON_CreateObject();
    mpp_page_add_inputs(root, inputs);
    const cJSON *list = mpp_json_get(root, "inputs"), *device = cJSON_GetArrayItem(list, 3);
    g_assert_cmpint(cJSON_GetArraySize(list), ==, 5);
    g_assert_cmpstr(mpp_json_get(device, "title")->valuestring, ==, "device");
    g_assert_cmpstr(cell(device, "memory_bytes", 2), ==, "datasheet <7>");
    g_assert_cmpstr(cell(device, "peak_flop_per_s.bf16", 2), ==, "measured");
    g_assert_cmpstr(cell(device, "memory_bytes_per_s", 1), ==, "1e13");
    g_assert_null(cell(device, "memory_bytes_per_s", 2));
    g_assert_null(row_of(device, "sources"));
    g_assert_cmpstr(cJSON_GetArrayItem(mpp_json_get(root, "assumed"), 0)->valuestring, ==, "global batch 385");
}

static void test_layout(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(16);
    MppStrategy s = plain_job_strategy("tp=2,cp=2,dp=2,pp=2,order=tp-dp-cp-pp");
    g_autoptr(cJSON) layout = mpp_page_layout(&inputs->job, &s);
    static const struct {
        const char *name;
        int degree, stride;
    } rows[] = { { "tp", 2, 1 }, { "cp", 2, 4 }, { "dp", 2, 2 }, { "pp", 2, 8 } };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const cJSON *axis = cJSON_GetArrayItem(mpp_json_get(layout, "axes"), (int)i);
        g_assert_cmpstr(mpp_json_get(axis, "name")->valuestring, ==, rows[i].name);
        g_assert_cmpint(mpp_json_get(axis, "degree")->valueint, ==, rows[i].degree);
        g_assert_cmpint(mpp_json_get(axis, "stride")->valueint, ==, rows[i].stride);
    }
    g_assert_cmpint(mpp_json_get(layout, "per_node")->valueint, ==, 4);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/page-inputs/sources", test_sources);
    g_test_add_func("/page-inputs/layout", test_layout);
    return g_test_run();
}
