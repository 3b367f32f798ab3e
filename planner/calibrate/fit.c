#include "planner/calibrate/fit.h"

#include <gsl/gsl_blas.h>
#include <gsl/gsl_multifit_nlinear.h>
#include <math.h>
#include <string.h>

#include "planner/calibrate/assume.h"
#include "planner/cost/estimate.h"

static const double default_scale = 0.1;
enum { DEFAULT_ROUNDS = 6, ITERATIONS = 4 };

typedef struct {
    const MppRun *run;
    double measured_s;
    double weight;       /* of its source */
    MppRunJob *job;      /* with its own copies of the profiles' numbers, which the parameters set too */
} FittedRun;

typedef struct {
    GArray *parameters;
    const MppProfiles *profiles;
    const MppFitOptions *options;
    GArray *runs;        /* FittedRun */
    double *predicted_s; /* at the last scores */
    double *reweight;    /* square root of the Cauchy weight */
    guint *n_places;     /* of each parameter, without those in the jobs */
    bool *bears;         /* parameters by runs: whether the run's profiles have the parameter */
    bool *moves;         /* whether it changed the run at the last look, one a round: most do not */
    bool look;
} Fit;

static MppParameter *parameter_at(const Fit *fit, guint i)
{
    return &g_array_index(fit->parameters, MppParameter, i);
}

static const FittedRun *run_at(const Fit *fit, guint i)
{
    return &g_array_index(fit->runs, FittedRun, i);
}

static double predict_s(const Fit *fit, guint i)
{
    const MppRunJob *job = run_at(fit, i)->job;
    return mpp_estimate_time_s(&job->job, &job->strategy);
}

/** A range of runs for one thread. */
typedef struct {
    const Fit *fit;
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

static void predict_all(const Fit *fit, int parameter, double *out)
{
    int threads = fit->options->threads > 0 ? fit->options->threads : (int)g_get_num_processors();
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

static double error_of(const Fit *fit, guint i, double predicted_s)
{
    return log(predicted_s / run_at(fit, i)->measured_s);
}

/** Residuals: one a run, one a parameter. */
static int residuals(const gsl_vector *scores, void *data, gsl_vector *out)
{
    Fit *fit = data;
    guint n = fit->runs->len;
    mpp_parameters_set_scores(fit->parameters, gsl_vector_const_ptr(scores, 0));
    predict_all(fit, -1, fit->predicted_s);
    for (guint i = 0; i < n; i++)
        gsl_vector_set(out, i, run_at(fit, i)->weight * fit->reweight[i] * error_of(fit, i, fit->predicted_s[i]));
    for (guint k = 0; k < fit->parameters->len; k++)
        gsl_vector_set(out, n + k, gsl_vector_get(scores, k));
    return GSL_SUCCESS;
}

/** A parameter's centre moves the runs as it does itself, in proportion to the spreads. */
static void set_derivatives(const Fit *fit, guint k, const double *moved_s, double step, gsl_matrix *out)
{
    const MppParameter *parameter = parameter_at(fit, k);
    guint n = fit->runs->len;
    for (guint i = 0; i < n; i++) {
        bool *moves = &fit->moves[k * n + i];
        *moves = *moves && !(fit->look && moved_s[i] == fit->predicted_s[i]);
        if (!*moves)
            continue;
        double slope = run_at(fit, i)->weight * fit->reweight[i] * log(moved_s[i] / fit->predicted_s[i]) / step;
        gsl_matrix_set(out, i, k, slope);
        if (parameter->centre >= 0)
            *gsl_matrix_ptr(out, i, parameter->centre) += slope * parameter_at(fit, parameter->centre)->spread / parameter->spread;
    }
}

/** Forward differences, each parameter over the runs it moves. */
static int jacobian(const gsl_vector *scores, void *data, gsl_matrix *out)
{
    const double step = 1e-3;
    Fit *fit = data;
    guint n = fit->runs->len;
    gsl_matrix_set_zero(out);
    mpp_parameters_set_scores(fit->parameters, gsl_vector_const_ptr(scores, 0));
    predict_all(fit, -1, fit->predicted_s);
    g_autofree double *moved_s = g_new(double, n);
    for (guint k = 0; k < fit->parameters->len; k++) {
        MppParameter *parameter = parameter_at(fit, k);
        double value = parameter->value;
        mpp_parameter_set(parameter, mpp_parameter_from_score(parameter, gsl_vector_get(scores, k) + step));
        predict_all(fit, (int)k, moved_s);
        mpp_parameter_set(parameter, value);
        set_derivatives(fit, k, moved_s, step, out);
        gsl_matrix_set(out, n + k, k, 1);
    }
    fit->look = false;
    return GSL_SUCCESS;
}

static void look_again(Fit *fit)
{
    memcpy(fit->moves, fit->bears, fit->parameters->len * fit->runs->len * sizeof(bool));
    fit->look = true;
}

static bool is_fitted(const MppRun *run, guint index, const MppFitOptions *options)
{
    bool left_out = options->left_out && strcmp(run->source, options->left_out) == 0;
    bool held_back = options->n_folds > 1 && (int)(index % options->n_folds) == options->fold;
    return run->measured.step_time_s > 0 && !run->measured.anomaly && !left_out && !held_back;
}

/** Each source counts as the square root of its number of runs, in units of the loss' scale. */
static void set_weights(Fit *fit, double scale)
{
    g_autoptr(GHashTable) counts = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < fit->runs->len; i++) {
        gpointer key = run_at(fit, i)->run->source;
        g_hash_table_insert(counts, key, GINT_TO_POINTER(GPOINTER_TO_INT(g_hash_table_lookup(counts, key)) + 1));
    }
    for (guint i = 0; i < fit->runs->len; i++) {
        int count = GPOINTER_TO_INT(g_hash_table_lookup(counts, run_at(fit, i)->run->source));
        g_array_index(fit->runs, FittedRun, i).weight = pow(count, -0.25) / scale;
    }
}

static void collect_runs(Fit *fit, const GPtrArray *runs)
{
    for (guint i = 0; i < runs->len; i++) {
        g_autofree char *skipped = NULL;
        if (!is_fitted(runs->pdata[i], i, fit->options))
            continue;
        MppRunJob *job = mpp_run_job_new(runs->pdata[i], fit->profiles, &skipped);
        if (!job)
            continue;
        mpp_assume(runs->pdata[i], job);
        FittedRun run = { runs->pdata[i], ((MppRun *)runs->pdata[i])->measured.step_time_s, 1, job };
        g_array_append_val(fit->runs, run);
    }
}

static void find_bearings(Fit *fit)
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

static double mean_error(const Fit *fit)
{
    double sum = 0;
    for (guint i = 0; i < fit->runs->len; i++)
        sum += fabs(fit->predicted_s[i] / run_at(fit, i)->measured_s - 1);
    return fit->runs->len ? sum / fit->runs->len : 0;
}

/** How many runs each parameter moves, and what these are off by. */
static void set_evidence(Fit *fit)
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

static void set_reweights(Fit *fit, double scale)
{
    for (guint i = 0; i < fit->runs->len; i++) {
        double error = error_of(fit, i, fit->predicted_s[i]) / scale;
        fit->reweight[i] = 1 / sqrt(1 + error * error);
    }
}

static void set_deviations(const Fit *fit, gsl_multifit_nlinear_workspace *work)
{
    gsl_matrix *covariance = gsl_matrix_alloc(fit->parameters->len, fit->parameters->len);
    gsl_multifit_nlinear_covar(gsl_multifit_nlinear_jac(work), 0, covariance);
    for (guint k = 0; k < fit->parameters->len; k++)
        parameter_at(fit, k)->deviation = sqrt(gsl_matrix_get(covariance, k, k)) * parameter_at(fit, k)->spread;
    gsl_matrix_free(covariance);
}

/** Wide at first, so that runs far off pull too; from the fourth round on as it is wanted. */
static double scale_of_round(double scale, int round)
{
    enum { ANNEALED_ROUNDS = 3 };
    return round < ANNEALED_ROUNDS ? scale * (1 << (ANNEALED_ROUNDS - round)) : scale;
}

static bool iterate(Fit *fit, gsl_vector *scores, double scale, int rounds, GError **error)
{
    gsl_multifit_nlinear_parameters settings = gsl_multifit_nlinear_default_parameters();
    gsl_multifit_nlinear_fdf functions = { .f = residuals, .df = jacobian, .n = fit->runs->len + fit->parameters->len,
                                           .p = fit->parameters->len, .params = fit };
    gsl_multifit_nlinear_workspace *work = gsl_multifit_nlinear_alloc(gsl_multifit_nlinear_trust, &settings, functions.n, functions.p);
    int status = GSL_SUCCESS;
    for (int round = 0; round < rounds && status != GSL_EBADFUNC; round++) {
        predict_all(fit, -1, fit->predicted_s);
        set_reweights(fit, scale_of_round(scale, round));
        look_again(fit);
        status = gsl_multifit_nlinear_init(scores, &functions, work);
        int info;
        gsl_multifit_nlinear_driver(ITERATIONS, 1e-4, 1e-4, 1e-6, NULL, NULL, &info, work);
        gsl_vector_memcpy(scores, gsl_multifit_nlinear_position(work));
        mpp_parameters_set_scores(fit->parameters, gsl_vector_const_ptr(scores, 0));
    }
    set_deviations(fit, work);
    gsl_multifit_nlinear_free(work);
    if (status == GSL_SUCCESS)
        return true;
    g_set_error(error, MPP_ERROR, MPP_ERROR_NUMERIC, "the fit failed: %s", gsl_strerror(status));
    return false;
}

static void free_fit(Fit *fit)
{
    for (guint k = 0; k < fit->parameters->len; k++) /* the places in the jobs came last */
        g_ptr_array_set_size(parameter_at(fit, k)->places, fit->n_places[k]);
    g_free(fit->n_places);
    for (guint i = 0; i < fit->runs->len; i++)
        mpp_run_job_free(run_at(fit, i)->job);
    g_array_unref(fit->runs);
    g_free(fit->predicted_s);
    g_free(fit->reweight);
    g_free(fit->bears);
    g_free(fit->moves);
}

bool mpp_fit(GArray *parameters, const MppProfiles *profiles, const GPtrArray *runs, const MppFitOptions *options,
             MppFitResult *result, GError **error)
{
    double scale = options->scale > 0 ? options->scale : default_scale;
    Fit fit = { .parameters = parameters, .profiles = profiles, .options = options,
                .runs = g_array_new(FALSE, FALSE, sizeof(FittedRun)) };
    collect_runs(&fit, runs);
    set_weights(&fit, scale);
    find_bearings(&fit);
    fit.predicted_s = g_new0(double, fit.runs->len + 1);
    fit.reweight = g_new0(double, fit.runs->len + 1);
    g_autofree double *at_priors = g_new0(double, parameters->len + 1);
    mpp_parameters_set_scores(parameters, at_priors);
    predict_all(&fit, -1, fit.predicted_s);
    *result = (MppFitResult){ .n_runs = (int)fit.runs->len, .before = mean_error(&fit) };

    bool fitted = true;
    if (fit.runs->len && parameters->len) {
        gsl_vector *scores = gsl_vector_calloc(parameters->len);
        fitted = iterate(&fit, scores, scale, options->rounds > 0 ? options->rounds : DEFAULT_ROUNDS, error);
        gsl_vector_free(scores);
        predict_all(&fit, -1, fit.predicted_s);
        result->after = mean_error(&fit);
        set_evidence(&fit);
    }
    free_fit(&fit);
    return fitted;
}
