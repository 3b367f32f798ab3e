/**
 * What a kind of schedule is made of. Only the folder's own files include this.
 */
#pragma once

#include "planner/schedule/schedule.h"

typedef struct {
    /** Appends the slots of a legal schedule to an order whose ranks and routes are set. */
    void (*fill)(const MppSchedule *schedule, MppOrder *order);
    int64_t peak_rounds; /* peaks do not grow beyond this many groups of micro-batches; 0: a rank holds all */
} MppScheduleType;

extern const MppScheduleType mpp_looped_gpipe, mpp_looped_1f1b, mpp_looped_interleaved, mpp_looped_breadth_first;
extern const MppScheduleType mpp_zero_bubble_h1, mpp_zero_bubble_h2, mpp_zero_bubble_interleaved;
extern const MppScheduleType mpp_v_shape_zb, mpp_v_shape_half, mpp_v_shape_min;
extern const MppScheduleType mpp_dualpipe_v, mpp_wave_hanayo, mpp_bidirectional_chimera;

/** Micro-batches of a group. */
static inline int64_t mpp_schedule_group(const MppSchedule *schedule)
{
    return schedule->group ? schedule->group : schedule->pp;
}
