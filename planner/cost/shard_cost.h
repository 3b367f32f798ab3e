/**
 * Costs of every kind of layer, of the embedding and of the head for one shard: all that stages are summed from.
 *
 * Depends on tp, cp, ep, etp, micro-batch and where their groups lie, not on pp, dp, ZeRO or schedule; search
 * makes one for each place in a family of strategies and shares it.
 */
#pragma once

#include "planner/cost/block_cost.h"

/** Bounds are this much lower than what they sum: what they bound adds the same terms in another order. */
#define MPP_BOUND_ROUNDING (1 - 1e-12)

typedef struct {
    const MppJob *job; /* borrowed */
    MppBlockPlace place;
    MppBlockCost kinds[MPP_MODEL_MOST_KINDS];
    MppBlockCost embedding, head;
    MppBlockCost whole; /* the model: times, kept bytes and parameters of all layers and both ends */
    double message_bytes_per_number; /* of those that a token has between layers */
    double head_bytes;               /* live during the loss */
    double output_bytes;             /* of a micro-batch, kept to the end of a pipeline's step */
} MppShardCost;

/** What one rank sends to a stage that begins with layer @layer (n_layers: only the head), of one micro-batch. */
double mpp_shard_cost_message_bytes(const MppShardCost *shard, int64_t layer);

void mpp_shard_cost(const MppJob *job, const MppBlockPlace *place, MppShardCost *out);
