#include "sim/output.h"

#include <glib/gstdio.h>
#include <locale.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/expect.h"

static guint files_in(const char *folder)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    guint n = 0;
    while (g_dir_read_name(dir))
        n++;
    return n;
}

/** The file has its name when it is closed, and not before; what is dropped leaves the old one. */
static void test_whole(void)
{
    g_autofree char *folder = mpp_expect_folder(), *path = g_build_filename(folder, "out.txt", NULL), *text = NULL;
    g_autoptr(GError) error = NULL;
    MppOutput *output = mpp_output_new(path, &error);
    g_assert_no_error(error);
    mpp_output_text(output, "eleven");
    g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
    g_assert_true(mpp_output_close(output, &error));
    mpp_output_free(output);
    output = mpp_output_new(path, &error);
    mpp_output_text(output, "twelve");
    mpp_output_free(output);
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, "eleven");
    g_assert_cmpuint(files_in(folder), ==, 1);
    GStatBuf status;
    mode_t mask = umask(0);
    umask(mask);
    g_assert_cmpint(g_stat(path, &status), ==, 0);
    g_assert_cmpint(status.st_mode & 0777, ==, 0666 & ~mask);
    mpp_expect_no_folder(folder);
}

/** More than a buffer of text, with and without compression. */
static void test_long(void)
{
    static const char *const names[] = { "long.txt", "long.txt.gz" };
    enum { LINES = 30011 };
    g_autofree char *folder = mpp_expect_folder();
    g_autoptr(GString) expected = g_string_new(NULL);
    for (int i = 0; i < LINES; i++)
        g_string_append_printf(expected, "line %d\n", i);
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(folder, names[i], NULL);
        g_autoptr(GError) error = NULL;
        g_autoptr(MppOutput) output = mpp_output_new(path, &error);
        for (int k = 0; k < LINES; k++)
            mpp_output_format(output, "line %d\n", k);
        g_assert_true(mpp_output_close(output, &error));
        g_autoptr(GFile) file = g_file_new_for_path(path);
        g_autoptr(GInputStream) raw = G_INPUT_STREAM(g_file_read(file, NULL, &error));
        g_autoptr(GConverter) gunzip = G_CONVERTER(g_zlib_decompressor_new(G_ZLIB_COMPRESSOR_FORMAT_GZIP));
        g_autoptr(GInputStream) stream = i ? g_converter_input_stream_new(raw, gunzip) : g_object_ref(raw);
        g_autofree char *got = g_malloc0(expected->len + 2);
        gsize n;
        g_assert_true(g_input_stream_read_all(stream, got, expected->len + 1, &n, NULL, &error));
        g_assert_cmpuint(n, ==, expected->len);
        g_assert_cmpstr(got, ==, expected->str);
    }
    mpp_expect_no_folder(folder);
}

/** A link stays one, and what it points to is replaced. */
static void test_link(void)
{
    g_autofree char *folder = mpp_expect_folder(), *file = mpp_expect_file(folder, "file.txt", "old"), *text = NULL;
    g_autofree char *link = g_build_filename(folder, "link.txt", NULL);
    g_autoptr(GError) error = NULL;
    g_assert_cmpint(symlink("file.txt", link), ==, 0);
    g_autoptr(MppOutput) output = mpp_output_new(link, &error);
    g_assert_no_error(error);
    mpp_output_text(output, "new");
    g_assert_true(mpp_output_close(output, &error));
    g_assert_true(g_file_test(link, G_FILE_TEST_IS_SYMLINK));
    g_assert_true(g_file_get_contents(file, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, "new");
    mpp_expect_no_folder(folder);
}

static void test_text(void)
{
    setlocale(LC_ALL, "de_DE.UTF-8"); /* decimal comma, where that locale is there */
    g_autoptr(MppOutput) output = mpp_output_new_memory();
    mpp_output_quoted(output, "a \"b\" \\ \n\xc3\xa4");
    mpp_output_number(output, 2.345678, 3);
    mpp_output_text(output, " ");
    mpp_output_number(output, -0.5, 0);
    mpp_output_text(output, " ");
    mpp_output_us(output, 1.2345678912);
    mpp_output_text(output, " ");
    mpp_output_us(output, 7e-9);
    mpp_output_text(output, " ");
    mpp_output_us_between(output, 1.4e-9, 3.6e-9);
    mpp_output_text(output, " ");
    mpp_output_us_between(output, 0.0014e-6, 0.0016e-6);
    setlocale(LC_ALL, "C");
    g_assert_cmpstr(mpp_output_content(output)->str, ==,
                    "\"a \\\"b\\\" \\\\ \\u000a\xc3\xa4\"2.346 -0 1234567.891 0.007 0.003 0.001");
}

static void test_errors(void)
{
    g_autofree char *folder = mpp_expect_folder(), *path = g_build_filename(folder, "not", "there", NULL);
    g_autofree char *message = g_strdup_printf("%s: No such file or directory", path);
    GError *error = NULL;
    g_assert_null(mpp_output_new(path, &error));
    mpp_expect_error(&error, G_FILE_ERROR, G_FILE_ERROR_NOENT, message);

    g_autoptr(MppOutput) full = mpp_output_new("/dev/full", &error);
    g_assert_no_error(error);
    mpp_output_text(full, "does not fit");
    g_assert_false(mpp_output_close(full, &error));
    g_assert_error(error, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
    g_assert_true(g_str_has_prefix(error->message, "/dev/full: "));
    g_clear_error(&error);
    g_assert_true(g_file_test("/dev/full", G_FILE_TEST_EXISTS));

    g_autofree char *taken = g_build_filename(folder, "taken", NULL);
    g_assert_cmpint(g_mkdir(taken, 0777), ==, 0);
    g_autoptr(MppOutput) over = mpp_output_new(taken, &error);
    g_assert_no_error(error);
    g_autofree char *refused = g_strdup_printf("%s: Is a directory", taken);
    g_assert_false(mpp_output_close(over, &error));
    mpp_expect_error(&error, G_FILE_ERROR, G_FILE_ERROR_ISDIR, refused);
    g_clear_pointer(&over, mpp_output_free);
    g_assert_cmpint(g_rmdir(taken), ==, 0);
    g_assert_cmpuint(files_in(folder), ==, 0);
    mpp_expect_no_folder(folder);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/output/whole", test_whole);
    g_test_add_func("/output/long", test_long);
    g_test_add_func("/output/link", test_link);
    g_test_add_func("/output/text", test_text);
    g_test_add_func("/output/errors", test_errors);
    return g_test_run();
}
