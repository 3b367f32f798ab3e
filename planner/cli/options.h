/**
 * Options that state a job, shared by every command that takes one.
 */
#pragma once

#include "planner/spec/inputs.h"

/** As given on the command line; the least integer or NULL where not. */
typedef struct {
    char *model, *cluster, *runtime, *precision, *optimizer, *attention;
    int64_t gpus, global_batch, seq;
} MppJobOptions;

enum { MPP_N_JOB_ENTRIES = 10 };

/** Fills @entries (MPP_N_JOB_ENTRIES of them, the last empty) to parse into @options. */
void mpp_job_options_entries(MppJobOptions *options, GOptionEntry *entries);
void mpp_job_options_clear(MppJobOptions *options);

/** What was given, as arguments for a shell: "--model gpt.json --gpus 8". */
char *mpp_job_options_to_text(const MppJobOptions *options);

/**
 * The inputs these options state; what was not said is the stack's and model's habit, and noted as assumed.
 * Errors: those of the zoo; MPP_ERROR_USAGE when --model or --gpus is missing or wrong.
 */
MppInputs *mpp_job_options_inputs(const MppJobOptions *options, GError **error) G_GNUC_WARN_UNUSED_RESULT;
