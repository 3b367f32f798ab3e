#include "planner/calibrate/leave_one_out.h"

#include <string.h>

#include "planner/base/file.h"

/** What all fits start from. */
typedef struct {
    const GArray *priors;
    const MppProfiles *profiles;
    const GPtrArray *runs;
} Given;

/** One fit and what comes of it, filled in by whichever thread takes it. */
typedef struct {
    MppFitOptions how;
    GPtrArray *sources; /* that are left out, NULL at the end; or NULL */
    GPtrArray *judged;  /* runs predicted after it */
    GArray *predictions;
    GError *error;
} Fit;

static void clear_fit(gpointer data)
{
    Fit *fit = data;
    if (fit->sources)
        g_ptr_array_unref(fit->sources);
    g_ptr_array_unref(fit->judged);
    if (fit->predictions)
        mpp_predictions_free(fit->predictions);
    g_clear_error(&fit->error);
}

static GArray *fits_new(void)
{
    GArray *fits = g_array_new(FALSE, FALSE, sizeof(Fit));
    g_array_set_clear_func(fits, clear_fit);
    return fits;
}

/** Into profiles of its own. */
static void fit_anew(void *data, void *user)
{
    Fit *fit = data;
    const Given *given = user;
    g_autoptr(MppProfiles) profiles = mpp_profiles_copy(given->profiles);
    GArray *parameters = mpp_parameters_bind(given->priors, profiles, &fit->error);
    MppFitResult result;
    if (parameters && mpp_fit(parameters, profiles, given->runs, &fit->how, &result, &fit->error))
        fit->predictions = mpp_predictions_new(fit->judged, profiles);
    mpp_parameters_free(parameters);
}

/** Shares @threads among @fits. */
static bool fit_all(GArray *fits, Given *given, int threads, GError **error)
{
    threads = threads > 0 ? threads : (int)g_get_num_processors();
    GThreadPool *pool = g_thread_pool_new(fit_anew, given, threads, FALSE, NULL);
    for (guint i = 0; i < fits->len; i++) {
        Fit *fit = &g_array_index(fits, Fit, i);
        fit->how.threads = MAX(threads / (int)fits->len, 1);
        g_thread_pool_push(pool, fit, NULL);
    }
    g_thread_pool_free(pool, FALSE, TRUE);
    for (guint i = 0; i < fits->len; i++) {
        Fit *fit = &g_array_index(fits, Fit, i);
        if (!fit->predictions) {
            g_propagate_error(error, g_steal_pointer(&fit->error));
            return false;
        }
    }
    return true;
}

static void add_runs_of(GPtrArray *out, const GPtrArray *runs, const char *source)
{
    for (guint i = 0; i < runs->len; i++)
        if (strcmp(((const MppRun *)runs->pdata[i])->source, source) == 0)
            g_ptr_array_add(out, runs->pdata[i]);
}

/** A row for each source with timed runs, as @predictions have them. */
static GArray *seen_rows(const GArray *predictions)
{
    g_autoptr(GArray) sources = mpp_accuracy_by_source(predictions, true);
    GArray *table = g_array_new(FALSE, TRUE, sizeof(MppLeftOut));
    for (guint i = 0; i < sources->len; i++) {
        MppLeftOut row = { .seen = g_array_index(sources, MppAccuracy, i) };
        if (row.seen.n_times)
            g_array_append_val(table, row);
    }
    return table;
}

static Fit fit_without(const GPtrArray *sources, const GPtrArray *runs, const MppFitOptions *options)
{
    Fit fit = { .how = *options, .sources = g_ptr_array_new_null_terminated(sources->len, NULL, TRUE), .judged = g_ptr_array_new() };
    for (guint i = 0; i < sources->len; i++) {
        g_ptr_array_add(fit.sources, sources->pdata[i]);
        add_runs_of(fit.judged, runs, sources->pdata[i]);
    }
    fit.how.left_out = (const char *const *)fit.sources->pdata;
    return fit;
}

/** One without each source alone; one without all of those of few runs. */
static void add_sources(GArray *fits, const GArray *table, const GPtrArray *runs, const MppFitOptions *options)
{
    enum { FEW = 200 }; /* one in so many runs and fewer */
    g_autoptr(GPtrArray) few = g_ptr_array_new();
    for (guint i = 0; i < table->len; i++) {
        const MppAccuracy *seen = &g_array_index(table, MppLeftOut, i).seen;
        g_autoptr(GPtrArray) alone = g_ptr_array_new();
        bool is_few = seen->n_times * FEW < (int)runs->len;
        g_ptr_array_add(is_few ? few : alone, (char *)seen->source);
        if (is_few)
            continue;
        Fit fit = fit_without(alone, runs, options);
        g_array_append_val(fits, fit);
    }
    if (!few->len)
        return;
    Fit fit = fit_without(few, runs, options);
    g_array_append_val(fits, fit);
}

/** One without each of so many folds. */
static void add_folds(GArray *fits, int n_folds, const GPtrArray *runs, const MppFitOptions *options)
{
    for (int fold = 0; fold < n_folds; fold++) {
        Fit fit = { .how = *options, .judged = g_ptr_array_new() };
        fit.how.n_folds = n_folds;
        fit.how.fold = fold;
        for (guint i = fold; i < runs->len; i += n_folds)
            g_ptr_array_add(fit.judged, runs->pdata[i]);
        g_array_append_val(fits, fit);
    }
}

/** Sets what @predictions say of their sources. */
static void judge(GArray *table, const GArray *predictions, bool held)
{
    g_autoptr(GArray) sources = mpp_accuracy_by_source(predictions, true);
    for (guint i = 0; i < table->len; i++) {
        MppLeftOut *row = &g_array_index(table, MppLeftOut, i);
        for (guint k = 0; k < sources->len; k++) {
            MppAccuracy accuracy = g_array_index(sources, MppAccuracy, k);
            if (strcmp(accuracy.source, row->seen.source) == 0)
                *(held ? &row->held : &row->unseen) = accuracy;
        }
    }
}

/** Judges by what @fits predict, sources first, and adds to @residuals. */
static void judge_all(GArray *table, const GArray *fits, GArray *residuals)
{
    g_autoptr(GArray) held = g_array_new(FALSE, FALSE, sizeof(MppPrediction));
    for (guint i = 0; i < fits->len; i++) {
        const Fit *fit = &g_array_index(fits, Fit, i);
        mpp_residuals_add(residuals, fit->predictions, !fit->sources);
        if (fit->sources)
            judge(table, fit->predictions, false);
        else
            g_array_append_vals(held, fit->predictions->data, fit->predictions->len);
    }
    judge(table, held, true);
    mpp_residuals_set_fitted(residuals);
}

GArray *mpp_leave_one_out(const GArray *priors, const MppProfiles *profiles, const GPtrArray *runs, const MppFitOptions *options,
                          GArray *residuals, GError **error)
{
    enum { FOLDS = 5 };
    GArray *all = mpp_predictions_new(runs, profiles);
    g_autoptr(GArray) table = seen_rows(all), fits = fits_new();
    mpp_predictions_free(all);
    add_sources(fits, table, runs, options);
    add_folds(fits, FOLDS, runs, options);
    if (!fit_all(fits, &(Given){ priors, profiles, runs }, options->threads, error))
        return NULL;
    judge_all(table, fits, residuals);
    return g_steal_pointer(&table);
}

double *mpp_leave_each_out(const GArray *priors, const MppProfiles *profiles, const GPtrArray *runs, const MppFitOptions *options,
                           GError **error)
{
    g_autoptr(GArray) fits = fits_new();
    add_folds(fits, MAX((int)runs->len, 2), runs, options); /* a fold each; one run alone leaves the priors */
    if (!fit_all(fits, &(Given){ priors, profiles, runs }, options->threads, error))
        return NULL;
    double *unseen_s = g_new0(double, runs->len + 1);
    for (guint i = 0; i < runs->len; i++)
        unseen_s[i] = g_array_index(g_array_index(fits, Fit, i).predictions, MppPrediction, 0).step_time_s;
    return unseen_s;
}

static void add_regret(GString *text, const MppAccuracy *a)
{
    if (a->n_groups)
        g_string_append_printf(text, ",%.1f,%.1f", 100 * a->regret_mean, 100 * a->regret_worst);
    else
        g_string_append(text, ",,");
}

bool mpp_leave_one_out_write(const GArray *table, const char *path, GError **error)
{
    GString *text = g_string_new("source,timed,seen_mape,unseen_mape,unseen_median,unseen_bias,unseen_p90,unseen_worst,"
                                 "unseen_regret_mean,unseen_regret_worst,held_mape,held_median,held_regret_mean,held_regret_worst\n");
    for (guint i = 0; i < table->len; i++) {
        const MppLeftOut *row = &g_array_index(table, MppLeftOut, i);
        const MppAccuracy *a = &row->unseen;
        g_string_append_printf(text, "%s,%d,%.1f,%.1f,%.1f,%+.1f,%.1f,%+.1f", a->source, a->n_times, 100 * row->seen.mape,
                               100 * a->mape, 100 * a->median, 100 * a->bias, 100 * a->p90, 100 * a->worst);
        add_regret(text, a);
        g_string_append_printf(text, ",%.1f,%.1f", 100 * row->held.mape, 100 * row->held.median);
        add_regret(text, &row->held);
        g_string_append_c(text, '\n');
    }
    g_autofree char *csv = g_string_free(text, FALSE);
    return mpp_file_write(path, csv, error);
}
