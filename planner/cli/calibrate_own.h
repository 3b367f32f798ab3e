/**
 * Profiles fitted to a user's own runs.
 */
#pragma once

#include "planner/calibrate/fit.h"
#include "planner/cli/run_arguments.h"

/**
 * Fits the few numbers that own runs adjust (planner/calibrate/own_priors.h) to @given; prints each run's error before, after
 * and left out of the fit, the numbers, and what the runs do not determine. @folder: where the profiles are written, or NULL.
 * Errors: those of mpp_fit() and of files; MPP_ERROR_INVALID where no run can be predicted.
 */
bool mpp_calibrate_own(const MppRunArguments *given, const MppFitOptions *how, const char *folder, GError **error) G_GNUC_WARN_UNUSED_RESULT;
