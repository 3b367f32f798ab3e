/**
 * Peak memory of a stage, part by part.
 *
 * The figure is what the framework's allocator has handed out at the worst moment (torch's
 * max_memory_allocated); what the allocator reserves and what the device reports come on top.
 */
#pragma once

#include "planner/cost/pipeline_cost.h"

#define MPP_MEMORY_PARTS(PART)                                                      \
    PART(WEIGHTS, "weights", "weights")                                             \
    PART(GRADIENTS, "gradients", "gradients")                                       \
    PART(OPTIMIZER, "optimizer", "optimizer states")                                \
    PART(ACTIVATIONS, "activations", "activations of the micro-batches in flight")  \
    PART(WORKING, "working", "recomputed or gathered layer at work")                \
    PART(LOSS, "loss", "logits")                                                    \
    PART(BUFFERS, "buffers", "workspaces and buffers")

typedef enum {
#define PART(part, name, title) MPP_MEMORY_##part,
    MPP_MEMORY_PARTS(PART)
#undef PART
    MPP_N_MEMORY_PARTS,
} MppMemoryPart;

extern const MppNames mpp_memory_names;  /* as JSON has them */
extern const MppNames mpp_memory_titles; /* as reports have them */

typedef struct {
    double bytes[MPP_N_MEMORY_PARTS];
    double allocated_bytes; /* their sum */
    double reserved_bytes;  /* with blocks the allocator cannot reuse in time */
    double device_bytes;    /* with context and libraries: what nvidia-smi shows */
} MppMemory;

/** Bytes that a parameter costs on a rank, by what they hold; @update: while it is updated; @host: in its host's memory. */
typedef struct {
    double weights, gradients, optimizer, buffers, update, host;
} MppParameterBytes;

/** What every stage of a strategy has in common. */
typedef struct {
    MppParameterBytes dense, experts;
    double gathered_bytes; /* sharded parameters and gradients of the layers at work */
    double gathered_at_loss_bytes;
    bool gradients_anew; /* gradients come as the activations and logits go */
} MppMemoryRates;

MppMemoryRates mpp_memory_rates(const MppPipelineCost *pipeline);

/** Memory of @stage. ZeRO: arXiv:1910.02054 §3; activations: arXiv:2205.05198 §4. */
MppMemory mpp_memory_stage(const MppPipelineCost *pipeline, const MppMemoryRates *rates, int64_t stage);

/** Allocated memory of the fullest stage, to rounding. */
double mpp_memory_peak_bytes(const MppPipelineCost *pipeline);

/**
 * A lower bound of it for a pipeline not yet filled, in O(1): an average rank's states, and activations of one micro-batch, all of
 * whose forward passes come before the first backward one.
 */
double mpp_memory_bound_bytes(const MppShardCost *shard, const MppStrategy *strategy);

/** Bytes of allocated memory that fit on a device of the job. */
double mpp_memory_usable_bytes(const MppJob *job);

/** What the host holds of one rank, of the stage that has most there: offloaded states and activations. */
double mpp_memory_host_bytes(const MppPipelineCost *pipeline);

/** Bytes of a host's memory that a rank may have. */
double mpp_memory_host_usable_bytes(const MppJob *job);
