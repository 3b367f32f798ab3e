/**
 * A space narrowed to strategies that have given values in some fields and do without some techniques.
 */
#pragma once

#include "planner/spec/technique.h"

typedef struct {
    MppStrategy fixed;
    MppStrategyFields fields; /* those whose value in @fixed counts */
    MppTechniques without;
} MppSpaceLimits;

bool mpp_limits_fix(const MppSpaceLimits *limits, const char *field);

/** Whether the search tries @value for an integer field whose fixed value would be @fixed. */
bool mpp_limits_allow(const MppSpaceLimits *limits, const char *field, int64_t fixed, int64_t value);

/** Whether what @strategy does so far is barred. */
bool mpp_limits_bar(const MppSpaceLimits *limits, const MppStrategy *strategy);
