#include "planner/cli/question.h"

#include "planner/base/error.h"

static bool check(const char *command, const MppJobWords *options, const char *text, char **files, GError **error)
{
    if (files && files[1])
        return mpp_error_usage(error, "%s takes one plan file; unexpected argument \"%s\"", command, files[1]);
    if (files && (options->model || text))
        return mpp_error_usage(error, "%s takes a plan file, or a model and a strategy, not both", command);
    return files || options->model || mpp_error_usage(error, "%s needs a plan file, or --model and --gpus", command);
}

MppPlanFile *mpp_question_plan(const MppCommand *command, const MppJobWords *options, const char *text, char **files, GError **error)
{
    if (!check(command->name, options, text, files, error))
        return NULL;
    if (files)
        return mpp_plan_file_load(files[0], error);
    g_autoptr(MppPlanFile) plan = g_new0(MppPlanFile, 1);
    plan->inputs = mpp_job_words_inputs(options, NULL, error);
    if (!plan->inputs || !mpp_job_words_strategy(&plan->inputs->job, text ? text : "", &plan->strategy, error))
        return NULL;
    return g_steal_pointer(&plan);
}
