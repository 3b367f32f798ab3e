#include "planner/schedule/peaks.h"

#include <string.h>

#include "tests/support/schedules.h"

/** What rank holds after each slot, weighed; the largest. */
static double brute_force(const MppOrder *order, int64_t rank, const double *weights)
{
    double held = 0, most = 0;
    for (guint i = 0; i < order->slots[rank]->len; i++) {
        const MppSlot *slot = &g_array_index(order->slots[rank], MppSlot, i);
        bool frees = slot->pass == MPP_PASS_BACKWARD || slot->pass == MPP_PASS_WEIGHT;
        held += slot->pass == MPP_PASS_FORWARD ? weights[slot->chunk] : frees ? -weights[slot->chunk] : 0;
        most = MAX(most, held);
    }
    return most;
}

/** Whole numbers, so that sums are exact. */
static void draw_weights(GRand *rand, double *weights, int64_t n)
{
    bool equal = g_rand_boolean(rand);
    for (int64_t i = 0; i < n; i++)
        weights[i] = equal ? 3 : g_rand_int_range(rand, 0, 9);
}

static void check_peaks(const MppSchedule *s)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed((guint32)(s->pp * 131 + s->vpp * 17 + s->micro_batches));
    g_autoptr(MppPeaksTable) table = mpp_peaks_table_new();
    g_autoptr(MppOrder) order = mpp_schedule_order(s);
    const MppPeaks *shared = mpp_peaks_table_get(table, s);
    g_assert_true(mpp_peaks_table_get(table, s) == shared);
    g_autofree double *weights = g_new(double, order->n_chunks);
    for (int64_t k = 0; k < s->pp; k++) {
        MppPeaks peaks = mpp_order_peaks(order, k);
        for (int i = 0; i < 3; i++) {
            draw_weights(rand, weights, order->n_chunks);
            double most = brute_force(order, k, weights);
            g_assert_cmpfloat(mpp_peaks_weigh(&peaks, weights), ==, most);
            g_assert_cmpfloat(mpp_peaks_weigh(&shared[k], weights), ==, most); /* from fewer micro-batches */
        }
        g_assert_cmpint(shared[k].n_local, ==, peaks.n_local);
        g_assert_true(memcmp(shared[k].chunks, peaks.chunks, peaks.n_local * sizeof(int32_t)) == 0);
        mpp_peaks_clear(&peaks);
    }
}

static void test_brute_force(void)
{
    schedules_for_each(check_peaks);
}

/** F0 F0 F1 of two chunks, a backward pass, and so on: only the moments that no other covers. */
static void test_rows(void)
{
    static const MppSlot slots[] = {
        { MPP_PASS_FORWARD, 0, 0 }, { MPP_PASS_FORWARD, 0, 1 },  { MPP_PASS_FORWARD, 1, 0 }, { MPP_PASS_INPUT, 1, 0 },
        { MPP_PASS_WEIGHT, 1, 0 },  { MPP_PASS_BACKWARD, 0, 0 }, { MPP_PASS_FORWARD, 1, 1 }, { MPP_PASS_BACKWARD, 1, 1 },
    };
    g_autoptr(MppOrder) order = mpp_order_new(1, 2, 2);
    g_array_append_vals(order->slots[0], slots, G_N_ELEMENTS(slots));
    MppPeaks peaks = mpp_order_peaks(order, 0);
    g_assert_cmpint(peaks.n_rows, ==, 1);
    g_assert_cmpint(peaks.most, ==, 3);
    g_assert_cmpint(peaks.counts[0], ==, 2);
    g_assert_cmpint(peaks.counts[1], ==, 1);
    mpp_peaks_clear(&peaks);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/peaks/brute-force", test_brute_force);
    g_test_add_func("/peaks/rows", test_rows);
    return g_test_run();
}
