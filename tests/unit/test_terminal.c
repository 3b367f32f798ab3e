/**
 * Output goes through a pipe here, so nothing is coloured; what a terminal shows is tested from outside (tests/cli).
 */
#include "planner/cli/terminal.h"

#include <math.h>
#include <stdio.h>

static void test_bar(void)
{
    static const struct {
        double frac;
        int width;
        const char *bar;
    } rows[] = {
        { 0, 5, "░░░░░" },     { 0.09, 5, "░░░░░" }, { 0.11, 5, "█░░░░" }, { 0.5, 4, "██░░" },
        { 0.999, 5, "█████" }, { 2.385, 3, "███" },  { -1, 3, "░░░" },     { 0.5, 0, "" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *bar = mpp_terminal_bar(rows[i].frac, rows[i].width);
        g_assert_cmpstr(bar, ==, rows[i].bar);
    }
}

static void run_styled(void)
{
    g_autofree char *bold = mpp_terminal_styled("1", "µ x");
    g_assert_false(mpp_terminal_has_colour());
    printf("[%s]\n", bold);
    fflush(stdout);
}

static void run_table(void)
{
    g_autoptr(MppTable) table = mpp_table_new("plan|step >|why");
    static const char *const cells[] = { "tp 8", "1.24 ms", "µ", "dp 16 · pp 2", "9 s", "", "x" };
    for (size_t i = 0; i < G_N_ELEMENTS(cells); i++)
        mpp_table_add(table, "%s", cells[i]);
    mpp_table_print(table);
    g_autoptr(MppTable) empty = mpp_table_new("a|bc >");
    mpp_table_print(empty);
    g_autoptr(MppTable) numbers = mpp_table_new("n >");
    mpp_table_add(numbers, "%d", 385);
    mpp_table_add(numbers, "%+.1f %%", -7.25);
    mpp_table_print(numbers);
    fflush(stdout);
}

/** The first line has 110 columns. */
static void run_flow(void)
{
    static const char wide[] = "µxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
    mpp_terminal_flow("  µ: ", " · ", (const char *const[]){ wide, wide, "yyyyyyyyyyyyyyyyyyyyyyyyyyyyy", "z", wide, NULL });
    mpp_terminal_flow("none", "", (const char *const[]){ NULL });
    fflush(stdout);
}

static const struct {
    const char *path;
    void (*run)(void);
    const char *output;
} rows[] = {
    { "/terminal/subprocess/styled", run_styled, "[µ x]\n" },
    { "/terminal/subprocess/flow", run_flow,
      "  µ: µxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx · µxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx · yyyyyyyyyyyyyyyyyyyyyyyyyyyyy\n"
      "     z · µxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n"
      "none\n" },
    { "/terminal/subprocess/table", run_table,
      "  plan             step  why\n"
      "  tp 8          1.24 ms  µ\n"
      "  dp 16 · pp 2      9 s\n"
      "  x\n"
      "  a  bc\n"
      "       n\n"
      "     385\n"
      "  -7.2 %\n" },
};

static void test_printed(gconstpointer data)
{
    size_t i = GPOINTER_TO_SIZE(data);
    g_autofree char *pattern = g_strdup_printf("*%s*", rows[i].output);
    g_test_trap_subprocess(rows[i].path, 0, 0);
    g_test_trap_assert_passed();
    g_test_trap_assert_stdout(pattern);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/terminal/bar", test_bar);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_test_add_func(rows[i].path, rows[i].run);
        g_autofree char *path = g_strdup_printf("/terminal/%s", g_strrstr(rows[i].path, "/") + 1);
        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_printed);
    }
    return g_test_run();
}
