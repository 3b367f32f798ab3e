/**
 * A space narrowed to strategies that have given values in some fields.
 */
#pragma once

#include "planner/spec/strategy.h"

typedef struct {
    MppStrategy fixed;
    MppStrategyFields fields; /* those whose value in @fixed counts */
} MppSpaceLimits;

bool mpp_limits_fix(const MppSpaceLimits *limits, const char *field);

/** Whether the search tries @value for an integer field whose fixed value would be @fixed. */
bool mpp_limits_allow(const MppSpaceLimits *limits, const char *field, int64_t fixed, int64_t value);
