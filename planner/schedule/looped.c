/* Chunk c on rank c mod pp; whole backward passes. GPipe arXiv:1811.06965, 1F1B arXiv:2006.09503, interleaved arXiv:2104.04473. */
#include "planner/schedule/kinds.h"

/** Passes of one kind on a rank. */
static int64_t per_pass(const MppSchedule *schedule)
{
    return schedule->vpp * schedule->micro_batches;
}

/** A rank's chunks in turn, a group of micro-batches at a time; backwards the last chunk comes first. */
typedef struct {
    const MppSchedule *schedule;
    MppPass pass;
    int64_t rank, group, local, within; /* the next slot */
} Turn;

static MppSlot next_slot(Turn *turn)
{
    const MppSchedule *s = turn->schedule;
    int64_t group = mpp_schedule_group(s), first = turn->group * group, size = MIN(group, s->micro_batches - first);
    int64_t local = turn->pass == MPP_PASS_FORWARD ? turn->local : s->vpp - 1 - turn->local;
    MppSlot slot = { turn->pass, (int32_t)(local * s->pp + turn->rank), (int32_t)(first + turn->within) };
    if (++turn->within == size) {
        turn->within = 0;
        turn->local++;
    }
    if (turn->local == s->vpp) {
        turn->local = 0;
        turn->group++;
    }
    return slot;
}

/** Warm-up forwards, then one backward and one forward in turn, then the backwards left. */
static void fill_rank(const MppSchedule *schedule, int64_t rank, int64_t warmup, GArray *slots)
{
    Turn forward = { schedule, MPP_PASS_FORWARD, rank, 0, 0, 0 }, backward = { schedule, MPP_PASS_BACKWARD, rank, 0, 0, 0 };
    int64_t total = per_pass(schedule);
    g_array_set_size(slots, 2 * total);
    MppSlot *slot = (MppSlot *)slots->data;
    for (int64_t i = 0; i < warmup; i++)
        *slot++ = next_slot(&forward);
    for (int64_t i = warmup; i < total; i++) {
        *slot++ = next_slot(&backward);
        *slot++ = next_slot(&forward);
    }
    for (int64_t i = total - warmup; i < total; i++)
        *slot++ = next_slot(&backward);
}

static void fill_gpipe(const MppSchedule *schedule, MppOrder *order)
{
    for (int64_t k = 0; k < schedule->pp; k++)
        fill_rank(schedule, k, per_pass(schedule), order->slots[k]);
}

static int64_t in_flight_gpipe(const MppSchedule *schedule, int64_t rank)
{
    (void)rank;
    return per_pass(schedule);
}

/** The steady state's first forward included. Megatron get_pp_rank_microbatches. */
static int64_t in_flight_1f1b(const MppSchedule *schedule, int64_t rank)
{
    return MIN(schedule->pp - rank, schedule->micro_batches);
}

static int64_t in_flight_interleaved(const MppSchedule *schedule, int64_t rank)
{
    int64_t before = (schedule->vpp - 1) * mpp_schedule_group(schedule);
    return MIN(before + 2 * (schedule->pp - 1 - rank) + 1, per_pass(schedule));
}

static void fill_1f1b(const MppSchedule *schedule, MppOrder *order)
{
    for (int64_t k = 0; k < schedule->pp; k++)
        fill_rank(schedule, k, in_flight_1f1b(schedule, k), order->slots[k]);
}

static void fill_interleaved(const MppSchedule *schedule, MppOrder *order)
{
    for (int64_t k = 0; k < schedule->pp; k++)
        fill_rank(schedule, k, in_flight_interleaved(schedule, k), order->slots[k]);
}

static double bubble_s(const MppSchedule *schedule, const MppPassTimes *times)
{
    return (schedule->pp - 1) * (times->forward_s + times->input_s + times->weight_s) / schedule->vpp;
}

const MppScheduleType mpp_looped_gpipe = { fill_gpipe, bubble_s, in_flight_gpipe, 0 };
const MppScheduleType mpp_looped_1f1b = { fill_1f1b, bubble_s, in_flight_1f1b, 1 };
const MppScheduleType mpp_looped_interleaved = { fill_interleaved, bubble_s, in_flight_interleaved, 3 };
