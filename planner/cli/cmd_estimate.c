#include "planner/api/plan_answer.h"
#include "planner/api/plan_json.h"
#include "planner/cli/ascii.h"
#include "planner/cli/command.h"
#include "planner/cli/from_launch.h"
#include "planner/cli/pipeline_chart.h"
#include "planner/cli/plan_text.h"
#include "planner/cli/progress.h"
#include "planner/cli/question.h"
#include "sim/answer.h"

#include <stdio.h>

/** @better: the best plan, or NULL when it was not asked for. */
static bool write_estimate(const MppInputs *inputs, const MppStrategy *strategy, const MppEstimate *estimate,
                           const MppRankedPlan *better, const char *path, GError **error)
{
    g_autoptr(cJSON) root = mpp_plan_json_document(inputs, strategy, estimate);
    if (better)
        cJSON_AddItemToArray(cJSON_AddArrayToObject(root, "alternatives"),
                             mpp_plan_json(&inputs->job, &better->candidate.strategy, better->estimate));
    return mpp_json_write(root, path, error);
}

static void print_estimate(const MppInputs *inputs, const MppStrategy *strategy, const MppEstimate *estimate)
{
    g_autofree char *title = mpp_inputs_title(inputs);
    puts(title);
    mpp_plan_text_answer(&inputs->job, strategy, estimate, NULL);
    mpp_plan_text_shares(estimate);
    mpp_plan_text_binds(&inputs->job, strategy, estimate);
    mpp_plan_text_stages(estimate);
    mpp_pipeline_chart_print(&inputs->job, strategy, estimate);
    mpp_plan_text_warning(&inputs->job, strategy);
    mpp_plan_text_basis(inputs);
    mpp_plan_text_interval(&inputs->job, strategy, estimate);
    mpp_plan_text_figures(&inputs->job, estimate);
}

typedef struct {
    MppJobWords job;
    MppFromOptions from;
    char *strategy, *output;
    gboolean json, ascii;
} EstimateOptions;

/** @better: the best plan, or NULL when it was not asked for. */
static bool tell(const EstimateOptions *options, const MppInputs *inputs, const MppStrategy *strategy, const MppRankedPlan *better,
                 GError **error)
{
    g_autoptr(MppEstimate) estimate = mpp_answer_new(&inputs->job, strategy);
    if ((options->json || options->output) && !write_estimate(inputs, strategy, estimate, better, options->output, error))
        return false;
    if (!options->json)
        print_estimate(inputs, strategy, estimate);
    return true;
}

/** The launch's estimate, and the best plan beside it. */
static bool estimate_launch(const EstimateOptions *options, char **files, GError **error)
{
    if (files)
        return mpp_error_usage(error, "estimate takes a launch or a plan file, not both");
    g_autoptr(MppFromLaunch) launch = mpp_from_launch_new(&options->job, &options->from, options->strategy, error);
    if (!launch)
        return false;
    const MppSpaceLimits everything = { .fixed = mpp_strategy_single() };
    MppSearcher search = options->json ? mpp_search_run : mpp_progress_search;
    MppPlanQuestion question = { .inputs = launch->inputs, .limits = &everything, .search = search };
    g_autoptr(MppPlanAnswer) answer = mpp_plan_answer_new(&question);
    const MppRankedPlan *better = answer->plan ? &answer->plan->best : NULL;
    if (!tell(options, launch->inputs, &launch->strategy, better, error))
        return false;
    if (!options->json)
        mpp_from_launch_print(launch, better);
    return true;
}

static bool estimate_strategy(const EstimateOptions *options, char **files, GError **error)
{
    g_autoptr(MppPlanFile) plan = mpp_question_plan(&mpp_command_estimate, &options->job, options->strategy, files, error);
    return plan && tell(options, plan->inputs, &plan->strategy, NULL, error);
}

static bool run(int argc, char **argv, GError **error)
{
    EstimateOptions options = { 0 };
    GOptionEntry from_entries[MPP_N_FROM];
    mpp_from_options_entries(&options.from, from_entries);
    const GOptionEntry entries[] = {
        { "strategy", 'S', 0, G_OPTION_ARG_STRING, &options.strategy, "How to split, like tp=8,pp=4,mbs=1,sp,zero=1", "STRATEGY" },
        from_entries[0],
        from_entries[1],
        from_entries[2],
        from_entries[3],
        { "json", 0, 0, G_OPTION_ARG_NONE, &options.json, "Print JSON", NULL },
        { "output", 'o', 0, G_OPTION_ARG_FILENAME, &options.output, "Write the plan to FILE as JSON", "FILE" },
        { "ascii", 0, 0, G_OPTION_ARG_NONE, &options.ascii, "Plain letters only", NULL },
        G_OPTION_ENTRY_NULL,
    };
    g_auto(MppArguments) arguments = { 0 };
    if (!mpp_command_parse(&mpp_command_estimate, &options.job, entries, argc, argv, &arguments, error) || arguments.helped)
        return arguments.helped;
    bool launch;
    if (!mpp_from_options_given(&options.from, &launch, error))
        return false;
    FILE *before = mpp_ascii_begin(options.ascii && !options.json);
    bool done = launch ? estimate_launch(&options, arguments.rest, error) : estimate_strategy(&options, arguments.rest, error);
    mpp_ascii_end(before);
    return done;
}

const MppCommand mpp_command_estimate = {
    .name = "estimate",
    .arguments = "[PLAN.json]",
    .summary = "Predict step time and memory of one given strategy, or of a present launch.",
    .examples = "  mpplan estimate --model llama-3.1-70b --gpus 64 --strategy tp=4,pp=4,sp,mbs=1,zero=1\n"
                "  mpplan estimate plan.json              # a saved plan again\n"
                "  mpplan estimate --cluster dgx-h100 --from-megatron pretrain.sh   # a launch, and what would be better\n",
    .run = run,
};
