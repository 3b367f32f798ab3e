#include "planner/search/board.h"

#include <math.h>

/** A candidate of a layout with @tp ranks. */
static MppCandidate make(int64_t tp, double step_s, double peak_bytes, int family)
{
    MppCandidate candidate = { mpp_strategy_single(), step_s, peak_bytes, family, 1 };
    candidate.strategy.tp = tp;
    return candidate;
}

/** "tp:step:peak" of each, in order. */
static void expect_list(const GArray *list, const char *expected)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < list->len; i++) {
        const MppCandidate *one = &g_array_index(list, MppCandidate, i);
        g_string_append_printf(text, "%s%d:%g:%g", i ? " " : "", (int)one->strategy.tp, one->step_s, one->peak_bytes);
    }
    g_assert_cmpstr(text->str, ==, expected);
}

/** Added one after another. */
static const struct {
    MppCandidate candidate;
    const char *fastest, *front;
    double limit_s;
} steps[] = {
    { { .strategy = { .tp = 4 }, 8, 50, 0, 1 }, "4:8:50", "4:8:50", INFINITY },
    { { .strategy = { .tp = 4 }, 9, 40, 0, 2 }, "4:8:50", "4:8:50 4:9:40", INFINITY },    /* slower, same layout, smaller */
    { { .strategy = { .tp = 2 }, 13, 30, 1, 1 }, "4:8:50 2:13:30", "4:8:50 4:9:40", 13 }, /* beyond 1.5 times the best */
    { { .strategy = { .tp = 8 }, 10, 45, 2, 1 }, "4:8:50 8:10:45", "4:8:50 4:9:40", 12 }, /* dominated by 9:40 */
    { { .strategy = { .tp = 8 }, 7, 60, 2, 2 }, "8:7:60 4:8:50", "8:7:60 4:8:50 4:9:40", 10.5 },
    { { .strategy = { .tp = 1 }, 8, 45, 3, 1 }, "8:7:60 1:8:45", "8:7:60 1:8:45 4:9:40", 10.5 }, /* as fast and smaller */
    { { .strategy = { .tp = 1 }, 5.5, 70, 3, 2 }, "1:5.5:70 8:7:60", "1:5.5:70 8:7:60 1:8:45", 8.25 },
    { { .strategy = { .tp = 3 }, 5.5, 70, 2, 9 }, "3:5.5:70 1:5.5:70", "1:5.5:70 8:7:60 1:8:45", 8.25 }, /* enumerated first */
    { { .strategy = { .tp = 6 }, 5.25, 45, 5, 1 }, "6:5.25:45 3:5.5:70", "6:5.25:45", 7.875 },
};

static void test_add(void)
{
    g_autoptr(MppBoard) board = mpp_board_new(2, 1.5);
    g_assert_true(isinf(mpp_board_limit_s(board)));
    for (size_t i = 0; i < G_N_ELEMENTS(steps); i++) {
        g_assert_true(
            mpp_board_wants(board, &steps[i].candidate.strategy, steps[i].candidate.step_s, steps[i].candidate.peak_bytes));
        mpp_board_add(board, &steps[i].candidate);
        expect_list(board->fastest, steps[i].fastest);
        expect_list(board->front, steps[i].front);
        g_assert_cmpfloat(mpp_board_limit_s(board), ==, steps[i].limit_s);
    }
}

/** On a full board of 7 s (tp 8) and 8 s (tp 4), front 7:60 8:50 9:40, reach 10.5. */
static void test_wants(void)
{
    static const struct {
        int64_t tp;
        double bound_s, peak_bytes;
        bool wanted;
    } rows[] = {
        { 2, 7.5, 90, true },                                                   /* a new layout among the fastest */
        { 2, 8, 90, true },                                                     /* a tie may win by its order */
        { 2, 8.25, 90, false }, { 4, 7.5, 90, true },                           /* better than its layout's best */
        { 8, 7.5, 90, false },                                                  /* its layout has 7 */
        { 8, 7.5, 55, true },                                                   /* but the front has nothing like it */
        { 2, 9.5, 39, true },   { 2, 9.5, 40, false }, { 2, 10.75, 10, false }, /* out of reach */
    };
    g_autoptr(MppBoard) board = mpp_board_new(2, 1.5);
    for (size_t i = 0; i <= 4; i++)
        mpp_board_add(board, &steps[i].candidate);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        MppStrategy s = { .tp = rows[i].tp };
        g_assert_true(mpp_board_wants(board, &s, rows[i].bound_s, rows[i].peak_bytes) == rows[i].wanted);
    }
}

static void test_layouts(void)
{
    static const struct {
        MppStrategy change;
        guint layouts;
    } rows[] = {
        { { .tp = 2 }, 2 },
        { { .cp = 2 }, 2 },
        { { .pp = 2 }, 2 },
        { { .ep = 2 }, 2 },
        { { .dp = 2 }, 1 },
        { { .zero = 2 }, 1 },
        { { .micro_batch = 2 }, 1 },
        { { .vpp = 2 }, 1 },
        { { .recompute = MPP_RECOMPUTE_FULL }, 2 },
        { { .offload = MPP_OFFLOAD_OPTIMIZER }, 1 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppBoard) board = mpp_board_new(5, 1.5);
        MppCandidate plain = { .step_s = 2, .peak_bytes = 3 }, changed = { rows[i].change, 1, 4, 0, 1 };
        mpp_board_add(board, &plain);
        mpp_board_add(board, &changed);
        g_assert_cmpuint(board->fastest->len, ==, rows[i].layouts);
        g_assert_cmpuint(board->front->len, ==, 1); /* the plain one is out of reach */
    }
}

static MppCandidate random_candidate(GRand *rand, int member)
{
    MppCandidate candidate = make(g_rand_int_range(rand, 1, 9), g_rand_int_range(rand, 4, 30) / 4.0,
                                  g_rand_int_range(rand, 1, 20), g_rand_int_range(rand, 0, 5));
    candidate.member = member;
    return candidate;
}

/** Any order of adding, and merging two halves, gives the same steps and sizes. */
static void check_order(GRand *rand)
{
    enum { CANDIDATES = 60 };
    MppCandidate list[CANDIDATES];
    g_autoptr(MppBoard) forward = mpp_board_new(3, 1.5), backward = mpp_board_new(3, 1.5), half = mpp_board_new(3, 1.5);
    for (int i = 0; i < CANDIDATES; i++) {
        list[i] = random_candidate(rand, i);
        mpp_board_add(forward, &list[i]);
    }
    for (int i = CANDIDATES - 1; i >= 0; i--)
        mpp_board_add(backward, &list[i]);
    for (int i = 0; i < CANDIDATES / 2; i++)
        mpp_board_add(half, &list[i]);
    g_autoptr(MppBoard) merged = mpp_board_copy(half);
    for (int i = CANDIDATES / 2; i < CANDIDATES; i++)
        mpp_board_add(half, &list[i]);
    mpp_board_merge(merged, half);
    const MppBoard *others[] = { backward, merged, half };
    for (size_t k = 0; k < G_N_ELEMENTS(others); k++) {
        g_assert_cmpuint(others[k]->fastest->len, ==, forward->fastest->len);
        g_assert_cmpuint(others[k]->front->len, ==, forward->front->len);
        for (guint i = 0; i < forward->fastest->len; i++)
            g_assert_cmpint(g_array_index(others[k]->fastest, MppCandidate, i).member, ==,
                            g_array_index(forward->fastest, MppCandidate, i).member);
        for (guint i = 0; i < forward->front->len; i++)
            g_assert_cmpfloat(g_array_index(others[k]->front, MppCandidate, i).peak_bytes, ==,
                              g_array_index(forward->front, MppCandidate, i).peak_bytes);
    }
}

static void test_order(void)
{
    enum { ROUNDS = 200 };
    g_autoptr(GRand) rand = g_rand_new_with_seed(3319);
    for (int i = 0; i < ROUNDS; i++)
        check_order(rand);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/board/add", test_add);
    g_test_add_func("/board/wants", test_wants);
    g_test_add_func("/board/layouts", test_layouts);
    g_test_add_func("/board/order", test_order);
    return g_test_run();
}
