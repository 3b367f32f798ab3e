#include "planner/schedule/turn.h"

/** Groups of 3 and a rest of 2 over two chunks; backwards the second chunk first. */
static void test_groups(void)
{
    static const int32_t expected[2][10][2] = {
        { { 1, 0 }, { 1, 1 }, { 1, 2 }, { 3, 0 }, { 3, 1 }, { 3, 2 }, { 1, 3 }, { 1, 4 }, { 3, 3 }, { 3, 4 } },
        { { 3, 0 }, { 3, 1 }, { 3, 2 }, { 1, 0 }, { 1, 1 }, { 1, 2 }, { 3, 3 }, { 3, 4 }, { 1, 3 }, { 1, 4 } },
    };
    const MppSchedule schedule = { MPP_SCHEDULE_INTERLEAVED, 2, 2, 5, 3 };
    const MppPass passes[] = { MPP_PASS_FORWARD, MPP_PASS_WEIGHT };
    for (size_t p = 0; p < G_N_ELEMENTS(passes); p++) {
        MppTurn turn = mpp_turn_begin(&schedule, passes[p], 1);
        for (size_t i = 0; i < G_N_ELEMENTS(expected[p]); i++) {
            MppSlot slot = mpp_turn_next(&turn);
            g_assert_cmpint(slot.pass, ==, passes[p]);
            g_assert_cmpint(slot.chunk, ==, expected[p][i][0]);
            g_assert_cmpint(slot.micro_batch, ==, expected[p][i][1]);
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/turn/groups", test_groups);
    return g_test_run();
}
