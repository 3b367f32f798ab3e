/**
 * Plans as JSON: what `plan --json`, `estimate --json` and plan files hold.
 */
#pragma once

#include "planner/cost/estimate.h"
#include "planner/search/search.h"
#include "planner/spec/inputs.h"

/** One plan: strategy, step time, rates, memory by stage, shares of the step. */
cJSON *mpp_plan_json(const MppJob *job, const MppStrategy *strategy, const MppEstimate *estimate);

/** Counters of a search. @proven: whether its answer is the best of the space. */
cJSON *mpp_plan_json_search(const MppSearchResult *result, bool proven);

/** A plan or estimate read back: its inputs, the strategy of "best", what a search found beside. */
typedef struct {
    MppInputs *inputs;
    MppStrategy strategy;
    GArray *alternatives, *pareto; /* MppStrategy; NULL: the file has no such list */
    cJSON *search;                 /* counters; NULL: none */
} MppPlanFile;

/** Reads the object @root of @json. Errors: as mpp_plan_file_load(). */
MppPlanFile *mpp_plan_file_read(const MppJson *json, const cJSON *root, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * Errors: those of mpp_json_load(); MPP_ERROR_SCHEMA where the file is not a plan, MPP_ERROR_UNSUPPORTED where it is
 * another version's, MPP_ERROR_INVALID where its strategy breaks a rule.
 */
MppPlanFile *mpp_plan_file_load(const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void mpp_plan_file_free(MppPlanFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppPlanFile, mpp_plan_file_free)
