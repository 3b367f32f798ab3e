#include "planner/schedule/kinds.h"

static const MppScheduleType *const types[MPP_N_SCHEDULES] = {
    [MPP_SCHEDULE_GPIPE] = &mpp_looped_gpipe,
    [MPP_SCHEDULE_1F1B] = &mpp_looped_1f1b,
    [MPP_SCHEDULE_INTERLEAVED] = &mpp_looped_interleaved,
};

MppSchedule mpp_schedule_of(const MppStrategy *s, int64_t global_batch)
{
    return (MppSchedule){ s->schedule, s->pp, s->vpp, mpp_strategy_micro_batches(s, global_batch), 0 };
}

bool mpp_schedule_equal(const MppSchedule *a, const MppSchedule *b)
{
    return a->kind == b->kind && a->pp == b->pp && a->vpp == b->vpp && a->micro_batches == b->micro_batches && a->group == b->group;
}

bool mpp_schedule_check(const MppSchedule *schedule, GError **error)
{
    g_autofree char *broken = mpp_schedule_kind_broken(schedule->kind, schedule->pp, schedule->vpp, schedule->micro_batches,
                                                       mpp_schedule_group(schedule));
    if (broken)
        g_set_error_literal(error, MPP_ERROR, MPP_ERROR_INVALID, broken);
    return !broken;
}

int64_t mpp_schedule_n_chunks(const MppSchedule *schedule)
{
    return schedule->pp * schedule->vpp;
}

int64_t mpp_schedule_rank(const MppSchedule *schedule, int64_t chunk)
{
    return chunk % schedule->pp;
}

MppOrder *mpp_schedule_order(const MppSchedule *schedule)
{
    MppOrder *order = mpp_order_new(schedule->pp, mpp_schedule_n_chunks(schedule), schedule->micro_batches);
    types[schedule->kind]->fill(schedule, order);
    return order;
}

double mpp_schedule_bubble_s(const MppSchedule *schedule, const MppPassTimes *times)
{
    return types[schedule->kind]->bubble_s(schedule, times);
}

int64_t mpp_schedule_in_flight(const MppSchedule *schedule, int64_t rank)
{
    return types[schedule->kind]->in_flight(schedule, rank);
}

bool mpp_schedule_holds_all(const MppSchedule *schedule)
{
    return types[schedule->kind]->peak_rounds == 0;
}

int64_t mpp_schedule_peak_micro_batches(const MppSchedule *schedule)
{
    if (mpp_schedule_holds_all(schedule))
        return schedule->micro_batches;
    int64_t group = mpp_schedule_group(schedule), enough = types[schedule->kind]->peak_rounds * group;
    return schedule->micro_batches <= enough ? schedule->micro_batches : enough + schedule->micro_batches % group;
}

double mpp_schedule_bound(const MppSchedule *schedule, const MppDurations *durations)
{
    int64_t pp = schedule->pp, n_chunks = pp * schedule->vpp;
    double bound_s = 0, before_s = 0, after_s = 0;
    for (int64_t k = 0; k < pp; k++) { /* chunks 0 … k-1 run first, and their backward passes last */
        double work_s = 0;
        for (int64_t c = k; c < n_chunks; c += pp)
            work_s += durations->forward_s[c] + (durations->input_s[c] + durations->weight_s[c]);
        bound_s = MAX(bound_s, before_s + schedule->micro_batches * work_s + after_s);
        before_s += durations->forward_s[k] + durations->message_s;
        after_s += durations->input_s[k] + durations->weight_s[k] + durations->message_s;
    }
    return bound_s;
}
