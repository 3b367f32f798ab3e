#include "planner/schedule/turn.h"

#include "planner/schedule/kinds.h"

MppTurn mpp_turn_begin(const MppSchedule *schedule, MppPass pass, int64_t rank)
{
    int64_t size = MIN(mpp_schedule_group(schedule), schedule->micro_batches);
    return (MppTurn){ .schedule = schedule, .pass = pass, .rank = rank, .size = size };
}

MppSlot mpp_turn_next(MppTurn *turn)
{
    const MppSchedule *s = turn->schedule;
    int64_t local = turn->pass == MPP_PASS_FORWARD ? turn->local : s->vpp - 1 - turn->local;
    MppSlot slot = { turn->pass, (int32_t)(local * s->pp + turn->rank), (int32_t)(turn->first + turn->within) };
    if (++turn->within < turn->size)
        return slot;
    turn->within = 0;
    if (++turn->local < s->vpp)
        return slot;
    turn->local = 0;
    turn->first += turn->size;
    turn->size = MIN(turn->size, s->micro_batches - turn->first);
    return slot;
}
