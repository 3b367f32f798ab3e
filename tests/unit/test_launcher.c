#include "validate/launcher.h"

static const struct {
    const char *said, *expected;
} cases[] = {
    { "mpplan-run: rank 1: pass 0F0: out of memory\n----\nMPI_ABORT was invoked\n", "rank 1: pass 0F0: out of memory" },
    { "noise mpplan-run: rank 0: late\nmpplan-run: rank 1: later\n", "rank 0: late" },
    { "----\nmpirun noticed that process rank 1 with PID 7 on node vm exited on signal 9 (Killed).\n----\n",
      "mpirun noticed that process rank 1 with PID 7 on node vm exited on signal 9 (Killed)." },
    { "----\nNo slots.\n  Ask for fewer.  \n----\n", "Ask for fewer." },
    { "", "ended without a word" },
};

static void test_explain(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *why = mpp_launcher_explain(cases[i].said);
        g_assert_cmpstr(why, ==, cases[i].expected);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/launcher/explain", test_explain);
    return g_test_run();
}
