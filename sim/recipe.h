/**
 * What a rank runs for one pass of a chunk: computation of a certain time and collectives of certain sizes, in order.
 *
 * Unlike sim/pass_pieces.h it gives collectives by their bytes, in full, for programs that time them themselves.
 */
#pragma once

#include "sim/tracks.h"

typedef struct {
    double compute_s; /* 0 for a collective */
    MppCollective collective;
    MppAxis axis;
    double bytes;  /* as mpp_collective_time_s() takes them; of an exchange all that a rank sends */
    int32_t layer; /* -1: of no layer */
} MppRecipeStep;

/**
 * @detail: layer by layer; else the pass's computation, then its collectives summed up by axis and kind.
 * Returns: MppRecipeStep.
 */
GArray *mpp_recipe_pass(const MppSimulation *simulation, int32_t lane, MppPass pass, int32_t chunk, bool detail);

/** The exchange of @chunk's gradients between replicas, and the gather of @stage's parameters. Returns: MppRecipeStep. */
GArray *mpp_recipe_reduce(const MppSimulation *simulation, int32_t chunk);
GArray *mpp_recipe_gather(const MppSimulation *simulation, int32_t stage);
