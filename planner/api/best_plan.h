/**
 * From a search by estimates to the answer: the best plans are simulated, the winner is proven, the rest is ranked.
 */
#pragma once

#include "planner/cost/estimate.h"
#include "planner/search/search.h"

/** When the surest plan is the best: never, if it cannot be told apart from the fastest, or if its p90 is lower. */
typedef enum { MPP_CAUTION_NONE, MPP_CAUTION_TIED, MPP_CAUTION_P90 } MppCaution;

typedef struct {
    MppCandidate candidate;
    MppEstimate *estimate; /* with what its simulation adds */
} MppRankedPlan;

typedef struct {
    MppRankedPlan best;
    MppRankedPlan surest;  /* the best that does only what enough fitted runs do; estimate NULL: the best itself, or none */
    MppRankedPlan fastest; /* if the best is another, the surest; else estimate NULL */
    GArray *others; /* MppRankedPlan: the fastest of other layouts, as sure as the best is, by rising step */
    int simulated;  /* plans in the contests; 0: there was none */
    bool proven;    /* best of the space, by simulation */
    double tied_frac; /* plans slower by less than this share cannot be told apart from the best */
} MppBestPlan;

/** What searches for a plan to be shown ask for: @top layouts, and all that the simulation could put first. */
MppSearchOptions mpp_best_plan_search(const MppSpaceLimits *limits, int top, int threads);

/**
 * @result: of such a search, with a plan found. @chosen: the best by other means than time; NULL: simulate and see.
 * @caution: judges the surest plan against the fastest; the other is only named
 */
MppBestPlan *mpp_best_plan_new(const MppJob *job, const MppSearchOptions *options, const MppSearchResult *result,
                               const MppCandidate *chosen, MppCaution caution);
void mpp_best_plan_free(MppBestPlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppBestPlan, mpp_best_plan_free)
