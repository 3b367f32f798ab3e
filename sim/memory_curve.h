/**
 * Memory of a lane's ranks over the step, and what stands at its peak.
 *
 * A forward pass adds what it keeps for the backward pass, which frees it at its end (the weights' part, where that
 * runs by itself). While a pass runs, a layer is recomputed or gathered, and the head's logits are there. Weights,
 * gradients, optimizer states and buffers stay. With one chunk a rank the peak is the closed form's
 * (planner/cost/memory.h); with several it is at most that, which adds up the worst of each part.
 */
#pragma once

#include "sim/tracks.h"

/** From a time until the next point's. */
typedef struct {
    double time_s;
    double bytes;            /* in all, what stays included */
    double activation_bytes; /* of the micro-batches in flight */
    double pass_bytes;       /* of the pass that runs: working, logits */
} MppMemoryPoint;

typedef struct {
    int32_t chunk, micro_batches;
} MppChunkHeld;

typedef struct {
    int32_t lane;
    GArray *points; /* MppMemoryPoint, the first at 0 */
    double peak_s;  /* when the peak is first reached */
    double peak_bytes;
    double parts[MPP_N_MEMORY_PARTS]; /* of the peak */
    GArray *held;                     /* MppChunkHeld: chunks with micro-batches in flight at the peak */
} MppMemoryCurve;

MppMemoryCurve *mpp_memory_curve_new(const MppTracks *tracks, int32_t lane);
void mpp_memory_curve_free(MppMemoryCurve *curve);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppMemoryCurve, mpp_memory_curve_free)
