/* Bubbles and peaks of every kind of schedule, replayed, against the closed forms that its papers give. */
#include <math.h>

#include "planner/schedule/peaks.h"
#include "tests/support/schedules.h"

static const MppPassTimes all_times[] = { { 1.375, 1.375, 1.375 }, { 1.375, 2.25, 1.135 }, { 1.375, 1.25, 1.75 }, { 2.5, 0.75, 0.25 } };

static int n_checked[MPP_N_SCHEDULES];

/** From the rank's first slot to its last, of the rank where that takes longest. */
static double longest_span_s(const MppReplay *replay, const MppOrder *order)
{
    double longest_s = 0;
    for (int64_t k = 0; k < replay->pp; k++)
        longest_s = MAX(longest_s, replay->end_s[k][order->slots[k]->len - 1] - replay->start_s[k][0]);
    return longest_s;
}

static void check_bubble(const MppSchedule *s)
{
    g_autoptr(MppOrder) order = mpp_schedule_order(s);
    for (size_t i = 0; i < G_N_ELEMENTS(all_times); i++) {
        const MppPassTimes *of_rank = &all_times[i];
        g_autoptr(SchedulesTimes) times = schedules_equal_times(s, of_rank, 0);
        g_autoptr(MppReplay) replay = mpp_replay_new(order, &times->durations);
        double work_s = s->micro_batches * (of_rank->forward_s + of_rank->input_s + of_rank->weight_s);
        MppBubbles expected = mpp_schedule_bubbles(s, of_rank);
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
        int64_t expected = mpp_schedule_in_flight(s, k);
        if (fullest_only ? peaks.most > expected : peaks.most != expected)
            g_error("%s rank %d: holds %d, not %d", title, (int)k, (int)peaks.most, (int)expected);
        fullest = MAX(fullest, peaks.most);
        mpp_peaks_clear(&peaks);
    }
    if (!partly && fullest < mpp_schedule_in_flight(s, 0))
        g_error("%s: the fullest rank holds %d, not %d", title, (int)fullest, (int)mpp_schedule_in_flight(s, 0));
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
