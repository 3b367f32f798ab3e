#include "planner/schedule/list_schedule.h"

#include <math.h>

#include "tests/support/expect.h"

enum { MOST = 8 };

static const struct {
    int pp, n_chunks, micro_batches;
    bool folded, split;
    double forward_s[MOST], input_s, weight_s, message_s, cap_bytes; /* a chunk's activations take 1 byte */
    double length_s, bound_s, named_s; /* named_s 0: no named schedule fits */
} rows[] = {
    /* 1F1B: (3 + 3) 3 s, with the memory that it needs and with less than gpipe's */
    { 4, 4, 3, false, false, { 1, 1, 1, 1 }, 1, 1, 0, 4, 18, 18, 18 },
    /* zero-bubble H1: 5 micro-batches of 3 s and 2 (1 + 1 - 1) s */
    { 3, 3, 5, false, true, { 1, 1, 1 }, 1, 1, 0, 3, 17, 17, 17 },
    /* room for one micro-batch only: one after another, 3 (2 + 4) s */
    { 2, 2, 3, false, false, { 1, 1 }, 1, 1, 0, 1, 18, 18, 0 },
    /* the slow second stage never waits after its first pass: 1 + 3 (5 + 2) + 2 */
    { 2, 2, 3, false, false, { 1, 5 }, 1, 1, 0, 2, 24, 24, 24 },
    /* messages of 0.5 s, one micro-batch: 2 s forward, 4 s back, 4 messages less */
    { 2, 2, 1, false, false, { 1, 1 }, 1, 1, 0.5, 1, 7, 7, 7 },
    /* a V on one rank: its chunks follow each other */
    { 1, 2, 2, true, false, { 1.5, 2.5 }, 1, 1, 9, 2, 16, 16, 0 },
};

static void test_rows(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        int pp = rows[i].pp;
        int32_t rank_of[MOST];
        double input_s[MOST], weight_s[MOST], message_s[MOST], kept[MOST], cap[MOST];
        for (int c = 0; c < rows[i].n_chunks; c++) {
            rank_of[c] = c / pp % 2 && rows[i].folded ? pp - 1 - c % pp : c % pp;
            input_s[c] = rows[i].input_s;
            weight_s[c] = rows[i].weight_s;
            message_s[c] = rows[i].message_s;
            kept[c] = 1;
            cap[rank_of[c]] = rows[i].cap_bytes;
        }
        MppListProblem problem = { pp, rows[i].n_chunks, rows[i].micro_batches, rank_of,
                                   { rows[i].forward_s, input_s, weight_s, message_s }, kept, cap, rows[i].split, 0 };
        g_autoptr(GError) error = NULL;
        g_autoptr(MppListSchedule) found = mpp_list_schedule_new(&problem, &error);
        g_assert_no_error(error);
        g_test_message("row %d: length %g, bound %g, named %g", (int)i, found->length_s, found->bound_s, found->named_s);
        g_assert_cmpfloat(found->length_s, ==, rows[i].length_s);
        g_assert_cmpfloat(found->bound_s, ==, rows[i].bound_s);
        g_assert_cmpfloat(found->has_named ? found->named_s : 0, ==, rows[i].named_s);
    }
}

/** Of named schedules that are as short, the one that holds less. */
static void test_least_memory(void)
{
    const int32_t rank_of[] = { 0, 1 };
    const double s[] = { 1, 1 }, none_s[] = { 0, 0 }, kept[] = { 1, 1 }, cap[] = { INFINITY, INFINITY };
    MppListProblem problem = { 2, 2, 6, rank_of, { s, s, s, none_s }, kept, cap, false, 0 };
    g_autoptr(MppListSchedule) found = mpp_list_schedule_new(&problem, NULL);
    g_assert_cmpint(found->named.kind, ==, MPP_SCHEDULE_1F1B);
}

static void test_no_room(void)
{
    const int32_t rank_of[] = { 0, 1, 0, 1 };
    const double s[] = { 1, 1, 1, 1 }, none_s[] = { 0, 0, 0, 0 }, kept[] = { 3e9, 1e9, 2e9, 1e9 }, cap[] = { 4.5e9, 4.5e9 };
    MppListProblem problem = { 2, 4, 6, rank_of, { s, s, s, none_s }, kept, cap, false, 0 };
    GError *error = NULL;
    g_assert_null(mpp_list_schedule_new(&problem, &error));
    mpp_expect_error(&error, MPP_ERROR, MPP_ERROR_INFEASIBLE,
                     "rank 0 needs 4.7 GiB for the activations of one micro-batch, 4.2 GiB are free: no order of passes fits");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/list-schedule/rows", test_rows);
    g_test_add_func("/list-schedule/least-memory", test_least_memory);
    g_test_add_func("/list-schedule/no-room", test_no_room);
    return g_test_run();
}
