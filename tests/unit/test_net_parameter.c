#include "validate/net/net_parameter.h"

/** Queries of 8 rows over 4 ranks, keys and values of 2 rows over 2 of them: the rows of each rank. */
static void test_segments(void)
{
    static const int64_t rows[4][4] = { { 0, 1, 8, 10 }, { 2, 3, 8, 10 }, { 4, 5, 9, 11 }, { 6, 7, 9, 11 } };
    for (int64_t rank = 0; rank < 4; rank++) {
        MppSplit split = mpp_split_empty(3);
        mpp_split_add(&split, 8, 4, rank);
        mpp_split_add(&split, 2, 2, rank / 2);
        mpp_split_add(&split, 2, 2, rank / 2);
        g_assert_cmpint(mpp_split_rows(&split), ==, 4);
        for (int64_t i = 0; i < 12; i++)
            g_assert_cmpint(mpp_split_global(&split, i), ==, rows[rank][i / 3] * 3 + i % 3);
    }
}

/** The second two of four experts, each [up | gate] of 4 rows over 2 ranks, columns whole; and columns split. */
static void test_blocks_and_columns(void)
{
    MppSplit split = mpp_split_empty(5);
    mpp_split_add(&split, 4, 2, 1);
    mpp_split_add(&split, 4, 2, 1);
    split.first_block = split.blocks = 2;
    static const int64_t rows[] = { 18, 19, 22, 23, 26, 27, 30, 31 };
    for (int64_t i = 0; i < 40; i++)
        g_assert_cmpint(mpp_split_global(&split, i), ==, rows[i / 5] * 5 + i % 5);

    split = mpp_split_whole(3, 6);
    mpp_split_columns(&split, 3, 2);
    static const int64_t elements[] = { 4, 5, 10, 11, 16, 17 };
    for (int64_t i = 0; i < 6; i++)
        g_assert_cmpint(mpp_split_global(&split, i), ==, elements[i]);
}

/** A part starts from the numbers that the whole starts from. */
static void test_initial(void)
{
    MppNetParameter whole = { .name = (char *)"w", .split = mpp_split_whole(6, 4), .mean = 0.5, .range = 0.25 }, part = whole;
    part.split = mpp_split_empty(4);
    mpp_split_add(&part.split, 6, 3, 1);
    float all[24], some[8];
    mpp_net_parameter_initial(&whole, 11, 0, 24, all);
    mpp_net_parameter_initial(&part, 11, 0, 8, some);
    g_assert_cmpmem(all + 8, sizeof some, some, sizeof some);
    for (int i = 0; i < 24; i++)
        g_assert_true(all[i] >= 0.25f && all[i] <= 0.75f);
    mpp_net_parameter_initial(&part, 11, 3, 2, some);
    g_assert_cmpmem(all + 11, 2 * sizeof *some, some, 2 * sizeof *some);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/net-parameter/segments", test_segments);
    g_test_add_func("/net-parameter/blocks-and-columns", test_blocks_and_columns);
    g_test_add_func("/net-parameter/initial", test_initial);
    return g_test_run();
}
