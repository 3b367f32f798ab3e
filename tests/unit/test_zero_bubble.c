#include "tests/support/schedules.h"

/** Figure 2 and 3 of arXiv:2401.10241 with fewer ranks: a rank puts gradients off until it holds pp or 2 pp - 1. */
static void test_orders(void)
{
    static const SchedulesRow rows[] = {
        { { MPP_SCHEDULE_ZB_H1, 3, 1, 4, 0 }, 0, "0F0 0F1 0F2 0I0 0W0 0F3 0I1 0W1 0I2 0W2 0I3 0W3" },
        { { MPP_SCHEDULE_ZB_H1, 3, 1, 4, 0 }, 1, "1F0 1F1 1I0 1F2 1I1 1W0 1F3 1I2 1W1 1I3 1W2 1W3" },
        { { MPP_SCHEDULE_ZB_H1, 3, 1, 4, 0 }, 2, "2F0 2I0 2F1 2I1 2F2 2I2 2W0 2F3 2I3 2W1 2W2 2W3" },
        { { MPP_SCHEDULE_ZB_H2, 2, 1, 4, 0 }, 0, "0F0 0F1 0F2 0I0 0W0 0F3 0I1 0W1 0I2 0W2 0I3 0W3" },
        { { MPP_SCHEDULE_ZB_H2, 2, 1, 4, 0 }, 1, "1F0 1I0 1F1 1I1 1F2 1I2 1W0 1F3 1I3 1W1 1W2 1W3" },
        { { MPP_SCHEDULE_ZB_INTERLEAVED, 2, 2, 2, 0 }, 0, "0F0 0F1 2F0 2F1 2I0 2W0 2I1 2W1 0I0 0W0 0I1 0W1" },
        { { MPP_SCHEDULE_ZB_INTERLEAVED, 2, 2, 2, 0 }, 1, "1F0 1F1 3F0 3I0 3F1 3I1 3W0 1I0 3W1 1I1 1W0 1W1" },
    };
    schedules_expect(rows, G_N_ELEMENTS(rows));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/zero-bubble/orders", test_orders);
    return g_test_run();
}
