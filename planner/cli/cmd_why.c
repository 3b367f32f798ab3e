#include <stdio.h>

#include "planner/api/best_plan.h"
#include "planner/api/job_words.h"
#include "planner/api/plan_json.h"
#include "planner/base/units.h"
#include "planner/cli/command.h"
#include "planner/cli/memory_savings.h"
#include "planner/cli/options.h"
#include "planner/cli/plan_text.h"
#include "planner/cli/progress.h"
#include "planner/cli/terminal.h"
#include "sim/answer.h"

/** Why a strategy is not the one to take. */
typedef struct {
    const MppJob *job;
    const MppStrategy *strategy;
    MppEstimate *estimate;
    GArray *savings;   /* MppMemorySaving; of what fits none */
    MppBestPlan *best; /* NULL: nothing fits */
} Answer;

static void print_savings(const GArray *savings, const MppEstimate *now)
{
    g_autoptr(MppTable) table = mpp_table_new("change|peak >|step >|");
    for (guint i = 0; i < savings->len; i++) {
        const MppMemorySaving *saving = &g_array_index(savings, MppMemorySaving, i);
        g_autofree char *peak = mpp_units_bytes(saving->peak_bytes);
        mpp_table_add(table, "%s", saving->title);
        mpp_table_add(table, "%s", peak);
        mpp_table_add(table, "%+.1f %%", 100 * (saving->step_s / now->step_s - 1));
        mpp_table_add(table, "%s", saving->fits ? "fits" : "does not fit");
    }
    if (savings->len)
        mpp_table_print(table);
    else
        puts("  no single change makes it smaller");
}

static void compare_with_best(const Answer *answer)
{
    const MppBestPlan *best = answer->best;
    if (!best) {
        puts("  nothing fits on these devices");
        return;
    }
    const MppEstimate *estimate = answer->estimate, *other = best->best.estimate;
    g_autofree char *title = mpp_strategy_title(&best->best.candidate.strategy), *step = mpp_units_seconds(other->step_s);
    g_autofree char *reason = mpp_plan_text_reason(other, estimate), *unsure = mpp_plan_text_unsure(answer->job, answer->strategy);
    printf("  the best plan is %s: %s a step\n", title, step);
    if (estimate->step_s > other->step_s)
        printf("  this one is %.1f %% slower; %s\n", 100 * (estimate->step_s / other->step_s - 1), reason);
    else if (estimate->fits && estimate->step_s == other->step_s)
        puts("  this one is as fast");
    else if (estimate->fits)
        printf("  this one is %.1f %% faster%s\n", 100 * (1 - estimate->step_s / other->step_s), unsure);
    else
        printf("  this one would be %.1f %% faster if it fitted\n", 100 * (1 - estimate->step_s / other->step_s));
}

static void print_lack(const MppEstimate *estimate)
{
    double device = estimate->peak_bytes - estimate->usable_bytes, host = estimate->host_bytes - estimate->host_usable_bytes;
    g_autofree char *on_device = mpp_units_bytes(device), *in_host = mpp_units_bytes(host);
    puts("");
    if (device > 0)
        printf("  out of memory on stage %" G_GINT64_FORMAT " by %s\n", estimate->fullest_stage, on_device);
    if (host > 0)
        printf("  out of host memory by %s for each device\n", in_host);
}

static void print_answer(const MppInputs *inputs, const Answer *answer)
{
    const MppEstimate *estimate = answer->estimate;
    g_autofree char *title = mpp_inputs_title(inputs);
    puts(title);
    mpp_plan_text_answer(answer->job, answer->strategy, estimate, NULL);
    mpp_plan_text_shares(estimate);
    mpp_plan_text_memory(estimate);
    if (!estimate->fits) {
        print_lack(estimate);
        print_savings(answer->savings, estimate);
    }
    puts("");
    compare_with_best(answer);
    mpp_plan_text_warning(answer->job, answer->strategy);
}

static bool write_answer(const MppInputs *inputs, const Answer *answer, GError **error)
{
    g_autoptr(cJSON) root = cJSON_CreateObject();
    cJSON_AddNumberToObject(root, "format_version", 1);
    cJSON_AddItemToObject(root, "inputs", mpp_inputs_write(inputs));
    cJSON_AddItemToObject(root, "plan", mpp_plan_json(answer->job, answer->strategy, answer->estimate));
    cJSON *changes = cJSON_AddArrayToObject(root, "changes");
    for (guint i = 0; i < answer->savings->len; i++) {
        const MppMemorySaving *saving = &g_array_index(answer->savings, MppMemorySaving, i);
        g_autofree char *strategy = mpp_strategy_to_text(&saving->strategy);
        cJSON *change = cJSON_CreateObject();
        cJSON_AddStringToObject(change, "change", saving->title);
        cJSON_AddStringToObject(change, "strategy", strategy);
        cJSON_AddNumberToObject(change, "step_time_s", saving->step_s);
        cJSON_AddNumberToObject(change, "peak_bytes", saving->peak_bytes);
        cJSON_AddBoolToObject(change, "fits", saving->fits);
        cJSON_AddItemToArray(changes, change);
    }
    const MppRankedPlan *best = answer->best ? &answer->best->best : NULL;
    cJSON_AddItemToObject(root, "best",
                          best ? mpp_plan_json(answer->job, &best->candidate.strategy, best->estimate) : cJSON_CreateNull());
    return mpp_json_write(root, NULL, error);
}

static bool explain(const MppInputs *inputs, const char *text, bool json, GError **error)
{
    const MppJob *job = &inputs->job;
    MppStrategy strategy;
    if (!mpp_job_words_strategy(job, text, &strategy, error))
        return false;
    const MppSpaceLimits everything = { .fixed = mpp_strategy_single() };
    MppSearchOptions how = mpp_best_plan_search(&everything, 0, 0);
    g_autoptr(MppSearchResult) result = mpp_progress_search(job, &how);
    g_autoptr(MppBestPlan) best = result->board->fastest->len ? mpp_best_plan_new(job, &how, result, NULL, MPP_CAUTION_TIED) : NULL;
    g_autoptr(MppEstimate) estimate = mpp_answer_new(job, &strategy);
    GArray *savings = estimate->fits ? g_array_new(FALSE, FALSE, sizeof(MppMemorySaving)) : mpp_memory_savings_find(job, &strategy, estimate);
    const Answer answer = { job, &strategy, estimate, savings, best };
    bool done = !json || write_answer(inputs, &answer, error);
    if (!json)
        print_answer(inputs, &answer);
    mpp_memory_savings_free(savings);
    mpp_strategy_clear(&strategy);
    return done;
}

static bool run(int argc, char **argv, GError **error)
{
    MppJobWords options;
    gboolean json = FALSE;
    const GOptionEntry entries[] = {
        { "json", 0, 0, G_OPTION_ARG_NONE, &json, "Print JSON", NULL },
        G_OPTION_ENTRY_NULL,
    };
    g_auto(MppArguments) arguments = { 0 };
    if (!mpp_command_parse(&mpp_command_why, &options, entries, argc, argv, &arguments, error) || arguments.helped)
        return arguments.helped;
    if (!arguments.rest || arguments.rest[1])
        return mpp_error_usage(error, "why needs one strategy, like tp=8,pp=1");
    g_autoptr(MppInputs) inputs = mpp_job_words_inputs(&options, NULL, error);
    return inputs && explain(inputs, arguments.rest[0], json, error);
}

const MppCommand mpp_command_why = {
    .name = "why",
    .arguments = "STRATEGY",
    .summary = "Say why a strategy does not fit, or what it loses to the best one.",
    .examples = "  mpplan why tp=8,pp=1 --model llama-3.1-70b --gpus 64\n",
    .run = run,
};
