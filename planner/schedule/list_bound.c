/*
 * Two bounds for each rank. Its work lies between the shortest way to its first pass and that from its last backward
 * pass; if they are split, weight gradients may come after the last of them. And its memory holds only so many
 * micro-batches at a time, each from its forward pass until it has been to the last chunk and back.
 */
#include <math.h>

#include "planner/schedule/list_parts.h"

typedef struct {
    const MppListProblem *problem;
    double *before_s; /* n_chunks: a micro-batch's way to the forward pass */
    double *after_s;  /* from the end of the backward pass; if split, of the input's part */
    double *held_s;   /* from the start of the forward pass until its activations are not needed any more */
} Ways;

static void set_ways(const Ways *ways)
{
    const MppListProblem *problem = ways->problem;
    const MppDurations *d = &problem->durations;
    int64_t last = problem->n_chunks - 1;
    ways->before_s[0] = 0;
    ways->after_s[0] = problem->split ? d->weight_s[0] : 0;
    for (int64_t c = 1; c <= last; c++) {
        double message_s = mpp_list_message_s(problem, c - 1, c);
        ways->before_s[c] = ways->before_s[c - 1] + d->forward_s[c - 1] + message_s;
        ways->after_s[c] = ways->after_s[c - 1] + d->input_s[c - 1] + (problem->split ? 0 : d->weight_s[c - 1]) + message_s;
    }
    double beyond_s = 0; /* from the end of the forward pass to the start of the backward pass */
    for (int64_t c = last; c >= 0; c--) {
        ways->held_s[c] = d->forward_s[c] + beyond_s + d->input_s[c] + d->weight_s[c];
        double messages_s = c > 0 ? 2 * mpp_list_message_s(problem, c - 1, c) : 0;
        beyond_s += d->forward_s[c] + d->input_s[c] + (problem->split ? 0 : d->weight_s[c]) + messages_s;
    }
}

/** The times that activations of a chunk are held, one beside the other as far as the cap allows, if it has the rank alone. */
static double rounds_s(const MppListProblem *problem, int64_t chunk, double held_s)
{
    double at_once = floor(problem->cap_bytes[problem->rank_of[chunk]] * (1 + MPP_LIST_ROUNDING) / problem->kept_bytes[chunk]);
    return at_once < problem->micro_batches ? ceil(problem->micro_batches / at_once) * held_s : held_s;
}

static double bound_of_rank(const Ways *ways, int64_t rank)
{
    const MppListProblem *problem = ways->problem;
    const MppDurations *d = &problem->durations;
    double m = problem->micro_batches, first_s = INFINITY, last_s = INFINITY, weights_s = 0, rest_s = 0, byte_s = 0, alone_s = 0;
    int64_t n_local = 0;
    for (int64_t c = 0; c < problem->n_chunks; c++) {
        if (problem->rank_of[c] != rank)
            continue;
        first_s = MIN(first_s, ways->before_s[c]);
        last_s = MIN(last_s, ways->after_s[c]);
        weights_s += m * d->weight_s[c];
        rest_s += m * (d->forward_s[c] + d->input_s[c]);
        byte_s += m * problem->kept_bytes[c] * ways->held_s[c];
        alone_s = n_local++ == 0 ? rounds_s(problem, c, ways->held_s[c]) : 0;
    }
    double work_bound_s = rest_s + (problem->split ? MAX(weights_s, last_s) : weights_s + last_s);
    double memory_bound_s = byte_s > 0 ? MAX(alone_s, byte_s / (problem->cap_bytes[rank] * (1 + MPP_LIST_ROUNDING))) : 0;
    return first_s + MAX(work_bound_s, memory_bound_s + (problem->split ? 0 : last_s));
}

double mpp_list_bound(const MppListProblem *problem)
{
    int64_t n = problem->n_chunks;
    g_autofree double *before_s = g_new(double, n), *after_s = g_new(double, n), *held_s = g_new(double, n);
    Ways ways = { problem, before_s, after_s, held_s };
    double bound_s = 0;
    set_ways(&ways);
    for (int64_t k = 0; k < problem->pp; k++)
        bound_s = MAX(bound_s, bound_of_rank(&ways, k));
    return bound_s;
}
