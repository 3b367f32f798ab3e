/**
 * Where the time of a step goes. The shares of an estimate add up to its step time exactly.
 */
#pragma once

#include "planner/base/names.h"

#define MPP_SHARES(SHARE)                                                                \
    SHARE(MATMUL, "matmul", "matrix products")                                           \
    SHARE(ATTENTION, "attention", "attention")                                           \
    SHARE(MEMORY, "memory_bound", "memory-bound")                                        \
    SHARE(HOST, "host", "host")                                                          \
    SHARE(RECOMPUTE, "recompute", "recomputation")                                       \
    SHARE(TP, "tensor_parallel", "tensor-parallel exchange")                             \
    SHARE(CP, "context_parallel", "context-parallel exchange")                           \
    SHARE(EP, "expert_parallel", "expert exchange")                                      \
    SHARE(OFFLOAD, "offload", "copies to and from the host")                             \
    SHARE(BUBBLE, "bubble", "pipeline bubble")                                           \
    SHARE(PP, "pipeline_parallel", "messages between stages")                            \
    SHARE(DP, "data_parallel", "gradients and parameters")                               \
    SHARE(OPTIMIZER, "optimizer", "optimizer")                                           \
    SHARE(CONTENTION, "contention", "shared links, exchange beside computation")         \
    SHARE(JITTER, "jitter", "waiting for stragglers")

typedef enum {
#define SHARE(share, name, title) MPP_SHARE_##share,
    MPP_SHARES(SHARE)
#undef SHARE
    MPP_N_SHARES,
} MppShare;

extern const MppNames mpp_share_names;  /* as JSON has them */
extern const MppNames mpp_share_titles; /* as reports have them */

/** Seconds by share. */
typedef struct {
    double s[MPP_N_SHARES];
} MppShares;

double mpp_shares_sum(const MppShares *shares);

/** @inout += @factor * @other. */
void mpp_shares_add(MppShares *inout, double factor, const MppShares *other);
