#include "planner/report/accuracy_page.h"

#include <string.h>

#include "planner/base/units.h"

/** Names in the order of their numbers. */
typedef struct {
    cJSON *list;
    GHashTable *numbers; /* name → number + 1 */
} Numbered;

static Numbered numbered_new(cJSON *root, const char *member)
{
    return (Numbered){ cJSON_AddArrayToObject(root, member), g_hash_table_new(g_str_hash, g_str_equal) };
}

static int number_of(Numbered *names, const char *name)
{
    int number = GPOINTER_TO_INT(g_hash_table_lookup(names->numbers, name));
    if (!number) {
        cJSON_AddItemToArray(names->list, cJSON_CreateString(name));
        number = cJSON_GetArraySize(names->list);
        g_hash_table_insert(names->numbers, (void *)name, GINT_TO_POINTER(number));
    }
    return number - 1;
}

/** Columns of the runs; text columns come last. */
static const char *const columns[] = { "source",   "device",        "runtime",       "measured_s", "predicted_s", "low_s", "high_s",
                                       "measured_bytes", "predicted_bytes", "gpus", "compute", "communication", "host", "bubble",
                                       "tp",       "pp",            "dp",            "cp",         "ep",          "id",    "plan" };

/** Shares of the step that the page tells apart, as parts of it. */
typedef struct {
    double compute, communication, host, bubble;
} Effects;

static Effects effects_of(const MppShares *shares)
{
    const double *s = shares->s, step_s = mpp_shares_sum(shares);
    return (Effects){
        .compute = (s[MPP_SHARE_MATMUL] + s[MPP_SHARE_ATTENTION] + s[MPP_SHARE_MEMORY] + s[MPP_SHARE_RECOMPUTE] + s[MPP_SHARE_OPTIMIZER]) / step_s,
        .communication = (s[MPP_SHARE_TP] + s[MPP_SHARE_CP] + s[MPP_SHARE_EP] + s[MPP_SHARE_PP] + s[MPP_SHARE_DP] + s[MPP_SHARE_CONTENTION]) / step_s,
        .host = s[MPP_SHARE_HOST] / step_s,
        .bubble = (s[MPP_SHARE_BUBBLE] + s[MPP_SHARE_JITTER]) / step_s,
    };
}

/** To five digits, which keeps the page small. */
static void add_amount(cJSON *row, double value)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    g_ascii_formatd(text, sizeof text, "%.5g", value);
    cJSON_AddItemToArray(row, cJSON_CreateNumber(g_ascii_strtod(text, NULL)));
}

static cJSON *run_row(const MppPrediction *one, int source, int device, int runtime)
{
    const MppRunMeasured *measured = &one->run->measured;
    const MppStrategy *s = &one->job->strategy;
    Effects effects = effects_of(&one->shares);
    const double amounts[] = { source, device, runtime, measured->step_time_s, one->step_time_s, one->p10_s,
                               one->p90_s, measured->memory_gib_per_gpu * MPP_GIB, one->memory_bytes,
                               (double)one->job->job.gpus, effects.compute, effects.communication, effects.host, effects.bubble,
                               (double)s->tp, (double)s->pp, (double)s->dp, (double)s->cp, (double)s->ep };
    G_STATIC_ASSERT(G_N_ELEMENTS(amounts) + 2 == G_N_ELEMENTS(columns));
    cJSON *row = cJSON_CreateArray();
    for (size_t i = 0; i < G_N_ELEMENTS(amounts); i++)
        add_amount(row, amounts[i]);
    g_autofree char *plan = mpp_strategy_to_text(s);
    cJSON_AddItemToArray(row, cJSON_CreateString(one->run->id));
    cJSON_AddItemToArray(row, cJSON_CreateString(plan));
    return row;
}

static int source_index(const GArray *table, const char *source)
{
    for (guint i = 0; i < table->len; i++)
        if (strcmp(g_array_index(table, MppAccuracy, i).source, source) == 0)
            return (int)i;
    g_return_val_if_reached(0);
}

static void add_runs(cJSON *root, const GArray *predictions, const GArray *table)
{
    cJSON_AddItemToObject(root, "columns", cJSON_CreateStringArray((const char **)columns, G_N_ELEMENTS(columns)));
    Numbered devices = numbered_new(root, "devices"), runtimes = numbered_new(root, "runtimes");
    cJSON *runs = cJSON_AddArrayToObject(root, "runs");
    for (guint i = 0; i < predictions->len; i++) {
        const MppPrediction *one = &g_array_index(predictions, MppPrediction, i);
        if (one->skipped)
            continue;
        cJSON_AddItemToArray(runs, run_row(one, source_index(table, one->run->source), number_of(&devices, one->job->cluster->device.name),
                                           number_of(&runtimes, one->job->runtime->name)));
    }
    g_hash_table_unref(devices.numbers);
    g_hash_table_unref(runtimes.numbers);
}

static void add_source(cJSON *list, const MppAccuracy *a, const double *unseen)
{
    cJSON *row = cJSON_CreateObject();
    int right = a->fits_fits + a->oom_oom;
    cJSON_AddStringToObject(row, "name", a->source);
    cJSON_AddNumberToObject(row, "rows", a->rows);
    cJSON_AddNumberToObject(row, "predicted", a->predicted);
    cJSON_AddNumberToObject(row, "fits_right", right);
    cJSON_AddNumberToObject(row, "fits_known", right + a->fits_oom + a->oom_fits);
    if (a->n_times) {
        cJSON_AddNumberToObject(row, "mape", a->mape);
        cJSON_AddNumberToObject(row, "median", a->median);
    }
    if (a->n_memory)
        cJSON_AddNumberToObject(row, "memory_mape", a->memory_mape);
    if (a->n_intervals)
        cJSON_AddNumberToObject(row, "coverage", (double)a->n_inside / a->n_intervals);
    if (unseen)
        cJSON_AddNumberToObject(row, "unseen_mape", *unseen);
    cJSON_AddItemToArray(list, row);
}

static char *answer_of(const MppAccuracy *all, guint sources)
{
    int right = all->fits_fits + all->oom_oom, known = right + all->fits_oom + all->oom_fits;
    GString *text = g_string_new(NULL);
    g_string_append_printf(text, "%d of %d runs from %u source%s are predicted", all->predicted, all->rows, sources, sources == 1 ? "" : "s");
    if (all->n_times)
        g_string_append_printf(text, "; step time is %.1f %% off on average (median %.1f %%)", 100 * all->mape, 100 * all->median);
    if (all->n_memory)
        g_string_append_printf(text, "; memory %.1f %%", 100 * all->memory_mape);
    if (known)
        g_string_append_printf(text, "; whether it fits is right for %d of %d", right, known);
    g_string_append_c(text, '.');
    return g_string_free(text, FALSE);
}

cJSON *mpp_accuracy_page_data(const GArray *predictions, GHashTable *unseen)
{
    cJSON *root = cJSON_CreateObject();
    g_autoptr(GArray) table = mpp_accuracy_by_source(predictions, false);
    MppAccuracy all = mpp_accuracy_overall(predictions, false);
    g_autofree char *answer = answer_of(&all, table->len);
    cJSON_AddStringToObject(root, "title", "Predicted against measured");
    cJSON_AddStringToObject(root, "answer", answer);
    cJSON_AddStringToObject(root, "version", MPP_VERSION);
    cJSON_AddBoolToObject(root, "predicted_unseen", unseen != NULL);
    add_runs(root, predictions, table);
    cJSON *sources = cJSON_AddArrayToObject(root, "sources");
    for (guint i = 0; i < table->len; i++) {
        const MppAccuracy *row = &g_array_index(table, MppAccuracy, i);
        add_source(sources, row, unseen ? g_hash_table_lookup(unseen, row->source) : NULL);
    }
    return root;
}
