#include "planner/emit/shell_words.h"

#include "planner/base/error.h"
#include "tests/support/expect.h"

static void test_words(void)
{
    static const struct {
        const char *text, *joined;
    } rows[] = {
        { "", "" },
        { "a 'b c' \"d e\"", "a|b c|d e" },
        { "a \\\n  b # comment\n c", "a|b|c" },
        { "TP=8\nrun --tp $TP --x ${TP}k", "TP=8|run|--tp|8|--x|8k" },
        { "A=2 B=${A}3\necho $B", "A=2|B=23|echo|23" },
        { "--mbs ${MBS:-4} $UNKNOWN ${X", "--mbs|4|$UNKNOWN|${X" },
        { "ARGS=( --a 1 )\n${ARGS[@]} \"$@\" $", "ARGS=(|--a|1|)|${ARGS[@]}|$@|$" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_auto(GStrv) words = mpp_shell_words("run.sh", rows[i].text, &error);
        g_assert_no_error(error);
        g_autofree char *joined = g_strjoinv("|", words);
        g_assert_cmpstr(joined, ==, rows[i].joined);
    }
}

static void test_error(void)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(mpp_shell_words("run.sh", "a 'b", &error));
    mpp_expect_error(&error, MPP_ERROR, MPP_ERROR_SYNTAX, "run.sh: a quote does not end");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/shell_words/words", test_words);
    g_test_add_func("/shell_words/error", test_error);
    return g_test_run();
}
