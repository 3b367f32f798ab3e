/**
 * Measured runs named on the command line: RUNS.jsonl, or LAUNCH=LOG for a run of one's own.
 */
#pragma once

#include "planner/cli/options.h"
#include "planner/runs/run_job.h"

typedef struct {
    GPtrArray *runs;       /* MppRun * */
    MppProfiles *profiles; /* the built-in ones; a plan's own profiles go before those of the same names */
} MppRunArguments;

/**
 * Reads @files. LAUNCH is a plan file, or what was launched in the words of the stack that wrote LOG: Megatron-LM's
 * arguments or script, DeepSpeed's JSON, torchtitan's TOML. @job completes a launch; its cluster and its runtime go before
 * a plan's.
 *
 * Errors: those of runs, plans, launches and logs; MPP_ERROR_UNSUPPORTED where the stack's launches are not read.
 */
MppRunArguments *mpp_run_arguments_load(const MppJobWords *job, char **files, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void mpp_run_arguments_free(MppRunArguments *arguments);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppRunArguments, mpp_run_arguments_free)
