/**
 * Gradients and parameters between data-parallel ranks, and the optimizer's update.
 *
 * ZeRO 0 all-reduces gradients after the last backward pass. ZeRO 1 reduce-scatters them and gathers updated
 * parameters (arXiv:1910.02054). ZeRO 2 reduce-scatters in every micro-batch. ZeRO 3 also gathers each layer's
 * parameters before each use. Hybrid sharding shards within zero_ranks and all-reduces between the groups.
 */
#pragma once

#include "planner/cost/shard_cost.h"

typedef struct {
    const MppJob *job;
    const MppStrategy *strategy;
    MppMesh mesh;
} MppExchange;

/**
 * ZeRO stage as a pipeline runs it: stages 2 and 3 become 1. Sharding would move everything again in each micro-batch,
 * so stacks keep parameters and gradients whole from the first micro-batch to the last (torchtitan: FSDP2 does not
 * reshard after the forward pass under a pipeline, and reduces gradients after the last backward pass).
 */
int64_t mpp_exchange_zero(const MppStrategy *strategy);

/** Whether ZeRO 2 or 3 keeps the gradients of all micro-batches whole, and reduce-scatters them in the last one only. */
bool mpp_exchange_whole_gradients(const MppJob *job, const MppStrategy *strategy);

/** One collective of an exchange, in one call or in several alike. */
typedef struct {
    MppCollective kind;
    MppAxis axis; /* of the mesh: DP_CP, SHARD, REPLICAS or EXPERT_DP */
    double bytes; /* of a call, as mpp_collective_time_s() takes them */
    double calls;
    double time_s; /* of all calls */
    bool gather;   /* of parameters; else of gradients */
} MppExchangeTransfer;

enum { MPP_EXCHANGE_MOST = 6 };

/**
 * What a stage that holds @parameters and @expert_parameters on a rank exchanges once a step, in order.
 * Returns: how many, written to @out (MPP_EXCHANGE_MOST).
 */
int mpp_exchange_once(const MppExchange *exchange, double parameters, double expert_parameters, MppExchangeTransfer *out);

/** The same of a layer in each of its passes (ZeRO 2 and 3): gathers in both, the others in the backward pass; @calls are of the mean pass. */
int mpp_exchange_each(const MppExchange *exchange, double parameters, double expert_parameters, MppExchangeTransfer *out);

/** Seconds on the wire, nothing hidden. */
typedef struct {
    double reduce_s; /* gradients, once a step */
    double gather_s; /* updated parameters, once a step */
} MppExchangeTime;

/** Of a stage that holds @parameters and @expert_parameters on a rank. */
MppExchangeTime mpp_exchange_time(const MppExchange *exchange, double parameters, double expert_parameters);

/** What a layer's forward and backward passes wait for its sharded parameters and gradients (ZeRO 2 and 3). */
typedef struct {
    double forward_s, backward_s;
    double first_s, last_s; /* what more the first layer's gather and the last one's scatter cost, with nothing to hide behind */
} MppShardedLayer;

MppShardedLayer mpp_exchange_layer(const MppExchange *exchange, const MppBlockCost *block, const MppPassCost *cost);

/** Time of the update on a rank, gradient norm and offload transfers included. */
double mpp_exchange_update_s(const MppExchange *exchange, double parameters, double expert_parameters);

/** Two copies of the model add up their gradients, after each has reduced its own (arXiv:2107.06925 §3.2). */
double mpp_exchange_copies_s(const MppExchange *exchange, double parameters, double expert_parameters);

/** The two copies of a tied embedding exchange their gradients when first and last stage differ. */
double mpp_exchange_tied_s(const MppExchange *exchange, double embedding_parameters);
