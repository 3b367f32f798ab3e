#include "planner/schedule/kinds.h"

static const MppScheduleType *const types[MPP_N_SCHEDULES] = {
    [MPP_SCHEDULE_GPIPE] = &mpp_looped_gpipe,
    [MPP_SCHEDULE_1F1B] = &mpp_looped_1f1b,
    [MPP_SCHEDULE_INTERLEAVED] = &mpp_looped_interleaved,
    [MPP_SCHEDULE_BREADTH_FIRST] = &mpp_looped_breadth_first,
    [MPP_SCHEDULE_ZB_H1] = &mpp_zero_bubble_h1,
    [MPP_SCHEDULE_ZB_H2] = &mpp_zero_bubble_h2,
    [MPP_SCHEDULE_ZB_INTERLEAVED] = &mpp_zero_bubble_interleaved,
    [MPP_SCHEDULE_ZB_V] = &mpp_v_shape_zb,
    [MPP_SCHEDULE_V_HALF] = &mpp_v_shape_half,
    [MPP_SCHEDULE_V_MIN] = &mpp_v_shape_min,
    [MPP_SCHEDULE_DUALPIPE_V] = &mpp_dualpipe_v,
    [MPP_SCHEDULE_HANAYO] = &mpp_wave_hanayo,
    [MPP_SCHEDULE_CHIMERA] = &mpp_bidirectional_chimera,
};

MppSchedule mpp_schedule_of(const MppStrategy *s, int64_t global_batch)
{
    return (MppSchedule){ s->schedule, s->pp, s->vpp, mpp_strategy_micro_batches(s, global_batch), s->schedule_group };
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

static MppPlacement placement(const MppSchedule *schedule)
{
    return mpp_schedule_kind_shape(schedule->kind)->placement;
}

int64_t mpp_schedule_copies(const MppSchedule *schedule)
{
    return placement(schedule) == MPP_PLACEMENT_BIDIRECTIONAL ? 2 : 1;
}

int64_t mpp_schedule_n_chunks(const MppSchedule *schedule)
{
    return schedule->pp * schedule->vpp * mpp_schedule_copies(schedule);
}

int64_t mpp_schedule_rank(const MppSchedule *schedule, int64_t chunk)
{
    int64_t round = chunk / schedule->pp, at = chunk % schedule->pp;
    return placement(schedule) == MPP_PLACEMENT_LOOPED || round % 2 == 0 ? at : schedule->pp - 1 - at;
}

MppOrder *mpp_schedule_order(const MppSchedule *schedule)
{
    MppOrder *order = mpp_order_new(schedule->pp, mpp_schedule_n_chunks(schedule), schedule->micro_batches);
    order->n_routes = (int32_t)mpp_schedule_copies(schedule);
    for (int32_t c = 0; c < order->n_chunks; c++)
        order->rank_of[c] = (int32_t)mpp_schedule_rank(schedule, c);
    for (int32_t b = 0; b < order->micro_batches; b++)
        order->route_of[b] = b % order->n_routes;
    types[schedule->kind]->fill(schedule, order);
    return order;
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

/** Work of @rank in a step. */
static double work_of(const MppSchedule *schedule, const MppDurations *durations, int64_t n_chunks, bool looped, int64_t rank)
{
    int64_t pp = schedule->pp, m = schedule->micro_batches, second = pp * schedule->vpp; /* where the second copy begins */
    int64_t through = n_chunks > second ? (m + 1) / 2 : m; /* the first copy gets the odd one of two */
    int64_t back = looped ? rank : pp - 1 - rank;
    double work_s = 0;
    for (int64_t first = 0; first < n_chunks; first += 2 * pp) {
        int64_t c = first + rank, d = first + pp + back;
        work_s += (first < second ? through : m - through) * (durations->forward_s[c] + (durations->input_s[c] + durations->weight_s[c]));
        if (d < n_chunks)
            work_s += (first + pp < second ? through : m - through) *
                      (durations->forward_s[d] + (durations->input_s[d] + durations->weight_s[d]));
    }
    return work_s;
}

/**
 * One route's micro-batches reach the ranks in turn. Whole backward passes leave them in turn too; a rank may end with
 * gradients of weights, which nobody waits for.
 */
MppRankBound mpp_schedule_bound(const MppSchedule *schedule, const MppDurations *durations, bool own_start)
{
    bool one_way = mpp_schedule_copies(schedule) == 1, split = mpp_schedule_kind_shape(schedule->kind)->splits_backward;
    bool looped = placement(schedule) == MPP_PLACEMENT_LOOPED;
    int64_t n_chunks = mpp_schedule_n_chunks(schedule);
    MppRankBound bound = { 0, 0 };
    double before_s = 0, after_s = 0;
    for (int64_t k = 0; k < schedule->pp; k++) {
        double end_s = (split && own_start ? 0 : before_s) + work_of(schedule, durations, n_chunks, looped, k) + after_s;
        if (end_s > bound.end_s)
            bound = (MppRankBound){ one_way && !split ? 0 : k, end_s };
        before_s += one_way ? durations->forward_s[k] + durations->message_s[k] : 0;
        after_s += one_way && !split ? durations->input_s[k] + durations->weight_s[k] + durations->message_s[k] : 0;
    }
    return bound;
}
