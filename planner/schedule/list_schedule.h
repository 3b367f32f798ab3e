/**
 * Orders made to measure: for chunks that take unequal times, under a limit of memory on every rank.
 *
 * Named schedules assume equal chunks. Here ranks take passes one after another by priority, many priorities are tried,
 * and the best order, of these or of the named kinds that apply, is improved by moving passes that its length hangs on.
 * Job-shop scheduling with the pipeline's precedences: list scheduling (Graham 1969), late acceptance hill climbing
 * (Burke and Bykov 2017) over moves of critical passes (van Laarhoven, Aarts and Lenstra 1992).
 *
 * The answer depends on the problem alone, not on the machine or on time.
 */
#pragma once

#include "planner/schedule/schedule.h"

typedef struct {
    int64_t pp, n_chunks, micro_batches;
    const int32_t *rank_of;   /* n_chunks; every rank has a chunk */
    MppDurations durations;
    const double *kept_bytes; /* n_chunks: activations of one micro-batch */
    const double *cap_bytes;  /* pp: what a rank may hold of them; INFINITY: any amount */
    bool split;               /* backward passes may be split */
    int64_t effort;           /* slots that the search may place or move past; 0: MPP_LIST_EFFORT */
} MppListProblem;

/** A few seconds of search at most; small pipelines are done sooner. */
#define MPP_LIST_EFFORT 100000000

typedef struct {
    MppOrder *order;
    double length_s;
    double bound_s;    /* no order is shorter */
    bool has_named;    /* a named schedule has the same chunks on the same ranks and fits */
    MppSchedule named; /* the shortest of them */
    double named_s;    /* its length; length_s is not more */
} MppListSchedule;

/**
 * The shortest order found. Peaks stay below the caps to rounding: a part in 1e9.
 * Error: MPP_ERROR_INFEASIBLE when a rank cannot hold even one micro-batch of its chunks; no order needs less.
 */
MppListSchedule *mpp_list_schedule_new(const MppListProblem *problem, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void mpp_list_schedule_free(MppListSchedule *schedule);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppListSchedule, mpp_list_schedule_free)
