#include "planner/base/tool.h"

#include "planner/base/error.h"

/** Beside this program stands this program. */
static void test_find(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *own = mpp_tool_find("test_tool", &error);
    g_assert_no_error(error);
    g_assert_true(g_str_has_suffix(own, "/test_tool"));
    g_assert_null(mpp_tool_find("mpplan-house", &error));
    g_assert_error(error, MPP_ERROR, MPP_ERROR_BACKEND);
    g_assert_true(g_str_has_prefix(error->message, "mpplan-house is not installed: neither /"));
    g_assert_true(g_str_has_suffix(error->message, "/../libexec/mpplan/mpplan-house is there"));
}

/** 1 MiB each way. */
static void test_run(void)
{
    enum { LONG = 1 << 20 };
    g_autofree char *input = g_strnfill(LONG, 'x');
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) output = mpp_tool_run("/bin/cat", "-", input, &error);
    g_assert_no_error(error);
    g_assert_cmpmem(g_bytes_get_data(output, NULL), g_bytes_get_size(output), input, LONG);
}

static void test_failures(void)
{
    static const struct {
        const char *path, *argument, *start, *end;
    } rows[] = {
        { "/bin/false", "", "/bin/false failed: it said nothing", "nothing" },
        { "/bin/cat", "/no/such/file", "/bin/cat failed: ", "No such file or directory" },
    };
    g_autofree char *unread = g_strnfill(1 << 20, 'x');
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(mpp_tool_run(rows[i].path, rows[i].argument, unread, &error));
        g_assert_error(error, MPP_ERROR, MPP_ERROR_BACKEND);
        g_assert_true(g_str_has_prefix(error->message, rows[i].start) && g_str_has_suffix(error->message, rows[i].end));
    }
    g_autoptr(GError) error = NULL;
    g_assert_null(mpp_tool_run("/no/such/program", "", "", &error));
    g_assert_nonnull(error);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/tool/find", test_find);
    g_test_add_func("/tool/run", test_run);
    g_test_add_func("/tool/failures", test_failures);
    return g_test_run();
}
