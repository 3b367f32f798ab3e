#include "tests/support/schedules.h"

/** Figure 3 of arXiv:2107.06925: micro-batches 1 and 3 go up the ranks through chunks 4 to 7. */
static void test_orders(void)
{
    static const SchedulesRow rows[] = {
        { { MPP_SCHEDULE_CHIMERA, 4, 1, 4, 0 }, 0, "0F0 0F2 7F1 7B1 7F3 7B3 0B0 0B2" },
        { { MPP_SCHEDULE_CHIMERA, 4, 1, 4, 0 }, 1, "1F0 6F1 1F2 6F3 6B1 1B0 6B3 1B2" },
        { { MPP_SCHEDULE_CHIMERA, 4, 1, 4, 0 }, 3, "4F1 4F3 3F0 3B0 3F2 3B2 4B1 4B3" },
        { { MPP_SCHEDULE_CHIMERA, 2, 1, 4, 0 }, 0, "0F0 3F1 3B1 0F2 0B0 3F3 3B3 0B2" },
    };
    schedules_expect(rows, G_N_ELEMENTS(rows));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/bidirectional/orders", test_orders);
    return g_test_run();
}
