/**
 * Evaluates the members of one family.
 */
#pragma once

#include "planner/schedule/peaks.h"
#include "planner/search/search.h"

/**
 * @board: what is known so far, not changed. @peaks: of the schedules of all families, or NULL
 *
 * Returns: the board with the family's members, and what they add to the counts; no words on the space.
 */
MppSearchResult *mpp_family_evaluate(const MppJob *job, const MppFamily *family, const MppSpaceLimits *limits,
                                     const MppBoard *board, MppPeaksTable *peaks);

/** Members of the family, all shapes together. */
int64_t mpp_family_members(const MppJob *job, const MppFamily *family, const MppSpaceLimits *limits);
