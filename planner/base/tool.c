#include "planner/base/tool.h"

#include <errno.h>
#include <gio/gio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "planner/base/error.h"

char *mpp_tool_find(const char *name, GError **error)
{
    g_autofree char *program = g_file_read_link("/proc/self/exe", error);
    if (!program)
        return NULL;
    g_autofree char *folder = g_path_get_dirname(program);
    char *const places[] = { g_build_filename(folder, name, NULL),
                             g_build_filename(folder, "..", "libexec", "mpplan", name, NULL) };
    char *found = NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(places) && !found; i++)
        if (g_file_test(places[i], G_FILE_TEST_IS_EXECUTABLE))
            found = g_strdup(places[i]);
    if (!found)
        g_set_error(error, MPP_ERROR, MPP_ERROR_BACKEND, "%s is not installed: neither %s nor %s is there", name, places[0],
                    places[1]);
    for (size_t i = 0; i < G_N_ELEMENTS(places); i++)
        g_free(places[i]);
    return found;
}

/** A file in memory that holds @text, to be read from its start; -1 and @error set if there is none. */
static int open_text(const char *text, GError **error)
{
    size_t n_bytes = strlen(text), done = 0;
    int file = memfd_create("input", MFD_CLOEXEC);
    while (file >= 0 && done < n_bytes) {
        ssize_t n = write(file, text + done, n_bytes - done);
        if (n < 0 && errno != EINTR) {
            close(file);
            file = -1;
        }
        done += n > 0 ? (size_t)n : 0;
    }
    if (file >= 0 && lseek(file, 0, SEEK_SET) == 0)
        return file;
    g_set_error(error, MPP_ERROR, MPP_ERROR_BACKEND, "no file in memory: %s", g_strerror(errno));
    return -1;
}

/* The input is no pipe: a tool that ends without reading it would end this program too. */
GBytes *mpp_tool_run(const char *path, const char *argument, const char *input, GError **error)
{
    g_autoptr(GSubprocessLauncher) launcher = g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE);
    int in = open_text(input, error);
    if (in < 0)
        return NULL;
    g_subprocess_launcher_take_stdin_fd(launcher, in);
    g_autoptr(GSubprocess) tool = g_subprocess_launcher_spawn(launcher, error, path, argument, NULL);
    g_autoptr(GBytes) out = NULL, complaint = NULL;
    if (!tool || !g_subprocess_communicate(tool, NULL, NULL, &out, &complaint, error))
        return NULL;
    if (g_subprocess_get_successful(tool))
        return g_steal_pointer(&out);
    size_t n_bytes;
    const char *text = g_bytes_get_data(complaint, &n_bytes);
    g_autofree char *said = g_strndup(text ? text : "", n_bytes);
    g_set_error(error, MPP_ERROR, MPP_ERROR_BACKEND, "%s failed: %s", path, *g_strchomp(said) ? said : "it said nothing");
    return NULL;
}
