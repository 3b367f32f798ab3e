/**
 * Pipeline schedules by kind: the order of passes that each means, and bounds of it that need no order.
 *
 * A schedule is a small value; its order is made when needed. Each kind is a row of a table (kinds.h), written in
 * the file of its family.
 */
#pragma once

#include "planner/schedule/order.h"
#include "planner/spec/strategy.h"

typedef struct {
    MppScheduleKind kind;
    int64_t pp, vpp, micro_batches;
    int64_t group; /* micro-batches that visit a chunk before the rank turns to the next; 0: pp */
} MppSchedule;

MppSchedule mpp_schedule_of(const MppStrategy *strategy, int64_t global_batch);

bool mpp_schedule_equal(const MppSchedule *a, const MppSchedule *b);

/** Error: MPP_ERROR_INVALID when the kind is not for such a pipeline. */
bool mpp_schedule_check(const MppSchedule *schedule, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** Copies of the model that the ranks hold together: 2 for bidirectional schedules. */
int64_t mpp_schedule_copies(const MppSchedule *schedule);

/** Chunks of the order: pp * vpp for each copy; the second copy's come after the first's. */
int64_t mpp_schedule_n_chunks(const MppSchedule *schedule);

/** Rank that has @chunk. */
int64_t mpp_schedule_rank(const MppSchedule *schedule, int64_t chunk);

/** The order of a legal schedule. */
MppOrder *mpp_schedule_order(const MppSchedule *schedule);

/** Whether every rank holds all micro-batches at once. */
bool mpp_schedule_holds_all(const MppSchedule *schedule);

/** The fewest micro-batches, known to be so, with which ranks are as full as they are with all. */
int64_t mpp_schedule_peak_micro_batches(const MppSchedule *schedule);

/** A rank, and a time before which it cannot end. */
typedef struct {
    int64_t rank;
    double end_s;
} MppRankBound;

/**
 * A lower bound of the replay in O(pp * vpp): of what must come before a rank's first slot, its own work, and what must
 * follow its last, the most. @own_start: counted from the rank's own first slot instead of the first of all
 */
MppRankBound mpp_schedule_bound(const MppSchedule *schedule, const MppDurations *durations, bool own_start);
