/**
 * Orders from a repeating pattern: each pass of a rank begins at a time of its own and again every interval
 * (building blocks, arXiv:2405.15362 §3). Only the order is kept; times are whole numbers of one pass.
 */
#pragma once

#include "planner/schedule/order.h"

/** One pass of a rank, repeated for every micro-batch that goes this way. */
typedef struct {
    MppPass pass;
    int64_t start;        /* of the first repetition */
    int64_t chunk;        /* in the first wave */
    int64_t micro_batch;  /* of the first repetition */
    int64_t step;         /* between micro-batches */
} MppTrack;

/** Micro-batches that go through @waves rounds of @per_wave chunks, @group of them a round before the next. */
typedef struct {
    int64_t waves, per_wave, group, micro_batches;
} MppWaves;

/** Appends all repetitions of @tracks to @slots by rising time; of equal times the earlier track's comes first. */
void mpp_pattern_merge(const MppTrack *tracks, int n_tracks, int64_t interval, const MppWaves *waves, GArray *slots);

/**
 * Adds weight gradients to orders that have none: a rank runs one whenever it would wait otherwise, or may hold no
 * more than @most chunks' activations. Every pass takes the same time.
 */
void mpp_pattern_fill_weights(MppOrder *order, int64_t most);
