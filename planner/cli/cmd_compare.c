#include "planner/base/file.h"
#include "planner/base/json.h"
#include "planner/base/units.h"
#include "planner/calibrate/accuracy.h"
#include "planner/cli/accuracy_text.h"
#include "planner/cli/command.h"
#include "planner/cli/run_arguments.h"
#include "planner/report/accuracy_page.h"
#include "planner/report/page.h"

typedef struct {
    gboolean json, clean;
    char *output, *csv, *html, *unseen;
} CompareOptions;

/** What the prediction rests on: the profiles that were matched, the plan with what was assumed, the parts of the time. */
static void add_basis(cJSON *row, const MppPrediction *prediction)
{
    g_autofree char *plan = mpp_strategy_to_text(&prediction->job->strategy);
    cJSON_AddStringToObject(row, "cluster", prediction->job->cluster->name);
    cJSON_AddStringToObject(row, "runtime", prediction->job->runtime->name);
    cJSON_AddStringToObject(row, "plan", plan);
    const GPtrArray *assumed = prediction->job->assumed;
    cJSON_AddItemToObject(row, "assumed", cJSON_CreateStringArray((const char *const *)assumed->pdata, (int)assumed->len));
    cJSON *shares = cJSON_AddObjectToObject(row, "shares_s");
    for (int i = 0; i < MPP_N_SHARES; i++)
        cJSON_AddNumberToObject(shares, mpp_names_get(&mpp_share_names, i), prediction->shares.s[i]);
    cJSON *parts = cJSON_AddObjectToObject(row, "memory_parts_bytes");
    for (int i = 0; i < MPP_N_MEMORY_PARTS; i++)
        cJSON_AddNumberToObject(parts, mpp_names_get(&mpp_memory_names, i), prediction->memory.bytes[i]);
}

static void add_row(cJSON *rows, const MppPrediction *prediction)
{
    const MppRunMeasured *measured = &prediction->run->measured;
    cJSON *row = cJSON_CreateObject();
    cJSON_AddStringToObject(row, "id", prediction->run->id);
    cJSON_AddStringToObject(row, "source", prediction->run->source);
    if (measured->step_time_s > 0)
        cJSON_AddNumberToObject(row, "measured_step_time_s", measured->step_time_s);
    if (measured->memory_gib_per_gpu > 0)
        cJSON_AddNumberToObject(row, "measured_memory_bytes", measured->memory_gib_per_gpu * MPP_GIB);
    if (prediction->skipped) {
        cJSON_AddStringToObject(row, "skipped", prediction->skipped);
    } else {
        cJSON_AddNumberToObject(row, "predicted_step_time_s", prediction->step_time_s);
        cJSON_AddNumberToObject(row, "p10_step_time_s", prediction->p10_s);
        cJSON_AddNumberToObject(row, "p90_step_time_s", prediction->p90_s);
        cJSON_AddNumberToObject(row, "predicted_memory_bytes", prediction->memory_bytes);
        cJSON_AddBoolToObject(row, "predicted_fits", prediction->fits);
        add_basis(row, prediction);
    }
    cJSON_AddItemToArray(rows, row);
}

static cJSON *summary_row(const MppAccuracy *a)
{
    cJSON *row = cJSON_CreateObject();
    cJSON_AddNumberToObject(row, "rows", a->rows);
    cJSON_AddNumberToObject(row, "predicted", a->predicted);
    cJSON_AddNumberToObject(row, "n_times", a->n_times);
    cJSON_AddNumberToObject(row, "mape", a->mape);
    cJSON_AddNumberToObject(row, "median", a->median);
    cJSON_AddNumberToObject(row, "bias", a->bias);
    cJSON_AddNumberToObject(row, "p90", a->p90);
    cJSON_AddNumberToObject(row, "worst", a->worst);
    if (a->worst_id)
        cJSON_AddStringToObject(row, "worst_id", a->worst_id);
    cJSON_AddNumberToObject(row, "n_intervals", a->n_intervals);
    cJSON_AddNumberToObject(row, "inside_interval", a->n_inside);
    cJSON_AddNumberToObject(row, "n_memory", a->n_memory);
    cJSON_AddNumberToObject(row, "memory_mape", a->memory_mape);
    cJSON_AddNumberToObject(row, "memory_bias", a->memory_bias);
    cJSON_AddNumberToObject(row, "fits_and_ran", a->fits_fits);
    cJSON_AddNumberToObject(row, "fits_but_out_of_memory", a->fits_oom);
    cJSON_AddNumberToObject(row, "too_large_but_ran", a->oom_fits);
    cJSON_AddNumberToObject(row, "too_large_and_out_of_memory", a->oom_oom);
    cJSON_AddNumberToObject(row, "n_groups", a->n_groups);
    cJSON_AddNumberToObject(row, "regret_mean", a->regret_mean);
    cJSON_AddNumberToObject(row, "regret_worst", a->regret_worst);
    cJSON_AddNumberToObject(row, "spearman", a->spearman);
    return row;
}

static bool write_json(const GArray *predictions, const char *path, GError **error)
{
    g_autoptr(cJSON) root = cJSON_CreateObject();
    cJSON_AddNumberToObject(root, "format_version", 1);
    cJSON *rows = cJSON_AddArrayToObject(root, "rows");
    for (guint i = 0; i < predictions->len; i++)
        add_row(rows, &g_array_index(predictions, MppPrediction, i));
    cJSON *summary = cJSON_AddObjectToObject(root, "summary");
    g_autoptr(GArray) table = mpp_accuracy_by_source(predictions, false);
    for (guint i = 0; i < table->len; i++) {
        const MppAccuracy *accuracy = &g_array_index(table, MppAccuracy, i);
        cJSON_AddItemToObject(summary, accuracy->source, summary_row(accuracy));
    }
    return mpp_json_write(root, path, error);
}

static void append_csv_row(GString *text, const MppPrediction *prediction)
{
    const MppRunMeasured *measured = &prediction->run->measured;
    g_string_append_printf(text, "%s,%s", prediction->run->source, prediction->run->id);
    if (measured->step_time_s > 0)
        g_string_append_printf(text, ",%.5g", measured->step_time_s);
    else
        g_string_append_c(text, ',');
    if (prediction->skipped) {
        g_autofree char *reason = g_strdelimit(g_strdup(prediction->skipped), ",\"\n", ' ');
        g_string_append_printf(text, ",,,,,,,%s\n", reason);
        return;
    }
    g_string_append_printf(text, ",%.4g,%.4g,%.4g", prediction->step_time_s, prediction->p10_s, prediction->p90_s);
    if (measured->memory_gib_per_gpu > 0)
        g_string_append_printf(text, ",%.4g", measured->memory_gib_per_gpu);
    else
        g_string_append_c(text, ',');
    g_string_append_printf(text, ",%.4g,%s,\n", prediction->memory_bytes / MPP_GIB, prediction->fits ? "fits" : "too large");
}

static bool write_csv(const GArray *predictions, const char *path, GError **error)
{
    GString *text = g_string_new("source,id,measured_s,predicted_s,p10_s,p90_s,measured_gib,predicted_gib,predicted_fits,skipped\n");
    for (guint i = 0; i < predictions->len; i++)
        append_csv_row(text, &g_array_index(predictions, MppPrediction, i));
    g_autofree char *csv = g_string_free(text, FALSE);
    return mpp_file_write(path, csv, error);
}

/** Mean errors of left-out sources from the table that calibrate writes: source → double *, a fraction. */
static GHashTable *load_unseen(const char *path, GError **error)
{
    g_autofree char *text = NULL;
    size_t n_bytes;
    if (!mpp_file_read(path, &text, &n_bytes, error))
        return NULL;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autoptr(GHashTable) unseen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    bool table = lines[0] && g_str_has_prefix(lines[0], "source,timed,seen_mape,unseen_mape,");
    for (int i = 1; table && lines[i] && *lines[i]; i++) {
        enum { SOURCE, UNSEEN = 3 };
        g_auto(GStrv) cells = g_strsplit(lines[i], ",", -1);
        char *end = NULL;
        double *frac = g_new(double, 1);
        *frac = g_strv_length(cells) > UNSEEN ? g_ascii_strtod(cells[UNSEEN], &end) / 100 : 0;
        g_hash_table_insert(unseen, g_strdup(cells[SOURCE]), frac);
        if (end && end > cells[UNSEEN] && !*end)
            continue;
        g_set_error(error, MPP_ERROR, MPP_ERROR_SYNTAX, "%s:%d: expected the source's name and its errors in per cent", path, i + 1);
        return NULL;
    }
    if (table)
        return g_steal_pointer(&unseen);
    g_set_error(error, MPP_ERROR, MPP_ERROR_SYNTAX, "%s:1: expected the header of calibrate's --leave-one-out table", path);
    return NULL;
}

static bool write_page(const GArray *predictions, const char *path, const char *unseen_path, GError **error)
{
    g_autoptr(GHashTable) unseen = NULL;
    if (unseen_path && !(unseen = load_unseen(unseen_path, error)))
        return false;
    g_autoptr(cJSON) data = mpp_accuracy_page_data(predictions, unseen);
    g_autofree char *html = mpp_page_html(MPP_PAGE_ACCURACY, data);
    return mpp_file_write(path, html, error);
}

static void leave_out_anomalies(GPtrArray *runs)
{
    for (guint i = runs->len; i > 0; i--)
        if (((const MppRun *)runs->pdata[i - 1])->measured.anomaly)
            g_ptr_array_remove_index(runs, i - 1);
}

static bool compare(const MppJobWords *job, char **files, const CompareOptions *options, GError **error)
{
    if (!files)
        return mpp_error_usage(error, "compare needs files of measured runs");
    g_autoptr(MppRunArguments) given = mpp_run_arguments_load(job, files, error);
    if (!given)
        return false;
    if (options->clean)
        leave_out_anomalies(given->runs);
    GArray *predictions = mpp_predictions_new(given->runs, given->profiles);
    g_autoptr(MppSpreads) spreads = mpp_spreads_built_in();
    mpp_predictions_set_intervals(predictions, spreads);
    bool written = (!options->csv || write_csv(predictions, options->csv, error)) &&
                   (!options->html || write_page(predictions, options->html, options->unseen, error)) &&
                   (!(options->json || options->output) || write_json(predictions, options->output, error));
    if (written && !options->json) {
        mpp_accuracy_text_print(predictions, false);
        mpp_accuracy_text_assumed(predictions);
    }
    mpp_predictions_free(predictions);
    return written;
}

static bool run(int argc, char **argv, GError **error)
{
    CompareOptions options = { 0 };
    MppJobWords job;
    const GOptionEntry entries[] = {
        { "json", 0, 0, G_OPTION_ARG_NONE, &options.json, "Print JSON", NULL },
        { "csv", 0, 0, G_OPTION_ARG_FILENAME, &options.csv, "Also write one line a run to FILE", "FILE" },
        { "html", 0, 0, G_OPTION_ARG_FILENAME, &options.html, "Also write a page of plots to FILE", "FILE" },
        { "unseen", 0, 0, G_OPTION_ARG_FILENAME, &options.unseen, "On the page, errors of left-out sources (calibrate --leave-one-out)",
          "FILE" },
        { "clean", 0, 0, G_OPTION_ARG_NONE, &options.clean, "Leave out runs marked as anomalies", NULL },
        { "output", 'o', 0, G_OPTION_ARG_FILENAME, &options.output, "Write the JSON to FILE", "FILE" },
        G_OPTION_ENTRY_NULL,
    };
    g_auto(MppArguments) arguments = { 0 };
    if (!mpp_command_parse(&mpp_command_compare, &job, entries, argc, argv, &arguments, error) || arguments.helped)
        return arguments.helped;
    return mpp_command_check_needs(options.unseen, "unseen", options.html, "html", error) &&
           compare(&job, arguments.rest, &options, error);
}

const MppCommand mpp_command_compare = {
    .name = "compare",
    .arguments = "RUNS.jsonl… LAUNCH=LOG…",
    .summary = "Predict measured runs and show how far off the predictions are.",
    .examples = "  mpplan compare runs.jsonl              # a table by source\n"
                "  mpplan compare runs.jsonl --json       # every row\n"
                "  mpplan compare runs.jsonl --html errors.html\n"
                "  mpplan compare runs.jsonl --csv out.csv --clean\n"
                "  mpplan compare plan.json=train.log     # a run of one's own\n",
    .run = run,
};
