#include <math.h>
#include <string.h>

#include "planner/report/page_parts.h"
#include "tests/support/costed_plan.h"
#include "tests/support/plain_job.h"

/** The text that the page gets, read as the page reads it. */
static cJSON *timeline_of(const MppSimulation *simulation)
{
    g_autoptr(cJSON) written = mpp_page_timeline(simulation);
    char *text = cJSON_PrintUnformatted(written);
    cJSON *read = cJSON_Parse(text);
    cJSON_free(text);
    g_assert_nonnull(read);
    return read;
}

static void test_spans(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(4);
    g_autoptr(CostedPlan) plan = costed_plan_new(&inputs->job, "dp=2,pp=2,zero=1");
    g_autoptr(MppSimulation) simulation = mpp_simulate(plan->pipeline, NULL, NULL, NULL);
    g_autoptr(cJSON) timeline = timeline_of(simulation);
    const cJSON *lane = mpp_json_get(timeline, "lanes"), *one;
    g_assert_cmpint(cJSON_GetArraySize(lane), ==, 2);
    cJSON_ArrayForEach(one, lane)
    {
        const cJSON *numbers = mpp_json_get(one, "compute");
        int n = cJSON_GetArraySize(numbers) / 5, passes = 0;
        double start_us = 0, end_us = 0;
        for (int i = 0; i < n; i++) {
            start_us += cJSON_GetArrayItem(numbers, 5 * i)->valuedouble;
            g_assert_cmpfloat(start_us, >=, end_us - 1); /* on one stream, whole microseconds */
            end_us = start_us + cJSON_GetArrayItem(numbers, 5 * i + 1)->valuedouble;
            passes += cJSON_GetArrayItem(numbers, 5 * i + 2)->valueint < MPP_N_PASSES;
        }
        g_assert_cmpint(passes, ==, 2 * 8); /* 16 sequences over 2 replicas */
        g_assert_cmpfloat(end_us, <=, round(simulation->step_s * 1e6));
    }
}

/** More stages than a page has room for: evenly chosen ones, the first and the last among them. */
static void test_many(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(64);
    inputs->model.layers = 64;
    inputs->training.global_batch = 2048;
    plain_job_finish(inputs);
    g_autoptr(CostedPlan) plan = costed_plan_new(&inputs->job, "pp=64");
    g_autoptr(MppSimulation) simulation = mpp_simulate(plan->pipeline, NULL, NULL, NULL);
    g_autoptr(cJSON) timeline = timeline_of(simulation);
    const cJSON *lanes = mpp_json_get(timeline, "lanes");
    int n = cJSON_GetArraySize(lanes), last = -1;
    g_assert_cmpint(n, >, 1);
    g_assert_cmpint(n, <, 64);
    g_assert_cmpint(mpp_json_get(timeline, "stages")->valueint, ==, 64);
    for (int i = 0; i < n; i++) {
        int stage = mpp_json_get(cJSON_GetArrayItem(lanes, i), "stage")->valueint;
        g_assert_cmpint(stage, >, last);
        g_assert_cmpint(stage, ==, i * 63 / (n - 1));
        last = stage;
    }
    g_assert_cmpint(last, ==, 63);
    char *text = cJSON_PrintUnformatted(timeline);
    g_assert_cmpint(strlen(text), <, 1500000);
    cJSON_free(text);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/page-timeline/spans", test_spans);
    g_test_add_func("/page-timeline/many", test_many);
    return g_test_run();
}
