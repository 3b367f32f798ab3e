/**
 * A rank of a looped pipeline takes its chunks in turn, a group of micro-batches at a time; backwards the last comes first.
 */
#pragma once

#include "planner/schedule/schedule.h"

typedef struct {
    const MppSchedule *schedule;
    MppPass pass;
    int64_t rank, first, size, local, within; /* the next slot: which of the group's @size micro-batches from @first */
} MppTurn;

MppTurn mpp_turn_begin(const MppSchedule *schedule, MppPass pass, int64_t rank);

/** The next slot; the caller counts them. */
MppSlot mpp_turn_next(MppTurn *turn);
