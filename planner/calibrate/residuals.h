/**
 * Errors on runs that a fit had not seen, and the spreads they give.
 */
#pragma once

#include "planner/calibrate/accuracy.h"
#include "planner/calibrate/spread.h"

typedef struct {
    const char *source; /* lent by the run */
    char *job;          /* what runs that differ in their plan only have in common */
    MppBasis basis;
    double log_ratio;   /* of measured over predicted */
} MppResidual;

/** An empty list; MppResidual. */
GArray *mpp_residuals_new(void);

/**
 * Adds the timed runs among @predictions, all of one source that was not fitted. @all: predictions of every source,
 * which tell what devices and stacks the others have.
 */
void mpp_residuals_add(GArray *residuals, const GArray *predictions, const GArray *all);

/** The spreads of all residuals. @all: the same, for the names of what was fitted. */
MppSpreads *mpp_residuals_spreads(const GArray *residuals, const GArray *all);
