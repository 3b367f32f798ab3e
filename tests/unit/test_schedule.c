#include "planner/schedule/schedule.h"

#include "tests/support/schedules.h"

static void test_of_strategy(void)
{
    MppStrategy s = mpp_strategy_single();
    s.pp = 6;
    s.vpp = 3;
    s.dp = 2;
    s.micro_batch = 4;
    s.schedule = MPP_SCHEDULE_INTERLEAVED;
    MppSchedule schedule = mpp_schedule_of(&s, 96);
    g_assert_true(mpp_schedule_equal(&schedule, &(MppSchedule){ MPP_SCHEDULE_INTERLEAVED, 6, 3, 12, 0 }));
    g_assert_cmpint(mpp_schedule_n_chunks(&schedule), ==, 18);
    g_autoptr(MppOrder) order = mpp_schedule_order(&schedule);
    g_assert_cmpuint(order->slots[5]->len, ==, 72);
}

static void check_order(const MppSchedule *s)
{
    g_autoptr(MppOrder) order = mpp_schedule_order(s);
    g_autoptr(GError) error = NULL;
    g_autofree char *title = schedules_title(s);
    if (!mpp_order_check(order, &error))
        g_error("%s: %s", title, error->message);
    g_assert_cmpint(order->pp, ==, s->pp);
    g_assert_cmpint(order->n_chunks, ==, mpp_schedule_n_chunks(s));
    g_assert_cmpint(order->micro_batches, ==, s->micro_batches);
    for (int64_t c = 0; c < order->n_chunks; c++)
        g_assert_cmpint(order->rank_of[c], ==, mpp_schedule_rank(s, c));
}

static void test_orders(void)
{
    schedules_for_each(check_order);
}

static void test_refused(void)
{
    g_autoptr(GError) error = NULL;
    g_assert_false(mpp_schedule_check(&(MppSchedule){ MPP_SCHEDULE_INTERLEAVED, 4, 2, 10, 0 }, &error));
    g_assert_error(error, MPP_ERROR, MPP_ERROR_INVALID);
    g_assert_cmpstr(error->message, ==, "schedule interleaved takes micro-batches in groups of 4: 10 are not a multiple of it");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/schedule/of-strategy", test_of_strategy);
    g_test_add_func("/schedule/orders", test_orders);
    g_test_add_func("/schedule/refused", test_refused);
    return g_test_run();
}
