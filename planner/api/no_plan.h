/**
 * What is told when a search found no plan: why, the nearest miss, and how many GPUs would do.
 */
#pragma once

#include "planner/api/plan_answer.h"

/** Sets @error to MPP_ERROR_INFEASIBLE; searches on more GPUs for the hint. */
void mpp_no_plan_error(const MppPlanQuestion *question, const MppSearchResult *result, GError **error);
