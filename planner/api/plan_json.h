/**
 * Plans as JSON: what `plan --json`, `estimate --json` and plan files (planner/spec/plan_file.h) hold.
 */
#pragma once

#include "planner/cost/estimate.h"
#include "planner/search/search.h"
#include "planner/spec/plan_file.h"

/** One plan: strategy, step time, rates, memory by stage, shares of the step. */
cJSON *mpp_plan_json(const MppJob *job, const MppStrategy *strategy, const MppEstimate *estimate);

/** A file of that plan alone, with the inputs that it is for. */
cJSON *mpp_plan_json_document(const MppInputs *inputs, const MppStrategy *strategy, const MppEstimate *estimate);

/** Counters of a search. @proven: whether its answer is the best of the space. */
cJSON *mpp_plan_json_search(const MppSearchResult *result, bool proven);
