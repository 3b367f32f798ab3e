/**
 * From a search by estimates to the answer: the best plans are simulated, the winner is proven, the rest is ranked.
 */
#pragma once

#include "planner/cost/estimate.h"
#include "planner/search/search.h"

typedef struct {
    MppCandidate candidate;
    MppEstimate *estimate; /* with what its simulation adds */
} MppRankedPlan;

typedef struct {
    MppRankedPlan best;
    MppRankedPlan surest; /* the best that does only what enough fitted runs do; estimate NULL: the best itself, or none */
    GArray *others; /* MppRankedPlan: the fastest of other layouts, by rising step */
    int simulated;  /* plans in the contests; 0: there was none */
    bool proven;    /* best of the space, by simulation */
    bool robust;    /* the best is the surest, by the middle of its interval */
    double tied_frac; /* plans slower by less than this share cannot be told apart from the best */
} MppBestPlan;

/** What searches for a plan to be shown ask for: @top layouts, and all that the simulation could put first. */
MppSearchOptions mpp_best_plan_search(const MppSpaceLimits *limits, int top, int threads);

/**
 * @result: of such a search, with a plan found. @chosen: the best by other means than time; NULL: simulate and see.
 * @robust: the surest plan is the best if the middle of its interval is lower; otherwise it is only named
 */
MppBestPlan *mpp_best_plan_new(const MppJob *job, const MppSearchOptions *options, const MppSearchResult *result,
                               const MppCandidate *chosen, bool robust);
void mpp_best_plan_free(MppBestPlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppBestPlan, mpp_best_plan_free)
