#include "planner/calibrate/fit.h"

#include <gsl/gsl_blas.h>
#include <gsl/gsl_multifit_nlinear.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>

#include "planner/calibrate/fit_runs.h"

static const double default_scale = 0.1;
enum { ROUNDS = 6, ANNEALED_ROUNDS = 3, ITERATIONS = 4, OWN_ITERATIONS = 20 };

typedef struct {
    MppFitRuns runs;
    const MppFitOptions *options;
    double scale;     /* of the loss */
    double *reweight; /* square root of the Cauchy weight */
    bool look;        /* at which runs each parameter moves, in the next Jacobian */
} Fit;

static MppParameter *parameter_at(const Fit *fit, guint i)
{
    return &g_array_index(fit->runs.parameters, MppParameter, i);
}

static guint n_runs(const Fit *fit)
{
    return fit->runs.runs->len;
}

static guint n_parameters(const Fit *fit)
{
    return fit->runs.parameters->len;
}

/** Of run @i in the sum of squares. */
static double weight_of(const Fit *fit, guint i)
{
    return g_array_index(fit->runs.runs, MppFitRun, i).weight / fit->scale * fit->reweight[i];
}

static void predict_all(Fit *fit)
{
    mpp_fit_runs_predict(&fit->runs, -1, fit->runs.predicted_s);
}

/** Residuals: one a run, one a parameter. */
static int residuals(const gsl_vector *scores, void *data, gsl_vector *out)
{
    Fit *fit = data;
    guint n = n_runs(fit);
    mpp_parameters_set_scores(fit->runs.parameters, gsl_vector_const_ptr(scores, 0));
    predict_all(fit);
    for (guint i = 0; i < n; i++)
        gsl_vector_set(out, i, weight_of(fit, i) * mpp_fit_runs_error(&fit->runs, i));
    for (guint k = 0; k < n_parameters(fit); k++)
        gsl_vector_set(out, n + k, gsl_vector_get(scores, k));
    return GSL_SUCCESS;
}

/** A parameter's centre moves the runs as it does itself, in proportion to the spreads. */
static void set_derivatives(const Fit *fit, guint k, const double *moved_s, double step, gsl_matrix *out)
{
    const MppParameter *parameter = parameter_at(fit, k);
    guint n = n_runs(fit);
    for (guint i = 0; i < n; i++) {
        bool *moves = &fit->runs.moves[k * n + i];
        *moves = *moves && !(fit->look && moved_s[i] == fit->runs.predicted_s[i]);
        if (!*moves)
            continue;
        double slope = weight_of(fit, i) * log(moved_s[i] / fit->runs.predicted_s[i]) / step;
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
    guint n = n_runs(fit);
    gsl_matrix_set_zero(out);
    mpp_parameters_set_scores(fit->runs.parameters, gsl_vector_const_ptr(scores, 0));
    predict_all(fit);
    g_autofree double *moved_s = g_new(double, n);
    for (guint k = 0; k < n_parameters(fit); k++) {
        MppParameter *parameter = parameter_at(fit, k);
        double value = parameter->value;
        mpp_parameter_set(parameter, mpp_parameter_from_score(parameter, gsl_vector_get(scores, k) + step));
        mpp_fit_runs_predict(&fit->runs, (int)k, moved_s);
        mpp_parameter_set(parameter, value);
        set_derivatives(fit, k, moved_s, step, out);
        gsl_matrix_set(out, n + k, k, 1);
    }
    fit->look = false;
    return GSL_SUCCESS;
}

/** Of a normal distribution with the runs' median error. */
static double median_scale(const Fit *fit)
{
    const double deviation_of_normal = 1.4826;
    guint n = n_runs(fit);
    g_autofree double *sizes = g_new(double, n);
    for (guint i = 0; i < n; i++)
        sizes[i] = fabs(mpp_fit_runs_error(&fit->runs, i));
    return deviation_of_normal * gsl_stats_median(sizes, 1, n);
}

static void set_reweights(Fit *fit, double scale)
{
    for (guint i = 0; i < n_runs(fit); i++) {
        double error = mpp_fit_runs_error(&fit->runs, i) / scale;
        fit->reweight[i] = 1 / sqrt(1 + error * error);
    }
}

/**
 * Plain least squares of the least @scale at first, so that the numbers come to where the runs are; then the loss for errors as
 * large as they turn out. 2.385 deviations: 95 % efficient where errors are normal (Holland and Welsch 1977).
 */
static void set_own_reweights(Fit *fit, int round)
{
    const double tuning = 2.385;
    double wider = round < ANNEALED_ROUNDS ? fit->scale : MAX(fit->scale, median_scale(fit));
    for (guint i = 0; i < n_runs(fit); i++) {
        double error = round < ANNEALED_ROUNDS ? 0 : mpp_fit_runs_error(&fit->runs, i) / (tuning * wider);
        fit->reweight[i] = fit->scale / wider / sqrt(1 + error * error);
    }
}

static void set_deviations(const Fit *fit, gsl_multifit_nlinear_workspace *work)
{
    gsl_matrix *covariance = gsl_matrix_alloc(n_parameters(fit), n_parameters(fit));
    gsl_multifit_nlinear_covar(gsl_multifit_nlinear_jac(work), 0, covariance);
    for (guint k = 0; k < n_parameters(fit); k++)
        parameter_at(fit, k)->deviation = sqrt(gsl_matrix_get(covariance, k, k)) * parameter_at(fit, k)->spread;
    gsl_matrix_free(covariance);
}

/** Wide at first, so that runs far off pull too; from the fourth round on as it is wanted. */
static double scale_of_round(double scale, int round)
{
    return round < ANNEALED_ROUNDS ? scale * (1 << (ANNEALED_ROUNDS - round)) : scale;
}

static bool iterate(Fit *fit, gsl_vector *scores, GError **error)
{
    gsl_multifit_nlinear_parameters settings = gsl_multifit_nlinear_default_parameters();
    gsl_multifit_nlinear_fdf functions = { .f = residuals, .df = jacobian, .n = n_runs(fit) + n_parameters(fit),
                                           .p = n_parameters(fit), .params = fit };
    gsl_multifit_nlinear_workspace *work = gsl_multifit_nlinear_alloc(gsl_multifit_nlinear_trust, &settings, functions.n, functions.p);
    int status = GSL_SUCCESS;
    for (int round = 0; round < ROUNDS && status != GSL_EBADFUNC; round++) {
        predict_all(fit);
        if (fit->options->own_scale)
            set_own_reweights(fit, round);
        else
            set_reweights(fit, scale_of_round(fit->scale, round));
        mpp_fit_runs_look_again(&fit->runs);
        fit->look = true;
        status = gsl_multifit_nlinear_init(scores, &functions, work);
        int info;
        gsl_multifit_nlinear_driver(fit->options->own_scale ? OWN_ITERATIONS : ITERATIONS, 1e-4, 1e-4, 1e-6, NULL, NULL, &info, work);
        gsl_vector_memcpy(scores, gsl_multifit_nlinear_position(work));
        mpp_parameters_set_scores(fit->runs.parameters, gsl_vector_const_ptr(scores, 0));
    }
    set_deviations(fit, work);
    gsl_multifit_nlinear_free(work);
    if (status == GSL_SUCCESS)
        return true;
    return mpp_error_set(error, MPP_ERROR_NUMERIC, "the fit failed: %s", gsl_strerror(status));
}

bool mpp_fit(GArray *parameters, const MppProfiles *profiles, const GPtrArray *runs, const MppFitOptions *options,
             MppFitResult *result, GError **error)
{
    Fit fit = { .options = options, .scale = options->scale > 0 ? options->scale : default_scale };
    mpp_fit_runs_init(&fit.runs, parameters, profiles, runs, options);
    fit.reweight = g_new0(double, n_runs(&fit) + 1);
    g_autofree double *at_priors = g_new0(double, parameters->len + 1);
    mpp_parameters_set_scores(parameters, at_priors);
    predict_all(&fit);
    *result = (MppFitResult){ .n_runs = (int)n_runs(&fit), .before = mpp_fit_runs_mean_error(&fit.runs) };

    bool fitted = true;
    if (n_runs(&fit) && parameters->len) {
        gsl_vector *scores = gsl_vector_calloc(parameters->len);
        fitted = iterate(&fit, scores, error);
        gsl_vector_free(scores);
        predict_all(&fit);
        result->after = mpp_fit_runs_mean_error(&fit.runs);
        mpp_fit_runs_set_evidence(&fit.runs);
    }
    mpp_fit_runs_clear(&fit.runs);
    g_free(fit.reweight);
    return fitted;
}
