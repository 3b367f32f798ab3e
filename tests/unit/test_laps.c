#include "validate/net/laps.h"

#include "tests/support/known_device.h"

static int64_t work(const MppRank *rank, double milliseconds)
{
    known_device_slow((MppRank *)rank, milliseconds);
    g_autoptr(MppBuffer) one = mpp_buffer_zeros(rank, MPP_ELEMENT_F32, 1, 1);
    return rank->backend->mark(rank->state);
}

/** Times are known once they are read; operations of one name add up, each pass by itself. */
static void test_read(void)
{
    static const KnownTimes times = { .launch_s = 1e-3, .bytes_per_s = 1e30, .host_bytes_per_s = 1e30, .ranks = 1 };
    MppRank *rank = known_device_new(&times);
    g_autoptr(MppLaps) laps = mpp_laps_new();
    for (int step = 0; step < 2; step++) {
        rank->backend->forget_marks(rank->state);
        int64_t begin = work(rank, 100), first = work(rank, 3), second = work(rank, 5), third = work(rank, 7);
        mpp_laps_note(laps, "norm", MPP_LAP_FORWARD, begin, first);
        mpp_laps_note(laps, "qkv", MPP_LAP_FORWARD, first, second);
        mpp_laps_note(laps, "norm", MPP_LAP_BACKWARD, second, third);
        mpp_laps_note(laps, "qkv", MPP_LAP_WEIGHT, begin, third);
        g_assert_cmpuint(laps->ops->len, ==, step ? 2 : 0);
        mpp_laps_read(laps, rank);
    }
    const MppLap *norm = &g_array_index(laps->ops, MppLap, 0), *qkv = &g_array_index(laps->ops, MppLap, 1);
    g_assert_cmpuint(laps->ops->len, ==, 2);
    g_assert_cmpstr(norm->name, ==, "norm");
    g_assert_cmpint(norm->n, ==, 2);
    g_assert_cmpfloat_with_epsilon(norm->s[MPP_LAP_FORWARD], 2 * 3e-3, 1e-9);
    g_assert_cmpfloat_with_epsilon(norm->s[MPP_LAP_BACKWARD], 2 * 7e-3, 1e-9);
    g_assert_cmpfloat_with_epsilon(qkv->s[MPP_LAP_FORWARD], 2 * 5e-3, 1e-9);
    g_assert_cmpfloat_with_epsilon(qkv->s[MPP_LAP_WEIGHT], 2 * 15e-3, 1e-9);
    mpp_laps_restart(laps);
    g_assert_cmpuint(laps->ops->len, ==, 0);
    known_device_free(rank);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/laps/read", test_read);
    return g_test_run();
}
