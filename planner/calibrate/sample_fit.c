#include "planner/calibrate/sample_fit.h"

#include <gsl/gsl_blas.h>
#include <gsl/gsl_multifit_nlinear.h>
#include <math.h>
#include <string.h>

enum { ROUNDS = 8, ITERATIONS = 30 };
static const double scale = 0.1;      /* of the loss: an error of this size counts half */
static const double determined = 0.5; /* of the spread before: a number narrowed down to less is determined */
static const double touched = 1e-3;   /* change of a sample's logarithm by a change of a score: less is none */

typedef struct {
    MppCluster *cluster;
    const MppRuntime *runtime;
    const GPtrArray *samples;
    GArray *priors, *parameters;
    double *reweight; /* square root of the Cauchy weight, by sample */
} Fit;

static const MppSample *sample_at(const Fit *fit, guint i)
{
    return fit->samples->pdata[i];
}

static MppParameter *parameter_at(const Fit *fit, guint k)
{
    return &g_array_index(fit->parameters, MppParameter, k);
}

/* --- the fit --- */

static void set_scores(const Fit *fit, const gsl_vector *scores)
{
    for (guint k = 0; k < fit->parameters->len; k++)
        mpp_parameter_set(parameter_at(fit, k), mpp_parameter_from_score(parameter_at(fit, k), gsl_vector_get(scores, k)));
}

static double error_of(const Fit *fit, guint i)
{
    const MppSample *sample = sample_at(fit, i);
    return log(mpp_sample_predict_s(fit->cluster, fit->runtime, sample) / sample->median_s);
}

/** Residuals: one a sample, one a parameter. */
static int residuals(const gsl_vector *scores, void *data, gsl_vector *out)
{
    const Fit *fit = data;
    guint n = fit->samples->len;
    set_scores(fit, scores);
    for (guint i = 0; i < n; i++)
        gsl_vector_set(out, i, fit->reweight[i] * error_of(fit, i) / scale);
    for (guint k = 0; k < fit->parameters->len; k++)
        gsl_vector_set(out, n + k, gsl_vector_get(scores, k));
    return GSL_SUCCESS;
}

static void set_reweights(const Fit *fit)
{
    for (guint i = 0; i < fit->samples->len; i++) {
        double error = error_of(fit, i) / scale;
        fit->reweight[i] = 1 / sqrt(1 + error * error);
    }
}

/** Numbers of the profile as scores; samples of equal weight at first. */
static void start(const Fit *fit, gsl_vector *scores)
{
    for (guint k = 0; k < fit->parameters->len; k++)
        gsl_vector_set(scores, k, mpp_parameter_to_score(parameter_at(fit, k), parameter_at(fit, k)->value));
    for (guint i = 0; i < fit->samples->len; i++)
        fit->reweight[i] = 1;
}

static bool iterate(Fit *fit, gsl_multifit_nlinear_workspace *work, gsl_multifit_nlinear_fdf *functions, GError **error)
{
    gsl_vector *scores = gsl_vector_calloc(functions->p);
    start(fit, scores);
    int status = GSL_SUCCESS, info;
    for (int round = 0; round < ROUNDS && status == GSL_SUCCESS; round++) {
        status = gsl_multifit_nlinear_init(scores, functions, work);
        gsl_multifit_nlinear_driver(ITERATIONS, 1e-6, 1e-6, 1e-8, NULL, NULL, &info, work);
        gsl_vector_memcpy(scores, gsl_multifit_nlinear_position(work));
        set_scores(fit, scores);
        if (round + 1 < ROUNDS)
            set_reweights(fit);
    }
    gsl_vector_free(scores);
    if (status == GSL_SUCCESS)
        return true;
    return mpp_error_set(error, MPP_ERROR_NUMERIC, "the fit failed: %s", gsl_strerror(status));
}

/* --- what it says --- */

static void clear_parameter(gpointer data)
{
    g_free(((MppSampleParameter *)data)->name);
}

static void report_parameters(const Fit *fit, const gsl_matrix *jacobian, const gsl_matrix *covariance, MppSampleFit *out)
{
    for (guint k = 0; k < fit->parameters->len; k++) {
        const MppParameter *p = parameter_at(fit, k);
        double deviation = sqrt(gsl_matrix_get(covariance, k, k)); /* in units of the spread */
        MppSampleParameter row = { g_strdup(p->prior->name), p->prior->prior, p->value, deviation * p->prior->spread, 0, false };
        for (guint i = 0; i < fit->samples->len; i++)
            row.n_samples += fabs(gsl_matrix_get(jacobian, i, k)) * scale > touched * fit->reweight[i];
        row.determined = row.n_samples > 0 && deviation < determined;
        g_array_append_val(out->parameters, row);
    }
}

/** Share of a sample's own weight in its prediction: h of the hat matrix. */
static double leverage(const gsl_matrix *jacobian, const gsl_matrix *covariance, guint i)
{
    gsl_vector_const_view row = gsl_matrix_const_row(jacobian, i);
    gsl_vector *product = gsl_vector_alloc(covariance->size1);
    double h;
    gsl_blas_dsymv(CblasUpper, 1, covariance, &row.vector, 0, product);
    gsl_blas_ddot(&row.vector, product, &h);
    gsl_vector_free(product);
    return MIN(h, 0.99);
}

static int by_value(gconstpointer a, gconstpointer b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static double median(GArray *values)
{
    g_array_sort(values, by_value);
    return values->len ? g_array_index(values, double, values->len / 2) : 0;
}

/** Relative errors of the samples called @name (NULL: all). The error without the sample is e / (1 - h), exact in a linear fit. */
static MppSampleResidual residual_of(const Fit *fit, MppSampleKind kind, const char *name, const double *h)
{
    g_autoptr(GArray) sizes = g_array_new(FALSE, FALSE, sizeof(double)), signs = g_array_new(FALSE, FALSE, sizeof(double)),
                      unseen = g_array_new(FALSE, FALSE, sizeof(double));
    for (guint i = 0; i < fit->samples->len; i++) {
        const MppSample *sample = sample_at(fit, i);
        if (name && (sample->kind != kind || strcmp(sample->name, name) != 0))
            continue;
        double log_error = error_of(fit, i), sign = expm1(log_error), size = fabs(sign),
               without = fabs(expm1(log_error / (1 - h[i])));
        g_array_append_val(sizes, size);
        g_array_append_val(signs, sign);
        g_array_append_val(unseen, without);
    }
    return (MppSampleResidual){ kind, name, (int)sizes->len, median(sizes), median(signs), median(unseen) };
}

static bool is_first(const Fit *fit, guint i)
{
    for (guint j = 0; j < i; j++)
        if (sample_at(fit, j)->kind == sample_at(fit, i)->kind && strcmp(sample_at(fit, j)->name, sample_at(fit, i)->name) == 0)
            return false;
    return true;
}

static void report_residuals(const Fit *fit, const gsl_matrix *jacobian, const gsl_matrix *covariance, MppSampleFit *out)
{
    g_autofree double *h = g_new(double, fit->samples->len);
    for (guint i = 0; i < fit->samples->len; i++)
        h[i] = leverage(jacobian, covariance, i);
    for (guint i = 0; i < fit->samples->len; i++)
        if (is_first(fit, i)) {
            MppSampleResidual row = residual_of(fit, sample_at(fit, i)->kind, sample_at(fit, i)->name, h);
            g_array_append_val(out->residuals, row);
        }
    MppSampleResidual all = residual_of(fit, 0, NULL, h);
    out->n_samples = all.n;
    out->median_error = all.median_error;
    out->unseen_error = all.unseen_error;
}

static MppSampleFit *solve(Fit *fit, GError **error)
{
    gsl_multifit_nlinear_parameters settings = gsl_multifit_nlinear_default_parameters();
    gsl_multifit_nlinear_fdf functions = {
        .f = residuals, .n = fit->samples->len + fit->parameters->len, .p = fit->parameters->len, .params = fit
    };
    gsl_multifit_nlinear_workspace *work = gsl_multifit_nlinear_alloc(gsl_multifit_nlinear_trust, &settings, functions.n,
                                                                      functions.p);
    MppSampleFit *out = NULL;
    if (iterate(fit, work, &functions, error)) {
        out = g_new0(MppSampleFit, 1);
        out->parameters = g_array_new(FALSE, FALSE, sizeof(MppSampleParameter));
        g_array_set_clear_func(out->parameters, clear_parameter);
        out->residuals = g_array_new(FALSE, FALSE, sizeof(MppSampleResidual));
        gsl_matrix *covariance = gsl_matrix_alloc(functions.p, functions.p);
        gsl_multifit_nlinear_covar(gsl_multifit_nlinear_jac(work), 0, covariance);
        report_parameters(fit, gsl_multifit_nlinear_jac(work), covariance, out);
        report_residuals(fit, gsl_multifit_nlinear_jac(work), covariance, out);
        gsl_matrix_free(covariance);
    }
    gsl_multifit_nlinear_free(work);
    return out;
}

/** What the profile has no number for that @s tells something about; NULL: nothing. */
static char *missing(const MppCluster *cluster, const MppSample *s)
{
    bool product = s->kind == MPP_SAMPLE_MATMUL || s->kind == MPP_SAMPLE_ATTENTION;
    if (product && !(cluster->device.peak_flop_per_s.by_precision[s->precision] > 0))
        return g_strdup_printf("%s has no rate for %s, which samples are in", cluster->device.title,
                               mpp_names_get(&mpp_precision_names, s->precision));
    return NULL;
}

static bool has_links(const Fit *fit, bool between_nodes)
{
    for (guint i = 0; i < fit->samples->len; i++)
        if (sample_at(fit, i)->kind == MPP_SAMPLE_COLLECTIVE && (sample_at(fit, i)->nodes > 1) == between_nodes)
            return true;
    return false;
}

static char *refusal(const Fit *fit)
{
    if (!fit->samples->len)
        return g_strdup("there are no samples to fit");
    if (mpp_cluster_n_tiers(fit->cluster) < 2 && has_links(fit, false) && has_links(fit, true))
        return g_strdup_printf("%s: one tier of links, and samples within nodes and between them (--cluster)",
                               fit->cluster->name);
    char *what = NULL;
    for (guint i = 0; i < fit->samples->len && !what; i++)
        what = missing(fit->cluster, sample_at(fit, i));
    return what;
}

MppSampleFit *mpp_sample_fit(MppCluster *cluster, const MppRuntime *runtime, const GPtrArray *samples, GError **error)
{
    Fit fit = { .cluster = cluster, .runtime = runtime, .samples = samples };
    g_autofree char *why = refusal(&fit);
    if (why) {
        g_set_error_literal(error, MPP_ERROR, MPP_ERROR_INVALID, why);
        return NULL;
    }
    g_autoptr(GPtrArray) clusters = g_ptr_array_new(), runtimes = g_ptr_array_new();
    g_ptr_array_add(clusters, cluster);
    const MppProfiles profiles = { clusters, runtimes };
    fit.priors = mpp_sample_priors(cluster, runtime, samples);
    fit.reweight = g_new(double, samples->len);
    fit.parameters = mpp_parameters_bind(fit.priors, &profiles, error);
    MppSampleFit *out = fit.parameters ? solve(&fit, error) : NULL;
    mpp_parameters_free(fit.parameters);
    mpp_priors_free(fit.priors);
    g_free(fit.reweight);
    return out;
}

void mpp_sample_fit_free(MppSampleFit *fit)
{
    if (!fit)
        return;
    g_array_unref(fit->parameters);
    g_array_unref(fit->residuals);
    g_free(fit);
}
