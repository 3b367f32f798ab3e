/**
 * How well runs are predicted that the fit has not seen: one run of a stack and a cluster of which others are known, and
 * those of a source of which none is, as on a user's own cluster.
 */
#pragma once

#include "planner/calibrate/fit.h"
#include "planner/calibrate/residuals.h"

typedef struct {
    MppAccuracy seen;   /* the source's runs after a fit to all sources */
    MppAccuracy unseen; /* after a fit to all others */
    MppAccuracy held;   /* each run after a fit to four fifths of all runs, every fifth held back with it */
} MppLeftOut;

/**
 * Fits @priors once more without each source that has timed runs (without all of those that have fewer than one run in 200, at once),
 * and without each fifth of the runs; sorted by source. @profiles, as a fit to all of them left them, stay; @options' threads are
 * shared by the fits. @residuals: those of both are added. Errors: those of mpp_fit().
 *
 * Returns: MppLeftOut; the names in them live as long as @runs.
 */
GArray *mpp_leave_one_out(const GArray *priors, const MppProfiles *profiles, const GPtrArray *runs, const MppFitOptions *options,
                          GArray *residuals, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * Predicts each of @runs after a fit of @priors to all others. @profiles and @options as above.
 *
 * Returns: seconds, in the order of @runs; 0 for one that cannot be predicted. Errors: those of mpp_fit().
 */
double *mpp_leave_each_out(const GArray *priors, const MppProfiles *profiles, const GPtrArray *runs, const MppFitOptions *options,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** Writes the table as CSV, errors in per cent. Error: G_FILE_ERROR. */
bool mpp_leave_one_out_write(const GArray *table, const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;
