#include "tests/support/schedules.h"

/** One wave and two; a group of pp micro-batches ends a wave before the next begins. */
static void test_orders(void)
{
    static const SchedulesRow rows[] = {
        { { MPP_SCHEDULE_HANAYO, 2, 2, 2, 0 }, 0, "0F0 0F1 3F0 3B0 3F1 3B1 0B0 0B1" },
        { { MPP_SCHEDULE_HANAYO, 2, 2, 2, 0 }, 1, "1F0 2F0 1F1 2F1 2B0 1B0 2B1 1B1" },
        { { MPP_SCHEDULE_HANAYO, 2, 4, 2, 0 }, 0, "0F0 0F1 3F0 4F0 3F1 4F1 7F0 7B0 7F1 7B1 4B0 3B0 4B1 3B1 0B0 0B1" },
        { { MPP_SCHEDULE_HANAYO, 2, 4, 2, 0 }, 1, "1F0 2F0 1F1 2F1 5F0 6F0 5F1 6F1 6B0 5B0 6B1 5B1 2B0 1B0 2B1 1B1" },
        { { MPP_SCHEDULE_HANAYO, 2, 2, 4, 0 }, 1, "1F0 2F0 1F1 2F1 2B0 1B0 1F2 2F2 2B1 1B1 1F3 2F3 2B2 1B2 2B3 1B3" },
    };
    schedules_expect(rows, G_N_ELEMENTS(rows));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/wave/orders", test_orders);
    return g_test_run();
}
