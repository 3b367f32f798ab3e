/**
 * Which ranks work together in each dimension of a strategy, and how their group lies over the cluster's tiers.
 *
 * Rank = sum of coordinate * stride; strides follow the mesh order, tp fastest. Only the shape of a group
 * matters to its cost: how many members fall into one domain of each tier.
 */
#pragma once

#include "planner/spec/cluster.h"
#include "planner/spec/strategy.h"

typedef enum {
    MPP_AXIS_TP,
    MPP_AXIS_CP,
    MPP_AXIS_DP,
    MPP_AXIS_PP,
    MPP_AXIS_EP,
    MPP_AXIS_ETP,
    MPP_AXIS_DP_CP,     /* replicas of a dense parameter */
    MPP_AXIS_SHARD,     /* ranks of one ZeRO shard group within DP_CP */
    MPP_AXIS_REPLICAS,  /* shard groups of hybrid sharding */
    MPP_AXIS_EXPERT_DP, /* replicas of an expert */
    MPP_N_AXES,
} MppAxis;

extern const MppNames mpp_axis_names;

enum { MPP_MOST_TIERS = 4 };

/** A group's shape: members[i] of the n ranks lie in one domain of tier i; members of the last tier = n. */
typedef struct {
    int64_t n;
    int64_t members[MPP_MOST_TIERS];
    int widest_tier; /* innermost tier that holds the whole group; 0 for a single rank */
    double lost_frac[MPP_MOST_TIERS]; /* of each tier's rate to its congestion, when all members send over it */
} MppGroup;

typedef struct {
    MppGroup groups[MPP_N_AXES];
    int64_t host_ranks;  /* ranks of the innermost tier's domain */
    int64_t stage_ranks; /* of these, in one pipeline stage */
} MppMesh;

/** @strategy must be legal for @gpus ranks of @cluster. */
MppMesh mpp_mesh_new(const MppStrategy *strategy, const MppCluster *cluster, int64_t gpus);

/** Stride of @axis (TP, CP, DP or PP) in ranks. */
int64_t mpp_mesh_stride(const MppStrategy *strategy, MppAxis axis);
