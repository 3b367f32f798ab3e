#include "planner/cli/command.h"
#include "planner/cli/options.h"
#include "planner/cli/plan_json.h"
#include "planner/cli/plan_text.h"

#include <stdio.h>

static bool write_estimate(const MppInputs *inputs, const MppStrategy *strategy, const MppEstimate *estimate, const char *path,
                           GError **error)
{
    g_autoptr(cJSON) root = cJSON_CreateObject();
    cJSON_AddNumberToObject(root, "format_version", 1);
    cJSON_AddItemToObject(root, "inputs", mpp_inputs_write(inputs));
    cJSON_AddItemToObject(root, "best", mpp_plan_json(&inputs->job, strategy, estimate));
    return mpp_json_write(root, path, error);
}

static void print_estimate(const MppInputs *inputs, const MppStrategy *strategy, const MppEstimate *estimate)
{
    g_autofree char *title = mpp_inputs_title(inputs);
    puts(title);
    mpp_plan_text_answer(strategy, estimate, NULL);
    mpp_plan_text_shares(estimate);
    mpp_plan_text_binds(&inputs->job, strategy, estimate);
    mpp_plan_text_stages(estimate);
    mpp_plan_text_warning(&inputs->job, strategy);
    mpp_plan_text_basis(inputs);
}

/** Inputs and strategy from a plan file, or from options and --strategy. */
static bool open_question(const MppJobOptions *options, const char *text, char **files, MppInputs **inputs, MppStrategy *strategy,
                          GError **error)
{
    if (files && files[1]) {
        g_set_error(error, MPP_ERROR, MPP_ERROR_USAGE, "estimate takes one plan file; unexpected argument \"%s\"", files[1]);
        return false;
    }
    if (files && (options->model || text)) {
        g_set_error(error, MPP_ERROR, MPP_ERROR_USAGE, "estimate takes a plan file, or a model and a strategy, not both");
        return false;
    }
    if (files) {
        g_autoptr(MppPlanFile) file = mpp_plan_file_load(files[0], error);
        if (!file)
            return false;
        *inputs = g_steal_pointer(&file->inputs);
        *strategy = file->strategy;
        file->strategy.stage_layers = NULL;
        return true;
    }
    *inputs = mpp_job_options_inputs(options, error);
    return *inputs && mpp_command_strategy(&(*inputs)->job, text ? text : "", strategy, error);
}

static bool run(int argc, char **argv, GError **error)
{
    MppJobOptions options = { 0 };
    GOptionEntry job_entries[MPP_N_JOB_ENTRIES];
    mpp_job_options_entries(&options, job_entries);
    gboolean json = FALSE;
    g_autofree char *output = NULL, *text = NULL;
    const GOptionEntry entries[] = {
        { "strategy", 'S', 0, G_OPTION_ARG_STRING, &text, "How to split, like tp=8,pp=4,mbs=1,sp,zero=1", "STRATEGY" },
        { "json", 0, 0, G_OPTION_ARG_NONE, &json, "Print JSON", NULL },
        { "output", 'o', 0, G_OPTION_ARG_FILENAME, &output, "Write the plan to FILE as JSON", "FILE" },
        G_OPTION_ENTRY_NULL,
    };
    g_auto(GStrv) files = NULL;
    g_autoptr(MppInputs) inputs = NULL;
    MppStrategy strategy = { 0 };
    bool helped, done = mpp_command_parse(&mpp_command_estimate, job_entries, entries, argc, argv, &files, &helped, error);
    if (done && !helped) {
        done = open_question(&options, text, files, &inputs, &strategy, error);
        if (done) {
            g_autoptr(MppEstimate) estimate = mpp_estimate_new(&inputs->job, &strategy);
            done = !(json || output) || write_estimate(inputs, &strategy, estimate, output, error);
            if (done && !json)
                print_estimate(inputs, &strategy, estimate);
        }
    }
    mpp_strategy_clear(&strategy);
    mpp_job_options_clear(&options);
    return done;
}

const MppCommand mpp_command_estimate = {
    .name = "estimate",
    .arguments = "[PLAN.json]",
    .summary = "Predict step time and memory of one given strategy.",
    .examples = "  mpplan estimate --model llama-3.1-70b --gpus 64 --strategy tp=4,pp=4,sp,mbs=1,zero=1\n"
                "  mpplan estimate plan.json              # a saved plan again\n",
    .run = run,
};
