/**
 * Which ranks move together, and the ports they use.
 *
 * Replicas of a pipeline are joined into one lane a stage as far as they meet in every layer: experts spread over
 * data-parallel ranks, parameters sharded over them (ZeRO 2 and 3).
 */
#pragma once

#include "planner/spec/job.h"
#include "planner/spec/mesh.h"

typedef struct {
    const MppJob *job;           /* borrowed */
    const MppStrategy *strategy; /* borrowed */
    int64_t joined;              /* data-parallel ranks in a lane */
    int32_t n_replicas, n_lanes;
    int64_t ranks;               /* of a lane */
} MppLanes;

/** @folded: all replicas are equal and stand for one. */
MppLanes mpp_lanes_new(const MppJob *job, const MppStrategy *strategy, bool folded);

/** The lane that @rank is in. */
int32_t mpp_lanes_of_rank(const MppLanes *lanes, int64_t rank);

/** First rank of @lane: the one its transfers are counted on. */
int64_t mpp_lanes_first_rank(const MppLanes *lanes, int32_t lane);

/** Ranks of @lane that reach @tier through the same port as its first. */
int64_t mpp_lanes_on_port(const MppLanes *lanes, int32_t lane, int tier);
