#include "tests/support/schedules.h"

/** The steps of deepseek-ai/DualPipe: whole backward passes beside forward ones, split ones at the ends. */
static void test_orders(void)
{
    static const SchedulesRow rows[] = {
        { { MPP_SCHEDULE_DUALPIPE_V, 2, 2, 4, 0 }, 0,
          "0F0 0F1 0F2 3F0 3I0 3W0 3F1 0F3 3B1 3F2 0B0 3B2 3F3 0B1 3B3 0I2 0W2 0I3 0W3" },
        { { MPP_SCHEDULE_DUALPIPE_V, 2, 2, 4, 0 }, 1, "1F0 2F0 1F1 2F1 1F2 2B0 2F2 1B0 1F3 2B1 2F3 1B1 2B2 1B2 2I3 1I3 2W3 1W3" },
        { { MPP_SCHEDULE_DUALPIPE_V, 3, 2, 6, 0 }, 1,
          "1F0 1F1 1F2 4F0 1F3 4F1 4I0 4W0 4F2 1F4 4B1 4F3 1B0 1F5 4B2 4F4 1B1 4B3 4F5 1B2 4B4 1B3 4I5 1I4 4W5 1I5 1W4 1W5" },
    };
    schedules_expect(rows, G_N_ELEMENTS(rows));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/dualpipe-v/orders", test_orders);
    return g_test_run();
}
