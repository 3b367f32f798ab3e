#include "planner/calibrate/leave_one_out.h"

#include <string.h>

static bool fit_without(const char *left_out, GArray *parameters, const MppProfiles *profiles, const GPtrArray *runs,
                        const MppFitOptions *options, GError **error)
{
    MppFitOptions how = *options;
    how.left_out = left_out;
    MppFitResult result;
    return mpp_fit(parameters, profiles, runs, &how, &result, error);
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
    mpp_residuals_add(residuals, predictions);
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

GArray *mpp_leave_one_out(GArray *parameters, const MppProfiles *profiles, const GPtrArray *runs, const MppFitOptions *options,
                          GArray *residuals, GError **error)
{
    g_autofree double *fitted = g_new(double, parameters->len + 1);
    for (guint k = 0; k < parameters->len; k++)
        fitted[k] = g_array_index(parameters, MppParameter, k).value;
    GArray *all = mpp_predictions_new(runs, profiles);
    g_autoptr(GArray) table = seen_rows(all);
    bool done = true;
    for (guint i = 0; done && i < table->len; i++) {
        MppLeftOut *row = &g_array_index(table, MppLeftOut, i);
        done = fit_without(row->seen.source, parameters, profiles, runs, options, error);
        row->unseen = done ? judge(runs, row->seen.source, profiles, residuals) : row->seen;
    }
    mpp_predictions_free(all);
    mpp_residuals_set_fitted(residuals);
    for (guint k = 0; k < parameters->len; k++)
        mpp_parameter_set(&g_array_index(parameters, MppParameter, k), fitted[k]);
    return done ? g_steal_pointer(&table) : NULL;
}

bool mpp_leave_one_out_write(const GArray *table, const char *path, GError **error)
{
    GString *text = g_string_new("source,timed,seen_mape,unseen_mape,unseen_median,unseen_bias,unseen_p90,unseen_worst,"
                                 "unseen_regret_mean,unseen_regret_worst\n");
    for (guint i = 0; i < table->len; i++) {
        const MppLeftOut *row = &g_array_index(table, MppLeftOut, i);
        const MppAccuracy *a = &row->unseen;
        g_string_append_printf(text, "%s,%d,%.1f,%.1f,%.1f,%+.1f,%.1f,%+.1f", a->source, a->n_times, 100 * row->seen.mape,
                               100 * a->mape, 100 * a->median, 100 * a->bias, 100 * a->p90, 100 * a->worst);
        if (a->n_groups)
            g_string_append_printf(text, ",%.1f,%.1f\n", 100 * a->regret_mean, 100 * a->regret_worst);
        else
            g_string_append(text, ",,\n");
    }
    g_autofree char *csv = g_string_free(text, FALSE);
    return g_file_set_contents(path, csv, -1, error);
}
