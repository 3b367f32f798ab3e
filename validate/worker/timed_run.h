/**
 * Trains a while and takes the time of everything.
 */
#pragma once

#include "validate/run_report.h"
#include "validate/worker/trainer.h"

typedef struct {
    int64_t warm_up, steps; /* steps before those that are measured, and these */
} MppTimedRunOptions;

/**
 * Fills @report on rank 0; on others only steps and losses. Steps begin with a barrier. Medians are over the measured steps.
 * Errors: MPP_ERROR_UNSUPPORTED, MPP_ERROR_BACKEND.
 */
bool mpp_timed_run(const MppRank *rank, const MppJob *job, const MppStrategy *strategy, const MppTimedRunOptions *options,
                   MppWatchdog *watchdog, MppRunReport *report, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * The same on one rank, which takes the place of the first rank of each stage, one after another: its share of the
 * computation, with what others would send made up. @report gets a rank a stage, and neither steps nor losses.
 */
bool mpp_timed_run_slices(const MppRank *rank, const MppJob *job, const MppStrategy *strategy, const MppTimedRunOptions *options,
                          MppWatchdog *watchdog, MppRunReport *report, GError **error) G_GNUC_WARN_UNUSED_RESULT;
