#include "tests/support/schedules.h"

/** The interleaved rows are figure 4 of arXiv:2104.04473, begun again with two ranks. */
static void test_orders(void)
{
    static const SchedulesRow rows[] = {
        { { MPP_SCHEDULE_GPIPE, 3, 1, 2, 0 }, 1, "1F0 1F1 1B0 1B1" },
        { { MPP_SCHEDULE_1F1B, 1, 1, 3, 0 }, 0, "0F0 0B0 0F1 0B1 0F2 0B2" },
        { { MPP_SCHEDULE_1F1B, 3, 1, 4, 0 }, 0, "0F0 0F1 0F2 0B0 0F3 0B1 0B2 0B3" },
        { { MPP_SCHEDULE_1F1B, 3, 1, 4, 0 }, 1, "1F0 1F1 1B0 1F2 1B1 1F3 1B2 1B3" },
        { { MPP_SCHEDULE_1F1B, 3, 1, 4, 0 }, 2, "2F0 2B0 2F1 2B1 2F2 2B2 2F3 2B3" },
        { { MPP_SCHEDULE_1F1B, 4, 1, 2, 0 }, 0, "0F0 0F1 0B0 0B1" },
        { { MPP_SCHEDULE_INTERLEAVED, 2, 2, 4, 0 }, 0, "0F0 0F1 2F0 2F1 0F2 2B0 0F3 2B1 2F2 0B0 2F3 0B1 2B2 2B3 0B2 0B3" },
        { { MPP_SCHEDULE_INTERLEAVED, 2, 2, 4, 0 }, 1, "1F0 1F1 3F0 3B0 3F1 3B1 1F2 1B0 1F3 1B1 3F2 3B2 3F3 3B3 1B2 1B3" },
        { { MPP_SCHEDULE_INTERLEAVED, 2, 2, 2, 0 }, 0, "0F0 0F1 2F0 2F1 2B0 2B1 0B0 0B1" },
        { { MPP_SCHEDULE_BREADTH_FIRST, 2, 2, 2, 0 }, 1, "1F0 1F1 3F0 3F1 3B0 3B1 1B0 1B1" },
        { { MPP_SCHEDULE_INTERLEAVED, 2, 2, 5, 3 }, 1,
          "1F0 1F1 1F2 3F0 3B0 3F1 3B1 3F2 3B2 1F3 1B0 1F4 1B1 3F3 1B2 3F4 3B3 3B4 1B3 1B4" },
    };
    schedules_expect(rows, G_N_ELEMENTS(rows));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/looped/orders", test_orders);
    return g_test_run();
}
