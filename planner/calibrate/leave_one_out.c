#include "planner/calibrate/leave_one_out.h"

#include <string.h>

#include "planner/base/file.h"

static bool fit_anew(GArray *parameters, const MppProfiles *profiles, const GPtrArray *runs, const MppFitOptions *how, GError **error)
{
    MppFitResult result;
    return mpp_fit(parameters, profiles, runs, how, &result, error);
}

static double *values_of(const GArray *parameters)
{
    double *values = g_new(double, parameters->len + 1);
    for (guint k = 0; k < parameters->len; k++)
        values[k] = g_array_index(parameters, MppParameter, k).value;
    return values;
}

static void set_values(GArray *parameters, const double *values)
{
    for (guint k = 0; k < parameters->len; k++)
        mpp_parameter_set(&g_array_index(parameters, MppParameter, k), values[k]);
}

static GPtrArray *runs_of(const GPtrArray *runs, const char *source)
{
    GPtrArray *out = g_ptr_array_new();
    for (guint i = 0; i < runs->len; i++)
        if (strcmp(((const MppRun *)runs->pdata[i])->source, source) == 0)
            g_ptr_array_add(out, runs->pdata[i]);
    return out;
}

/** Judges the runs of @source, which were not fitted. */
static MppAccuracy judge(const GPtrArray *runs, const char *source, const MppProfiles *profiles, GArray *residuals)
{
    g_autoptr(GPtrArray) own = runs_of(runs, source);
    GArray *predictions = mpp_predictions_new(own, profiles);
    MppAccuracy accuracy = mpp_accuracy_overall(predictions, true);
    mpp_residuals_add(residuals, predictions, false);
    mpp_predictions_free(predictions);
    accuracy.source = source;
    return accuracy;
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

/** Predicts each run after a fit without its fold; sources in the order of @runs' folds. */
static GArray *predict_held(GArray *parameters, const MppProfiles *profiles, const GPtrArray *runs, const MppFitOptions *options,
                            GError **error)
{
    enum { FOLDS = 5 };
    GArray *held = g_array_new(FALSE, FALSE, sizeof(MppPrediction));
    MppFitOptions how = *options;
    how.n_folds = FOLDS;
    for (how.fold = 0; how.fold < FOLDS; how.fold++) {
        if (!fit_anew(parameters, profiles, runs, &how, error)) {
            mpp_predictions_free(held);
            return NULL;
        }
        g_autoptr(GPtrArray) own = g_ptr_array_new();
        for (guint i = how.fold; i < runs->len; i += FOLDS)
            g_ptr_array_add(own, runs->pdata[i]);
        GArray *predictions = mpp_predictions_new(own, profiles);
        g_array_append_vals(held, predictions->data, predictions->len);
        g_array_free(predictions, TRUE); /* what they own is in @held */
    }
    return held;
}

/** Judges the runs of each source by what they were @held to be. */
static void judge_held(GArray *table, const GArray *held, GArray *residuals)
{
    g_autoptr(GArray) sources = mpp_accuracy_by_source(held, true);
    for (guint i = 0; i < table->len; i++) {
        MppLeftOut *row = &g_array_index(table, MppLeftOut, i);
        for (guint k = 0; k < sources->len; k++)
            if (strcmp(g_array_index(sources, MppAccuracy, k).source, row->seen.source) == 0)
                row->held = g_array_index(sources, MppAccuracy, k);
    }
    mpp_residuals_add(residuals, held, true);
}

/** Fits without the sources of the rows in @group and judges these. */
static bool judge_without(const GPtrArray *group, GArray *parameters, const MppProfiles *profiles, const GPtrArray *runs,
                          const MppFitOptions *options, GArray *residuals, GError **error)
{
    g_autoptr(GPtrArray) sources = g_ptr_array_new_null_terminated(group->len, NULL, TRUE);
    for (guint i = 0; i < group->len; i++)
        g_ptr_array_add(sources, (char *)((const MppLeftOut *)group->pdata[i])->seen.source);
    MppFitOptions how = *options;
    how.left_out = (const char *const *)sources->pdata;
    if (group->len && !fit_anew(parameters, profiles, runs, &how, error))
        return false;
    for (guint i = 0; i < group->len; i++) {
        MppLeftOut *row = group->pdata[i];
        row->unseen = judge(runs, row->seen.source, profiles, residuals);
    }
    return true;
}

/** Each source alone; those of few runs together, after one fit without all of them. */
static bool judge_unseen(GArray *table, GArray *parameters, const MppProfiles *profiles, const GPtrArray *runs,
                         const MppFitOptions *options, GArray *residuals, GError **error)
{
    enum { FEW = 200 }; /* one in so many runs and fewer */
    g_autoptr(GPtrArray) few = g_ptr_array_new();
    bool done = true;
    for (guint i = 0; done && i < table->len; i++) {
        MppLeftOut *row = &g_array_index(table, MppLeftOut, i);
        g_autoptr(GPtrArray) alone = g_ptr_array_new();
        g_ptr_array_add(row->seen.n_times * FEW < (int)runs->len ? few : alone, row);
        done = judge_without(alone, parameters, profiles, runs, options, residuals, error);
    }
    return done && judge_without(few, parameters, profiles, runs, options, residuals, error);
}

GArray *mpp_leave_one_out(GArray *parameters, const MppProfiles *profiles, const GPtrArray *runs, const MppFitOptions *options,
                          GArray *residuals, GError **error)
{
    g_autofree double *fitted = values_of(parameters);
    GArray *all = mpp_predictions_new(runs, profiles);
    g_autoptr(GArray) table = seen_rows(all);
    bool done = judge_unseen(table, parameters, profiles, runs, options, residuals, error);
    GArray *held = done ? predict_held(parameters, profiles, runs, options, error) : NULL;
    done = held != NULL;
    if (done) {
        judge_held(table, held, residuals);
        mpp_predictions_free(held);
    }
    mpp_predictions_free(all);
    mpp_residuals_set_fitted(residuals);
    set_values(parameters, fitted);
    return done ? g_steal_pointer(&table) : NULL;
}

static double predicted_s(MppRun *run, const MppProfiles *profiles)
{
    g_autoptr(GPtrArray) one = g_ptr_array_new();
    g_ptr_array_add(one, run);
    GArray *predictions = mpp_predictions_new(one, profiles);
    double step_s = g_array_index(predictions, MppPrediction, 0).step_time_s;
    mpp_predictions_free(predictions);
    return step_s;
}

double *mpp_leave_each_out(GArray *parameters, const MppProfiles *profiles, const GPtrArray *runs, const MppFitOptions *options,
                           GError **error)
{
    g_autofree double *fitted = values_of(parameters), *unseen_s = g_new0(double, runs->len + 1);
    g_autofree MppParameter *known = g_memdup2(parameters->data, parameters->len * sizeof(MppParameter));
    bool done = true;
    for (guint i = 0; done && i < runs->len; i++) {
        MppFitOptions how = *options;
        how.n_folds = MAX((int)runs->len, 2); /* a fold each; one run alone leaves the priors */
        how.fold = (int)i;
        done = fit_anew(parameters, profiles, runs, &how, error);
        unseen_s[i] = done ? predicted_s(runs->pdata[i], profiles) : 0;
    }
    memcpy(parameters->data, known, parameters->len * sizeof(MppParameter));
    set_values(parameters, fitted);
    return done ? g_steal_pointer(&unseen_s) : NULL;
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
