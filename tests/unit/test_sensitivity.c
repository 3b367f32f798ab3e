#include "planner/api/sensitivity.h"

#include <string.h>

#include "sim/answer.h"
#include "tests/support/plain_job.h"

static char *titles_of(const GArray *list)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < list->len; i++)
        g_string_append_printf(text, "%s%s", i ? ", " : "", g_array_index(list, MppSensitivity, i).title);
    return g_strdup(text->str);
}

static double step_s(const GArray *list, const char *title)
{
    for (guint i = 0; i < list->len; i++)
        if (g_str_equal(g_array_index(list, MppSensitivity, i).title, title))
            return g_array_index(list, MppSensitivity, i).step_s;
    g_assert_not_reached();
}

/** Only what the job has is doubled. */
static void test_titles(void)
{
    static const struct {
        int64_t gpus;
        const char *strategy, *titles;
    } rows[] = {
        { 1, "tp=1", "2× peak rate, 2× memory bandwidth, a host twice as fast, 2× memory" },
        { 4, "tp=4", "2× peak rate, 2× memory bandwidth, 2× %s, half the latency, a host twice as fast, 2× memory" },
        { 8, "tp=4,dp=2", "2× peak rate, 2× memory bandwidth, 2× %s, 2× %s, half the latency, a host twice as fast, 2× memory" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppInputs) inputs = plain_job_new(rows[i].gpus);
        MppStrategy s = plain_job_strategy(rows[i].strategy);
        g_autoptr(GArray) list = mpp_sensitivity_new(&inputs->job, &s);
        g_autofree char *titles = titles_of(list);
        g_auto(GStrv) parts = g_strsplit(rows[i].titles, "%s", -1);
        g_autoptr(GString) expected = g_string_new(parts[0]);
        for (int k = 1; parts[k]; k++)
            g_string_append_printf(expected, "%s%s", mpp_cluster_tier(&inputs->cluster, k - 1)->name, parts[k]);
        g_assert_cmpstr(titles, ==, expected->str);
    }
}

/** Nothing better makes the step longer; the job itself stays as it is. */
static void test_never_slower(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    MppStrategy s = plain_job_strategy("tp=2,pp=2,dp=2,zero=1");
    double own_s = mpp_answer_step_s(&inputs->job, &s);
    g_autoptr(GArray) list = mpp_sensitivity_new(&inputs->job, &s);
    for (guint i = 0; i < list->len; i++)
        g_assert_cmpfloat(g_array_index(list, MppSensitivity, i).step_s, <=, own_s * (1 + 1e-12));
    g_assert_cmpfloat(step_s(list, "2× peak rate"), <, own_s);
    g_assert_cmpfloat(step_s(list, "a host twice as fast"), ==, own_s); /* it takes no time */
    g_assert_cmpfloat(mpp_answer_step_s(&inputs->job, &s), ==, own_s);
}

/** A plan that recomputes for want of memory is given up for one that does not. */
static void test_memory(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    MppStrategy s = plain_job_strategy("dp=8,recompute=full,mbs=2");
    g_autoptr(GArray) list = mpp_sensitivity_new(&inputs->job, &s);
    const MppSensitivity *memory = &g_array_index(list, MppSensitivity, list->len - 1);
    g_assert_cmpfloat(memory->step_s, <, mpp_answer_step_s(&inputs->job, &s));
    g_assert_nonnull(memory->plan);
    g_assert_null(strstr(memory->plan, "recompute"));
    g_assert_nonnull(strstr(memory->plan, "dp 8"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sensitivity/titles", test_titles);
    g_test_add_func("/sensitivity/never-slower", test_never_slower);
    g_test_add_func("/sensitivity/memory", test_memory);
    return g_test_run();
}
