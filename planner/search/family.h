/**
 * Evaluates the members of one family.
 */
#pragma once

#include "planner/schedule/peaks.h"
#include "planner/search/search.h"

/** What one family adds to the result. */
typedef struct {
    MppBoard *board;
    MppSearchCounts counts;
    bool has_miss;
    MppCandidate nearest_miss;
    double lacking_bytes;
} MppFamilyResult;

/** @board: what is known so far, not changed. @peaks: of the schedules of all families, or NULL */
MppFamilyResult mpp_family_evaluate(const MppJob *job, const MppFamily *family, const MppSpaceLimits *limits,
                                    const MppBoard *board, MppPeaksTable *peaks);

/** Members of the family, all shapes together. */
int64_t mpp_family_members(const MppJob *job, const MppFamily *family, const MppSpaceLimits *limits);
