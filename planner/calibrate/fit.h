/**
 * Adjusts parameters of profiles to measured step times.
 *
 * Minimises the sum of a heavy-tailed loss of log(predicted / measured) over runs, each source weighted alike, and
 * the squared distance of each parameter from its prior: runs that say nothing of a parameter leave it there.
 * Levenberg-Marquardt (GSL multifit_nlinear) with reweighting for the Cauchy loss; no random numbers.
 */
#pragma once

#include "planner/calibrate/accuracy.h"
#include "planner/calibrate/parameter.h"

typedef struct {
    double scale;       /* of the loss: an error of this size counts half; 0: 0.1 */
    bool own_scale;     /* the loss is as wide as the median error, no narrower than @scale; every run counts alike */
    int threads;        /* 0: as many as there are processors */
    const char *const *left_out; /* sources whose runs are not fitted, NULL at the end; or NULL */
    int fold, n_folds;  /* runs whose index modulo n_folds is fold are not fitted; n_folds 0: all are */
} MppFitOptions;

typedef struct {
    int n_runs;
    double before, after; /* mean absolute error of the fitted runs */
} MppFitResult;

/**
 * Fits @parameters, which are bound to @profiles, from their priors on to the timed runs of @runs that can be predicted and are not
 * marked as anomalies. Error: MPP_ERROR_NUMERIC.
 */
bool mpp_fit(GArray *parameters, const MppProfiles *profiles, const GPtrArray *runs, const MppFitOptions *options,
             MppFitResult *result, GError **error) G_GNUC_WARN_UNUSED_RESULT;
