/**
 * A job as a user states it: names and counts, on the command line or in a request to the library.
 */
#pragma once

#include "planner/emit/emit.h"
#include "planner/spec/inputs.h"

#define MPP_JOB_CLUSTER "h100-sxm5-80gb" /* when none is named */
#define MPP_JOB_RUNTIME "megatron-core"
#define MPP_JOB_RUNTIME_OF_LISTED "pytorch-ddp" /* of nets that list their layers */
#define MPP_JOB_NOT_GIVEN G_MININT64

/** NULL or MPP_JOB_NOT_GIVEN where nothing was said. */
typedef struct {
    const char *model, *cluster, *runtime, *precision, *optimizer;
    const char *kernels; /* as of mpp_kernels_set() */
    int64_t gpus, global_batch, seq, document_tokens, mean_seq, target_seq, loss_tokens;
    bool flags; /* messages call them "--global-batch", else "global_batch" */
} MppJobWords;

/** Nothing said. */
MppJobWords mpp_job_words_none(void);

/**
 * The inputs these words state; what was not said is the stack's and model's habit, and noted as assumed.
 * @model: taken over instead of the named one, or NULL
 * Errors: those of the zoo; MPP_ERROR_USAGE when the model or the number of devices is missing or a word is wrong.
 */
MppInputs *mpp_job_words_inputs(const MppJobWords *words, MppModel *model, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** A present launch in @target's words, @text called @name, completed by model and gpus. Errors: those of mpp_emit_read(), the zoo. */
MppLaunch *mpp_job_words_launch(const MppJobWords *words, const MppEmitTarget *target, const char *name, const char *text,
                                GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** The inputs of @launch, whose model is taken over; words that were given go before what it states. Errors: as above. */
MppInputs *mpp_job_words_launch_inputs(const MppJobWords *words, MppLaunch *launch, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * A strategy given as text for @job; what is not named follows from the rest or is the stack's habit.
 * Errors: MPP_ERROR_USAGE, MPP_ERROR_INVALID with the rule's id.
 */
bool mpp_job_words_strategy(const MppJob *job, const char *text, MppStrategy *strategy, GError **error) G_GNUC_WARN_UNUSED_RESULT;
