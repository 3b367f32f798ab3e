/**
 * Finds the best strategy of a job, and proves it best in the stated space.
 *
 * Families of strategies are visited by rising bound. A family whose bound is not below what the board still wants
 * ends the search: no later one can be better. Within a family a member meets one bound after another, each made from
 * more of its costs: its work spread over all ranks and an average rank's memory (from the layers), its passes (from the
 * chunks), its memory and step (from the stages). Only what could still change the board is evaluated in full. Families
 * are handed out in rounds of a fixed size, the first ones smaller, each judged against the board of the round's start,
 * so any number of threads gives the same answer and the same counts.
 */
#pragma once

#include "planner/search/board.h"
#include "planner/search/space.h"

typedef struct {
    MppSpaceLimits limits;
    int top;     /* distinct layouts wanted; 0: none, and no front */
    double within_s;  /* all plans below this step time are wanted as contenders, */
    double near_frac; /* or above the best one by less than this share; 0: none */
    int threads; /* 0: as many as there are processors */
    /** Called from the calling thread with the share of families done; NULL: not. Returns: whether to go on. */
    bool (*progress)(double done_frac, void *data);
    void *progress_data;
} MppSearchOptions;

typedef struct {
    int64_t families, members;
    int64_t evaluated;        /* members whose memory and bound were computed */
    int64_t replayed;         /* of these, evaluated in full */
    int64_t pruned_by_bound;  /* members left out before that, by a bound of their own or of their family */
    int64_t pruned_by_memory; /* evaluated, do not fit */
    int64_t unjudged;         /* members left, when the search was stopped, that could have changed the board */
} MppSearchCounts;

typedef struct {
    MppBoard *board;
    MppSearchCounts counts;
    char *space; /* what was searched, in words */
    bool has_miss;
    MppCandidate nearest_miss; /* when nothing fits: the plan that lacks least; step_s is its bound */
    double lacking_bytes;
} MppSearchResult;

MppSearchResult *mpp_search_run(const MppJob *job, const MppSearchOptions *options);
void mpp_search_result_free(MppSearchResult *result);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppSearchResult, mpp_search_result_free)
