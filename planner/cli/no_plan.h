/**
 * What is told when a search found no plan: why, the nearest miss, and how many GPUs would do.
 */
#pragma once

#include "planner/search/search.h"
#include "planner/spec/inputs.h"

typedef struct {
    const MppInputs *inputs;
    const MppSpaceLimits *limits;
    const char *strategy; /* the limits as given, or NULL */
    int threads;
    bool quiet;
} MppNoPlan;

/** Sets @error to MPP_ERROR_INFEASIBLE; searches on more GPUs for the hint. */
void mpp_no_plan_error(const MppNoPlan *question, const MppSearchResult *result, GError **error);

/** As `plan --json` answers: "best" is null, "nearest_miss" the plan that lacks least, if any is legal. Error: G_FILE_ERROR. */
bool mpp_no_plan_write(const MppNoPlan *question, const MppSearchResult *result, GError **error) G_GNUC_WARN_UNUSED_RESULT;
