#include "validate/backend_load.h"

#include <string.h>

#define PREFIX "mpplan-backend-"
#define SUFFIX ".so"

char *mpp_backend_folder(GError **error)
{
    g_autofree char *program = g_file_read_link("/proc/self/exe", error);
    if (!program)
        return NULL;
    g_autofree char *beside = g_path_get_dirname(program), *worker = g_build_filename(beside, MPP_WORKER, NULL);
    return g_file_test(worker, G_FILE_TEST_EXISTS) ? g_steal_pointer(&beside)
                                                   : g_build_filename(beside, "..", "libexec", "mpplan", NULL);
}

static int by_name(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/** "cpu, cuda", or "none". */
static char *list_backends(const char *folder)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *file;
    while (dir && (file = g_dir_read_name(dir)))
        if (g_str_has_prefix(file, PREFIX) && g_str_has_suffix(file, SUFFIX))
            g_ptr_array_add(names, g_strndup(file + strlen(PREFIX), strlen(file) - strlen(PREFIX SUFFIX)));
    g_ptr_array_sort(names, by_name);
    g_ptr_array_add(names, NULL);
    return names->pdata[0] ? g_strjoinv(", ", (char **)names->pdata) : g_strdup("none");
}

static void set_missing(const char *folder, const char *name, GError **error)
{
    g_autofree char *known = list_backends(folder);
    g_set_error(error, MPP_ERROR, MPP_ERROR_BACKEND, "no backend \"%s\" in %s; there: %s (`make doctor` tells what each needs)",
                name, folder, known);
}

char *mpp_backend_path(const char *folder, const char *name)
{
    g_autofree char *file = g_strconcat(PREFIX, name, SUFFIX, NULL);
    return g_build_filename(folder, file, NULL);
}

const MppBackend *mpp_backend_load(const char *folder, const char *name, GError **error)
{
    g_autofree char *path = mpp_backend_path(folder, name);
    if (strchr(name, G_DIR_SEPARATOR) || !g_file_test(path, G_FILE_TEST_EXISTS)) {
        set_missing(folder, name, error);
        return NULL;
    }
    GModule *module = g_module_open(path, G_MODULE_BIND_LOCAL);
    gpointer symbol = NULL;
    if (!module || !g_module_symbol(module, MPP_BACKEND_SYMBOL, &symbol)) {
        g_set_error(error, MPP_ERROR, MPP_ERROR_BACKEND, "backend %s: %s", path, g_module_error());
        return NULL;
    }
    g_module_make_resident(module); /* MPI and CUDA do not survive being unloaded */
    const MppBackend *backend = symbol;
    if (backend->abi == MPP_BACKEND_ABI)
        return backend;
    g_set_error(error, MPP_ERROR, MPP_ERROR_BACKEND,
                "backend %s has interface version %d, this program %d: build both from one source", path, backend->abi,
                MPP_BACKEND_ABI);
    return NULL;
}
