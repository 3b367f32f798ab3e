#include "tests/support/schedules.h"

/** Rank 0 holds the first and the last chunk, so it turns around the loss by itself. */
static void test_orders(void)
{
    static const SchedulesRow rows[] = {
        { { MPP_SCHEDULE_ZB_V, 2, 2, 4, 0 }, 0,
          "0F0 0F1 0F2 3F0 3I0 3W0 3F1 3I1 3W1 0F3 0I0 0W0 3F2 3I2 3W2 0I1 0W1 3F3 3I3 3W3 0I2 0W2 0I3 0W3" },
        { { MPP_SCHEDULE_ZB_V, 2, 2, 4, 0 }, 1,
          "1F0 2F0 1F1 2F1 2I0 2W0 1F2 1I0 1W0 2F2 2I1 2W1 1F3 1I1 1W1 2F3 2I2 2W2 1I2 2I3 1I3 1W2 2W3 1W3" },
        { { MPP_SCHEDULE_ZB_V, 2, 2, 1, 0 }, 1, "1F0 2F0 2I0 2W0 1I0 1W0" },
        { { MPP_SCHEDULE_V_HALF, 2, 2, 3, 0 }, 0, "0F0 3F0 3I0 0F1 3W0 3F1 3I1 0F2 0I0 3W1 0W0 3F2 3I2 0I1 3W2 0I2 0W1 0W2" },
        { { MPP_SCHEDULE_V_HALF, 2, 2, 3, 0 }, 1, "1F0 2F0 2I0 1F1 2F1 1I0 2W0 2I1 1F2 1W0 2F2 1I1 2W1 2I2 1I2 1W1 2W2 1W2" },
        { { MPP_SCHEDULE_V_MIN, 3, 2, 3, 0 }, 0, "0F0 5F0 0F1 5I0 5W0 5F1 0F2 0I0 5I1 0W0 5W1 5F2 0I1 5I2 0W1 5W2 0I2 0W2" },
        { { MPP_SCHEDULE_V_MIN, 3, 2, 3, 0 }, 2, "2F0 3F0 2F1 3F1 3I0 2I0 3W0 2W0 2F2 3F2 3I1 2I1 3W1 2W1 3I2 2I2 3W2 2W2" },
    };
    schedules_expect(rows, G_N_ELEMENTS(rows));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/v-shape/orders", test_orders);
    return g_test_run();
}
