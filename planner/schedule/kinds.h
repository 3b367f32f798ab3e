/**
 * What a kind of schedule is made of. Only the folder's own files include this.
 */
#pragma once

#include "planner/schedule/schedule.h"

typedef struct {
    /** Appends the slots of a legal schedule to an order whose ranks and routes are set. */
    void (*fill)(const MppSchedule *schedule, MppOrder *order);
    double (*bubble_s)(const MppSchedule *schedule, const MppPassTimes *times);
    int64_t (*in_flight)(const MppSchedule *schedule, int64_t rank);
    int64_t peak_rounds; /* peaks do not grow beyond this many groups of micro-batches; 0: a rank holds all */
} MppScheduleType;

extern const MppScheduleType mpp_looped_gpipe, mpp_looped_1f1b, mpp_looped_interleaved;

/** Micro-batches of a group. */
static inline int64_t mpp_schedule_group(const MppSchedule *schedule)
{
    return schedule->group ? schedule->group : schedule->pp;
}
