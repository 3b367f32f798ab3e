#include "planner/calibrate/fit.h"

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "planner/calibrate/leave_one_out.h"
#include "planner/calibrate/write.h"
#include "tests/support/expect.h"

#define RUN                                                                                                            \
    "{\"id\": \"%s-%d\", \"source\": \"%s\", \"model\": {\"name\": \"x\", \"layers\": 32, \"hidden\": %d, \"heads\": " \
    "32, \"ffn\": %d, \"vocab\": 51200, \"seq\": 2048}, \"hardware\": {\"gpu\": \"a100-sxm4-80gb\", \"gpus\": 8, "     \
    "\"gpus_per_node\": 8}, \"training\": {\"precision\": \"fp16\", \"framework\": \"Megatron-LM\", "                  \
    "\"global_batch\": 64, \"micro_batch\": %d}, \"parallel\": {\"dp\": 8, \"recompute\": \"full\"}, "                 \
    "\"measured\": {\"step_time_s\": %.17g}}\n"

#define MATMUL "device:a100-sxm4-80gb/matmul_frac/fp16"

/** Step times as a device has them that reaches @matmul_frac. Half of the runs are of each of two sources. */
static GPtrArray *runs_with(double matmul_frac)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MppProfiles) profiles = mpp_profiles_load(&error);
    MppPrior prior = { .name = (char *)MATMUL, .prior = matmul_frac, .spread = 1 };
    g_autoptr(GArray) priors = g_array_new(FALSE, FALSE, sizeof(MppPrior));
    g_array_append_val(priors, prior);
    GArray *parameters = mpp_parameters_bind(priors, profiles, &error);
    g_assert_no_error(error);
    g_autofree char *folder = mpp_expect_folder();
    GPtrArray *runs = NULL;
    GString *text = g_string_new(NULL);
    for (int round = 0; round < 2; round++) { /* the first with made-up times, to be predicted */
        g_autoptr(GPtrArray) before = g_steal_pointer(&runs);
        GArray *predictions = before ? mpp_predictions_new(before, profiles) : NULL;
        g_string_truncate(text, 0);
        for (int i = 0; i < 6; i++) {
            double s = predictions ? g_array_index(predictions, MppPrediction, i).step_time_s : 1;
            const char *source = i % 2 ? "odd" : "even";
            g_string_append_printf(text, RUN, source, i, source, 2048 + 512 * i, 8192 + 2048 * i, 1 << i % 3, s);
        }
        if (predictions)
            mpp_predictions_free(predictions);
        runs = mpp_runs_new();
        g_autofree char *path = mpp_expect_file(folder, "runs.jsonl", text->str);
        g_assert_true(mpp_runs_load(path, runs, &error));
    }
    g_string_free(text, TRUE);
    mpp_expect_no_folder(folder);
    mpp_parameters_free(parameters);
    return runs;
}

static GArray *priors_of(double prior, double spread)
{
    MppPrior one = { .name = (char *)MATMUL, .prior = prior, .spread = spread };
    MppPrior other = { .name = (char *)"device:h100-sxm5-80gb/matmul_frac/bf16", .prior = 0.6, .spread = 0.3 };
    GArray *priors = g_array_new(FALSE, FALSE, sizeof(MppPrior));
    g_array_append_val(priors, one);
    g_array_append_val(priors, other);
    return priors;
}

/** The share that made the step times is found again; a parameter that no run depends on stays at its prior. */
static void test_recovers(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) runs = runs_with(0.55);
    g_autoptr(MppProfiles) profiles = mpp_profiles_load(&error);
    g_autoptr(GArray) priors = priors_of(0.8, 3);
    GArray *parameters = mpp_parameters_bind(priors, profiles, &error);
    MppFitOptions options = { .threads = 2 };
    MppFitResult result;
    g_assert_true(mpp_fit(parameters, profiles, runs, &options, &result, &error));
    const MppParameter *found = &g_array_index(parameters, MppParameter, 0), *other = &g_array_index(parameters, MppParameter, 1);
    g_assert_cmpint(result.n_runs, ==, 6);
    g_assert_cmpfloat(result.before, >, 0.1);
    g_assert_cmpfloat(result.after, <, 0.01);
    g_assert_cmpfloat_with_epsilon(found->value, 0.55, 0.005);
    g_assert_cmpint(found->n_runs, ==, 6);
    g_assert_cmpfloat_with_epsilon(found->mean_error, result.after, 1e-12);
    g_assert_cmpfloat(other->value, ==, 0.6);
    g_assert_cmpint(other->n_runs, ==, 0);
    for (guint i = 0; i < profiles->clusters->len; i++) { /* every profile that holds the number has it */
        const MppCluster *cluster = profiles->clusters->pdata[i];
        if (strcmp(cluster->device.name, "a100-sxm4-80gb") == 0)
            g_assert_cmpfloat(cluster->device.matmul_frac.by_precision[MPP_PRECISION_FP16], ==, found->value);
    }
    mpp_parameters_free(parameters);
}

/** A narrow prior holds against the runs. */
static void test_prior_holds(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) runs = runs_with(0.55);
    g_autoptr(MppProfiles) profiles = mpp_profiles_load(&error);
    g_autoptr(GArray) priors = priors_of(0.8, 1e-3);
    GArray *parameters = mpp_parameters_bind(priors, profiles, &error);
    MppFitOptions options = { 0 };
    MppFitResult result;
    g_assert_true(mpp_fit(parameters, profiles, runs, &options, &result, &error));
    g_assert_cmpfloat_with_epsilon(g_array_index(parameters, MppParameter, 0).value, 0.8, 1e-3);
    mpp_parameters_free(parameters);
}

/** Several profiles about one centre: the one with runs moves the others part of its way, by the spreads. */
static void test_pool(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) runs = runs_with(0.55);
    g_autoptr(MppProfiles) profiles = mpp_profiles_load(&error);
    MppPrior pool = { .name = (char *)"device:a100-sxm4-80gb,v100-sxm2-32gb/matmul_frac/fp16", .prior = 0.8, .spread = 0.6, .among = 0.3 };
    g_autoptr(GArray) priors = g_array_new(FALSE, FALSE, sizeof(MppPrior));
    g_array_append_val(priors, pool);
    GArray *parameters = mpp_parameters_bind(priors, profiles, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(parameters->len, ==, 3);
    MppFitOptions options = { .scale = 1e-3 }; /* the runs say far more than the prior */
    MppFitResult result;
    g_assert_true(mpp_fit(parameters, profiles, runs, &options, &result, &error));
    const MppParameter *all = &g_array_index(parameters, MppParameter, 0);
    g_assert_cmpstr(all[0].name, ==, "device:*/matmul_frac/fp16");
    g_assert_cmpint(all[0].n_runs, ==, 6);
    g_assert_cmpfloat_with_epsilon(all[1].value, 0.55, 0.005);
    g_assert_cmpfloat(all[2].value, ==, all[0].value);
    /* least penalty: the centre takes spread² / (spread² + among²) of the way, in log-odds */
    double way = (log(all[0].value / (1 - all[0].value)) - log(4)) / (log(all[1].value / (1 - all[1].value)) - log(4));
    g_assert_cmpfloat_with_epsilon(way, 0.36 / (0.36 + 0.09), 0.01);
    mpp_parameters_free(parameters);
}

/** What one source says carries over to the other; the table says so. */
static void test_leave_one_out(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) runs = runs_with(0.55);
    g_autoptr(MppProfiles) profiles = mpp_profiles_load(&error);
    g_autoptr(GArray) priors = priors_of(0.8, 3);
    GArray *parameters = mpp_parameters_bind(priors, profiles, &error);
    MppFitOptions options = { 0 };
    MppFitResult result;
    g_assert_true(mpp_fit(parameters, profiles, runs, &options, &result, &error));
    g_autoptr(GArray) residuals = mpp_residuals_new();
    g_autoptr(GArray) table = mpp_leave_one_out(priors, profiles, runs, &options, residuals, &error);
    g_assert_no_error(error);
    mpp_parameters_free(parameters);
    g_assert_cmpuint(table->len, ==, 2);
    for (guint i = 0; i < 2; i++) {
        const MppLeftOut *row = &g_array_index(table, MppLeftOut, i);
        g_assert_cmpstr(row->unseen.source, ==, i ? "odd" : "even");
        g_assert_cmpint(row->unseen.n_times, ==, 3);
        g_assert_cmpfloat(row->unseen.mape, <, 0.01);
        g_assert_cmpfloat(row->seen.mape, <, 0.01);
        g_assert_cmpstr(row->held.source, ==, row->unseen.source);
        g_assert_cmpint(row->held.n_times, ==, 3);
        g_assert_cmpfloat(row->held.mape, <, 0.01);
    }
    g_autofree char *folder = mpp_expect_folder(), *path = g_build_filename(folder, "unseen.csv", NULL), *csv = NULL;
    g_assert_true(mpp_leave_one_out_write(table, path, &error));
    g_assert_true(g_file_get_contents(path, &csv, NULL, &error));
    g_assert_true(g_str_has_prefix(csv, "source,timed,seen_mape,unseen_mape,"));
    g_assert_nonnull(strstr(csv, "\neven,3,"));
    mpp_expect_no_folder(folder);
}

/** Any number of threads finds the same; the profiles stay. */
static void test_leave_out_on_threads(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) runs = runs_with(0.55);
    g_autoptr(MppProfiles) profiles = mpp_profiles_load(&error);
    g_autoptr(GArray) priors = priors_of(0.8, 3);
    bool is_fraction;
    double before, after;
    g_assert_true(mpp_parameter_read(profiles, MATMUL, &before, &is_fraction));
    g_autofree char *folder = mpp_expect_folder(), *path = g_build_filename(folder, "residuals.csv", NULL), *one_text = NULL;
    g_autofree double *one_s = NULL;
    static const int threads[] = { 1, 3, 20 };
    for (size_t t = 0; t < G_N_ELEMENTS(threads); t++) {
        MppFitOptions options = { .threads = threads[t] };
        g_autoptr(GArray) residuals = mpp_residuals_new();
        g_autoptr(GArray) table = mpp_leave_one_out(priors, profiles, runs, &options, residuals, &error);
        g_autofree double *unseen_s = mpp_leave_each_out(priors, profiles, runs, &options, &error);
        g_assert_no_error(error);
        g_autofree char *text = NULL;
        g_assert_true(mpp_residuals_write(residuals, path, &error) && g_file_get_contents(path, &text, NULL, &error));
        one_text = one_text ? one_text : g_strdup(text);
        one_s = one_s ? one_s : g_memdup2(unseen_s, runs->len * sizeof(double));
        g_assert_cmpstr(text, ==, one_text);
        g_assert_cmpmem(unseen_s, runs->len * sizeof(double), one_s, runs->len * sizeof(double));
    }
    g_assert_true(mpp_parameter_read(profiles, MATMUL, &after, &is_fraction));
    g_assert_cmpfloat(after, ==, before);
    mpp_expect_no_folder(folder);
}

/** Sources of few runs are left out together: here both, beside many runs without a time, so that the fit keeps to its prior. */
static void test_few_left_out(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) timed = runs_with(0.55), untimed = runs_with(0.55), runs = g_ptr_array_new();
    for (guint i = 0; i < timed->len; i++)
        g_ptr_array_add(runs, timed->pdata[i]);
    ((MppRun *)untimed->pdata[0])->measured.step_time_s = 0;
    while (runs->len <= 3 * 200)
        g_ptr_array_add(runs, untimed->pdata[0]);
    g_autoptr(MppProfiles) profiles = mpp_profiles_load(&error);
    g_autoptr(GArray) priors = priors_of(0.8, 3);
    GArray *parameters = mpp_parameters_bind(priors, profiles, &error);
    MppFitOptions options = { 0 };
    MppFitResult result;
    g_assert_true(mpp_fit(parameters, profiles, runs, &options, &result, &error));
    g_autoptr(GArray) residuals = mpp_residuals_new();
    g_autoptr(GArray) table = mpp_leave_one_out(priors, profiles, runs, &options, residuals, &error);
    g_assert_no_error(error);
    mpp_parameters_free(parameters);
    g_assert_cmpuint(table->len, ==, 2);
    for (guint i = 0; i < 2; i++) {
        g_assert_cmpfloat(g_array_index(table, MppLeftOut, i).seen.mape, <, 0.01);
        g_assert_cmpfloat(g_array_index(table, MppLeftOut, i).unseen.mape, >, 0.2);
    }
}

/** Three digits, and what they rest on; what an earlier fit had added is replaced. */
static void test_write(void)
{
    static const char *const file = "{\"name\": \"c\", \"tiers\": [{\"name\": \"in\", \"step_s\": 1}, {\"name\": \"out\", \"step_s\": 2}],"
                                    " \"sources\": {\"out.step_s\": \"a paper; fitted to 3 published runs\"}}";
    MppPrior priors[] = { { (char *)"cluster:c/tiers/1/step_s", 1, 1 }, { (char *)"cluster:c/jitter_frac", 1, 1 } };
    g_autoptr(GPtrArray) places = g_ptr_array_new();
    double place = 0;
    g_ptr_array_add(places, &place);
    MppParameter one = { .name = priors[0].name, .prior = &priors[0], .places = places, .centre = -1, .value = 0.000123456, .n_runs = 385, .mean_error = 0.0777 };
    MppParameter two = { .name = priors[1].name, .prior = &priors[1], .places = places, .centre = -1, .value = 0.01, .n_runs = 0 };
    g_autoptr(GArray) parameters = g_array_new(FALSE, FALSE, sizeof(MppParameter));
    g_array_append_val(parameters, one);
    g_array_append_val(parameters, two);
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = mpp_expect_folder(), *inner = g_build_filename(folder, "clusters", NULL);
    g_assert_cmpint(g_mkdir(inner, 0755), ==, 0);
    g_autofree char *path = mpp_expect_file(inner, "c.json", file);
    g_assert_true(mpp_calibrate_write(parameters, "published", folder, &error));
    g_assert_no_error(error);
    g_autoptr(MppJson) json = mpp_json_load(path, &error);
    const cJSON *tier = cJSON_GetArrayItem(mpp_json_get(json->root, "tiers"), 1);
    g_assert_cmpfloat(mpp_json_get(tier, "step_s")->valuedouble, ==, 0.000123);
    g_assert_cmpfloat(mpp_json_get(json->root, "jitter_frac")->valuedouble, ==, 0.01);
    const cJSON *sources = mpp_json_get(json->root, "sources");
    g_assert_cmpstr(mpp_json_get(sources, "out.step_s")->valuestring, ==, "a paper; fitted to 385 published runs, mean error 7.8 %");
    g_assert_null(mpp_json_get(sources, "jitter_frac"));
    mpp_expect_no_folder(inner);
    mpp_expect_no_folder(folder);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fit/recovers", test_recovers);
    g_test_add_func("/fit/prior-holds", test_prior_holds);
    g_test_add_func("/fit/pool", test_pool);
    g_test_add_func("/fit/leave-one-out", test_leave_one_out);
    g_test_add_func("/fit/leave-out-on-threads", test_leave_out_on_threads);
    g_test_add_func("/fit/few-left-out", test_few_left_out);
    g_test_add_func("/fit/write", test_write);
    return g_test_run();
}
