#include "planner/cost/shares.h"

static void test_names(void)
{
    g_assert_cmpint(mpp_share_names.n_names, ==, MPP_N_SHARES);
    g_assert_cmpint(mpp_share_titles.n_names, ==, MPP_N_SHARES);
    g_assert_cmpstr(mpp_names_get(&mpp_share_names, MPP_SHARE_MEMORY), ==, "memory_bound");
    g_assert_cmpstr(mpp_names_get(&mpp_share_titles, MPP_SHARE_JITTER), ==, "waiting for stragglers");
}

static void test_add(void)
{
    MppShares sum = { { [MPP_SHARE_MATMUL] = 2.5, [MPP_SHARE_JITTER] = 0.25 } };
    const MppShares other = { { [MPP_SHARE_MATMUL] = 1.5, [MPP_SHARE_TP] = 0.75 } };
    g_assert_cmpfloat(mpp_shares_sum(&sum), ==, 2.75);
    mpp_shares_add(&sum, 3, &other);
    g_assert_cmpfloat(sum.s[MPP_SHARE_MATMUL], ==, 7);
    g_assert_cmpfloat(sum.s[MPP_SHARE_TP], ==, 2.25);
    g_assert_cmpfloat(sum.s[MPP_SHARE_JITTER], ==, 0.25);
    g_assert_cmpfloat(mpp_shares_sum(&sum), ==, 9.5);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/shares/names", test_names);
    g_test_add_func("/shares/add", test_add);
    return g_test_run();
}
