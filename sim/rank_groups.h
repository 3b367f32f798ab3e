/**
 * Which ranks form a group of an axis: the members, where planner/spec/mesh.h has only the group's shape.
 *
 * The ranks of a stage are counted with tp fastest, then cp and dp in the mesh's order. In this count every group is
 * an arithmetic progression; experts' groups are carved out of it. A group is known by its lowest rank.
 */
#pragma once

#include "planner/spec/mesh.h"

/** Lowest rank of the group of @axis that @rank is in. Of PP: of the first and last stage's ranks. */
int64_t mpp_rank_group_first(const MppStrategy *strategy, MppAxis axis, int64_t rank);

/** Members of @rank's group of @axis, rising. Returns: int64_t. */
GArray *mpp_rank_group_members(const MppStrategy *strategy, MppAxis axis, int64_t rank);
