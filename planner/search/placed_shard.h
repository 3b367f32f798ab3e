/**
 * Costs of a family's layers where its members lie, the last ones kept, and bounds of a step by its work alone.
 */
#pragma once

#include "planner/cost/shard_cost.h"

typedef struct {
    MppShardCost cost;                /* its job is NULL while there is none */
    double bound_s[MPP_N_RECOMPUTES]; /* of a step whose layers are all recomputed so, spread over all ranks without loss */
} MppPlacedShard;

/** The last ones made: without and with messages to other nodes pending. Zero to begin with. */
typedef struct {
    MppPlacedShard last[2];
} MppPlacedShards;

/** The costs of @s on @mesh, of the family that the others were of. The next call may change them. */
const MppPlacedShard *mpp_placed_shard(MppPlacedShards *shards, const MppJob *job, const MppStrategy *s, const MppMesh *mesh);

/** Bound of a step of any member of the family of @base, in s. */
double mpp_placed_shard_bound_s(const MppJob *job, const MppStrategy *base);
