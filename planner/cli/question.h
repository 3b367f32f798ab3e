/**
 * A plan to look at: from a plan file, or from options and --strategy.
 */
#pragma once

#include "planner/cli/command.h"
#include "planner/spec/plan_file.h"

/**
 * @files: the command's positional arguments, one plan file or none (NULL). @text: --strategy or NULL.
 * Errors: MPP_ERROR_USAGE for none, for more files or for a file beside options, those of plan files, options and strategies.
 */
MppPlanFile *mpp_question_plan(const MppCommand *command, const MppJobWords *options, const char *text, char **files,
                               GError **error) G_GNUC_WARN_UNUSED_RESULT;
