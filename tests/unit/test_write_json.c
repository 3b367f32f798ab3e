#include "sim/writers.h"

#include "planner/base/json.h"
#include "tests/support/expect.h"
#include "tests/support/simulated.h"

static MppJson *written(const Simulated *simulated, const MppWriterOptions *options)
{
    g_autoptr(MppOutput) output = mpp_output_new_memory();
    mpp_write_json.write(simulated->tracks, options, 0, output);
    return mpp_expect_json(mpp_output_content(output)->str);
}

static double number(const cJSON *object, const char *key)
{
    const cJSON *node = mpp_json_get(object, key);
    g_assert_true(cJSON_IsNumber(node));
    return node->valuedouble;
}

static double sum(const cJSON *object)
{
    const cJSON *child;
    double total = 0;
    cJSON_ArrayForEach(child, object) total += child->valuedouble;
    return total;
}

static char *keys_of(const cJSON *object)
{
    GString *text = g_string_new(NULL);
    const cJSON *child;
    cJSON_ArrayForEach(child, object) g_string_append_printf(text, "%s%s", child == object->child ? "" : " ", child->string);
    return g_string_free(text, FALSE);
}

static void test_sums(void)
{
    g_autoptr(Simulated) simulated = simulated_new("dp=2,tp=2,pp=2,sp,zero=1", 8, NULL);
    g_autoptr(MppJson) json = written(simulated, &(MppWriterOptions){ 0 });
    double step_s = number(json->root, "step_time_s"), critical_s = 0;
    g_autofree char *keys = keys_of(json->root);
    g_assert_cmpstr(keys, ==,
                    "format_version step_time_s passes_end_s host_s stragglers_s bubble_frac longest_span_s "
                    "longest_span_bubble_frac events lanes tiers critical_path");
    g_assert_cmpfloat(number(json->root, "format_version"), ==, 1);
    g_assert_cmpfloat(step_s, ==, simulated->simulation->step_s);
    const cJSON *lane, *part;
    int n = 0;
    cJSON_ArrayForEach(lane, mpp_json_get(json->root, "lanes"))
    {
        const cJSON *memory = mpp_json_get(lane, "memory"), *peak = mpp_json_get(memory, "peak");
        plain_job_expect("shares", sum(mpp_json_get(lane, "time_s")), step_s);
        plain_job_expect("parts", sum(mpp_json_get(peak, "parts_bytes")), number(peak, "bytes"));
        g_assert_cmpfloat(number(lane, "stage"), ==, n);
        g_assert_cmpfloat(number(lane, "first_rank"), ==, 4 * n++);
        g_assert_cmpfloat(number(lane, "ranks"), ==, 2);
        const cJSON *curve = mpp_json_get(memory, "curve");
        g_assert_cmpint(cJSON_GetArraySize(mpp_json_get(curve, "time_s")), ==, cJSON_GetArraySize(mpp_json_get(curve, "bytes")));
    }
    g_assert_cmpint(n, ==, 2);
    cJSON_ArrayForEach(part, mpp_json_get(json->root, "critical_path")) critical_s += number(part, "time_s");
    plain_job_expect("critical path", critical_s, step_s);
}

/** Columns of one length; the last end is the lanes'. */
static void test_spans(void)
{
    g_autoptr(Simulated) simulated = simulated_new("dp=2,pp=2", 4, NULL);
    const bool chosen[] = { false, true };
    MppWriterOptions options = { .lanes = chosen, .spans = true };
    g_autoptr(MppJson) json = written(simulated, &options);
    const cJSON *spans = mpp_json_get(json->root, "spans"), *column, *lane;
    guint n = mpp_tracks_count(simulated->tracks, 1, MPP_STREAM_COMPUTE) +
              mpp_tracks_count(simulated->tracks, 1, MPP_STREAM_SEND) + mpp_tracks_count(simulated->tracks, 1, MPP_STREAM_DATA);
    g_autofree char *keys = keys_of(spans);
    g_assert_cmpstr(keys, ==, "lane action pass chunk micro_batch start_s end_s");
    cJSON_ArrayForEach(column, spans) g_assert_cmpint(cJSON_GetArraySize(column), ==, n);
    cJSON_ArrayForEach(lane, mpp_json_get(spans, "lane")) g_assert_cmpint(lane->valueint, ==, 1);
    g_assert_cmpint(cJSON_GetArraySize(mpp_json_get(json->root, "lanes")), ==, 1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/write-json/sums", test_sums);
    g_test_add_func("/write-json/spans", test_spans);
    return g_test_run();
}
