#include "planner/calibrate/accuracy.h"

#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <string.h>

#include "planner/base/units.h"

/** Runs that differ only in how they were split. */
typedef struct {
    char *key;
    GArray *predicted, *measured; /* double */
} PlanGroup;

static void plan_group_free(void *data)
{
    PlanGroup *group = data;
    g_free(group->key);
    g_array_unref(group->predicted);
    g_array_unref(group->measured);
    g_free(group);
}

/** All that a record states of what was trained where, the plan aside: only runs alike in it were ever a choice. */
static char *without_plan(const MppRun *run)
{
    static const char *const of_plan[] = { "micro_batch", "grad_accum" };
    g_autoptr(cJSON) training = cJSON_Duplicate(mpp_json_get(run->json->root, "training"), true);
    for (size_t i = 0; i < G_N_ELEMENTS(of_plan); i++)
        cJSON_DeleteItemFromObjectCaseSensitive(training, of_plan[i]);
    g_autofree char *model = mpp_json_to_text(mpp_json_get(run->json->root, "model"));
    g_autofree char *hardware = mpp_json_to_text(mpp_json_get(run->json->root, "hardware"));
    g_autofree char *rest = mpp_json_to_text(training);
    return g_strconcat(model, hardware, rest, NULL);
}

static PlanGroup *find_group(GPtrArray *groups, const MppRun *run)
{
    g_autofree char *key = without_plan(run);
    for (guint i = 0; i < groups->len; i++)
        if (strcmp(((PlanGroup *)groups->pdata[i])->key, key) == 0)
            return groups->pdata[i];
    PlanGroup *group = g_new(PlanGroup, 1);
    group->key = g_steal_pointer(&key);
    group->predicted = g_array_new(FALSE, FALSE, sizeof(double));
    group->measured = g_array_new(FALSE, FALSE, sizeof(double));
    g_ptr_array_add(groups, group);
    return group;
}

/** How much slower than the best measured plan the one ranked first is; ties share their mean. */
static double regret(const PlanGroup *group)
{
    const double *predicted = (double *)group->predicted->data, *measured = (double *)group->measured->data;
    guint n = group->predicted->len, n_first = 0;
    double best = gsl_stats_min(measured, 1, n), first = gsl_stats_min(predicted, 1, n), sum = 0;
    for (guint i = 0; i < n; i++) {
        if (predicted[i] <= first * (1 + 1e-9)) {
            sum += measured[i];
            n_first++;
        }
    }
    return sum / n_first / best - 1;
}

static void fill_ranking(GPtrArray *groups, MppAccuracy *out)
{
    enum { SMALLEST_GROUP = 5 };
    for (guint i = 0; i < groups->len; i++) {
        const PlanGroup *group = groups->pdata[i];
        guint n = group->predicted->len;
        if (n < SMALLEST_GROUP)
            continue;
        double one = regret(group);
        g_autofree double *work = g_new(double, 2 * n);
        double rho = gsl_stats_spearman((double *)group->predicted->data, 1, (double *)group->measured->data, 1, n, work);
        out->n_groups++;
        out->regret_mean += one;
        out->regret_worst = MAX(out->regret_worst, one);
        out->spearman += isnan(rho) ? 0 : rho;
    }
    if (out->n_groups) {
        out->regret_mean /= out->n_groups;
        out->spearman /= out->n_groups;
    }
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void fill_times(GArray *errors, MppAccuracy *out)
{
    out->n_times = (int)errors->len;
    if (!errors->len)
        return;
    g_autoptr(GArray) sizes = g_array_new(FALSE, FALSE, sizeof(double));
    for (guint i = 0; i < errors->len; i++) {
        double error = g_array_index(errors, double, i), size = fabs(error);
        out->bias += error / errors->len;
        out->mape += size / errors->len;
        g_array_append_val(sizes, size);
    }
    g_array_sort(sizes, compare_doubles);
    out->median = gsl_stats_median_from_sorted_data((const double *)sizes->data, 1, sizes->len);
    out->p90 = g_array_index(sizes, double, MIN(sizes->len - 1, (guint)(0.9 * sizes->len)));
}

static void count_feasibility(const MppPrediction *prediction, MppAccuracy *out)
{
    int oom = mpp_run_out_of_memory(prediction->run);
    if (oom < 0)
        return;
    int *cell = prediction->fits ? (oom ? &out->fits_oom : &out->fits_fits) : (oom ? &out->oom_oom : &out->oom_fits);
    (*cell)++;
}

static void add_row(const MppPrediction *prediction, GArray *errors, GPtrArray *groups, MppAccuracy *out)
{
    const MppRunMeasured *measured = &prediction->run->measured;
    out->rows++;
    if (prediction->skipped)
        return;
    out->predicted++;
    if (measured->step_time_s > 0) {
        double error = prediction->step_time_s / measured->step_time_s - 1;
        g_array_append_val(errors, error);
        if (!out->worst_id || fabs(error) > fabs(out->worst)) {
            out->worst = error;
            out->worst_id = prediction->run->id;
        }
        bool judged = prediction->p90_s > 0 && !measured->anomaly;
        out->n_intervals += judged;
        out->n_inside += judged && measured->step_time_s >= prediction->p10_s && measured->step_time_s <= prediction->p90_s;
        PlanGroup *group = find_group(groups, prediction->run);
        g_array_append_val(group->predicted, prediction->step_time_s);
        g_array_append_val(group->measured, measured->step_time_s);
    }
    if (measured->memory_gib_per_gpu > 0) {
        double error = prediction->memory_bytes / (measured->memory_gib_per_gpu * MPP_GIB) - 1;
        out->memory_mape += fabs(error);
        out->memory_bias += error;
        out->n_memory++;
    }
    count_feasibility(prediction, out);
}

static MppAccuracy accuracy_of(const GArray *predictions, const char *source, bool clean)
{
    MppAccuracy out = { .source = source };
    g_autoptr(GArray) errors = g_array_new(FALSE, FALSE, sizeof(double));
    g_autoptr(GPtrArray) groups = g_ptr_array_new_with_free_func(plan_group_free);
    for (guint i = 0; i < predictions->len; i++) {
        const MppPrediction *prediction = &g_array_index(predictions, MppPrediction, i);
        bool wanted = !source || strcmp(prediction->run->source, source) == 0;
        if (wanted && !(clean && prediction->run->measured.anomaly))
            add_row(prediction, errors, groups, &out);
    }
    if (out.n_memory) {
        out.memory_mape /= out.n_memory;
        out.memory_bias /= out.n_memory;
    }
    fill_times(errors, &out);
    fill_ranking(groups, &out);
    return out;
}

static int compare_sources(const void *a, const void *b)
{
    return strcmp(((const MppAccuracy *)a)->source, ((const MppAccuracy *)b)->source);
}

GArray *mpp_accuracy_by_source(const GArray *predictions, bool clean)
{
    GArray *table = g_array_new(FALSE, FALSE, sizeof(MppAccuracy));
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < predictions->len; i++) {
        const char *source = g_array_index(predictions, MppPrediction, i).run->source;
        if (g_hash_table_add(seen, (void *)source)) {
            MppAccuracy row = accuracy_of(predictions, source, clean);
            g_array_append_val(table, row);
        }
    }
    g_array_sort(table, compare_sources);
    return table;
}

MppAccuracy mpp_accuracy_overall(const GArray *predictions, bool clean)
{
    return accuracy_of(predictions, NULL, clean);
}
