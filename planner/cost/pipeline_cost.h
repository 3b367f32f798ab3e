/**
 * Costs of each chunk and stage of a pipeline: sums over the partition of layers.
 */
#pragma once

#include "planner/cost/exchange.h"
#include "planner/cost/partition.h"
#include "planner/schedule/peaks.h"

typedef struct {
    int64_t first_layer, layers;
    MppKindCounts stored, recomputed; /* layers by kind, kept whole or recomputed */
    double forward_s, backward_s;
    double weight_s;   /* of backward_s: the weights' gradients */
    double input_s;    /* of forward_s: waiting for the input pipeline */
    double copies_forward_s, copies_backward_s; /* of the passes: for activations on their way to the host and back */
    double kept_bytes, copied_bytes; /* of one micro-batch, on the device and by the host */
    double parameters, expert_parameters;
} MppChunkCost;

/** What one rank of a stage holds. */
typedef struct {
    double forward_s, backward_s; /* one micro-batch, all chunks; of two copies the mean */
    double parameters, expert_parameters;
    double loss_bytes;
    double output_bytes; /* of earlier micro-batches */
    double activation_bytes; /* of the micro-batches in flight */
    double working_bytes;
    double copied_bytes; /* activations that the host holds: stacks that copy them have one micro-batch in flight */
} MppStageCost;

/** Reusable: filled again and again without allocating. */
typedef struct {
    const MppShardCost *shard;   /* borrowed */
    const MppStrategy *strategy; /* borrowed */
    MppExchange exchange;
    MppSchedule schedule;
    int64_t model_chunks; /* pp * vpp */
    int64_t n_chunks;     /* of the schedule: those of each copy of the model; arrays are of these */
    int64_t *layers;
    MppChunkCost *chunks;
    MppStageCost *stages;
    double *forward_s, *input_s, *weight_s; /* of the chunks, as a replay takes them */
    double *kept_bytes;                     /* of the chunks, one micro-batch */
    double *load;                           /* of the layers, for splitting */
    double *message_s;                      /* from each chunk to the next */
    MppStrategy placed;                     /* the strategy that the mesh was last made for */
    double *end_s, *chunk_end_s; /* of the stages and chunks, once replayed */
    bool replayed;
    MppRankBound bound; /* of the passes, once asked for */
    bool bounded;
    MppPeaksTable *shared_peaks, *own_peaks; /* shared_peaks: borrowed, or NULL */
    const MppPeaks *peaks;                   /* of the stages, as the order has them */
    MppOrder *order;                         /* of the schedule last replayed, or the one given */
    MppSchedule ordered;
    MppPeaks *order_peaks; /* of the stages under an order that was given; NULL: the schedule's own is meant */
    bool splits_backward;  /* weight gradients have passes of their own */
    bool ends_apart; /* the first and the last chunk are on different ranks; of two copies each end's rank has one of both */
    void *work;      /* of replays */
} MppPipelineCost;

/** An empty one with room for @most_chunks chunks, and a copy of each, of a model with @n_layers layers. */
MppPipelineCost *mpp_pipeline_cost_new(int64_t most_chunks, int64_t n_layers);

/** Has it take its peaks from @table, which several may share and which is borrowed. */
void mpp_pipeline_cost_share_peaks(MppPipelineCost *pipeline, MppPeaksTable *table);

void mpp_pipeline_cost_free(MppPipelineCost *pipeline);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppPipelineCost, mpp_pipeline_cost_free)

/** The mesh of @strategy, made unless the last one was the same; lent until the next one or the next fill. */
const MppMesh *mpp_pipeline_cost_mesh(MppPipelineCost *pipeline, const MppJob *job, const MppStrategy *strategy);

/** @strategy must be legal for the job of @shard; both are borrowed until the next fill. */
void mpp_pipeline_cost_fill(MppPipelineCost *pipeline, const MppShardCost *shard, const MppStrategy *strategy);

/** The first part of a fill: all that the bound needs. The other is mpp_pipeline_cost_sum_stages(). */
void mpp_pipeline_cost_fill_chunks(MppPipelineCost *pipeline, const MppShardCost *shard, const MppStrategy *strategy);

/** The same, when @strategy differs from the last one's in the schedule, or in ZeRO 0 and 1 and offload, alone. */
void mpp_pipeline_cost_reschedule(MppPipelineCost *pipeline, const MppStrategy *strategy);

/** As a fill, when @strategy differs from the last one's in the number of layers recomputed, above 0 both times, alone. */
void mpp_pipeline_cost_recompute(MppPipelineCost *pipeline, const MppStrategy *strategy);

/** The order of the schedule, made when first asked for; lent until the next fill. */
const MppOrder *mpp_pipeline_cost_order(MppPipelineCost *pipeline);

/**
 * Goes by @order, which it takes over, instead of the schedule's own until the next fill: legal, for as many ranks,
 * chunks and micro-batches, its chunks on any ranks.
 */
void mpp_pipeline_cost_use_order(MppPipelineCost *pipeline, MppOrder *order);

/** Sums of the stages, once the chunks or what a rank holds of them have changed. */
void mpp_pipeline_cost_sum_stages(MppPipelineCost *pipeline);

/** A bound of the replay, as mpp_pipeline_cost_end_s() counts ends. */
MppRankBound mpp_pipeline_cost_bound(MppPipelineCost *pipeline);

/**
 * Runs the schedule, the first time it is asked. Returns: when each stage ends, in s from the first slot; from the
 * stage's own first slot where the stack begins steps without a barrier.
 */
const double *mpp_pipeline_cost_end_s(MppPipelineCost *pipeline);

/** How long the schedule takes without messages. */
double mpp_pipeline_cost_silent_s(MppPipelineCost *pipeline);

/** What one rank sends from @chunk to the next, of one micro-batch. */
double mpp_pipeline_cost_message_bytes(const MppPipelineCost *pipeline, int64_t chunk);

MppDurations mpp_pipeline_cost_durations(const MppPipelineCost *pipeline);

/** Whether inputs of recomputed layers are kept in the host's memory. */
bool mpp_pipeline_cost_inputs_in_host(const MppPipelineCost *pipeline);

/** What the device keeps of one micro-batch in a layer, or an end, that is recomputed so. */
double mpp_pipeline_cost_kept_bytes(const MppPipelineCost *pipeline, const MppBlockCost *block, MppRecompute recompute);

/** What one of @chunk's layers needs at work beyond what is kept, at most. */
double mpp_pipeline_cost_working_bytes(const MppPipelineCost *pipeline, int64_t chunk);

/** Outputs of earlier micro-batches that the rank with the head keeps, at the end of the step. */
double mpp_pipeline_cost_output_bytes(const MppPipelineCost *pipeline);

/** What one micro-batch adds on @chunk in its forward or (whole) backward pass. */
void mpp_pipeline_cost_pass_shares(const MppPipelineCost *pipeline, int64_t chunk, MppPass pass, MppShares *out);

/** In both. */
void mpp_pipeline_cost_shares(const MppPipelineCost *pipeline, int64_t chunk, MppShares *out);
