/**
 * Whether a split model is the same model: its loss and gradients beside those of the unsplit one.
 *
 * Every rank also trains the whole model by itself, from the same first values on the same tokens, and compares what it
 * holds of the split one. Gradients of a parameter are compared to the largest of the parameter's gradients: an
 * element is a sum of terms of that size, of which rounding leaves a share.
 */
#pragma once

#include "validate/run_report.h"
#include "validate/worker/step.h"

/**
 * Runs @n_steps steps and appends the first and the last to @report's numerics. @strategy must be legal for rank->size
 * ranks and list the layers of each chunk; @watchdog: NULL for none. All ranks get the same result.
 * Errors: MPP_ERROR_UNSUPPORTED, MPP_ERROR_BACKEND.
 */
bool mpp_numerics_run(const MppRank *rank, const MppJob *job, const MppStrategy *strategy, int64_t n_steps, MppWatchdog *watchdog,
                      MppRunReport *report, GError **error) G_GNUC_WARN_UNUSED_RESULT;
