#include "planner/base/tool.h"

#include <gio/gio.h>
#include <string.h>

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

GBytes *mpp_tool_run(const char *path, const char *argument, const char *input, GError **error)
{
    const GSubprocessFlags flags = G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE |
                                   G_SUBPROCESS_FLAGS_STDERR_PIPE;
    g_autoptr(GSubprocess) tool = g_subprocess_new(flags, error, path, argument, NULL);
    if (!tool)
        return NULL;
    g_autoptr(GBytes) in = g_bytes_new_static(input, strlen(input)), out = NULL, complaint = NULL;
    if (!g_subprocess_communicate(tool, in, NULL, &out, &complaint, error))
        return NULL;
    if (g_subprocess_get_successful(tool))
        return g_steal_pointer(&out);
    size_t n_bytes;
    const char *text = g_bytes_get_data(complaint, &n_bytes);
    g_autofree char *said = g_strndup(text ? text : "", n_bytes);
    g_set_error(error, MPP_ERROR, MPP_ERROR_BACKEND, "%s failed: %s", path, *g_strchomp(said) ? said : "it said nothing");
    return NULL;
}
