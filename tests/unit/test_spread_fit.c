#include "planner/calibrate/spread_fit.h"

#include <math.h>
#include <string.h>

#include "tests/support/expect.h"

#define HEADER "source,id,job,device,runtime,techniques,host_bound,experts,held_out,measured_over_predicted\n"

/** @sources of @runs each, all of one kind; the errors of a source lie about its own middle. */
static GArray *made(int sources, int runs, double between, double within)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(2385);
    GString *text = g_string_new(HEADER);
    for (int s = 0; s < sources; s++) {
        double middle = between * (g_rand_double(random) + g_rand_double(random) - 1);
        for (int i = 0; i < runs; i++)
            g_string_append_printf(text, "source-%d,%d,job-%d,h100,nanotron,tp+sp,0,0,source,%.9g\n", s, i, i / 3,
                                   exp(middle + within * (g_rand_double(random) + g_rand_double(random) - 1)));
    }
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = mpp_expect_folder(), *path = mpp_expect_file(folder, "residuals.csv", text->str);
    GArray *residuals = mpp_residuals_load(path, &error);
    g_assert_no_error(error);
    mpp_expect_no_folder(folder);
    g_string_free(text, TRUE);
    return residuals;
}

/** Where sources differ, plain quantiles of the others hold too few of the next: the tails are made smaller. */
static void test_coverage(void)
{
    g_autoptr(GArray) alike = made(12, 40, 0, 0.2), apart = made(12, 40, 0.4, 0.2);
    g_autoptr(MppSpreads) plain = mpp_spread_fit(alike), wide = mpp_spread_fit(apart);
    g_assert_cmpfloat(plain->coverage_frac, >=, 0.8);
    g_assert_cmpfloat(wide->coverage_frac, >=, 0.8);
    g_assert_cmpfloat(wide->coverage_frac, <, 0.86);
    g_assert_cmpfloat(wide->tail_frac, <, plain->tail_frac);
    const MppSpread *spread = &g_array_index(wide->spreads, MppSpread, 0);
    g_assert_cmpfloat(spread->p10_frac, <, spread->p50_frac);
    g_assert_cmpfloat(spread->p50_frac, <, spread->p90_frac);
    g_assert_cmpuint(wide->devices->len, ==, 1);
    g_assert_cmpstr(wide->runtimes->pdata[0], ==, "nanotron");
}

/** Runs that were held out alone count for their source's interval, not for those of strangers. */
static void test_sources(void)
{
    enum { RUNS = 200 };
    g_autoptr(GArray) residuals = made(12, 40, 0.4, 0.2);
    g_autoptr(MppSpreads) before = mpp_spread_fit(residuals);
    for (int i = 0; i < RUNS + 5; i++) {
        bool few = i >= RUNS;
        MppResidual one = { .source = g_strdup(few ? "few" : "known"), .id = g_strdup("run"), .device = g_strdup("h100"), .runtime = g_strdup("nanotron"),
                            .job = g_strdup("job"), .run_held = true, .log_ratio = (i + 0.5) / RUNS };
        g_array_append_val(residuals, one);
    }
    g_autoptr(MppSpreads) after = mpp_spread_fit(residuals);
    g_assert_cmpfloat(after->coverage_frac, ==, before->coverage_frac);
    g_assert_cmpfloat(after->tail_frac, ==, before->tail_frac);
    g_assert_cmpfloat(after->pair_frac, ==, before->pair_frac);
    g_assert_null(mpp_spreads_find_source(after, "few"));
    g_assert_null(mpp_spreads_find_source(after, "source-1"));
    const MppSourceSpread *known = mpp_spreads_find_source(after, "known");
    g_assert_cmpint(known->runs, ==, RUNS);
    g_assert_cmpfloat_with_epsilon(known->p10_frac, exp(0.1), 0.02);
    g_assert_cmpfloat_with_epsilon(known->p90_frac, exp(0.9), 0.03);
    g_assert_cmpfloat_with_epsilon(after->run_coverage_frac, 0.8, 0.03);
}

/** What too few runs of too few sources do is not fitted, though their stack is. */
static void test_techniques(void)
{
    g_autoptr(GArray) residuals = made(4, 10, 0.4, 0.2);
    g_assert_cmpuint(mpp_residuals_techniques(residuals, NULL), ==, 1 << MPP_TECHNIQUE_TP | 1 << MPP_TECHNIQUE_SP);
    g_assert_cmpuint(mpp_residuals_techniques(residuals, "source-3"), ==, 1 << MPP_TECHNIQUE_TP | 1 << MPP_TECHNIQUE_SP);
    MppResidual *odd = &g_array_index(residuals, MppResidual, 0);
    odd->techniques |= 1 << MPP_TECHNIQUE_OPTIMIZER_OFFLOAD;
    mpp_residuals_set_fitted(residuals);
    g_assert_false(odd[0].basis.stack_fitted);
    g_assert_true(odd[1].basis.stack_fitted);

    g_autoptr(MppSpreads) spreads = mpp_spread_fit(residuals);
    MppRuntime runtime = { .name = (char *)"nanotron" };
    MppJob job = { .runtime = &runtime };
    MppStrategy strategy = mpp_strategy_single();
    strategy.tp = 2;
    g_assert_cmpuint(mpp_spreads_unfitted_in(spreads, &job, &strategy), ==, 0);
    strategy.offload = MPP_OFFLOAD_OPTIMIZER;
    g_assert_cmpuint(mpp_spreads_unfitted_in(spreads, &job, &strategy), ==, 1 << MPP_TECHNIQUE_OPTIMIZER_OFFLOAD);
    runtime.name = (char *)"torchtitan";
    g_assert_cmpuint(mpp_spreads_unfitted_in(spreads, &job, &strategy), ==, 0);

    g_autoptr(GArray) few = made(2, 30, 0.4, 0.2), short_of_runs = made(3, 6, 0.4, 0.2);
    g_assert_cmpuint(mpp_residuals_techniques(few, NULL), ==, 0);
    g_assert_cmpuint(mpp_residuals_techniques(short_of_runs, NULL), ==, 0);
}

/** A device or stack is fitted where another source has it; what is written is read again. */
static void test_file(void)
{
    static const char *const text = HEADER "a,1,x,h100,nanotron,,1,0,source,1.25\na,2,x,a100,nanotron,tp+full recompute,0,1,source,0.5\nb,1,y,h100,torchtitan,,0,0,run,2.385\n";
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = mpp_expect_folder(), *path = mpp_expect_file(folder, "residuals.csv", text), *again = NULL;
    g_autoptr(GArray) residuals = mpp_residuals_load(path, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(residuals->len, ==, 3);
    const MppResidual *all = &g_array_index(residuals, MppResidual, 0);
    g_assert_true(all[0].basis.device_fitted && !all[0].basis.stack_fitted && all[0].basis.host_bound && !all[0].basis.experts);
    g_assert_true(!all[1].basis.device_fitted && all[1].basis.experts);
    g_assert_true(!all[0].run_held && all[2].run_held);
    g_assert_cmpfloat_with_epsilon(all[2].log_ratio, log(2.385), 1e-12);
    g_assert_true(mpp_residuals_write(residuals, path, &error));
    g_assert_true(g_file_get_contents(path, &again, NULL, &error));
    g_assert_cmpstr(again, ==, text);
    mpp_expect_no_folder(folder);
}

/** A source's own number counts, not that of a run held out alone, nor of another with the same name; runs that were not there stay. */
static void test_blind(void)
{
    static const char *const text = HEADER "a,1,x,h100,nanotron,,0,0,source,1.25\na,2,x,h100,nanotron,,0,0,source,0.5\n"
                                           "a,1,x,h100,nanotron,,0,0,run,1.1\nb,1,x,h100,nanotron,,0,0,source,1.3\n",
                       *const head = "source,id,measured_s,predicted_s,p10_s,p90_s\n";
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = mpp_expect_folder(), *path = mpp_expect_file(folder, "residuals.csv", text),
                    *lines = g_strconcat(head, "a,1,3,1.5,1,2\na,2,,1.5,1,2\nc,1,,,,,skipped\n", NULL),
                    *blind = mpp_expect_file(folder, "blind.csv", lines), *wrong = g_strconcat(head, "a,1,3,0,1,2\n", NULL);
    g_autoptr(GArray) residuals = mpp_residuals_load(path, &error);
    g_assert_true(mpp_residuals_take_blind(residuals, blind, &error));
    static const double ratios[] = { 2, 0.5, 1.1, 1.3 };
    for (guint i = 0; i < residuals->len; i++)
        g_assert_cmpfloat_with_epsilon(exp(g_array_index(residuals, MppResidual, i).log_ratio), ratios[i], 1e-9);

    g_autofree char *other = mpp_expect_file(folder, "wrong.csv", wrong);
    g_assert_false(mpp_residuals_take_blind(residuals, other, &error));
    g_assert_nonnull(strstr(error->message, "wrong.csv:2:1: expected a line of source,id,"));
    g_clear_error(&error);
    g_assert_false(mpp_residuals_take_blind(residuals, path, &error));
    g_assert_nonnull(strstr(error->message, "residuals.csv:1:1: expected source,id,measured_s,"));
    mpp_expect_no_folder(folder);
}

static void test_errors(void)
{
    static const struct {
        const char *text, *message;
    } rows[] = {
        { "source\n", "residuals.csv:1:1: expected " },
        { HEADER "a,1,x,h100,nanotron,,1,0,run\n", "residuals.csv:2:1: expected a line of source,id,job," },
        { HEADER "a,1,x,h100,nanotron,,1,0,run,1.5\na,2,x,h100,nanotron,,1,0,run,-1.5\n", "residuals.csv:3:1: expected a line of " },
        { HEADER "a,1,x,h100,nanotron,,1,0,run,1.5s\n", "residuals.csv:2:1: expected a line of " },
        { HEADER "a,1,x,h100,nanotron,tq,1,0,run,1.5\n", "residuals.csv:2:1: expected a line of " },
        { HEADER "a,1,x,h100,nanotron,,1,0,all,1.5\n", "residuals.csv:2:1: expected a line of " },
    };
    g_autofree char *folder = mpp_expect_folder();
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *path = mpp_expect_file(folder, "residuals.csv", rows[i].text);
        g_assert_null(mpp_residuals_load(path, &error));
        g_assert_error(error, MPP_ERROR, MPP_ERROR_SYNTAX);
        g_assert_nonnull(strstr(error->message, rows[i].message));
    }
    mpp_expect_no_folder(folder);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/spread-fit/coverage", test_coverage);
    g_test_add_func("/spread-fit/sources", test_sources);
    g_test_add_func("/spread-fit/techniques", test_techniques);
    g_test_add_func("/spread-fit/file", test_file);
    g_test_add_func("/spread-fit/errors", test_errors);
    g_test_add_func("/spread-fit/blind", test_blind);
    return g_test_run();
}
