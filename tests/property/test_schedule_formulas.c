/* Bubbles and peaks of every kind of schedule, replayed, against the closed forms that its papers give. */
#include <math.h>

#include "planner/schedule/peaks.h"
#include "tests/support/schedules.h"

static const SchedulesPasses all_times[] = { { 1.375, 1.375, 1.375 }, { 1.375, 2.25, 1.135 }, { 1.375, 1.25, 1.75 }, { 2.5, 0.75, 0.25 } };

static int n_checked[MPP_N_SCHEDULES];

/** What is not work in a step, by two measures; NAN where no closed form is known. */
typedef struct {
    double length_s; /* from the first slot of all ranks to the last: what a step waits when its end is a barrier */
    double span_s;   /* of the rank with the longest time from its own first slot to its last */
} Bubbles;

/** Of a rank that begins first and ends last. */
static Bubbles both(double bubble_s)
{
    return (Bubbles){ bubble_s, bubble_s };
}

/** @most: weight gradients that a rank may put off; each fills a part of the bubble while it is the shortest pass. */
static Bubbles put_off(const MppSchedule *s, const SchedulesPasses *t, int64_t most)
{
    double waits_s = (s->pp - 1) * (t->forward_s + t->input_s) - MIN(s->micro_batches - 1, most) * t->weight_s;
    return (Bubbles){ MAX(waits_s, (s->pp - 1) * t->forward_s), MAX(waits_s, 0) };
}

/** Of all chunks alike and messages that take no time. V-half and V-min: as these orders replay. */
static Bubbles bubbles_of(const MppSchedule *s, const SchedulesPasses *t)
{
    int64_t pp = s->pp, hops = pp - 1, m = s->micro_batches;
    double backward_s = t->input_s + t->weight_s, chunk_s = (t->forward_s + backward_s) / s->vpp;
    bool equal = t->forward_s == t->input_s && t->input_s == t->weight_s, fills = t->weight_s <= MIN(t->forward_s, t->input_s);
    switch (s->kind) {
    case MPP_SCHEDULE_GPIPE:
    case MPP_SCHEDULE_1F1B:
    case MPP_SCHEDULE_INTERLEAVED: return both(hops * chunk_s);
    case MPP_SCHEDULE_BREADTH_FIRST: /* fewer micro-batches than ranks leave rank 0 waiting before each chunk but the first */
        return both((hops + (s->vpp - 1) * MAX(0, pp - m)) * chunk_s);
    case MPP_SCHEDULE_ZB_H1: return fills ? put_off(s, t, hops) : both(NAN);
    case MPP_SCHEDULE_ZB_H2: return fills ? put_off(s, t, 2 * hops) : both(NAN);
    case MPP_SCHEDULE_ZB_INTERLEAVED:
        return both(fills && (!s->group || s->group == pp) ? hops * (t->forward_s + t->input_s - t->weight_s) / s->vpp : NAN);
    case MPP_SCHEDULE_ZB_V: return equal && m >= 2 * pp - 1 ? (Bubbles){ hops * t->forward_s / 2, 0 } : both(NAN);
    case MPP_SCHEDULE_V_HALF: return both(equal && m >= pp ? (pp == 2 ? 1.5 : (3 * pp - 4) / 2) * t->forward_s : NAN);
    case MPP_SCHEDULE_V_MIN: return both(equal && m >= pp ? (2 * pp - 2.5 + (pp % 3 == 0)) * t->forward_s : NAN);
    case MPP_SCHEDULE_DUALPIPE_V: return both(equal ? hops * t->forward_s / 2 : NAN);
    case MPP_SCHEDULE_HANAYO: return both(backward_s >= t->forward_s ? 2 * hops * backward_s / s->vpp : NAN);
    case MPP_SCHEDULE_CHIMERA: return both(backward_s >= t->forward_s && m >= pp ? (pp - 2) * backward_s : NAN);
    default: g_assert_not_reached();
    }
}

/**
 * Chunks' activations that @rank holds at its fullest moment, of vpp a micro-batch. Hanayo, Chimera, V-half and V-min: of
 * the fullest rank, which the others may stay below; these two and ZB-V with fewer than 2 pp - 1 micro-batches: an upper
 * bound.
 */
static int64_t in_flight_of(const MppSchedule *s, int64_t rank)
{
    int64_t pp = s->pp, m = s->micro_batches, all = s->vpp * m, before = (s->vpp - 1) * (s->group ? s->group : pp);
    switch (s->kind) {
    case MPP_SCHEDULE_GPIPE:
    case MPP_SCHEDULE_BREADTH_FIRST: return all;
    case MPP_SCHEDULE_1F1B: return MIN(pp - rank, m);
    case MPP_SCHEDULE_INTERLEAVED: return MIN(before + 2 * (pp - 1 - rank) + 1, all);
    case MPP_SCHEDULE_ZB_H1: return MIN(pp, m);
    case MPP_SCHEDULE_ZB_H2: return MIN(2 * pp - 1, m);
    case MPP_SCHEDULE_ZB_INTERLEAVED: return MIN(before + pp, all);
    case MPP_SCHEDULE_ZB_V: return 2 * MIN(pp, m);
    case MPP_SCHEDULE_V_HALF: return MIN(pp + 2, 2 * m);
    case MPP_SCHEDULE_V_MIN: return MIN(2 * (pp + 4) / 3, 2 * m);
    case MPP_SCHEDULE_DUALPIPE_V: return 2 * pp + 1;
    case MPP_SCHEDULE_HANAYO: return s->vpp * pp;
    case MPP_SCHEDULE_CHIMERA: return MIN(pp, m);
    default: g_assert_not_reached();
    }
}

/** From the rank's first slot to its last, of the rank where that takes longest. */
static double longest_span_s(const MppReplay *replay, const MppOrder *order)
{
    double longest_s = 0;
    for (int64_t k = 0; k < order->pp; k++)
        longest_s = MAX(longest_s, replay->end_s[k][order->slots[k]->len - 1] - replay->start_s[k][0]);
    return longest_s;
}

static void check_bubble(const MppSchedule *s)
{
    g_autoptr(MppOrder) order = mpp_schedule_order(s);
    for (size_t i = 0; i < G_N_ELEMENTS(all_times); i++) {
        const SchedulesPasses *of_rank = &all_times[i];
        g_autoptr(SchedulesTimes) times = schedules_equal_times(s, of_rank, 0);
        g_autoptr(MppReplay) replay = mpp_replay_new(order, &times->durations);
        double work_s = s->micro_batches * (of_rank->forward_s + of_rank->input_s + of_rank->weight_s);
        Bubbles expected = bubbles_of(s, of_rank);
        if (isnan(expected.length_s))
            continue;
        n_checked[s->kind]++;
        double length_s = replay->length_s - work_s, span_s = longest_span_s(replay, order) - work_s;
        g_autofree char *title = schedules_title(s);
        if (ABS(length_s - expected.length_s) > 1e-9 * work_s)
            g_error("%s: times %d: bubble %.12g, not %.12g", title, (int)i, length_s, expected.length_s);
        if (ABS(span_s - expected.span_s) > 1e-9 * work_s)
            g_error("%s: times %d: bubble of the longest span %.12g, not %.12g", title, (int)i, span_s, expected.span_s);
    }
}

static void test_bubbles(void)
{
    schedules_for_each(check_bubble);
    for (int kind = 0; kind < MPP_N_SCHEDULES; kind++) {
        g_test_message("%s: %d bubbles", mpp_names_get(&mpp_schedule_names, kind), n_checked[kind]);
        g_assert_cmpint(n_checked[kind], >, 50);
    }
}

static void check_in_flight(const MppSchedule *s)
{
    g_autoptr(MppOrder) order = mpp_schedule_order(s);
    g_autofree char *title = schedules_title(s);
    bool v_shape = s->kind == MPP_SCHEDULE_ZB_V || s->kind == MPP_SCHEDULE_V_HALF || s->kind == MPP_SCHEDULE_V_MIN;
    bool partly = v_shape && s->micro_batches < 2 * s->pp - 1; /* an upper bound */
    bool fullest_only = v_shape || s->kind == MPP_SCHEDULE_HANAYO || s->kind == MPP_SCHEDULE_CHIMERA;
    int64_t fullest = 0;
    for (int64_t k = 0; k < s->pp; k++) {
        MppPeaks peaks = mpp_order_peaks(order, k);
        int64_t expected = in_flight_of(s, k);
        if (fullest_only ? peaks.most > expected : peaks.most != expected)
            g_error("%s rank %d: holds %d, not %d", title, (int)k, (int)peaks.most, (int)expected);
        fullest = MAX(fullest, peaks.most);
        mpp_peaks_clear(&peaks);
    }
    if (!partly && fullest < in_flight_of(s, 0))
        g_error("%s: the fullest rank holds %d, not %d", title, (int)fullest, (int)in_flight_of(s, 0));
}

static void test_in_flight(void)
{
    schedules_for_each(check_in_flight);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/schedule-formulas/bubbles", test_bubbles);
    g_test_add_func("/schedule-formulas/in-flight", test_in_flight);
    return g_test_run();
}
