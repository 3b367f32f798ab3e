#include "validate/net/context.h"

#include <glib.h>

/** Ranks' runs cover the sequence once, and every rank's queries see as many keys. */
static void test_runs(void)
{
    static const int64_t degrees[] = { 1, 2, 3, 4, 8 };
    for (size_t d = 0; d < G_N_ELEMENTS(degrees); d++) {
        int64_t cp = degrees[d], seq = 48, seen = 0;
        g_autofree int *covered = g_new0(int, seq);
        for (int64_t rank = 0; rank < cp; rank++) {
            int64_t keys = 0, rows = 0;
            for (int i = 0; i < mpp_context_n_runs(cp); i++) {
                MppContextRun run = mpp_context_run(seq, cp, rank, i);
                g_assert_cmpint(run.row, ==, rows);
                rows += run.n;
                for (int64_t j = 0; j < run.n; j++) {
                    covered[run.position + j]++;
                    keys += run.position + j + 1;
                }
            }
            g_assert_cmpint(rows, ==, seq / cp);
            g_assert_true(rank == 0 || keys == seen);
            seen = keys;
        }
        for (int64_t i = 0; i < seq; i++)
            g_assert_cmpint(covered[i], ==, 1);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/context/runs", test_runs);
    return g_test_run();
}
