#include "planner/calibrate/residuals.h"

#include <math.h>
#include <string.h>

/** A value with a weight, for quantiles. */
typedef struct {
    double value, weight;
} Weighed;

static void clear_residual(gpointer data)
{
    g_free(((MppResidual *)data)->job);
}

GArray *mpp_residuals_new(void)
{
    GArray *residuals = g_array_new(FALSE, FALSE, sizeof(MppResidual));
    g_array_set_clear_func(residuals, clear_residual);
    return residuals;
}

static bool is_timed(const MppPrediction *prediction)
{
    const MppRunMeasured *measured = &prediction->run->measured;
    return !prediction->skipped && prediction->step_time_s > 0 && measured->step_time_s > 0 && !measured->anomaly;
}

/** Whether a source other than @source has timed runs on the device, and of the stack. */
static void set_fitted(const GArray *all, const char *source, const MppJob *job, MppBasis *basis)
{
    for (guint i = 0; i < all->len; i++) {
        const MppPrediction *other = &g_array_index(all, MppPrediction, i);
        if (!is_timed(other) || strcmp(other->run->source, source) == 0)
            continue;
        basis->device_fitted |= strcmp(other->job->cluster->device.name, job->cluster->device.name) == 0;
        basis->runtime_fitted |= strcmp(other->job->runtime->name, job->runtime->name) == 0;
    }
}

void mpp_residuals_add(GArray *residuals, const GArray *predictions, const GArray *all)
{
    for (guint i = 0; i < predictions->len; i++) {
        const MppPrediction *one = &g_array_index(predictions, MppPrediction, i);
        if (!is_timed(one))
            continue;
        const MppJob *job = &one->job->job;
        MppResidual residual = { .source = one->run->source,
                                 .job = g_strdup_printf("%s|%s|%" G_GINT64_FORMAT "|%" G_GINT64_FORMAT "|%s|%" G_GINT64_FORMAT, one->run->source,
                                                        job->model->name, job->training.seq, job->gpus, job->cluster->device.name,
                                                        job->training.global_batch),
                                 .basis = mpp_basis_of(job, &one->shares),
                                 .log_ratio = log(one->run->measured.step_time_s / one->step_time_s) };
        set_fitted(all, residual.source, job, &residual.basis);
        g_array_append_val(residuals, residual);
    }
}

static int compare_values(gconstpointer a, gconstpointer b)
{
    double x = ((const Weighed *)a)->value, y = ((const Weighed *)b)->value;
    return (x > y) - (x < y);
}

/** @values: sorted. */
static double quantile(const GArray *values, double frac)
{
    double sum = 0, until = 0;
    for (guint i = 0; i < values->len; i++)
        sum += g_array_index(values, Weighed, i).weight;
    for (guint i = 0; i < values->len; i++) {
        until += g_array_index(values, Weighed, i).weight;
        if (until >= frac * sum)
            return g_array_index(values, Weighed, i).value;
    }
    return 0; /* none: of no class */
}

/**
 * From the narrowest class to the widest: what is left out of the comparison. Fewer runs or sources than these say
 * nothing about the next one.
 */
enum { EXACT, ANY_EXPERTS, ANY_HOST, ANY_RUNTIME, ANY, N_WIDTHS, FEWEST_RUNS = 40, FEWEST_SOURCES = 3 };

static bool matches(const MppBasis *a, const MppBasis *b, int width)
{
    return (width >= ANY_EXPERTS || a->experts == b->experts) && (width >= ANY_HOST || a->host_bound == b->host_bound) &&
           (width >= ANY_RUNTIME || a->runtime_fitted == b->runtime_fitted) && (width >= ANY || a->device_fitted == b->device_fitted);
}

/** Residuals of the class but those of @without; each source counts as the square root of its runs. */
static GArray *class_values(const GArray *residuals, const MppBasis *basis, int width, const char *without, int64_t *n_sources)
{
    GArray *values = g_array_new(FALSE, FALSE, sizeof(Weighed));
    g_autoptr(GHashTable) counts = g_hash_table_new(g_str_hash, g_str_equal);
    for (int pass = 0; pass < 2; pass++)
        for (guint i = 0; i < residuals->len; i++) {
            const MppResidual *one = &g_array_index(residuals, MppResidual, i);
            if (!matches(&one->basis, basis, width) || g_strcmp0(one->source, without) == 0)
                continue;
            int n = GPOINTER_TO_INT(g_hash_table_lookup(counts, one->source));
            Weighed value = { one->log_ratio, 1 / sqrt(n) };
            if (pass)
                g_array_append_val(values, value);
            else
                g_hash_table_insert(counts, (void *)one->source, GINT_TO_POINTER(n + 1));
        }
    *n_sources = g_hash_table_size(counts);
    g_array_sort(values, compare_values);
    return values;
}

static MppSpread spread_of(const GArray *residuals, const MppBasis *basis, const char *without)
{
    MppSpread spread = { .basis = *basis };
    for (int width = EXACT; width < N_WIDTHS; width++) {
        g_autoptr(GArray) values = class_values(residuals, basis, width, without, &spread.sources);
        spread.runs = values->len;
        spread.p10_frac = exp(quantile(values, 0.1));
        spread.p50_frac = exp(quantile(values, 0.5));
        spread.p90_frac = exp(quantile(values, 0.9));
        if (spread.runs >= FEWEST_RUNS && spread.sources >= FEWEST_SOURCES)
            break;
    }
    return spread;
}

/** Share of the runs inside the interval that the other sources give. */
static double coverage(const GArray *residuals)
{
    int inside = 0;
    for (guint i = 0; i < residuals->len; i++) {
        const MppResidual *one = &g_array_index(residuals, MppResidual, i);
        MppSpread spread = spread_of(residuals, &one->basis, one->source);
        double ratio = exp(one->log_ratio);
        inside += ratio >= spread.p10_frac && ratio <= spread.p90_frac;
    }
    return residuals->len ? (double)inside / residuals->len : 0;
}

/** Differences of errors between runs of the same job, each job counting once. */
static double pair_spread(const GArray *residuals)
{
    g_autoptr(GArray) values = g_array_new(FALSE, FALSE, sizeof(Weighed));
    g_autoptr(GHashTable) counts = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < residuals->len; i++) {
        const char *job = g_array_index(residuals, MppResidual, i).job;
        g_hash_table_insert(counts, (void *)job, GINT_TO_POINTER(GPOINTER_TO_INT(g_hash_table_lookup(counts, job)) + 1));
    }
    for (guint i = 0; i < residuals->len; i++)
        for (guint k = 0; k < residuals->len; k++) {
            const MppResidual *a = &g_array_index(residuals, MppResidual, i), *b = &g_array_index(residuals, MppResidual, k);
            if (i == k || strcmp(a->job, b->job) != 0)
                continue;
            double n = GPOINTER_TO_INT(g_hash_table_lookup(counts, a->job));
            Weighed value = { a->log_ratio - b->log_ratio, 1 / (n * (n - 1)) };
            g_array_append_val(values, value);
        }
    g_array_sort(values, compare_values);
    return values->len ? expm1(quantile(values, 0.8)) : 0;
}

static void add_name(GPtrArray *names, const char *name)
{
    for (guint i = 0; i < names->len; i++)
        if (strcmp(names->pdata[i], name) == 0)
            return;
    g_ptr_array_add(names, g_strdup(name));
}

MppSpreads *mpp_residuals_spreads(const GArray *residuals, const GArray *all)
{
    MppSpreads *spreads = g_new0(MppSpreads, 1);
    spreads->spreads = g_array_new(FALSE, TRUE, sizeof(MppSpread));
    spreads->devices = g_ptr_array_new_with_free_func(g_free);
    spreads->runtimes = g_ptr_array_new_with_free_func(g_free);
    for (int bits = 15; bits >= 0; bits--) {
        MppBasis basis = { bits & 8, bits & 4, bits & 2, bits & 1 };
        MppSpread spread = spread_of(residuals, &basis, NULL);
        g_array_append_val(spreads->spreads, spread);
    }
    for (guint i = 0; i < all->len; i++) {
        const MppPrediction *one = &g_array_index(all, MppPrediction, i);
        if (!is_timed(one))
            continue;
        add_name(spreads->devices, one->job->cluster->device.name);
        add_name(spreads->runtimes, one->job->runtime->name);
    }
    spreads->pair_frac = pair_spread(residuals);
    spreads->coverage_frac = coverage(residuals);
    return spreads;
}
