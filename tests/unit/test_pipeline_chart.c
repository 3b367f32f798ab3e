#include "planner/cli/pipeline_chart.h"

#include <string.h>

#include "tests/support/schedules.h"

/** Two ranks, two micro-batches, passes of 1 and 2 s: one rank does F F . . B B . B B, the other . F B B F B B . . */
static void test_cells(void)
{
    static const struct {
        int64_t rank;
        const char *cells; /* idle ., partly p, forward F, backward B, both X */
    } rows[] = {
        { 0, "FF..BB.BB" }, { 1, ".FBBFBB.." }, { 0, "FFFF....BBBB..BBBB" }, { 0, "FBB" }, { 1, "XXp" }, { 1, "B" },
    };
    const MppSchedule schedule = { MPP_SCHEDULE_1F1B, 2, 1, 2, 0 };
    g_autoptr(MppOrder) order = mpp_schedule_order(&schedule);
    g_autoptr(SchedulesTimes) times = schedules_equal_times(&schedule, &(SchedulesPasses){ 1, 1.5, 0.5 }, 0);
    g_autoptr(MppReplay) replay = mpp_replay_new(order, &times->durations);
    g_assert_cmpfloat(replay->length_s, ==, 9);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        static const char letters[MPP_N_CELLS] = { '.', 'p', 'F', 'B', 'X' };
        int width = (int)strlen(rows[i].cells);
        MppChartCell cells[32];
        char text[33] = "";
        mpp_pipeline_chart_cells(order, replay, rows[i].rank, cells, width);
        for (int k = 0; k < width; k++)
            text[k] = letters[cells[k]];
        g_assert_cmpstr(text, ==, rows[i].cells);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pipeline-chart/cells", test_cells);
    return g_test_run();
}
