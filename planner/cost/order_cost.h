/**
 * Time and memory of any order of passes over a pipeline's chunks: for orders that no schedule's name means, and to
 * compare them with those that have one.
 */
#pragma once

#include "planner/cost/memory.h"

typedef struct {
    int64_t pp;
    double length_s;    /* from the first pass of all ranks to the last */
    double work_s;      /* passes of the busiest rank: the rest of the length is its bubble */
    double *peak_bytes; /* allocated, of each rank */
    int64_t fullest;    /* rank */
} MppOrderCost;

/** @order: legal, over the chunks that @pipeline is filled for, on any ranks. */
MppOrderCost *mpp_order_cost_new(const MppPipelineCost *pipeline, const MppOrder *order);
void mpp_order_cost_free(MppOrderCost *cost);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppOrderCost, mpp_order_cost_free)

/** What the ranks hold beside activations kept for backward passes when chunk c is on @rank_of[c]: pp bytes, to be freed. */
double *mpp_order_cost_fixed_bytes(const MppPipelineCost *pipeline, const int32_t *rank_of);

static inline double mpp_order_cost_bubble_frac(const MppOrderCost *cost)
{
    return MAX(0, 1 - cost->work_s / cost->length_s); /* rounding */
}
