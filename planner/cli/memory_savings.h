/**
 * Changes to a strategy that does not fit, each tried by estimating it.
 */
#pragma once

#include "planner/cost/estimate.h"

typedef struct {
    char *title; /* "ZeRO-1 + full recompute" */
    MppStrategy strategy;
    double step_s, peak_bytes;
    bool fits;
} MppMemorySaving;

/**
 * The legal single changes that make @strategy smaller; where none makes it fit, also the fastest of the sets of
 * two, or else of three or four changes that do. Those that fit come first, by step time, then the others by memory.
 * @now: the estimate of @strategy
 *
 * Returns: MppMemorySaving, for mpp_memory_savings_free(); their strategies borrow @strategy's stage_layers.
 */
GArray *mpp_memory_savings_find(const MppJob *job, const MppStrategy *strategy, const MppEstimate *now);
void mpp_memory_savings_free(GArray *savings);
