#include "planner/schedule/list_parts.h"

#include <stdio.h>

#include "tests/support/schedules.h"

/** Two ranks of a chunk each; every pass takes 1 s, a message 0.5 s. */
static const struct {
    int micro_batches;
    const char *order, *joined;
} rows[] = {
    { 1, "0F0 0I0 0W0 | 1F0 1I0 1W0", "0F0 0B0 | 1F0 1I0 1W0" },
    { 1, "0F0 0B0 | 1F0 1B0", "0F0 0B0 | 1F0 1B0" },
    /* rank 0 has other work until the gradient comes late */
    { 3, "0F0 0F1 0F2 0I0 0W0 0I1 0W1 0I2 0W2 | 1F0 1I0 1W0 1F1 1I1 1W1 1F2 1I2 1W2",
      "0F0 0F1 0F2 0B0 0B1 0B2 | 1F0 1I0 1W0 1F1 1I1 1W1 1F2 1I2 1W2" },
    { 5, "0F0 0F1 0F2 0F3 0F4 0I0 0W0 0I1 0W1 0I2 0I3 0W2 0W3 0I4 0W4 | 1F0 1I0 1W0 1F1 1I1 1W1 1F2 1I2 1W2 1F3 1I3 1W3 1F4 1I4 1W4",
      "0F0 0F1 0F2 0F3 0F4 0B0 0B1 0I2 0I3 0W2 0W3 0B4 | 1F0 1B0 1F1 1I1 1W1 1F2 1I2 1W2 1F3 1I3 1W3 1F4 1I4 1W4" },
};

static MppOrder *parse(int64_t micro_batches, const char *text)
{
    MppOrder *order = mpp_order_new(2, 2, micro_batches);
    g_auto(GStrv) words = g_strsplit(text, " ", -1);
    for (int i = 0; words[i]; i++) {
        char pass[2] = { 0 };
        int chunk, micro_batch;
        if (sscanf(words[i], "%d%1[A-Z]%d", &chunk, pass, &micro_batch) == 3)
            mpp_order_add(order, (MppPass)mpp_names_find(&mpp_pass_names, pass), chunk, micro_batch);
    }
    return order;
}

static void test_rows(void)
{
    const int32_t rank_of[] = { 0, 1 };
    const double s[] = { 1, 1 }, zero[] = { 0, 0 }, half_s[] = { 0.5, 0.5 };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        MppListProblem problem = { 2, 2, rows[i].micro_batches, rank_of, { s, s, s, half_s }, zero, zero, true, 0 };
        g_autoptr(MppOrder) order = parse(rows[i].micro_batches, rows[i].order);
        g_autoptr(MppReplay) before = mpp_replay_new(order, &problem.durations);
        mpp_list_join(&problem, order);
        g_autoptr(MppReplay) after = mpp_replay_new(order, &problem.durations);
        g_autofree char *joined = schedules_order_text(order);
        g_assert_cmpstr(joined, ==, rows[i].joined);
        g_assert_cmpfloat(after->length_s, ==, before->length_s);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/list-join/rows", test_rows);
    return g_test_run();
}
