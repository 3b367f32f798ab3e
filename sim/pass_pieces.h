/**
 * What a simulated pass consists of: computation and the collectives within it, layer by layer.
 *
 * Costs are those of the closed form, stretched to the time the simulation gave the pass: computation and
 * collectives each by a factor of their own, as far as what-ifs made them slower.
 */
#pragma once

#include "sim/tracks.h"

typedef struct {
    double start_s, end_s;
    int32_t layer;  /* of the model; -1: of no layer (embedding, head, the chunk as a whole) */
    MppShare share; /* what it is */
} MppPassPiece;

/** Whether the share is a collective, drawn on the exchange stream. */
bool mpp_pass_pieces_is_exchange(MppShare share);

/** Times of a pass by share; they add up to the span's duration. */
void mpp_pass_pieces_shares(const MppSimulation *simulation, const MppSpan *pass, MppShares *out);

/**
 * The pieces of @pass, one after another without gaps, those of a layer together.
 * @out: MppPassPiece, emptied first
 */
void mpp_pass_pieces(const MppSimulation *simulation, const MppSpan *pass, GArray *out);
