#include "planner/cli/question.h"

#include "planner/api/job_words.h"
#include "planner/base/error.h"
#include "planner/spec/plan_file.h"

void mpp_question_free(MppQuestion *question)
{
    if (!question)
        return;
    mpp_strategy_clear(&question->strategy);
    mpp_inputs_free(question->inputs);
    g_free(question);
}

MppQuestion *mpp_question_new(const MppCommand *command, const MppJobWords *options, const char *text, char **files, GError **error)
{
    g_autoptr(MppQuestion) question = g_new0(MppQuestion, 1);
    if (files && files[1]) {
        mpp_error_usage(error, "%s takes one plan file; unexpected argument \"%s\"", command->name, files[1]);
        return NULL;
    }
    if (files && (options->model || text)) {
        mpp_error_usage(error, "%s takes a plan file, or a model and a strategy, not both", command->name);
        return NULL;
    }
    if (!files && !options->model) {
        mpp_error_usage(error, "%s needs a plan file, or --model and --gpus", command->name);
        return NULL;
    }
    if (files) {
        g_autoptr(MppPlanFile) file = mpp_plan_file_load(files[0], error);
        if (!file)
            return NULL;
        question->inputs = g_steal_pointer(&file->inputs);
        question->strategy = file->strategy;
        file->strategy.stage_layers = NULL;
        return g_steal_pointer(&question);
    }
    question->inputs = mpp_job_words_inputs(options, NULL, error);
    if (!question->inputs || !mpp_job_words_strategy(&question->inputs->job, text ? text : "", &question->strategy, error))
        return NULL;
    return g_steal_pointer(&question);
}
