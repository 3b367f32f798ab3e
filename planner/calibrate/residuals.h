/**
 * Errors on runs that a fit had not seen, and the file that keeps them: spreads can be taken from it again without
 * another fit.
 */
#pragma once

#include "planner/calibrate/accuracy.h"
#include "planner/calibrate/spread.h"

typedef struct {
    char *source, *id, *device, *runtime;
    char *job;        /* what runs that differ in their plan only have in common */
    MppTechniques techniques;
    MppBasis basis;   /* device and stack are fitted where another source has them */
    bool run_held;    /* other runs of its source were fitted; else none */
    double log_ratio; /* of measured over predicted */
} MppResidual;

/** An empty list; MppResidual. */
GArray *mpp_residuals_new(void);

/** Adds the timed runs among @predictions, of which none was fitted; @run_held: others of their sources were. */
void mpp_residuals_add(GArray *residuals, const GArray *predictions, bool run_held);

/**
 * Techniques of which there are enough runs of enough sources, @without's (or NULL) aside, for one that is met again to
 * count as fitted.
 */
MppTechniques mpp_residuals_techniques(const GArray *residuals, const char *without);

/** Sets what the residuals rest on, once all are there. */
void mpp_residuals_set_fitted(GArray *residuals);

/**
 * Takes the errors of runs that were predicted before anything of their source was known, from what `compare --csv` wrote then: a fit
 * that leaves a source out has its numbers left out, not what its runs taught the model since.
 * Errors: G_FILE_ERROR, MPP_ERROR_SYNTAX with file and line.
 */
bool mpp_residuals_take_blind(GArray *residuals, const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** CSV, one line a run. Error: G_FILE_ERROR. */
bool mpp_residuals_write(const GArray *residuals, const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** Errors: G_FILE_ERROR, MPP_ERROR_SYNTAX with file and line. */
GArray *mpp_residuals_load(const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;
