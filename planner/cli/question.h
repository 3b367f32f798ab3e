/**
 * A plan to look at: from a plan file, or from options and --strategy.
 */
#pragma once

#include "planner/cli/command.h"
#include "planner/cli/options.h"

typedef struct {
    MppInputs *inputs;
    MppStrategy strategy;
} MppQuestion;

/**
 * @files: the command's positional arguments, one plan file or none (NULL). @text: --strategy or NULL.
 * Errors: MPP_ERROR_USAGE for more files or for a file beside options, those of plan files, options and strategies.
 */
MppQuestion *mpp_question_new(const MppCommand *command, const MppJobWords *options, const char *text, char **files,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;
void mpp_question_free(MppQuestion *question);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppQuestion, mpp_question_free)
