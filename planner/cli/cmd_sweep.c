#include <stdio.h>
#include <string.h>

#include "planner/api/job_words.h"
#include "planner/api/plan_answer.h"
#include "planner/api/plan_json.h"
#include "planner/base/error.h"
#include "planner/base/units.h"
#include "planner/cli/command.h"
#include "planner/cli/progress.h"
#include "planner/cli/sweep_values.h"
#include "planner/cli/terminal.h"

typedef struct {
    MppJobWords job;
    char *strategy, *tokens_text, *output;
    double tokens;
    int threads;
    gboolean json, quiet;
} SweepOptions;

/** The best plan for one value. */
typedef struct {
    const char *value;
    MppInputs *inputs;
    MppPlanAnswer *answer;
} Row;

static void row_free(void *data)
{
    Row *row = data;
    mpp_plan_answer_free(row->answer);
    mpp_inputs_free(row->inputs);
    g_free(row);
}

static bool answer_row(const SweepOptions *options, const MppJobWords *job, const char *strategy, Row *row, GError **error)
{
    MppSpaceLimits limits = { .fixed = mpp_strategy_single() };
    row->inputs = mpp_job_words_inputs(job, NULL, error);
    if (!row->inputs || (strategy && !mpp_strategy_parse(strategy, &limits.fixed, &limits.fields, error)))
        return false;
    MppPlanQuestion question = { row->inputs, &limits, strategy, MPP_OBJECTIVE_SURE, 0, options->threads,
                                 mpp_progress_until_interrupted(options->quiet) };
    row->answer = mpp_plan_answer_new(&question);
    mpp_strategy_clear(&limits.fixed);
    if (!row->answer->result->counts.unjudged)
        return true;
    return mpp_error_set(error, MPP_ERROR_INTERRUPTED, "interrupted at %s", row->value);
}

/** Over devices with no batch given, all have the batch that is usual on the most. */
static bool keep_batch(const SweepOptions *options, const MppSweep *sweep, int64_t *batch, GError **error)
{
    *batch = options->job.global_batch;
    if (strcmp(sweep->name, "gpus") != 0 || *batch != MPP_JOB_NOT_GIVEN)
        return true;
    for (guint i = 0; sweep->values[i]; i++) {
        MppJobWords job = options->job;
        g_autofree char *strategy = NULL;
        g_autoptr(MppInputs) inputs = mpp_sweep_set(sweep, i, &job, &strategy, error) ? mpp_job_words_inputs(&job, NULL, error) : NULL;
        if (!inputs)
            return false;
        *batch = MAX(*batch, inputs->training.global_batch);
    }
    return true;
}

static GPtrArray *answer_all(const SweepOptions *options, const MppSweep *sweep, GError **error)
{
    g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func(row_free);
    int64_t batch;
    if (!keep_batch(options, sweep, &batch, error))
        return NULL;
    for (guint i = 0; sweep->values[i]; i++) {
        MppJobWords job = options->job;
        job.global_batch = batch;
        g_autofree char *strategy = g_strdup(options->strategy);
        Row *row = g_new0(Row, 1);
        row->value = sweep->values[i];
        g_ptr_array_add(rows, row);
        if (!mpp_sweep_set(sweep, i, &job, &strategy, error) || !answer_row(options, &job, strategy, row, error))
            return NULL;
        if (batch != options->job.global_batch)
            mpp_inputs_assume(row->inputs, "global batch %" G_GINT64_FORMAT " (--global-batch)", batch);
    }
    return g_steal_pointer(&rows);
}

static double tokens_per_s(const Row *row)
{
    return row->answer->plan->best.estimate->tokens_per_s_per_gpu * (double)row->inputs->gpus;
}

static void add_nothing(MppTable *table, const Row *row, int columns)
{
    const MppSearchResult *result = row->answer->result;
    g_autofree char *lacking = mpp_units_bytes(result->lacking_bytes);
    if (result->has_miss)
        mpp_table_add(table, "none fits: %s more are needed", lacking);
    else
        mpp_table_add(table, "none is legal");
    for (int i = 0; i < columns; i++)
        mpp_table_add(table, "%s", "");
}

static void add_row(MppTable *table, const Row *row, double first_rate, double tokens)
{
    enum { COLUMNS = 7 };
    mpp_table_add(table, "%s", row->value);
    if (!row->answer->plan) {
        add_nothing(table, row, COLUMNS);
        return;
    }
    const MppEstimate *estimate = row->answer->plan->best.estimate;
    g_autofree char *title = mpp_strategy_title(&row->answer->plan->best.candidate.strategy), *step = mpp_units_seconds(estimate->step_s);
    g_autofree char *rate = mpp_units_whole(estimate->tokens_per_s_per_gpu), *peak = mpp_units_bytes(estimate->peak_bytes);
    g_autofree char *time = mpp_units_seconds(tokens / tokens_per_s(row)), *cost = mpp_units_whole(estimate->usd_per_mtokens * tokens / 1e6);
    mpp_table_add(table, "%s", title);
    mpp_table_add(table, "%s", step);
    mpp_table_add(table, "%s", rate);
    mpp_table_add(table, "%.1f %%", 100 * estimate->mfu);
    mpp_table_add(table, "%.2f×", tokens_per_s(row) / first_rate);
    mpp_table_add(table, "%s", peak);
    mpp_table_add(table, "%s", time);
    if (estimate->usd_per_mtokens > 0)
        mpp_table_add(table, "$%s", cost);
    else
        mpp_table_add(table, "%s", "");
}

static bool assumed_in_all(const GPtrArray *rows, const char *what)
{
    for (guint i = 0; i < rows->len; i++) {
        const GPtrArray *assumed = ((const Row *)rows->pdata[i])->inputs->assumed;
        if (!assumed || !g_ptr_array_find_with_equal_func((GPtrArray *)assumed, what, g_str_equal, NULL))
            return false;
    }
    return true;
}

/** What was assumed for all; else each has what is usual for it. */
static void print_assumed(const GPtrArray *rows)
{
    const GPtrArray *assumed = ((const Row *)rows->pdata[0])->inputs->assumed;
    const char *before = "\n  assumed   ";
    for (guint i = 0; assumed && i < assumed->len; i++) {
        bool all = assumed_in_all(rows, assumed->pdata[i]);
        bool batch = g_str_has_prefix(assumed->pdata[i], "global batch");
        if (!all && !batch)
            continue;
        printf("%s%s", before, all ? (const char *)assumed->pdata[i] : "the usual global batch of each (--global-batch)");
        before = "; ";
    }
    if (*before == ';')
        puts("");
}

static void print_rows(const SweepOptions *options, const MppSweep *sweep, const GPtrArray *rows)
{
    const Row *fits = NULL;
    for (guint i = 0; i < rows->len && !fits; i++)
        fits = ((const Row *)rows->pdata[i])->answer->plan ? rows->pdata[i] : NULL;
    const MppModel *model = &((const Row *)rows->pdata[0])->inputs->model;
    const char *units = mpp_model_units(model);
    g_autofree char *count = mpp_units_count(options->tokens);
    g_autofree char *columns = g_strdup_printf("%s >|best plan|step >|%s/s/GPU >|MFU >|speed-up >|peak >|%s %s >|cost >", sweep->name,
                                               units, count, units);
    g_autoptr(MppTable) table = mpp_table_new(columns);
    for (guint i = 0; i < rows->len; i++)
        add_row(table, rows->pdata[i], fits ? tokens_per_s(fits) : 1, options->tokens);
    if (strcmp(sweep->name, "model") != 0)
        printf("%s: ", model->name);
    printf("the best plan for each %s\n\n", sweep->name);
    mpp_table_print(table);
    print_assumed(rows);
    if (strcmp(sweep->name, "seq") == 0)
        puts("  MFU       counts attention in full (arXiv:2204.02311), of which causal kernels compute half");
}

static cJSON *row_json(const Row *row, double tokens)
{
    cJSON *object = cJSON_CreateObject();
    const MppBestPlan *plan = row->answer->plan;
    const MppJob *job = &row->inputs->job;
    cJSON_AddStringToObject(object, "value", row->value);
    cJSON_AddItemToObject(object, "plan", plan ? mpp_plan_json(job, &plan->best.candidate.strategy, plan->best.estimate) : cJSON_CreateNull());
    if (plan) {
        cJSON_AddNumberToObject(object, "gpus", (double)row->inputs->gpus);
        cJSON_AddNumberToObject(object, "global_batch", (double)row->inputs->training.global_batch);
        cJSON_AddNumberToObject(object, "tokens_s", tokens / tokens_per_s(row));
        cJSON_AddNumberToObject(object, "tokens_usd", plan->best.estimate->usd_per_mtokens * tokens / 1e6);
    } else if (row->answer->result->has_miss) {
        cJSON_AddNumberToObject(object, "lacking_bytes", row->answer->result->lacking_bytes);
    }
    return object;
}

static bool write_rows(const SweepOptions *options, const MppSweep *sweep, const GPtrArray *rows, GError **error)
{
    g_autoptr(cJSON) root = cJSON_CreateObject();
    cJSON_AddNumberToObject(root, "format_version", 1);
    cJSON_AddStringToObject(root, "over", sweep->name);
    cJSON_AddNumberToObject(root, "tokens", options->tokens);
    cJSON *list = cJSON_AddArrayToObject(root, "rows");
    for (guint i = 0; i < rows->len; i++)
        cJSON_AddItemToArray(list, row_json(rows->pdata[i], options->tokens));
    return mpp_json_write(root, options->output, error);
}

static bool sweep(const SweepOptions *options, const char *text, GError **error)
{
    g_autoptr(MppSweep) over = mpp_sweep_parse(text, error);
    g_autoptr(GPtrArray) rows = over ? answer_all(options, over, error) : NULL;
    if (!rows)
        return false;
    if ((options->json || options->output) && !write_rows(options, over, rows, error))
        return false;
    if (!options->json)
        print_rows(options, over, rows);
    for (guint i = 0; i < rows->len; i++)
        if (((const Row *)rows->pdata[i])->answer->plan)
            return true;
    return mpp_error_set(error, MPP_ERROR_INFEASIBLE, "no plan fits for any %s", over->name);
}

static bool run(int argc, char **argv, GError **error)
{
    SweepOptions options = { 0 };
    const GOptionEntry entries[] = {
        { "strategy", 'S', 0, G_OPTION_ARG_STRING, &options.strategy, "Search only plans with these values, like tp=8,pp=4", "STRATEGY" },
        { "tokens", 'T', 0, G_OPTION_ARG_STRING, &options.tokens_text, "Time and cost of so many tokens (default 1T)", "N" },
        { "threads", 0, 0, G_OPTION_ARG_INT, &options.threads, "Threads (default: all processors)", "N" },
        { "json", 0, 0, G_OPTION_ARG_NONE, &options.json, "Print JSON", NULL },
        { "output", 'o', 0, G_OPTION_ARG_FILENAME, &options.output, "Write the JSON to FILE", "FILE" },
        { "quiet", 'q', 0, G_OPTION_ARG_NONE, &options.quiet, "No progress", NULL },
        G_OPTION_ENTRY_NULL,
    };
    g_auto(MppArguments) arguments = { 0 };
    if (!mpp_command_parse(&mpp_command_sweep, &options.job, entries, argc, argv, &arguments, error) || arguments.helped)
        return arguments.helped;
    if (!arguments.rest || arguments.rest[1])
        return mpp_error_usage(error, "sweep goes over one thing: NAME=VALUES, like gpus=8..1024");
    return mpp_sweep_tokens(options.tokens_text ? options.tokens_text : "1T", &options.tokens, error) &&
           mpp_command_check_range(options.threads, 0, MPP_COMMAND_MOST_THREADS, "threads", error) &&
           sweep(&options, arguments.rest[0], error);
}

const MppCommand mpp_command_sweep = {
    .name = "sweep",
    .arguments = "NAME=VALUES",
    .summary = "Find the best plan for each of several numbers of devices, lengths, batches, clusters … side by side.",
    .examples = "  mpplan sweep --model llama-3.1-70b gpus=8..1024 --tokens 15T   # how few do, how it scales, days, dollars\n"
                "  mpplan sweep --model llama-3.1-8b --gpus 64 seq=8192..1048576  # the longest context\n"
                "  mpplan sweep --model gpt.json --gpus 8 mbs=1..64               # the best micro-batch\n"
                "  mpplan sweep --model deepseek-v3 --gpus 256 recompute=none,selective:mla_up_proj+moe_act,full\n"
                "  mpplan sweep --model mixtral-8x7b --gpus 64 cluster=dgx-a100,dgx-h100,dgx-b200\n",
    .run = run,
};
