/**
 * The closed-form answer for one strategy: step time and memory, both broken down.
 */
#pragma once

#include "planner/cost/memory.h"

typedef struct {
    int64_t layers;
    double forward_s, backward_s; /* of one micro-batch, all chunks of the stage */
    double end_s;                 /* when its last backward pass ends */
    double exchange_s;            /* gradients not hidden behind it */
    MppMemory memory;
} MppStageEstimate;

typedef struct {
    double step_s;
    MppShares shares; /* add up to step_s */
    double tokens_per_s_per_gpu;
    double mfu; /* model FLOP 6 N + 12 L H Q T a token (arXiv:2204.02311 appendix B) against the matmul peak */
    double usd_per_mtokens; /* 0: price unknown */
    int64_t pp;
    MppStageEstimate *stages; /* pp */
    GArray *chunk_layers;     /* int64_t, layers of each of the pp vpp chunks in model order */
    int64_t busiest_stage;    /* its shares are reported; what it waits for is the bubble */
    int64_t fullest_stage;
    double peak_bytes;        /* allocated, of the fullest stage */
    double usable_bytes, capacity_bytes;
    double host_bytes, host_usable_bytes; /* of a rank in its host's memory */
    bool fits;
} MppEstimate;

/** @strategy must be legal. */
MppEstimate *mpp_estimate_new(const MppJob *job, const MppStrategy *strategy);

/** Its step time alone. */
double mpp_estimate_time_s(const MppJob *job, const MppStrategy *strategy);

/** The same from a pipeline already costed. */
MppEstimate *mpp_estimate_from(MppPipelineCost *pipeline);
void mpp_estimate_free(MppEstimate *estimate);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppEstimate, mpp_estimate_free)

/** Makes the step as long as a simulation found it, if that is longer: the rest is contention. */
void mpp_estimate_contend(MppEstimate *estimate, const MppJob *job, double step_s);

/** Step time alone, as the estimate has it. */
double mpp_estimate_step_s(MppPipelineCost *pipeline);

/** A lower bound of it in O(pp vpp), without a replay. */
double mpp_estimate_bound_s(MppPipelineCost *pipeline);

/** A lower one: of the chunks alone, whatever their stages hold and exchange. */
double mpp_estimate_passes_bound_s(MppPipelineCost *pipeline);

/** The lowest: ranks that are busy for @busy_s on average. */
double mpp_estimate_busy_bound_s(const MppJob *job, double busy_s);

/** Model FLOP of one token, forward and backward, causal attention counted in full. */
double mpp_estimate_flop_per_token(const MppJob *job);
