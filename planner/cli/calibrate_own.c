#include "planner/cli/calibrate_own.h"

#include <math.h>
#include <stdio.h>

#include "planner/base/units.h"
#include "planner/calibrate/leave_one_out.h"
#include "planner/calibrate/own_priors.h"
#include "planner/calibrate/write.h"
#include "planner/cli/terminal.h"

/** A fit's state, before and after. */
typedef struct {
    const GPtrArray *runs;
    MppProfiles *own;
    GArray *priors, *parameters;
    GArray *before, *after; /* MppPrediction */
    double *unseen_s;
} OwnFit;

static void own_fit_clear(OwnFit *fit)
{
    if (fit->before)
        mpp_predictions_free(fit->before);
    if (fit->after)
        mpp_predictions_free(fit->after);
    mpp_parameters_free(fit->parameters);
    mpp_priors_free(fit->priors);
    mpp_profiles_free(fit->own);
    g_free(fit->unseen_s);
}

static bool predicts_any(const GArray *predictions, GError **error)
{
    const char *reason = "there is none";
    for (guint i = 0; i < predictions->len; i++) {
        const MppPrediction *one = &g_array_index(predictions, MppPrediction, i);
        if (!one->skipped && one->run->measured.step_time_s > 0)
            return true;
        reason = one->skipped ? one->skipped : "it states no step time";
    }
    return mpp_error_set(error, MPP_ERROR_INVALID, "no run can be fitted: %s", reason);
}

static bool fit_own(OwnFit *fit, const MppFitOptions *how, GError **error)
{
    fit->priors = mpp_own_priors_new(fit->own);
    fit->before = mpp_predictions_new(fit->runs, fit->own);
    fit->parameters = predicts_any(fit->before, error) ? mpp_parameters_bind(fit->priors, fit->own, error) : NULL;
    MppFitResult result;
    if (!fit->parameters || !mpp_fit(fit->parameters, fit->own, fit->runs, how, &result, error))
        return false;
    fit->after = mpp_predictions_new(fit->runs, fit->own);
    fit->unseen_s = mpp_leave_each_out(fit->priors, fit->own, fit->runs, how, error);
    return fit->unseen_s != NULL;
}

/** Adds an error's cell and its size to @sum. */
static void add_error(MppTable *table, double predicted_s, double measured_s, double *sum)
{
    double error = predicted_s / measured_s - 1;
    mpp_table_add(table, "%+.1f %%", 100 * error);
    *sum += fabs(error);
}

static void print_runs(const OwnFit *fit)
{
    g_autoptr(MppTable) table = mpp_table_new("run|measured >|spread >|profile >|fitted >|left out >");
    double before = 0, after = 0, unseen = 0;
    int n = 0;
    for (guint i = 0; i < fit->runs->len; i++) {
        const MppRun *run = fit->runs->pdata[i];
        const MppPrediction *first = &g_array_index(fit->before, MppPrediction, i);
        double measured_s = run->measured.step_time_s;
        if (first->skipped || !(measured_s > 0))
            continue;
        const cJSON *spread = mpp_run_get(run, "measured", "spread_frac");
        g_autofree char *measured = mpp_units_seconds(measured_s);
        mpp_table_add(table, "%s", run->id);
        mpp_table_add(table, "%s", measured);
        mpp_table_add(table, cJSON_IsNumber(spread) ? "±%.1f %%" : "", cJSON_IsNumber(spread) ? 100 * spread->valuedouble : 0);
        add_error(table, first->step_time_s, measured_s, &before);
        add_error(table, g_array_index(fit->after, MppPrediction, i).step_time_s, measured_s, &after);
        add_error(table, fit->unseen_s[i], measured_s, &unseen);
        n++;
    }
    mpp_table_print(table);
    printf("\n%d runs, mean error %.1f %% with the profiles as they were, %.1f %% fitted, %.1f %% on a run left out of the fit\n\n", n,
           100 * before / n, 100 * after / n, 100 * unseen / n);
}

static void print_skipped(const OwnFit *fit)
{
    for (guint i = 0; i < fit->before->len; i++) {
        const MppPrediction *one = &g_array_index(fit->before, MppPrediction, i);
        if (one->skipped)
            printf("not fitted: %s: %s\n", one->run->id, one->skipped);
    }
}

static void print_parameters(const OwnFit *fit)
{
    g_autoptr(MppTable) table = mpp_table_new("number|profile >|fitted >|known to >");
    g_autoptr(GPtrArray) unknown = g_ptr_array_new();
    for (guint i = 0; i < fit->parameters->len; i++) {
        const MppParameter *one = &g_array_index(fit->parameters, MppParameter, i);
        if (!mpp_parameter_is_determined(one)) {
            g_ptr_array_add(unknown, one->prior->name);
            continue;
        }
        mpp_table_add(table, "%s", one->prior->name);
        mpp_table_add(table, "%.4g", one->prior->prior);
        mpp_table_add(table, "%.4g", one->value);
        mpp_table_add(table, "±%.0f %%", 100 * one->deviation);
    }
    mpp_table_print(table);
    if (!unknown->len)
        return;
    g_ptr_array_add(unknown, NULL);
    puts("");
    mpp_terminal_flow("these runs do not tell  ", ", ", (const char *const *)unknown->pdata);
}

static void print_next(const MppProfiles *own, const char *folder)
{
    puts("");
    for (guint i = 0; i < own->clusters->len; i++)
        for (guint k = 0; k < own->runtimes->len; k++)
            printf("next  mpplan plan --cluster %s/clusters/%s.json --runtime %s/runtimes/%s.json …\n", folder,
                   ((const MppCluster *)own->clusters->pdata[i])->name, folder, ((const MppRuntime *)own->runtimes->pdata[k])->name);
}

bool mpp_calibrate_own(const MppRunArguments *given, const MppFitOptions *how, const char *folder, GError **error)
{
    const double scale = 0.03; /* of the loss: steps of one stack on one machine repeat and compare this well */
    MppFitOptions closer = *how;
    closer.scale = scale;
    closer.own_scale = true;
    OwnFit fit = { .runs = given->runs, .own = mpp_own_profiles_new(given->runs, given->profiles) };
    bool done = fit_own(&fit, &closer, error);
    if (done) {
        print_runs(&fit);
        print_skipped(&fit);
        print_parameters(&fit);
    }
    if (done && folder) {
        done = mpp_calibrate_create(fit.own, folder, error) && mpp_calibrate_write(fit.parameters, "own", folder, error);
        if (done)
            print_next(fit.own, folder);
    }
    own_fit_clear(&fit);
    return done;
}
