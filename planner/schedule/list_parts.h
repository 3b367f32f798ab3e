/**
 * Parts of the search for an order. Only the list files of this folder include this.
 */
#pragma once

#include "planner/schedule/list_schedule.h"

/** Sums of bytes differ by their order; caps are met to this part of them. */
#define MPP_LIST_ROUNDING 1e-9

/** How a rank chooses among the passes that can run. */
typedef struct {
    bool split;
    bool weights_last; /* weight gradients only where nothing else can run */
    double age;        /* how much earlier micro-batches come first, against passes early on their way */
    double patience;   /* part of a pass's time that a rank waits for one that comes before it */
    double room;       /* part of the memory beyond one micro-batch's that is used */
} MppListPolicy;

/** A legal order under the caps, which leave room for a micro-batch. */
MppOrder *mpp_list_run(const MppListProblem *problem, const MppListPolicy *policy);

/**
 * Moves passes of @order, which is legal and fits, until @effort slots have been moved past or it takes @bound_s.
 * Returns: its length.
 */
double mpp_list_improve(const MppListProblem *problem, MppOrder *order, double bound_s, int64_t effort);

/** Joins the gradients of an input and of the weights that follow each other and need not be apart. */
void mpp_list_join(const MppListProblem *problem, MppOrder *order);

/** A length below which no order comes that is legal and within the caps. */
double mpp_list_bound(const MppListProblem *problem);

/** Bytes that one micro-batch needs on @rank: all its chunks' forward passes come before any backward pass there ends. */
double mpp_list_least_bytes(const MppListProblem *problem, int64_t rank);

static inline double mpp_list_message_s(const MppListProblem *problem, int64_t from, int64_t to)
{
    return problem->rank_of[from] == problem->rank_of[to] ? 0 : problem->durations.message_s[MIN(from, to)];
}
