#include "planner/calibrate/accuracy.h"

#include "tests/support/expect.h"

static MppRun *run_new(const char *text)
{
    g_autoptr(GError) error = NULL;
    MppRun *run = g_new0(MppRun, 1);
    MppJson *json = mpp_expect_json(text);
    g_assert_true(mpp_fields_read(&mpp_run_fields, json, json->root, run, &error));
    g_assert_no_error(error);
    run->json = json;
    return run;
}

static void run_free(void *data)
{
    MppRun *run = data;
    mpp_json_free(run->json);
    mpp_fields_clear(&mpp_run_fields, run);
    g_free(run);
}

#define RUN(id, source, gpus, measured)                                                                  \
    "{\"id\": \"" id "\", \"source\": \"" source "\", \"model\": {\"name\": \"M\", \"seq\": 512}, "      \
    "\"hardware\": {\"gpu\": \"G\", \"gpus\": " gpus "}, \"training\": {\"global_batch\": 64}, "             \
    "\"parallel\": {}, \"measured\": {" measured "}}"

/** Measured and predicted. One group of five of source a, where the plan ranked first is the third best. */
static const struct {
    const char *text, *skipped;
    double step_s, memory_bytes;
    bool fits;
} rows[] = {
    { RUN("a1", "a", "8", "\"step_time_s\": 2.0"), NULL, 2.2, 0, true },
    { RUN("a2", "a", "8", "\"step_time_s\": 2.5, \"memory_gib_per_gpu\": 10"), NULL, 1.5, 12 * 1073741824.0, true },
    { RUN("a3", "a", "8", "\"step_time_s\": 4.0, \"memory_gib_per_gpu\": 20"), NULL, 3.8, 18 * 1073741824.0, true },
    { RUN("a4", "a", "8", "\"step_time_s\": 5.0"), NULL, 5.0, 0, true },
    { RUN("a5", "a", "8", "\"step_time_s\": 8.0"), NULL, 10.0, 0, true },
    { RUN("a6", "a", "16", "\"step_time_s\": 1.0, \"anomaly\": \"stalled\""), NULL, 0.25, 0, true },
    { RUN("b1", "b", "8", "\"oom\": true"), NULL, 3, 0, false },
    { RUN("b2", "b", "8", "\"oom\": true"), NULL, 3, 0, true },
    { RUN("b3", "b", "8", "\"oom\": false"), NULL, 3, 0, false },
    { RUN("b4", "b", "8", "\"oom\": false"), NULL, 3, 0, true },
    { RUN("b5", "b", "8", "\"step_time_s\": 3.0"), "no such model", 0, 0, false },
    { RUN("b6", "b", "8", "\"step_time_s\": 4.0"), NULL, 3, 0, true },
};

static GArray *predictions_new(GPtrArray *runs)
{
    GArray *predictions = g_array_new(FALSE, TRUE, sizeof(MppPrediction));
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        MppRun *run = run_new(rows[i].text);
        g_ptr_array_add(runs, run);
        MppPrediction prediction = { .run = run, .skipped = g_strdup(rows[i].skipped), .step_time_s = rows[i].step_s,
                                     .p10_s = 0.8 * rows[i].step_s, .p90_s = 1.2 * rows[i].step_s, .memory_bytes = rows[i].memory_bytes, .fits = rows[i].fits };
        g_array_append_val(predictions, prediction);
    }
    return predictions;
}

static void check_first(const MppAccuracy *a)
{
    g_assert_cmpstr(a->source, ==, "a");
    g_assert_cmpint(a->rows, ==, 5);
    g_assert_cmpint(a->predicted, ==, 5);
    g_assert_cmpint(a->n_times, ==, 5); /* +10, -40, -5, 0, +25 % */
    g_assert_cmpint(a->n_intervals, ==, 5);
    g_assert_cmpint(a->n_inside, ==, 4);
    g_assert_cmpfloat_with_epsilon(a->mape, 0.16, 1e-12);
    g_assert_cmpfloat_with_epsilon(a->bias, -0.02, 1e-12);
    g_assert_cmpfloat_with_epsilon(a->median, 0.1, 1e-12);
    g_assert_cmpfloat_with_epsilon(a->p90, 0.4, 1e-12);
    g_assert_cmpfloat_with_epsilon(a->worst, -0.4, 1e-12);
    g_assert_cmpstr(a->worst_id, ==, "a2");
    g_assert_cmpint(a->n_memory, ==, 2);
    g_assert_cmpfloat_with_epsilon(a->memory_mape, 0.15, 1e-12);
    g_assert_cmpfloat_with_epsilon(a->memory_bias, 0.05, 1e-12);
    g_assert_cmpint(a->n_groups, ==, 1);
    g_assert_cmpfloat_with_epsilon(a->regret_mean, 0.25, 1e-12); /* 2.5 s taken for the best, which is 2 s */
    g_assert_cmpfloat_with_epsilon(a->regret_worst, 0.25, 1e-12);
    g_assert_cmpfloat_with_epsilon(a->spearman, 0.9, 1e-12);      /* first two exchanged: 1 - 6 * 2 / (5 * 24) */
}

static void check_second(const MppAccuracy *b)
{
    g_assert_cmpstr(b->source, ==, "b");
    g_assert_cmpint(b->rows, ==, 6);
    g_assert_cmpint(b->predicted, ==, 5);
    g_assert_cmpint(b->n_times, ==, 1);
    g_assert_cmpfloat_with_epsilon(b->mape, 0.25, 1e-12);
    g_assert_cmpint(b->oom_oom, ==, 1);
    g_assert_cmpint(b->fits_oom, ==, 1);
    g_assert_cmpint(b->oom_fits, ==, 1);
    g_assert_cmpint(b->fits_fits, ==, 1);
    g_assert_cmpint(b->n_groups, ==, 0);
}

static void test_statistics(void)
{
    g_autoptr(GPtrArray) runs = g_ptr_array_new_with_free_func(run_free);
    GArray *predictions = predictions_new(runs);
    g_autoptr(GArray) table = mpp_accuracy_by_source(predictions, true);
    g_assert_cmpuint(table->len, ==, 2);
    check_first(&g_array_index(table, MppAccuracy, 0));
    check_second(&g_array_index(table, MppAccuracy, 1));

    g_autoptr(GArray) all = mpp_accuracy_by_source(predictions, false);
    g_assert_cmpint(g_array_index(all, MppAccuracy, 0).n_times, ==, 6);
    g_assert_cmpint(g_array_index(all, MppAccuracy, 0).n_intervals, ==, 5); /* anomalies are not judged */
    g_assert_cmpstr(g_array_index(all, MppAccuracy, 0).worst_id, ==, "a6");
    MppAccuracy overall = mpp_accuracy_overall(predictions, true);
    g_assert_cmpint(overall.rows, ==, 11);
    g_assert_cmpint(overall.n_times, ==, 6);
    g_assert_cmpfloat_with_epsilon(overall.mape, (5 * 0.16 + 0.25) / 6, 1e-12);
    mpp_predictions_free(predictions);
}

/** Five runs, of which the last differs from the others: a group only where that is a part of the plan. */
static void test_groups(void)
{
    static const struct {
        const char *model, *hardware, *training, *parallel;
        int n_groups;
    } cases[] = {
        { "\"heads\": 6", "\"internode\": \"IB\"", "\"micro_batch\": 3, \"grad_accum\": 5", "\"tp\": 2", 1 },
        { "\"heads\": 12", "\"internode\": \"IB\"", "\"micro_batch\": 1", "\"tp\": 2", 0 },
        { "\"heads\": 6", "\"internode\": \"RoCE\"", "\"micro_batch\": 1", "\"tp\": 2", 0 },
        { "\"heads\": 6", "\"internode\": \"IB\"", "\"micro_batch\": 1, \"precision\": \"fp8\"", "\"tp\": 2", 0 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GPtrArray) runs = g_ptr_array_new_with_free_func(run_free);
        GArray *predictions = g_array_new(FALSE, TRUE, sizeof(MppPrediction));
        for (int j = 0; j < 5; j++) {
            const char *model = j < 4 ? "\"heads\": 6" : cases[i].model, *hardware = j < 4 ? "\"internode\": \"IB\"" : cases[i].hardware;
            const char *training = j < 4 ? "\"micro_batch\": 1" : cases[i].training, *parallel = j < 4 ? "\"tp\": 1" : cases[i].parallel;
            g_autofree char *text = g_strdup_printf("{\"id\": \"%d\", \"source\": \"s\", \"model\": {%s}, \"hardware\": {%s}, "
                                                    "\"training\": {%s}, \"parallel\": {%s}, \"measured\": {\"step_time_s\": %d}}",
                                                    j, model, hardware, training, parallel, j + 1);
            MppPrediction prediction = { .run = run_new(text), .step_time_s = j + 1.5 };
            g_ptr_array_add(runs, (void *)prediction.run);
            g_array_append_val(predictions, prediction);
        }
        g_assert_cmpint(mpp_accuracy_overall(predictions, false).n_groups, ==, cases[i].n_groups);
        mpp_predictions_free(predictions);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/accuracy/statistics", test_statistics);
    g_test_add_func("/accuracy/groups", test_groups);
    return g_test_run();
}
