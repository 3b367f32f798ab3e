#include "planner/schedule/schedule.h"

#include <string.h>

/** "F0.1": forward pass of chunk 0 and micro-batch 1. */
static char *order_of(const MppSchedule *s, int64_t stage)
{
    GString *text = g_string_new(NULL);
    for (int64_t i = 0; i < mpp_schedule_n_slots(s); i++) {
        MppSlot slot = mpp_schedule_slot(s, stage, i);
        g_string_append_printf(text, "%s%c%d.%d", i ? " " : "", slot.pass == MPP_PASS_FORWARD ? 'F' : 'B', (int)slot.chunk,
                               (int)slot.micro_batch);
    }
    return g_string_free(text, FALSE);
}

/** The interleaved rows are figure 4 of arXiv:2104.04473, begun again with two stages. */
static void test_orders(void)
{
    static const struct {
        MppSchedule schedule;
        int64_t stage;
        const char *order;
    } rows[] = {
        { { MPP_SCHEDULE_GPIPE, 3, 1, 2 }, 1, "F1.0 F1.1 B1.0 B1.1" },
        { { MPP_SCHEDULE_1F1B, 1, 1, 3 }, 0, "F0.0 B0.0 F0.1 B0.1 F0.2 B0.2" },
        { { MPP_SCHEDULE_1F1B, 3, 1, 4 }, 0, "F0.0 F0.1 F0.2 B0.0 F0.3 B0.1 B0.2 B0.3" },
        { { MPP_SCHEDULE_1F1B, 3, 1, 4 }, 1, "F1.0 F1.1 B1.0 F1.2 B1.1 F1.3 B1.2 B1.3" },
        { { MPP_SCHEDULE_1F1B, 3, 1, 4 }, 2, "F2.0 B2.0 F2.1 B2.1 F2.2 B2.2 F2.3 B2.3" },
        { { MPP_SCHEDULE_1F1B, 4, 1, 2 }, 0, "F0.0 F0.1 B0.0 B0.1" },
        { { MPP_SCHEDULE_INTERLEAVED, 2, 2, 4 }, 0,
          "F0.0 F0.1 F2.0 F2.1 F0.2 B2.0 F0.3 B2.1 F2.2 B0.0 F2.3 B0.1 B2.2 B2.3 B0.2 B0.3" },
        { { MPP_SCHEDULE_INTERLEAVED, 2, 2, 4 }, 1,
          "F1.0 F1.1 F3.0 B3.0 F3.1 B3.1 F1.2 B1.0 F1.3 B1.1 F3.2 B3.2 F3.3 B3.3 B1.2 B1.3" },
        { { MPP_SCHEDULE_INTERLEAVED, 2, 2, 2 }, 0, "F0.0 F0.1 F2.0 F2.1 B2.0 B2.1 B0.0 B0.1" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *order = order_of(&rows[i].schedule, rows[i].stage);
        g_assert_cmpstr(order, ==, rows[i].order);
    }
}

/** Every pass of the stage's chunks once, forward before backward; alive counts against the formula. */
static void check_stage(const MppSchedule *s, int64_t stage)
{
    int64_t n_chunks = s->pp * s->vpp, alive = 0, most = 0;
    g_autofree int *passes = g_new0(int, n_chunks * s->micro_batches);
    g_autofree int64_t *of_chunk = g_new0(int64_t, n_chunks), *fullest = g_new0(int64_t, n_chunks);
    for (int64_t i = 0; i < mpp_schedule_n_slots(s); i++) {
        MppSlot slot = mpp_schedule_slot(s, stage, i);
        bool forward = slot.pass == MPP_PASS_FORWARD;
        g_assert_cmpint(slot.chunk % s->pp, ==, stage);
        g_assert_true(slot.chunk < n_chunks && slot.micro_batch >= 0 && slot.micro_batch < s->micro_batches);
        int *pass = &passes[slot.chunk * s->micro_batches + slot.micro_batch];
        g_assert_cmpint((*pass)++, ==, forward ? 0 : 1);
        of_chunk[slot.chunk] += forward ? 1 : -1;
        alive += forward ? 1 : -1;
        if (alive > most)
            memcpy(fullest, of_chunk, sizeof(int64_t) * n_chunks);
        most = MAX(most, alive);
    }
    g_assert_cmpint(alive, ==, 0);
    for (int64_t c = stage; c < n_chunks; c += s->pp) {
        g_assert_cmpint(mpp_schedule_in_flight(s, c), ==, fullest[c]);
        most -= fullest[c];
    }
    g_assert_cmpint(most, ==, 0);
}

static void for_each_shape(void (*check)(const MppSchedule *s))
{
    static const int64_t stages[] = { 1, 2, 3, 4, 5, 7, 8, 12, 16 }, batches[] = { 1, 2, 3, 5, 16, 31, 64, 128 };
    for (size_t i = 0; i < G_N_ELEMENTS(stages); i++)
        for (size_t k = 0; k < G_N_ELEMENTS(batches); k++) {
            int64_t pp = stages[i], m = batches[k], groups = MAX(1, m / pp);
            check(&(MppSchedule){ MPP_SCHEDULE_GPIPE, pp, 1, m });
            check(&(MppSchedule){ MPP_SCHEDULE_1F1B, pp, 1, m });
            for (int64_t vpp = 2; vpp <= 8 && pp > 1; vpp += vpp == 3 ? 2 : 1)
                check(&(MppSchedule){ MPP_SCHEDULE_INTERLEAVED, pp, vpp, groups * pp });
        }
}

static void check_stages(const MppSchedule *s)
{
    for (int64_t k = 0; k < s->pp; k++)
        check_stage(s, k);
}

static void test_slots(void)
{
    for_each_shape(check_stages);
}

/** Units of one chunk and micro-batch: all with GPipe; min(m, p - r) with 1F1B; interleaved as Megatron warms up. */
static void check_in_flight(const MppSchedule *s)
{
    int64_t p = s->pp, v = s->vpp, m = s->micro_batches;
    for (int64_t r = 0; r < p; r++) {
        int64_t units = 0, expected = s->kind == MPP_SCHEDULE_GPIPE ? m
                                      : s->kind == MPP_SCHEDULE_1F1B ? MIN(m, p - r)
                                                                     : MIN(v * m, (v - 1) * p + 2 * (p - 1 - r) + 1);
        for (int64_t c = r; c < p * v; c += p)
            units += mpp_schedule_in_flight(s, c);
        g_assert_cmpint(units, ==, expected);
    }
}

static void test_in_flight(void)
{
    for_each_shape(check_in_flight);
}

static void test_of_strategy(void)
{
    MppStrategy s = mpp_strategy_single();
    s.pp = 6;
    s.vpp = 3;
    s.dp = 2;
    s.micro_batch = 4;
    s.schedule = MPP_SCHEDULE_INTERLEAVED;
    MppSchedule schedule = mpp_schedule_of(&s, 96);
    g_assert_cmpint(schedule.kind, ==, MPP_SCHEDULE_INTERLEAVED);
    g_assert_cmpint(schedule.pp, ==, 6);
    g_assert_cmpint(schedule.vpp, ==, 3);
    g_assert_cmpint(schedule.micro_batches, ==, 12);
    g_assert_cmpint(mpp_schedule_n_slots(&schedule), ==, 72);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/schedule/orders", test_orders);
    g_test_add_func("/schedule/slots", test_slots);
    g_test_add_func("/schedule/in-flight", test_in_flight);
    g_test_add_func("/schedule/of-strategy", test_of_strategy);
    return g_test_run();
}
