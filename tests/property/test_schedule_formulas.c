/* Bubbles and peaks of every kind of schedule, replayed, against the closed forms that its papers give. */
#include "planner/schedule/peaks.h"
#include "tests/support/schedules.h"

static const MppPassTimes all_times[] = { { 1, 1, 1 }, { 1.375, 2.25, 1.135 } };

static void check_bubble(const MppSchedule *s)
{
    g_autoptr(MppOrder) order = mpp_schedule_order(s);
    for (size_t i = 0; i < G_N_ELEMENTS(all_times); i++) {
        const MppPassTimes *of_rank = &all_times[i];
        g_autoptr(SchedulesTimes) times = schedules_equal_times(s, of_rank, 0);
        g_autoptr(MppReplay) replay = mpp_replay_new(order, &times->durations);
        double work_s = s->micro_batches * (of_rank->forward_s + of_rank->input_s + of_rank->weight_s);
        double expected_s = mpp_schedule_bubble_s(s, of_rank);
        g_autofree char *title = schedules_title(s);
        if (ABS(replay->length_s - work_s - expected_s) > 1e-9 * work_s)
            g_error("%s: bubble %.12g, not %.12g", title, replay->length_s - work_s, expected_s);
    }
}

static void test_bubbles(void)
{
    schedules_for_each(check_bubble);
}

static void check_in_flight(const MppSchedule *s)
{
    g_autoptr(MppOrder) order = mpp_schedule_order(s);
    for (int64_t k = 0; k < s->pp; k++) {
        MppPeaks peaks = mpp_order_peaks(order, k);
        g_autofree char *title = schedules_title(s);
        if (peaks.most != mpp_schedule_in_flight(s, k))
            g_error("%s rank %d: holds %d, not %d", title, (int)k, (int)peaks.most, (int)mpp_schedule_in_flight(s, k));
        mpp_peaks_clear(&peaks);
    }
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
