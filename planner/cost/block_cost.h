/**
 * Time and memory of one block: a layer, the embedding or the head, for one micro-batch on one rank.
 *
 * Sums the block's ops. A pass takes the greater of device and host time (smoothly: both jitter); a transfer that
 * the stack hides is left out as far as there is computation to hide it behind.
 */
#pragma once

#include "planner/cost/shares.h"
#include "planner/ops/op.h"

/** What a block's cost depends on beside the job: the shard, and where its groups lie. */
typedef struct {
    MppShard shard;
    MppGroup tp, cp, ep, etp;
    int64_t stage_ranks;  /* on its host, which run the block at the same time */
    bool waits_for_nodes; /* messages to stages on other nodes are pending while the block runs */
} MppBlockPlace;

MppBlockPlace mpp_block_place(const MppStrategy *strategy, const MppMesh *mesh);

/** Under one kind of recomputation. */
typedef struct {
    MppShares forward, backward; /* what each pass adds to the step; recomputation counts as backward */
    double forward_s, backward_s;
    double gathered_forward_s, gathered_backward_s; /* what more each takes where parameters are gathered for it: the host's hooks */
    double weight_s;      /* of backward_s: the weights' gradients, with their share of host time */
    double kept_bytes;    /* from forward to backward pass */
    double working_bytes; /* beyond what is kept, while the block itself runs */
    double copied_bytes;  /* to the host in the forward pass, back in the backward pass */
} MppPassCost;

typedef struct {
    MppPassCost by_recompute[MPP_N_RECOMPUTES];
    double parameters, expert_parameters; /* weights on the rank */
} MppBlockCost;

/** @layer: what the ops are a layer of (recomputation applies, the stack's cost of a layer is added), or NULL. */
void mpp_block_cost(const MppJob *job, const MppBlockPlace *place, const MppOps *ops, const MppLayerKind *layer, MppBlockCost *out);
