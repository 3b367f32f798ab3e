#include "planner/schedule/schedule.h"

#include "tests/support/schedules.h"

/** Passes of 1, 1.5 and 0.5 s, a message of 0.25 or 0.5 s, worked out by hand. */
static void test_messages(void)
{
    static const struct {
        MppSchedule schedule;
        double message_s, length_s;
    } rows[] = {
        { { MPP_SCHEDULE_1F1B, 1, 1, 5, 0 }, 0.25, 15 },    /* nobody to send to */
        { { MPP_SCHEDULE_1F1B, 2, 1, 1, 0 }, 0.25, 6.5 },   /* there and back */
        { { MPP_SCHEDULE_GPIPE, 2, 1, 3, 0 }, 0.25, 12.5 }, /* F 1.25-4.25, B 4.25-10.25 on rank 1; the last B on rank 0 */
        { { MPP_SCHEDULE_1F1B, 2, 1, 2, 0 }, 0.25, 9.5 },   /* 1: F 1.25 B 4.25 F 5.25 B 7.25; 0: the last B from 7.5 */
        { { MPP_SCHEDULE_1F1B, 3, 1, 1, 0 }, 0.5, 11 },
        { { MPP_SCHEDULE_INTERLEAVED, 2, 2, 2, 0 }, 0, 7.5 }, /* 2 (1 + 2) + (1 + 2) / 2 */
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppOrder) order = mpp_schedule_order(&rows[i].schedule);
        g_autoptr(SchedulesTimes) times =
            schedules_equal_times(&rows[i].schedule, &(SchedulesPasses){ 1, 1.5, 0.5 }, rows[i].message_s);
        g_autoptr(MppReplay) replay = mpp_replay_new(order, &times->durations);
        g_assert_cmpfloat_with_epsilon(replay->length_s, rows[i].length_s, 1e-12);
    }
}

/** One slow stage: all others wait for it. */
static void test_unequal(void)
{
    static const double forward_s[] = { 1, 3, 1 }, input_s[] = { 1.5, 4, 1.5 }, weight_s[] = { 0.5, 1, 0.5 }, none_s[3] = { 0 };
    MppDurations durations = { forward_s, input_s, weight_s, none_s };
    MppSchedule schedule = { MPP_SCHEDULE_1F1B, 3, 1, 7, 0 };
    g_autoptr(MppOrder) order = mpp_schedule_order(&schedule);
    g_autofree void *work = g_malloc(mpp_replay_work_bytes(order));
    double chunk_ends_s[3], ends_s[3], length_s = mpp_replay_ends(order, &durations, work, chunk_ends_s, ends_s);
    g_assert_cmpfloat_with_epsilon(mpp_schedule_bound(&schedule, &durations, false).end_s, 1 + 7 * (3 + 5) + 2, 1e-12);
    g_assert_cmpfloat(length_s, >=, 59);
    g_assert_cmpfloat(length_s, <=, 59 + 3); /* the slow stage waits once for the loss */
    g_assert_cmpfloat(length_s, ==, ends_s[0]);
}

/** The fast form and the full one agree, and slots follow each other on a rank. */
static void check_both(const MppSchedule *s)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed((guint32)(s->pp * 131 + s->vpp * 17 + s->micro_batches));
    g_autoptr(MppOrder) order = mpp_schedule_order(s);
    g_autoptr(SchedulesTimes) times = schedules_random_times(rand, order);
    g_autoptr(MppReplay) replay = mpp_replay_new(order, &times->durations);
    g_autofree void *work = g_malloc(mpp_replay_work_bytes(order));
    g_autofree double *ends_s = g_new(double, s->pp), *chunk_ends_s = g_new0(double, order->n_chunks);
    g_assert_cmpfloat(mpp_replay_ends(order, &times->durations, work, chunk_ends_s, ends_s), ==, replay->length_s);
    for (int64_t k = 0; k < s->pp; k++) {
        guint n = order->slots[k]->len;
        g_assert_cmpfloat(replay->end_s[k][n - 1], ==, ends_s[k]);
        g_assert_cmpfloat(ends_s[k], ==, chunk_ends_s[g_array_index(order->slots[k], MppSlot, n - 1).chunk]);
        for (guint i = 1; i < n; i++)
            g_assert_cmpfloat(replay->start_s[k][i], >=, replay->end_s[k][i - 1]);
    }
}

static void test_both(void)
{
    schedules_for_each(check_both);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/replay/messages", test_messages);
    g_test_add_func("/replay/unequal", test_unequal);
    g_test_add_func("/replay/both", test_both);
    return g_test_run();
}
