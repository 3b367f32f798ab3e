#include "sim/network.h"

#include <math.h>

static double end_of(const GArray *moved, int32_t flow, uint32_t *version)
{
    for (guint i = 0; i < moved->len; i++) {
        const MppFlowEnd *end = &g_array_index(moved, MppFlowEnd, i);
        if (end->flow != flow)
            continue;
        *version = end->version;
        return end->end_s;
    }
    return NAN;
}

static const GArray *start(MppNetwork *network, int32_t flow, const MppTransfer *transfer, double now_s)
{
    mpp_network_start(network, flow, transfer, now_s);
    return mpp_network_settle(network, now_s);
}

static const GArray *end(MppNetwork *network, int32_t flow, double now_s)
{
    mpp_network_end(network, flow, now_s);
    return mpp_network_settle(network, now_s);
}

static void assert_near(double value, double expected)
{
    g_assert_cmpfloat_with_epsilon(value, expected, 1e-12 * MAX(1, fabs(expected)));
}

/** Two transfers of 4 s, each of which fills three quarters of the link; the second comes 1 s later. */
static void test_share(void)
{
    const double capacity = 4;
    const int32_t link = 0;
    g_autoptr(MppNetwork) network = mpp_network_new(&capacity, 1, 2);
    MppTransfer transfer = { .work_s = 4, .bytes_per_s = 3, .links = &link, .n_links = 1 };
    uint32_t first = 0, second = 0, late = 0;
    assert_near(end_of(start(network, 0, &transfer, 0), 0, &first), 4);

    /* from 1 s on both go at 2 of 3 bytes per s: 3 s of work left take 4.5 s; the other's 4 s take 6 */
    const GArray *moved = start(network, 1, &transfer, 1);
    assert_near(end_of(moved, 0, &late), 5.5);
    assert_near(end_of(moved, 1, &second), 7);
    g_assert_false(mpp_network_is_due(network, 0, first));
    g_assert_true(mpp_network_is_due(network, 0, late));

    /* at 5.5 s the second has 4 - 4.5 * 2 / 3 = 1 s left and the link to itself */
    moved = end(network, 0, 5.5);
    assert_near(end_of(moved, 1, &second), 6.5);
    assert_near(mpp_network_contended_s(network, 0, 5.5), 4.5);
    g_assert_cmpuint(end(network, 1, 6.5)->len, ==, 0);
    assert_near(mpp_network_carried_bytes(network, 0), 24);
}

/** A transfer on a link with room to spare does not notice the others. */
static void test_apart(void)
{
    const double capacity[] = { 1, 10 };
    const int32_t narrow[] = { 0, 1 }, wide = 1;
    g_autoptr(MppNetwork) network = mpp_network_new(capacity, 2, 3);
    MppTransfer crowded = { .work_s = 2, .bytes_per_s = 1, .links = narrow, .n_links = 2 };
    MppTransfer apart = { .work_s = 2, .bytes_per_s = 5, .links = &wide, .n_links = 1 };
    uint32_t version;
    start(network, 0, &crowded, 0);
    assert_near(end_of(start(network, 2, &apart, 0), 2, &version), 2);
    const GArray *moved = start(network, 1, &crowded, 0);
    assert_near(end_of(moved, 0, &version), 4);
    assert_near(end_of(moved, 1, &version), 4);
    g_assert_true(isnan(end_of(moved, 2, &version)));
}

/** A place is used again, and ends of its former transfer stay void. */
static void test_reuse(void)
{
    const double capacity = 1;
    g_autoptr(MppNetwork) network = mpp_network_new(&capacity, 1, 1);
    MppTransfer transfer = { .work_s = 0.5 };
    uint32_t before = 0, after = 0;
    assert_near(end_of(start(network, 0, &transfer, 0), 0, &before), 0.5);
    end(network, 0, 0.5);
    g_assert_false(mpp_network_is_due(network, 0, before));
    assert_near(end_of(start(network, 0, &transfer, 0.75), 0, &after), 1.25);
    g_assert_false(mpp_network_is_due(network, 0, before));
    g_assert_true(mpp_network_is_due(network, 0, after));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/network/share", test_share);
    g_test_add_func("/network/apart", test_apart);
    g_test_add_func("/network/reuse", test_reuse);
    return g_test_run();
}
