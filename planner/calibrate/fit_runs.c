#include "planner/calibrate/fit_runs.h"

#include <math.h>
#include <string.h>

#include "planner/calibrate/assume.h"
#include "planner/cost/estimate.h"

static MppParameter *parameter_at(const MppFitRuns *fit, guint i)
{
    return &g_array_index(fit->parameters, MppParameter, i);
}

static const MppFitRun *run_at(const MppFitRuns *fit, guint i)
{
    return &g_array_index(fit->runs, MppFitRun, i);
}

static double predict_s(const MppFitRuns *fit, guint i)
{
    const MppRunJob *job = run_at(fit, i)->job;
    return mpp_estimate_time_s(&job->job, &job->strategy);
}

/** A range of runs for one thread. */
typedef struct {
    const MppFitRuns *fit;
    guint first, last;
    int parameter; /* only the runs it moves; -1: all */
    double *out;
} Slice;

static void *predict_slice(void *data)
{
    Slice *slice = data;
    guint n = slice->fit->runs->len;
    for (guint i = slice->first; i < slice->last; i++)
        if (slice->parameter < 0 || slice->fit->moves[slice->parameter * n + i])
            slice->out[i] = predict_s(slice->fit, i);
    return NULL;
}

void mpp_fit_runs_predict(const MppFitRuns *fit, int parameter, double *out)
{
    int threads = fit->threads;
    guint n = fit->runs->len;
    g_autofree Slice *slices = g_new(Slice, threads);
    g_autofree GThread **workers = g_new(GThread *, threads);
    for (int t = 0; t < threads; t++) {
        slices[t] = (Slice){ fit, n * t / threads, n * (t + 1) / threads, parameter, out };
        workers[t] = g_thread_new("fit", predict_slice, &slices[t]);
    }
    for (int t = 0; t < threads; t++)
        g_thread_join(workers[t]);
}

double mpp_fit_runs_error(const MppFitRuns *fit, guint i)
{
    return log(fit->predicted_s[i] / run_at(fit, i)->measured_s);
}

static bool is_fitted(const MppRun *run, guint index, const MppFitOptions *options)
{
    bool left_out = options->left_out && g_strv_contains(options->left_out, run->source);
    bool held_back = options->n_folds > 1 && (int)(index % options->n_folds) == options->fold;
    return run->measured.step_time_s > 0 && !run->measured.anomaly && !left_out && !held_back;
}

/** Each source counts as the square root of its number of runs, unless all runs count @alike. */
static void set_weights(MppFitRuns *fit, bool alike)
{
    g_autoptr(GHashTable) counts = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < fit->runs->len; i++) {
        gpointer key = run_at(fit, i)->run->source;
        g_hash_table_insert(counts, key, GINT_TO_POINTER(GPOINTER_TO_INT(g_hash_table_lookup(counts, key)) + 1));
    }
    for (guint i = 0; i < fit->runs->len; i++) {
        int count = GPOINTER_TO_INT(g_hash_table_lookup(counts, run_at(fit, i)->run->source));
        g_array_index(fit->runs, MppFitRun, i).weight = alike ? 1 : pow(count, -0.25);
    }
}

static void collect_runs(MppFitRuns *fit, const MppProfiles *profiles, const GPtrArray *runs, const MppFitOptions *options)
{
    for (guint i = 0; i < runs->len; i++) {
        g_autofree char *skipped = NULL;
        if (!is_fitted(runs->pdata[i], i, options))
            continue;
        MppRunJob *job = mpp_run_job_new(runs->pdata[i], profiles, &skipped);
        if (!job)
            continue;
        mpp_assume(runs->pdata[i], job);
        MppFitRun run = { runs->pdata[i], ((MppRun *)runs->pdata[i])->measured.step_time_s, 1, job };
        g_array_append_val(fit->runs, run);
    }
}

static void find_bearings(MppFitRuns *fit)
{
    guint n = fit->runs->len;
    fit->n_places = g_new(guint, fit->parameters->len + 1);
    fit->bears = g_new0(bool, fit->parameters->len * n + 1);
    fit->moves = g_new0(bool, fit->parameters->len * n + 1);
    for (guint k = 0; k < fit->parameters->len; k++) {
        MppParameter *parameter = parameter_at(fit, k);
        fit->n_places[k] = parameter->places->len;
        for (guint i = 0; i < n; i++)
            fit->bears[k * n + i] = mpp_parameter_add_job(parameter, run_at(fit, i)->job);
    }
}

double mpp_fit_runs_mean_error(const MppFitRuns *fit)
{
    double sum = 0;
    for (guint i = 0; i < fit->runs->len; i++)
        sum += fabs(fit->predicted_s[i] / run_at(fit, i)->measured_s - 1);
    return fit->runs->len ? sum / fit->runs->len : 0;
}

void mpp_fit_runs_set_evidence(MppFitRuns *fit)
{
    guint n = fit->runs->len;
    for (guint k = 0; k < fit->parameters->len; k++) {
        MppParameter *parameter = parameter_at(fit, k);
        double sum = 0;
        parameter->n_runs = 0;
        for (guint i = 0; i < n; i++) {
            parameter->n_runs += fit->moves[k * n + i];
            sum += fit->moves[k * n + i] ? fabs(fit->predicted_s[i] / run_at(fit, i)->measured_s - 1) : 0;
        }
        parameter->mean_error = parameter->n_runs ? sum / parameter->n_runs : 0;
        if (parameter->centre >= 0)
            parameter_at(fit, parameter->centre)->n_runs += parameter->n_runs;
    }
}

void mpp_fit_runs_look_again(MppFitRuns *fit)
{
    memcpy(fit->moves, fit->bears, fit->parameters->len * fit->runs->len * sizeof(bool));
}

void mpp_fit_runs_init(MppFitRuns *fit, GArray *parameters, const MppProfiles *profiles, const GPtrArray *runs,
                       const MppFitOptions *options)
{
    *fit = (MppFitRuns){ .parameters = parameters, .runs = g_array_new(FALSE, FALSE, sizeof(MppFitRun)) };
    fit->threads = options->threads > 0 ? options->threads : (int)g_get_num_processors();
    collect_runs(fit, profiles, runs, options);
    set_weights(fit, options->own_scale);
    find_bearings(fit);
    fit->predicted_s = g_new0(double, fit->runs->len + 1);
}

void mpp_fit_runs_clear(MppFitRuns *fit)
{
    for (guint k = 0; k < fit->parameters->len; k++) /* the places in the jobs came last */
        g_ptr_array_set_size(parameter_at(fit, k)->places, fit->n_places[k]);
    g_free(fit->n_places);
    for (guint i = 0; i < fit->runs->len; i++)
        mpp_run_job_free(run_at(fit, i)->job);
    g_array_unref(fit->runs);
    g_free(fit->predicted_s);
    g_free(fit->bears);
    g_free(fit->moves);
}
