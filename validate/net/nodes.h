/**
 * Operations of a net, each with its backward pass. They record themselves on a tape and take over a hold on each input.
 *
 * Names are those of planner/ops, so that measured and predicted times stand side by side.
 */
#pragma once

#include "validate/net/bucket.h"
#include "validate/net/tape.h"

/** Rows of all ranks of the tp group, or their own ones: how a block that is split over tp meets what is not. */
typedef struct {
    const MppPlace *place;
    bool sequence_parallel; /* outside of blocks each rank has some of the rows */
} MppTpEdge;

/** y = x weight^T + bias; @bias may be NULL or not exist. */
MppValue *mpp_node_linear(MppTape *tape, const char *name, MppValue *x, MppNetParameter *weight, MppNetParameter *bias);

/** The bias of a product whose parts are summed over tp first. */
MppValue *mpp_node_bias(MppTape *tape, const char *name, MppValue *x, MppNetParameter *bias);

/** y = windows(x) weight^T + bias: rows of windows, or of what they make, are in the order of the images' samples. */
MppValue *mpp_node_convolution(MppTape *tape, const char *name, const MppWindows *windows, MppValue *x, MppNetParameter *weight,
                               MppNetParameter *bias);
MppValue *mpp_node_pool(MppTape *tape, const char *name, MppPoolKind kind, const MppWindows *windows, MppValue *x);

MppValue *mpp_node_norm(MppTape *tape, const char *name, MppNormType type, MppValue *x, MppNetParameter *weight,
                        MppNetParameter *bias);
MppValue *mpp_node_add(MppTape *tape, const char *name, MppValue *a, MppValue *b);
MppValue *mpp_node_activation(MppTape *tape, MppActivation kind, bool gated, MppValue *x);

/** Into and out of a block split over tp: gathers rows or sums gradients; sums outputs, scattering rows. */
MppValue *mpp_node_enter(MppTape *tape, const MppTpEdge *edge, MppValue *x);
MppValue *mpp_node_leave(MppTape *tape, const MppTpEdge *edge, MppValue *x);

/** A copy of @exact in @element. It needs no gradient, but gets one. */
MppValue *mpp_node_input(MppTape *tape, MppElement element, const MppBuffer *exact);

/** Rows of @table by @index (I32, one column, held); of a table split over tp the others' rows are zero. */
MppValue *mpp_node_embedding(MppTape *tape, const char *name, MppNetParameter *table, MppBuffer *index, int64_t first);

/** Turns queries and keys in place. @x: [queries | keys | values]; @turned: columns of the first two; held @positions. */
MppValue *mpp_node_rotary(MppTape *tape, MppValue *x, int64_t turned, int64_t dim, MppBuffer *positions);

/**
 * Attention over [queries | keys | values] of this rank's positions, of which context-parallel ranks each have two runs
 * (mpp_context_run()). Keys and values go round the ring of cp ranks (arXiv:2310.01889), gradients with them backwards; or, under
 * MPP_CP_ALL_GATHER, are gathered in both passes, and the sums of their gradients scattered.
 */
MppValue *mpp_node_attention(MppTape *tape, const MppPlace *place, const MppAttentionShape *shape, MppValue *qkv);

/**
 * Cross entropy of @logits (this rank's columns of those that @group has together, from @first on, @n_valid of them
 * real) with @targets (held). Adds to @total the sum over rows times @scale.
 */
void mpp_node_loss(MppTape *tape, const MppPlace *place, MppGroupKind group, MppValue *logits, MppBuffer *targets, int64_t first, int64_t n_valid,
                   double scale, MppTensor total);

/** Shape and parameters of a layer's routed experts. */
typedef struct {
    const MppPlace *place;
    int64_t experts, topk;
    MppActivation activation;
    bool gated;
    MppNetParameter *router, *router_bias, *up, *down;
} MppExperts;

/** Mixture of experts over this rank's own tokens; every expert takes all tokens routed to it. */
MppValue *mpp_node_experts(MppTape *tape, const MppExperts *experts, MppValue *x);

/** Computes y = forward(x) again in the backward pass instead of keeping what is in between. */
typedef MppValue *(*MppForward)(MppTape *tape, gconstpointer closure, MppValue *x);
MppValue *mpp_node_again(MppTape *tape, MppForward forward, gconstpointer closure, MppValue *x);

/** Around the use of a bucket: the backward pass opens it at the end and closes it at the beginning. */
void mpp_node_open(MppTape *tape, MppBucket *bucket);
void mpp_node_close(MppTape *tape, MppBucket *bucket);
