/*
 * Chunk c on rank c mod pp; whole backward passes. GPipe arXiv:1811.06965, 1F1B arXiv:2006.09503, interleaved
 * arXiv:2104.04473, breadth-first arXiv:2211.05953.
 */
#include "planner/schedule/kinds.h"
#include "planner/schedule/turn.h"

/** Passes of one kind on a rank. */
static int64_t per_pass(const MppSchedule *schedule)
{
    return schedule->vpp * schedule->micro_batches;
}

/** Warm-up forwards, then one backward and one forward in turn, then the backwards left. */
static void fill_rank(const MppSchedule *schedule, int64_t rank, int64_t warmup, GArray *slots)
{
    MppTurn forward = mpp_turn_begin(schedule, MPP_PASS_FORWARD, rank), backward = mpp_turn_begin(schedule, MPP_PASS_BACKWARD, rank);
    int64_t total = per_pass(schedule);
    g_array_set_size(slots, 2 * total);
    MppSlot *slot = (MppSlot *)slots->data;
    for (int64_t i = 0; i < warmup; i++)
        *slot++ = mpp_turn_next(&forward);
    for (int64_t i = warmup; i < total; i++) {
        *slot++ = mpp_turn_next(&backward);
        *slot++ = mpp_turn_next(&forward);
    }
    for (int64_t i = total - warmup; i < total; i++)
        *slot++ = mpp_turn_next(&backward);
}

static void fill_gpipe(const MppSchedule *schedule, MppOrder *order)
{
    for (int64_t k = 0; k < schedule->pp; k++)
        fill_rank(schedule, k, per_pass(schedule), order->slots[k]);
}

static void fill_breadth_first(const MppSchedule *schedule, MppOrder *order)
{
    MppSchedule one_group = *schedule;
    one_group.group = schedule->micro_batches;
    fill_gpipe(&one_group, order);
}

/** With the steady state's first forward. Megatron get_pp_rank_microbatches. */
static int64_t warmup_1f1b(const MppSchedule *schedule, int64_t rank)
{
    return MIN(schedule->pp - rank, schedule->micro_batches);
}

static int64_t warmup_interleaved(const MppSchedule *schedule, int64_t rank)
{
    int64_t before = (schedule->vpp - 1) * mpp_schedule_group(schedule);
    return MIN(before + 2 * (schedule->pp - 1 - rank) + 1, per_pass(schedule));
}

static void fill_1f1b(const MppSchedule *schedule, MppOrder *order)
{
    for (int64_t k = 0; k < schedule->pp; k++)
        fill_rank(schedule, k, warmup_1f1b(schedule, k), order->slots[k]);
}

static void fill_interleaved(const MppSchedule *schedule, MppOrder *order)
{
    for (int64_t k = 0; k < schedule->pp; k++)
        fill_rank(schedule, k, warmup_interleaved(schedule, k), order->slots[k]);
}

const MppScheduleType mpp_looped_gpipe = { fill_gpipe, 0 };
const MppScheduleType mpp_looped_1f1b = { fill_1f1b, 1 };
const MppScheduleType mpp_looped_interleaved = { fill_interleaved, 3 };
const MppScheduleType mpp_looped_breadth_first = { fill_breadth_first, 0 };
