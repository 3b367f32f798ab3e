#include "tests/support/expect.h"

#include <glib/gstdio.h>
#include <string.h>

void mpp_expect_error(GError **error, GQuark domain, int code, const char *message)
{
    g_assert_nonnull(*error);
    g_assert_cmpstr((*error)->message, ==, message);
    g_assert_cmpstr(g_quark_to_string((*error)->domain), ==, g_quark_to_string(domain));
    g_assert_cmpint((*error)->code, ==, code);
    g_clear_error(error);
}

MppJson *mpp_expect_json(const char *text)
{
    g_autoptr(GError) error = NULL;
    MppJson *json = mpp_json_parse("t.json", text, strlen(text), 1, &error);
    g_assert_no_error(error);
    return json;
}

void mpp_expect_printed(const cJSON *root, const char *text)
{
    char *printed = cJSON_PrintUnformatted(root);
    g_assert_cmpstr(printed, ==, text);
    cJSON_free(printed);
}

char *mpp_expect_folder(void)
{
    g_autoptr(GError) error = NULL;
    char *folder = g_dir_make_tmp("mpplan-test-XXXXXX", &error);
    g_assert_no_error(error);
    return folder;
}

void mpp_expect_no_folder(const char *folder)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    for (const char *name = g_dir_read_name(dir); name; name = g_dir_read_name(dir)) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_assert_cmpint(g_remove(path), ==, 0);
    }
    g_assert_cmpint(g_rmdir(folder), ==, 0);
}

char *mpp_expect_file(const char *folder, const char *name, const char *text)
{
    g_autoptr(GError) error = NULL;
    char *path = g_build_filename(folder, name, NULL);
    g_file_set_contents(path, text, -1, &error);
    g_assert_no_error(error);
    return path;
}
