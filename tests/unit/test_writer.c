#include "sim/writers.h"

#include <glib/gstdio.h>

#include "tests/support/expect.h"
#include "tests/support/simulated.h"

static void test_table(void)
{
    int n;
    const MppWriter *const *writers = mpp_writers(&n);
    for (int i = 0; i < n; i++) {
        g_autoptr(GError) error = NULL;
        g_assert_true(mpp_writer_find(writers[i]->name, &error) == writers[i]);
        g_assert_nonnull(writers[i]->summary);
        g_assert_cmpint(writers[i]->suffix[0], ==, '.');
        g_assert_cmpint(writers[i]->folder, ==, writers[i]->prefix != NULL);
        g_assert_cmpint(writers[i]->extra != NULL, ==, writers[i]->write_extra != NULL);
    }
    GError *error = NULL;
    g_assert_null(mpp_writer_find("chroma", &error));
    mpp_expect_error(&error, MPP_ERROR, MPP_ERROR_USAGE,
                     "no format is called \"chroma\"; there are chrome, chakra, json, kineto, svg");
}

static int by_name(const void *a, const void *b)
{
    return g_strcmp0(*(const char *const *)a, *(const char *const *)b);
}

/** The files of a folder, in order. */
static char *files_in(const char *folder)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;
    while ((name = g_dir_read_name(dir)))
        g_ptr_array_add(names, g_strdup(name));
    g_ptr_array_sort(names, by_name);
    g_ptr_array_add(names, NULL);
    return g_strjoinv(" ", (char **)names->pdata);
}

static void remove_files(const char *folder)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;
    while ((name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_assert_cmpint(g_unlink(path), ==, 0);
    }
    g_assert_cmpint(g_rmdir(folder), ==, 0);
}

/** One file a lane, named by its first rank, or one for every rank in the chosen lanes. */
static void test_folders(void)
{
    static const struct {
        const MppWriter *writer;
        bool second_only;
        const char *files;
    } rows[] = {
        { &mpp_write_kineto, false, "rank.0.json rank.4.json" },
        { &mpp_write_kineto, true, "rank.4.json" },
        { &mpp_write_chakra, false,
          "groups.json plan.0.et plan.1.et plan.2.et plan.3.et plan.4.et plan.5.et plan.6.et plan.7.et" },
        { &mpp_write_chakra, true, "groups.json plan.4.et plan.5.et plan.6.et plan.7.et" },
    };
    g_autoptr(Simulated) simulated = simulated_new("dp=2,tp=2,pp=2", 8, NULL);
    const bool second[] = { false, true };
    g_autofree char *folder = mpp_expect_folder();
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        MppWriterOptions options = { .lanes = rows[i].second_only ? second : NULL };
        g_autofree char *path = g_build_filename(folder, "new", "traces", NULL), *parent = g_path_get_dirname(path);
        g_autoptr(GError) error = NULL;
        g_assert_true(mpp_writer_write(rows[i].writer, simulated->simulation, &options, path, &error));
        g_assert_no_error(error);
        g_autofree char *files = files_in(path);
        g_assert_cmpstr(files, ==, rows[i].files);
        remove_files(path);
        g_assert_cmpint(g_rmdir(parent), ==, 0);
    }
    mpp_expect_no_folder(folder);
}

/** All formats, twice: the same bytes. */
static void test_deterministic(void)
{
    int n;
    const MppWriter *const *writers = mpp_writers(&n);
    for (int i = 0; i < n; i++) {
        g_autoptr(Simulated) a = simulated_new("dp=2,pp=2,vpp=2,schedule=interleaved", 4, NULL);
        g_autoptr(Simulated) b = simulated_new("dp=2,pp=2,vpp=2,schedule=interleaved", 4, NULL);
        MppWriterOptions options = { .detail = true, .spans = true };
        g_autoptr(MppOutput) first = mpp_output_new_memory(), second = mpp_output_new_memory();
        writers[i]->write(a->tracks, &options, 1, first);
        writers[i]->write(b->tracks, &options, 1, second);
        g_assert_cmpuint(mpp_output_content(first)->len, >, 100);
        g_assert_true(g_string_equal(mpp_output_content(first), mpp_output_content(second)));
    }
}

static void test_unwritable(void)
{
    g_autoptr(Simulated) simulated = simulated_new("dp=2", 2, NULL);
    g_autofree char *folder = mpp_expect_folder(), *file = mpp_expect_file(folder, "file", "");
    g_autofree char *below = g_build_filename(file, "x", NULL), *message = g_strdup_printf("%s: Not a directory", below);
    const MppWriter *const writers[] = { &mpp_write_json, &mpp_write_kineto };
    for (int i = 0; i < 2; i++) {
        GError *error = NULL;
        g_assert_false(mpp_writer_write(writers[i], simulated->simulation, &(MppWriterOptions){ 0 }, below, &error));
        mpp_expect_error(&error, G_FILE_ERROR, G_FILE_ERROR_NOTDIR, message);
    }
    mpp_expect_no_folder(folder);
}

/** A million spans are too many for one file, not for a folder's files or a chart. */
static void test_warning(void)
{
    g_autoptr(Simulated) simulated = simulated_new("dp=2,pp=2", 4, NULL);
    MppWriterOptions plain = { 0 }, detail = { .detail = true };
    g_assert_null(mpp_writer_warning(&mpp_write_chrome, simulated->simulation, &detail));
    MppSpan pass = { .end_s = 1, .cause = -1, .action = MPP_ACTION_PASS };
    g_autoptr(GArray) spans = g_array_new(FALSE, FALSE, sizeof(MppSpan));
    for (int i = 0; i < 500000; i++) {
        pass.lane = i % 2;
        g_array_append_val(spans, pass);
    }
    simulated_set_spans(simulated, (const MppSpan *)(void *)spans->data, (int)spans->len, 1);
    g_autofree char *whole = mpp_writer_warning(&mpp_write_chrome, simulated->simulation, &plain);
    g_assert_cmpstr(whole, ==,
                    "the file will have about 1,250,000 events in 138 MB, more than viewers in a browser load; "
                    "choose ranks with --ranks");
    const bool first[] = { true, false };
    MppWriterOptions half = { .lanes = first };
    g_assert_null(mpp_writer_warning(&mpp_write_chrome, simulated->simulation, &half));
    g_autofree char *layers = mpp_writer_warning(&mpp_write_chrome, simulated->simulation, &detail);
    g_assert_true(g_str_has_suffix(layers, "; choose ranks with --ranks, or leave out --detail"));
    g_assert_null(mpp_writer_warning(&mpp_write_kineto, simulated->simulation, &plain));
    g_assert_null(mpp_writer_warning(&mpp_write_svg, simulated->simulation, &plain));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/writer/table", test_table);
    g_test_add_func("/writer/folders", test_folders);
    g_test_add_func("/writer/deterministic", test_deterministic);
    g_test_add_func("/writer/unwritable", test_unwritable);
    g_test_add_func("/writer/warning", test_warning);
    return g_test_run();
}
