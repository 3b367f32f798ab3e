#include "planner/schedule/schedule.h"

#include <math.h>

enum { MOST_PP = 16, MOST_VPP = 8, MOST_MICRO_BATCHES = 128 };

/** Length of a step whose stages are all alike; F and B are of a stage, all its chunks. */
static double length_s(const MppSchedule *s, double forward_s, double backward_s, double message_s, double *ends_s)
{
    double forwards_s[MOST_PP * MOST_VPP], backwards_s[MOST_PP * MOST_VPP];
    for (int64_t c = 0; c < s->pp * s->vpp; c++) {
        forwards_s[c] = forward_s / s->vpp;
        backwards_s[c] = backward_s / s->vpp;
    }
    MppDurations durations = { forwards_s, backwards_s, message_s };
    return mpp_schedule_replay(s, &durations, ends_s);
}

/** Bubbles of GPipe, 1F1B: (p - 1)(F + B), interleaved: (p - 1)(F + B) / v (arXiv:2104.04473 §2.2). */
static void check_bubble(MppScheduleKind kind, int64_t pp, int64_t vpp, int64_t micro_batches)
{
    const double forward_s = 1.375, backward_s = 3.385;
    double ends_s[MOST_PP];
    MppSchedule schedule = { kind, pp, vpp, micro_batches };
    double bubble_s = length_s(&schedule, forward_s, backward_s, 0, ends_s) - micro_batches * (forward_s + backward_s);
    g_assert_cmpfloat_with_epsilon(bubble_s, (pp - 1) * (forward_s + backward_s) / vpp, 1e-9);
    for (int64_t k = 0; k < pp; k++) /* backward passes end at the first stage */
        g_assert_cmpfloat_with_epsilon(ends_s[0] - ends_s[k], k * backward_s / vpp, 1e-9);
}

static void test_bubbles(void)
{
    for (int64_t pp = 1; pp <= MOST_PP; pp++)
        for (int64_t m = 1; m <= MOST_MICRO_BATCHES; m += m < 20 ? 1 : 27) {
            check_bubble(MPP_SCHEDULE_GPIPE, pp, 1, m);
            check_bubble(MPP_SCHEDULE_1F1B, pp, 1, m);
        }
}

static void test_interleaved_bubbles(void)
{
    for (int64_t pp = 2; pp <= MOST_PP; pp++)
        for (int64_t m = pp; m <= MOST_MICRO_BATCHES; m += m < 4 * pp ? pp : 3 * pp)
            for (int64_t vpp = 2; vpp <= MOST_VPP; vpp++)
                check_bubble(MPP_SCHEDULE_INTERLEAVED, pp, vpp, m);
}

/** Passes of 1 and 2 s, a message of 0.25 s, worked out by hand. */
static void test_messages(void)
{
    static const struct {
        MppSchedule schedule;
        double message_s, length_s;
    } rows[] = {
        { { MPP_SCHEDULE_1F1B, 1, 1, 5 }, 0.25, 15 },      /* nobody to send to */
        { { MPP_SCHEDULE_1F1B, 2, 1, 1 }, 0.25, 6.5 },     /* there and back */
        { { MPP_SCHEDULE_GPIPE, 2, 1, 3 }, 0.25, 12.5 },   /* F 1.25-4.25, B 4.25-10.25 on stage 1; the last B on stage 0 */
        { { MPP_SCHEDULE_1F1B, 2, 1, 2 }, 0.25, 9.5 },     /* 1: F 1.25 B 4.25 F 5.25 B 7.25; 0: the last B from 7.5 */
        { { MPP_SCHEDULE_1F1B, 3, 1, 1 }, 0.5, 11 },
        { { MPP_SCHEDULE_INTERLEAVED, 2, 2, 2 }, 0, 7.5 }, /* 2 (1 + 2) + (1 + 2) / 2 */
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        double ends_s[MOST_PP];
        g_assert_cmpfloat_with_epsilon(length_s(&rows[i].schedule, 1, 2, rows[i].message_s, ends_s), rows[i].length_s, 1e-12);
    }
}

/** One slow stage: all others wait for it. */
static void test_unequal(void)
{
    static const double forward_s[] = { 1, 3, 1 }, backward_s[] = { 2, 5, 2 };
    MppDurations durations = { forward_s, backward_s, 0 };
    MppSchedule schedule = { MPP_SCHEDULE_1F1B, 3, 1, 7 };
    double ends_s[3], length = mpp_schedule_replay(&schedule, &durations, ends_s);
    g_assert_cmpfloat_with_epsilon(mpp_schedule_bound(&schedule, &durations), 1 + 7 * (3 + 5) + 2, 1e-12);
    g_assert_cmpfloat(length, >=, 59);
    g_assert_cmpfloat(length, <=, 59 + 3); /* the slow stage waits once for the loss */
    g_assert_cmpfloat(length, ==, ends_s[0]);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/replay/bubbles", test_bubbles);
    g_test_add_func("/replay/bubbles/interleaved", test_interleaved_bubbles);
    g_test_add_func("/replay/messages", test_messages);
    g_test_add_func("/replay/unequal", test_unequal);
    return g_test_run();
}
