#include <math.h>

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

/** One pass of the pipeline, or a forward and a backward one that run together. */
typedef struct {
    const MppSlot *slots;
    int64_t n;
} Unit;

typedef struct {
    const MppOrder *order;
    double *end_s[2]; /* forward and backward passes, NAN until run */
    double free_s[16];
    guint next[16];
} Paired;

static double *end_of(const Paired *paired, bool forward, int64_t chunk, int64_t micro_batch)
{
    return &paired->end_s[!forward][chunk * paired->order->micro_batches + micro_batch];
}

static double ready_s(const Paired *paired, const MppSlot *slot)
{
    bool forward = slot->pass == MPP_PASS_FORWARD;
    if (slot->pass == MPP_PASS_WEIGHT || (forward && slot->chunk == 0))
        return 0;
    if (!forward && slot->chunk == paired->order->n_chunks - 1)
        return *end_of(paired, true, slot->chunk, slot->micro_batch);
    return *end_of(paired, forward, slot->chunk + (forward ? -1 : 1), slot->micro_batch);
}

/** Forward passes stand beside whole backward ones of the rank's other chunk; the last rank's first ones cannot. */
static Unit next_unit(const Paired *paired, int64_t rank)
{
    const GArray *slots = paired->order->slots[rank];
    const MppSlot *slot = &g_array_index(slots, MppSlot, paired->next[rank]);
    bool pair = slot->pass == MPP_PASS_FORWARD && paired->next[rank] + 1 < slots->len && slot[1].pass == MPP_PASS_BACKWARD &&
                slot[1].chunk != slot->chunk && !(rank == paired->order->pp - 1 && slot[1].micro_batch == 0 && slot[1].chunk > slot->chunk);
    return (Unit){ slot, pair ? 2 : 1 };
}

/** Passes of 1 s, a whole backward pass of 2. Returns: whether one ran. */
static bool run_unit(Paired *paired, int64_t rank)
{
    if (paired->next[rank] == paired->order->slots[rank]->len)
        return false;
    Unit unit = next_unit(paired, rank);
    double start_s = paired->free_s[rank], length_s = 0;
    for (int64_t i = 0; i < unit.n; i++) {
        double ready = ready_s(paired, &unit.slots[i]);
        if (isnan(ready))
            return false;
        start_s = MAX(start_s, ready);
        length_s += unit.slots[i].pass == MPP_PASS_BACKWARD ? 2 : 1;
    }
    for (int64_t i = 0; i < unit.n; i++)
        if (unit.slots[i].pass != MPP_PASS_WEIGHT)
            *end_of(paired, unit.slots[i].pass == MPP_PASS_FORWARD, unit.slots[i].chunk, unit.slots[i].micro_batch) = start_s + length_s;
    paired->free_s[rank] = start_s + length_s;
    paired->next[rank] += (guint)unit.n;
    return true;
}

/** Bubble when pairs run as one: (pp - 1)(F&B + B - 3 W), by the README of deepseek-ai/DualPipe with 2 pp stages. */
static void check_paired(int64_t pp, int64_t micro_batches)
{
    MppSchedule schedule = { MPP_SCHEDULE_DUALPIPE_V, pp, 2, micro_batches, 0 };
    g_autoptr(MppOrder) order = mpp_schedule_order(&schedule);
    int64_t n = 2 * pp * micro_batches;
    g_autofree double *ends_s = g_new(double, 2 * n);
    for (int64_t i = 0; i < 2 * n; i++)
        ends_s[i] = NAN;
    Paired paired = { order, { ends_s, ends_s + n }, { 0 }, { 0 } };
    for (bool ran = true; ran;) {
        ran = false;
        for (int64_t k = 0; k < pp; k++)
            ran = run_unit(&paired, k) || ran;
    }
    double length_s = 0;
    for (int64_t k = 0; k < pp; k++) {
        g_assert_cmpuint(paired.next[k], ==, order->slots[k]->len);
        length_s = MAX(length_s, paired.free_s[k]);
    }
    g_assert_cmpfloat(length_s - 6 * micro_batches, ==, (pp - 1) * (3 + 2 - 3));
}

static void test_paired(void)
{
    for (int64_t pp = 2; pp <= 16; pp++)
        for (int64_t rounds = 2; rounds <= 4; rounds++)
            check_paired(pp, rounds * pp + (rounds > 2));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/dualpipe-v/orders", test_orders);
    g_test_add_func("/dualpipe-v/paired", test_paired);
    return g_test_run();
}
