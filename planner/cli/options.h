/**
 * Options that state a job, shared by every command that takes one.
 */
#pragma once

#include "planner/emit/emit.h"
#include "planner/spec/inputs.h"

/** As given on the command line; the least integer or NULL where not. */
typedef struct {
    char *model, *cluster, *runtime, *precision, *optimizer, *attention, *kernels;
    int64_t gpus, global_batch, seq, mean_seq, target_seq, loss_tokens;
} MppJobOptions;

enum { MPP_N_JOB_ENTRIES = 14 };

/** Nothing given. */
MppJobOptions mpp_job_options_none(void);

/** Fills @entries (MPP_N_JOB_ENTRIES of them, the last empty) to parse into @options. */
void mpp_job_options_entries(MppJobOptions *options, GOptionEntry *entries);

/** Frees the texts that the options of @entries, which an empty one ends, were given. */
void mpp_options_clear(const GOptionEntry *entries);

/** What was given, as arguments for a shell: "--model gpt.json --gpus 8". */
char *mpp_job_options_to_text(const MppJobOptions *options);

/**
 * The inputs these options state; what was not said is the stack's and model's habit, and noted as assumed.
 * Errors: those of the zoo; MPP_ERROR_USAGE when --model or --gpus is missing or wrong.
 */
MppInputs *mpp_job_options_inputs(const MppJobOptions *options, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * A present launch in @target's words, @text called @name, completed by --model and --gpus.
 * Errors: those of mpp_emit_read() and of the zoo.
 */
MppLaunch *mpp_job_options_launch(const MppJobOptions *options, const MppEmitTarget *target, const char *name, const char *text,
                                  GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** The inputs of @launch, whose model is taken over; options that were given go before what it states. Errors: as above. */
MppInputs *mpp_job_options_launch_inputs(const MppJobOptions *options, MppLaunch *launch, GError **error) G_GNUC_WARN_UNUSED_RESULT;
