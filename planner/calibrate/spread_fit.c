#include "planner/calibrate/spread_fit.h"

#include <math.h>
#include <string.h>

/** A value with a weight, for quantiles. */
typedef struct {
    double value, weight;
} Weighed;

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
enum { EXACT, ANY_EXPERTS, ANY_HOST, ANY_STACK, ANY, N_WIDTHS, FEWEST_RUNS = 40, FEWEST_SOURCES = 3 };

static bool matches(const MppBasis *a, const MppBasis *b, int width)
{
    return (width >= ANY_EXPERTS || a->experts == b->experts) && (width >= ANY_HOST || a->host_bound == b->host_bound) &&
           (width >= ANY_STACK || a->stack_fitted == b->stack_fitted) && (width >= ANY || a->device_fitted == b->device_fitted);
}

/** Residuals of the class but those of @without; each source counts as the square root of its runs. */
static GArray *class_values(const GArray *residuals, const MppBasis *basis, int width, const char *without, int64_t *n_sources)
{
    GArray *values = g_array_new(FALSE, FALSE, sizeof(Weighed));
    g_autoptr(GHashTable) counts = g_hash_table_new(g_str_hash, g_str_equal);
    for (int pass = 0; pass < 2; pass++)
        for (guint i = 0; i < residuals->len; i++) {
            const MppResidual *one = &g_array_index(residuals, MppResidual, i);
            if (one->run_held || !matches(&one->basis, basis, width) || g_strcmp0(one->source, without) == 0)
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

/** @tail_frac: of the residuals on either side of the interval. */
static MppSpread spread_of(const GArray *residuals, const MppBasis *basis, double tail_frac, const char *without)
{
    MppSpread spread = { .basis = *basis };
    for (int width = EXACT; width < N_WIDTHS; width++) {
        g_autoptr(GArray) values = class_values(residuals, basis, width, without, &spread.sources);
        spread.runs = values->len;
        spread.p10_frac = exp(quantile(values, tail_frac));
        spread.p50_frac = exp(quantile(values, 0.5));
        spread.p90_frac = exp(quantile(values, 1 - tail_frac));
        if (spread.runs >= FEWEST_RUNS && spread.sources >= FEWEST_SOURCES)
            break;
    }
    return spread;
}

enum { N_BASES = 16 };

static MppBasis basis_of_bits(int bits)
{
    return (MppBasis){ bits & 8, bits & 4, bits & 2, bits & 1 };
}

static int bits_of_basis(const MppBasis *basis)
{
    return basis->device_fitted << 3 | basis->stack_fitted << 2 | basis->host_bound << 1 | basis->experts;
}

/** Runs of @source inside the intervals that the other sources give. */
static int count_inside(const GArray *residuals, const char *source, double tail_frac)
{
    int inside = 0;
    MppSpread spreads[N_BASES];
    bool known[N_BASES] = { false };
    for (guint i = 0; i < residuals->len; i++) {
        const MppResidual *one = &g_array_index(residuals, MppResidual, i);
        if (one->run_held || strcmp(one->source, source) != 0)
            continue;
        int bits = bits_of_basis(&one->basis);
        if (!known[bits])
            spreads[bits] = spread_of(residuals, &one->basis, tail_frac, source);
        known[bits] = true;
        double ratio = exp(one->log_ratio);
        inside += ratio >= spreads[bits].p10_frac && ratio <= spreads[bits].p90_frac;
    }
    return inside;
}

/** Share of the runs inside the interval that the other sources give. */
static double coverage(const GArray *residuals, double tail_frac)
{
    int inside = 0, all = 0;
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < residuals->len; i++) {
        const MppResidual *one = &g_array_index(residuals, MppResidual, i);
        all += !one->run_held;
        if (!one->run_held && g_hash_table_add(seen, one->source))
            inside += count_inside(residuals, one->source, tail_frac);
    }
    return all ? (double)inside / all : 0;
}

/** The widest tail, in steps of half a per cent, at which the intervals hold what they promise. */
static double conformal_tail(const GArray *residuals)
{
    const double promised = 0.8, steps = 200;
    int tail = (int)(steps * (1 - promised) / 2 + 0.5);
    while (tail > 1 && coverage(residuals, tail / steps) < promised)
        tail--;
    return tail / steps;
}

/** Differences of errors between runs of the same job, each job counting once. */
static double pair_spread(const GArray *residuals)
{
    g_autoptr(GArray) values = g_array_new(FALSE, FALSE, sizeof(Weighed));
    g_autoptr(GHashTable) counts = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < residuals->len; i++) {
        const MppResidual *one = &g_array_index(residuals, MppResidual, i);
        int n = GPOINTER_TO_INT(g_hash_table_lookup(counts, one->job));
        g_hash_table_insert(counts, one->job, GINT_TO_POINTER(n + !one->run_held));
    }
    for (guint i = 0; i < residuals->len; i++)
        for (guint k = 0; k < residuals->len; k++) {
            const MppResidual *a = &g_array_index(residuals, MppResidual, i), *b = &g_array_index(residuals, MppResidual, k);
            if (i == k || a->run_held || b->run_held || strcmp(a->job, b->job) != 0)
                continue;
            double n = GPOINTER_TO_INT(g_hash_table_lookup(counts, a->job));
            Weighed value = { a->log_ratio - b->log_ratio, 1 / (n * (n - 1)) };
            g_array_append_val(values, value);
        }
    g_array_sort(values, compare_values);
    return values->len ? expm1(quantile(values, 0.8)) : 0;
}

enum { FEWEST_OF_SOURCE = 20, SOURCE_FOLDS = 5 };
static const double source_tail_frac = 0.1;

/** Errors of @source's runs, each held out; @fold: without every fifth from there on, -1: all. Sorted. */
static GArray *source_values(const GArray *residuals, const char *source, int fold)
{
    GArray *values = g_array_new(FALSE, FALSE, sizeof(Weighed));
    int n = 0;
    for (guint i = 0; i < residuals->len; i++) {
        const MppResidual *one = &g_array_index(residuals, MppResidual, i);
        Weighed value = { one->log_ratio, 1 };
        if (one->run_held && strcmp(one->source, source) == 0 && (fold < 0 || n++ % SOURCE_FOLDS != fold))
            g_array_append_val(values, value);
    }
    g_array_sort(values, compare_values);
    return values;
}

static MppSourceSpread source_spread(const GArray *residuals, const char *source, int fold)
{
    g_autoptr(GArray) values = source_values(residuals, source, fold);
    return (MppSourceSpread){ .runs = values->len,
                              .p10_frac = exp(quantile(values, source_tail_frac)),
                              .p90_frac = exp(quantile(values, 1 - source_tail_frac)) };
}

/** Runs of @source inside the interval of the four fifths of its runs that they are not among. */
static int count_source_inside(const GArray *residuals, const char *source)
{
    int inside = 0, n = 0;
    MppSourceSpread spreads[SOURCE_FOLDS];
    for (int fold = 0; fold < SOURCE_FOLDS; fold++)
        spreads[fold] = source_spread(residuals, source, fold);
    for (guint i = 0; i < residuals->len; i++) {
        const MppResidual *one = &g_array_index(residuals, MppResidual, i);
        if (!one->run_held || strcmp(one->source, source) != 0)
            continue;
        const MppSourceSpread *spread = &spreads[n++ % SOURCE_FOLDS];
        inside += exp(one->log_ratio) >= spread->p10_frac && exp(one->log_ratio) <= spread->p90_frac;
    }
    return inside;
}

static void add_sources(MppSpreads *spreads, const GArray *residuals)
{
    int64_t inside = 0, all = 0;
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    spreads->sources = g_array_new(FALSE, TRUE, sizeof(MppSourceSpread));
    for (guint i = 0; i < residuals->len; i++) {
        const MppResidual *one = &g_array_index(residuals, MppResidual, i);
        if (!one->run_held || !g_hash_table_add(seen, one->source))
            continue;
        MppSourceSpread spread = source_spread(residuals, one->source, -1);
        if (spread.runs < FEWEST_OF_SOURCE)
            continue;
        spread.source = g_strdup(one->source);
        g_array_append_val(spreads->sources, spread);
        inside += count_source_inside(residuals, one->source);
        all += spread.runs;
    }
    spreads->run_coverage_frac = all ? (double)inside / (double)all : 0;
}

static void add_name(GPtrArray *names, const char *name)
{
    for (guint i = 0; i < names->len; i++)
        if (strcmp(names->pdata[i], name) == 0)
            return;
    g_ptr_array_add(names, g_strdup(name));
}

MppSpreads *mpp_spread_fit(const GArray *residuals)
{
    MppSpreads *spreads = g_new0(MppSpreads, 1);
    spreads->spreads = g_array_new(FALSE, TRUE, sizeof(MppSpread));
    spreads->devices = g_ptr_array_new_with_free_func(g_free);
    spreads->runtimes = g_ptr_array_new_with_free_func(g_free);
    spreads->techniques = g_ptr_array_new_with_free_func(g_free);
    spreads->tail_frac = conformal_tail(residuals);
    for (int bits = N_BASES - 1; bits >= 0; bits--) {
        MppBasis basis = basis_of_bits(bits);
        MppSpread spread = spread_of(residuals, &basis, spreads->tail_frac, NULL);
        g_array_append_val(spreads->spreads, spread);
    }
    for (guint i = 0; i < residuals->len; i++) {
        const MppResidual *one = &g_array_index(residuals, MppResidual, i);
        add_name(spreads->devices, one->device);
        add_name(spreads->runtimes, one->runtime);
    }
    MppTechniques fitted = mpp_residuals_techniques(residuals, NULL);
    for (int i = 0; i < MPP_N_TECHNIQUES; i++)
        if (fitted >> i & 1)
            g_ptr_array_add(spreads->techniques, g_strdup(mpp_names_get(&mpp_technique_names, i)));
    add_sources(spreads, residuals);
    spreads->pair_frac = pair_spread(residuals);
    spreads->coverage_frac = coverage(residuals, spreads->tail_frac);
    return spreads;
}
