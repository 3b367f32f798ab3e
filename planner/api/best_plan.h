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
    MppRankedPlan surest; /* the best that does only what enough fitted runs do; estimate NULL: the best itself, none, or not asked for */
    GArray *others; /* MppRankedPlan: the fastest of other layouts, by rising step */
    int simulated;  /* plans in the contests; 0: there was none */
    bool proven;    /* best of the space, by simulation */
    bool robust;    /* the best is the surest, by its p90 */
    double tied_frac; /* plans slower by less than this share cannot be told apart from the best */
} MppBestPlan;

/** What becomes of the surest plan: it takes another search. */
typedef enum { MPP_SUREST_UNASKED, MPP_SUREST_NAMED, MPP_SUREST_BEST_IF_LOWER } MppSurest; /* the last: if its p90 is lower */

/** What searches for a plan to be shown ask for: @top layouts, and all that the simulation could put first. */
MppSearchOptions mpp_best_plan_search(const MppSpaceLimits *limits, int top, int threads);

/**
 * @result: of such a search, with a plan found. @chosen: the best by other means than time; NULL: simulate and see.
 */
MppBestPlan *mpp_best_plan_new(const MppJob *job, const MppSearchOptions *options, const MppSearchResult *result,
                               const MppCandidate *chosen, MppSurest surest);
void mpp_best_plan_free(MppBestPlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppBestPlan, mpp_best_plan_free)
