#include "planner/cli/plan_json.h"
#include "planner/cli/plan_text.h"
#include "planner/cli/question.h"
#include "sim/answer.h"

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

static bool tell(const MppQuestion *question, bool json, const char *output, GError **error)
{
    g_autoptr(MppEstimate) estimate = mpp_answer_new(&question->inputs->job, &question->strategy);
    if ((json || output) && !write_estimate(question->inputs, &question->strategy, estimate, output, error))
        return false;
    if (!json)
        print_estimate(question->inputs, &question->strategy, estimate);
    return true;
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
    bool helped, done = mpp_command_parse(&mpp_command_estimate, job_entries, entries, argc, argv, &files, &helped, error);
    if (done && !helped) {
        g_autoptr(MppQuestion) question = mpp_question_new(&mpp_command_estimate, &options, text, files, error);
        done = question && tell(question, json, output, error);
    }
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
