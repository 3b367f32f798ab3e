#include "planner/spec/schedule_kind.h"

static const struct {
    MppScheduleKind kind;
    int64_t pp, vpp, micro_batches, group;
    const char *broken; /* NULL: legal */
} rows[] = {
    { MPP_SCHEDULE_GPIPE, 1, 1, 1, 1, NULL },
    { MPP_SCHEDULE_GPIPE, 4, 2, 8, 4, "schedule gpipe needs vpp 1, not 2" },
    { MPP_SCHEDULE_INTERLEAVED, 1, 2, 8, 1, "schedule interleaved needs pp of at least 2, not 1" },
    { MPP_SCHEDULE_INTERLEAVED, 4, 1, 8, 4, "schedule interleaved needs vpp of at least 2, not 1" },
    { MPP_SCHEDULE_INTERLEAVED, 4, 2, 3, 4, "schedule interleaved needs at least 4 micro-batches, not 3" },
    { MPP_SCHEDULE_INTERLEAVED, 4, 2, 10, 4, "schedule interleaved takes micro-batches in groups of 4: 10 are not a multiple of it" },
    { MPP_SCHEDULE_INTERLEAVED, 4, 2, 10, 6, NULL },
    { MPP_SCHEDULE_INTERLEAVED, 4, 2, 12, 3, "schedule interleaved needs groups of at least pp 4 micro-batches, not 3" },
    { MPP_SCHEDULE_ZB_V, 4, 4, 12, 4, "schedule zb-v needs vpp 2, not 4" },
    { MPP_SCHEDULE_DUALPIPE_V, 4, 2, 7, 4, "schedule dualpipe-v needs at least 8 micro-batches, not 7" },
    { MPP_SCHEDULE_HANAYO, 4, 5, 12, 4, "schedule hanayo needs vpp of at least 2 and even, not 5" },
    { MPP_SCHEDULE_HANAYO, 4, 6, 13, 4, "schedule hanayo needs micro-batches to be a multiple of pp 4, not 13" },
    { MPP_SCHEDULE_CHIMERA, 5, 1, 12, 5, "schedule chimera needs pp to be a multiple of 2, not 5" },
    { MPP_SCHEDULE_CHIMERA, 6, 1, 13, 6, "schedule chimera needs micro-batches to be a multiple of 2, not 13" },
    { MPP_SCHEDULE_CHIMERA, 6, 1, 14, 6, NULL },
};

static void test_rows(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *broken =
            mpp_schedule_kind_broken(rows[i].kind, rows[i].pp, rows[i].vpp, rows[i].micro_batches, rows[i].group);
        g_assert_cmpstr(broken, ==, rows[i].broken);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/schedule-kind/rows", test_rows);
    return g_test_run();
}
