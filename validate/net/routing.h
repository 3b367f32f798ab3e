/**
 * Which token goes to which expert on which rank, and how rows are ordered on the way.
 *
 * Sent rows are sorted by member of the experts' group, then expert, then token. A rank puts received rows in the order
 * of its experts. With etp ranks to an expert, each of them gets every token, and the sender sums what comes back.
 */
#pragma once

#include "validate/net/place.h"

typedef struct {
    const MppPlace *place; /* borrowed */
    int64_t n_sent, n_received;
    int64_t *sent_rows, *received_rows; /* by member of the group */
    int64_t *expert_rows;               /* by expert here */
    int64_t n_experts;                  /* here */
    MppBuffer *tokens;                  /* of each sent row: its row here */
    MppBuffer *slots;                   /* of each sent row: its element of the weights, row by row */
    MppBuffer *order;                   /* of each row in the order of experts: its row as received; NULL: the same */
} MppRouting;

/** @chosen: experts of each of this rank's tokens (I32). Ranks of the experts' group call it together. */
MppRouting *mpp_routing_new(const MppPlace *place, int64_t experts, const MppBuffer *chosen);
void mpp_routing_free(MppRouting *routing);

/** Rows of this rank's tokens to the experts' ranks, in the experts' order; and the way back. @rows stays the caller's. */
MppBuffer *mpp_routing_send(const MppRouting *routing, MppBuffer *rows);
MppBuffer *mpp_routing_return(const MppRouting *routing, MppBuffer *rows);
