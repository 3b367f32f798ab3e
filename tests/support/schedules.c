#include "tests/support/schedules.h"

enum { MOST_PP = 16, MOST_VPP = 8, MOST_MICRO_BATCHES = 128 };

static bool legal(const MppSchedule *schedule)
{
    return mpp_schedule_check(schedule, NULL);
}

static void check_groups(MppSchedule s, void (*check)(const MppSchedule *schedule))
{
    if (legal(&s))
        check(&s);
    if (!mpp_schedule_kind_shape(s.kind)->grouped)
        return;
    const int64_t groups[] = { s.pp + 1, 2 * s.pp, 2 * s.pp + 3 };
    for (size_t i = 0; i < G_N_ELEMENTS(groups); i++) {
        s.group = groups[i];
        if (legal(&s))
            check(&s);
    }
}

void schedules_for_each(void (*check)(const MppSchedule *schedule))
{
    const int64_t rounds[] = { 2, 3, 5, 8 }, batches[] = { 1, 2, 3, 5, 12, 31, 64, 128 };
    for (int kind = 0; kind < MPP_N_SCHEDULES; kind++)
        for (int64_t pp = 1; pp <= MOST_PP; pp++)
            for (int64_t vpp = 1; vpp <= MOST_VPP; vpp++) {
                for (size_t i = 0; i < G_N_ELEMENTS(batches); i++)
                    check_groups((MppSchedule){ kind, pp, vpp, batches[i], 0 }, check);
                for (size_t i = 0; i < G_N_ELEMENTS(rounds) && rounds[i] * pp <= MOST_MICRO_BATCHES; i++)
                    check_groups((MppSchedule){ kind, pp, vpp, rounds[i] * pp, 0 }, check);
            }
}

char *schedules_title(const MppSchedule *s)
{
    return g_strdup_printf("%s pp %d vpp %d m %d group %d", mpp_names_get(&mpp_schedule_names, s->kind), (int)s->pp, (int)s->vpp,
                           (int)s->micro_batches, (int)s->group);
}

char *schedules_slots_text(const GArray *slots)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < slots->len; i++) {
        g_autofree char *slot = mpp_slot_to_text(&g_array_index(slots, MppSlot, i));
        g_string_append_printf(text, "%s%s", i ? " " : "", slot);
    }
    return g_string_free(text, FALSE);
}

char *schedules_order_text(const MppOrder *order)
{
    g_autoptr(GPtrArray) ranks = g_ptr_array_new_with_free_func(g_free);
    for (int32_t k = 0; k < order->pp; k++)
        g_ptr_array_add(ranks, schedules_slots_text(order->slots[k]));
    g_ptr_array_add(ranks, NULL);
    return g_strjoinv(" | ", (char **)ranks->pdata);
}

void schedules_expect(const SchedulesRow *rows, size_t n_rows)
{
    for (size_t i = 0; i < n_rows; i++) {
        g_autoptr(MppOrder) order = mpp_schedule_order(&rows[i].schedule);
        g_autofree char *slots = schedules_slots_text(order->slots[rows[i].rank]);
        g_assert_cmpstr(slots, ==, rows[i].slots);
    }
}

static SchedulesTimes *times_new(int64_t n_chunks, double message_s)
{
    SchedulesTimes *times = g_new(SchedulesTimes, 1);
    times->forward_s = g_new(double, n_chunks);
    times->input_s = g_new(double, n_chunks);
    times->weight_s = g_new(double, n_chunks);
    times->message_s = g_new(double, n_chunks);
    for (int64_t c = 0; c < n_chunks; c++)
        times->message_s[c] = message_s;
    times->durations = (MppDurations){ times->forward_s, times->input_s, times->weight_s, times->message_s };
    return times;
}

SchedulesTimes *schedules_equal_times(const MppSchedule *schedule, const SchedulesPasses *passes, double message_s)
{
    int64_t n_chunks = mpp_schedule_n_chunks(schedule);
    SchedulesTimes *times = times_new(n_chunks, message_s);
    for (int64_t c = 0; c < n_chunks; c++) {
        times->forward_s[c] = passes->forward_s / schedule->vpp;
        times->input_s[c] = passes->input_s / schedule->vpp;
        times->weight_s[c] = passes->weight_s / schedule->vpp;
    }
    return times;
}

SchedulesTimes *schedules_random_times(GRand *rand, const MppOrder *order)
{
    SchedulesTimes *times = times_new(order->n_chunks, g_rand_boolean(rand));
    bool equal = g_rand_int_range(rand, 0, 4) == 0;
    for (int64_t c = 0; c < order->n_chunks; c++) {
        times->forward_s[c] = equal ? 1.25 : g_rand_double_range(rand, 0.1, 2);
        times->input_s[c] = equal ? 1.5 : g_rand_double_range(rand, 0.1, 2);
        times->weight_s[c] = equal ? 1 : g_rand_double_range(rand, 0.1, 2);
        times->message_s[c] *= equal ? 0.5 : g_rand_double_range(rand, 0, 1);
    }
    return times;
}

void schedules_times_free(SchedulesTimes *times)
{
    if (!times)
        return;
    g_free(times->forward_s);
    g_free(times->input_s);
    g_free(times->weight_s);
    g_free(times->message_s);
    g_free(times);
}
