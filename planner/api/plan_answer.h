/**
 * The answer to "what is the best plan?", by one of several objectives, and as JSON.
 */
#pragma once

#include "planner/api/best_plan.h"
#include "planner/spec/inputs.h"

typedef enum { MPP_OBJECTIVE_SURE, MPP_OBJECTIVE_STEP_TIME, MPP_OBJECTIVE_ROBUST, MPP_OBJECTIVE_COST, MPP_OBJECTIVE_HEADROOM, MPP_N_OBJECTIVES } MppObjective;

/**
 * "sure", as usual: the fastest, or the surest if the two cannot be told apart; "step-time": the fastest; "robust": the fastest or the
 * surest, whose p90 is lower; "cost": tokens per dollar; "headroom": least memory within a tenth
 */
extern const MppNames mpp_objective_names;

/** Runs a search: mpp_search_run(), or one that shows how far it is. */
typedef MppSearchResult *(*MppSearcher)(const MppJob *job, const MppSearchOptions *options);

typedef struct {
    MppInputs *inputs; /* with the objective cost, set to the fewer devices that are cheapest */
    const MppSpaceLimits *limits;
    const char *strategy; /* the limits as given, or NULL; for messages */
    MppObjective objective;
    int top; /* alternatives wanted */
    int threads;
    MppSearcher search;
} MppPlanQuestion;

typedef struct {
    MppSearchResult *result;
    MppBestPlan *plan; /* NULL: none fits */
} MppPlanAnswer;

MppPlanAnswer *mpp_plan_answer_new(const MppPlanQuestion *question);
void mpp_plan_answer_free(MppPlanAnswer *answer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppPlanAnswer, mpp_plan_answer_free)

/**
 * What a plan file holds: inputs, "best", "surest" and "fastest" or null, "alternatives", "pareto", "search". When no plan fits, "best" is null and
 * "nearest_miss" the plan that lacks least, if any is legal.
 */
cJSON *mpp_plan_answer_json(const MppPlanQuestion *question, const MppPlanAnswer *answer);
