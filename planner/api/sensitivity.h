/**
 * What better hardware would give: the plan predicted again with one quality of the cluster doubled.
 */
#pragma once

#include "planner/cost/estimate.h"

typedef struct {
    char *title; /* "2× nvlink" */
    double step_s;
    char *plan; /* strategy, where another than the job's own is meant; else NULL */
} MppSensitivity;

/**
 * Returns: MppSensitivity of peak rate, memory bandwidth, each tier of links that the job uses, half the latency of
 * all of them, and half the host's time, simulated.
 */
GArray *mpp_sensitivity_rates(const MppJob *job, const MppStrategy *strategy);

/** The same and twice the memory, which lets a search take another plan of the same degrees (dp, tp, pp, cp, ep, etp). */
GArray *mpp_sensitivity_new(const MppJob *job, const MppStrategy *strategy);
