#include "planner/base/file.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/expect.h"

static void expect_text(const char *path, const char *expected)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;
    size_t n_bytes;
    g_assert_true(mpp_file_read(path, &text, &n_bytes, &error));
    g_assert_no_error(error);
    g_assert_cmpstr(text, ==, expected);
    g_assert_cmpuint(n_bytes, ==, strlen(expected));
}

static int count_files(const char *folder)
{
    int n = 0;
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    while (g_dir_read_name(dir))
        n++;
    return n;
}

static void test_replaced(void)
{
    g_autofree char *folder = mpp_expect_folder(), *path = mpp_expect_file(folder, "a", "a longer text\n");
    g_autofree char *link = g_build_filename(folder, "b", NULL);
    g_autoptr(GError) error = NULL;
    g_assert_cmpint(symlink("a", link), ==, 0);
    g_assert_true(mpp_file_write(link, "µ\n", &error));
    g_assert_no_error(error);
    g_assert_true(g_file_test(link, G_FILE_TEST_IS_SYMLINK));
    expect_text(path, "µ\n");
    g_assert_cmpint(count_files(folder), ==, 2);
    mpp_expect_no_folder(folder);
}

/** What is no file is not replaced by one: whoever runs the program may be able to replace /dev/null. */
static void test_pipe(void)
{
    g_autofree char *folder = mpp_expect_folder(), *path = g_build_filename(folder, "pipe", NULL);
    g_autoptr(GError) error = NULL;
    g_assert_cmpint(mkfifo(path, 0600), ==, 0);
    int reader = g_open(path, O_RDONLY | O_NONBLOCK, 0);
    g_assert_true(mpp_file_write(path, "plan", &error));
    g_assert_no_error(error);
    char got[8] = "";
    g_assert_cmpint(read(reader, got, sizeof got), ==, 4);
    g_assert_cmpstr(got, ==, "plan");
    g_close(reader, NULL);
    struct stat status;
    g_assert_cmpint(stat(path, &status), ==, 0);
    g_assert_true(S_ISFIFO(status.st_mode));
    mpp_expect_no_folder(folder);
}

static void test_unwritten(void)
{
    static const struct {
        const char *name;
        int code;
        const char *reason;
    } rows[] = {
        { "none/plan.json", G_FILE_ERROR_NOENT, "No such file or directory" },
        { ".", G_FILE_ERROR_ISDIR, "Is a directory" },
        { "a/plan.json", G_FILE_ERROR_NOTDIR, "Not a directory" },
    };
    g_autofree char *folder = mpp_expect_folder(), *file = mpp_expect_file(folder, "a", "");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *path = g_build_filename(folder, rows[i].name, NULL);
        g_autofree char *message = g_strdup_printf("%s: %s", path, rows[i].reason);
        g_assert_false(mpp_file_write(path, "x", &error));
        mpp_expect_error(&error, G_FILE_ERROR, rows[i].code, message);
    }
    g_assert_cmpint(count_files(folder), ==, 1);
    expect_text(file, "");
    mpp_expect_no_folder(folder);
}

static void test_full_disk(void)
{
    if (!g_file_test("/dev/full", G_FILE_TEST_EXISTS)) {
        g_test_skip("there is no /dev/full");
        return;
    }
    g_autoptr(GError) error = NULL;
    g_assert_false(mpp_file_write("/dev/full", "x", &error));
    mpp_expect_error(&error, G_FILE_ERROR, G_FILE_ERROR_NOSPC, "/dev/full: No space left on device");
}

static void test_unread(void)
{
    g_autofree char *folder = mpp_expect_folder(), *path = mpp_expect_file(folder, "a", ""), *text = NULL;
    g_autofree char *absent = g_build_filename(folder, "none", NULL);
    g_autofree char *no_file = g_strdup_printf("Failed to open file “%s”: No such file or directory", absent);
    g_autofree char *no_text = g_strdup_printf("%s: this is a directory; expected a file", folder);
    g_autofree char *too_large = g_strdup_printf("%s: the file is larger than 256 MiB", path);
    g_autoptr(GError) error = NULL;
    size_t n_bytes;
    g_assert_false(mpp_file_read(absent, &text, &n_bytes, &error));
    mpp_expect_error(&error, G_FILE_ERROR, G_FILE_ERROR_NOENT, no_file);
    g_assert_false(mpp_file_read(folder, &text, &n_bytes, &error));
    mpp_expect_error(&error, MPP_ERROR, MPP_ERROR_SYNTAX, no_text);
    g_assert_cmpint(truncate(path, (256 << 20) + 1), ==, 0); /* leaves a hole */
    g_assert_false(mpp_file_read(path, &text, &n_bytes, &error));
    mpp_expect_error(&error, MPP_ERROR, MPP_ERROR_SYNTAX, too_large);
    mpp_expect_no_folder(folder);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/file/replaced", test_replaced);
    g_test_add_func("/file/pipe", test_pipe);
    g_test_add_func("/file/unwritten", test_unwritten);
    g_test_add_func("/file/full-disk", test_full_disk);
    g_test_add_func("/file/unread", test_unread);
    return g_test_run();
}
