#include "planner/calibrate/write.h"

#include <errno.h>
#include <string.h>

static const char *folder_of(const char *kind)
{
    return strcmp(kind, "device") == 0 ? "devices" : strcmp(kind, "cluster") == 0 ? "clusters" : "runtimes";
}

/** Three significant digits: more would claim what the runs do not say. */
static double rounded(double value)
{
    g_autofree char *text = g_strdup_printf("%.3g", value);
    return g_ascii_strtod(text, NULL);
}

/** The object that holds the field at @path, its nested objects made where they are missing. */
static cJSON *holder(cJSON *root, char **path)
{
    cJSON *at = root;
    for (int i = 0; path[i + 1]; i++) {
        cJSON *next = cJSON_IsArray(at) ? cJSON_GetArrayItem(at, (int)g_ascii_strtoull(path[i], NULL, 10))
                                        : cJSON_GetObjectItemCaseSensitive(at, path[i]);
        at = next ? next : cJSON_AddObjectToObject(at, path[i]);
    }
    return at;
}

static void set_member(cJSON *object, const char *name, cJSON *value)
{
    if (cJSON_GetObjectItemCaseSensitive(object, name))
        cJSON_ReplaceItemInObjectCaseSensitive(object, name, value);
    else
        cJSON_AddItemToObject(object, name, value);
}

/** The part of a source before what an earlier fit added. */
static char *basis(const cJSON *sources, const char *key)
{
    const cJSON *old = cJSON_GetObjectItemCaseSensitive(sources, key);
    g_auto(GStrv) parts = g_strsplit(cJSON_IsString(old) ? old->valuestring : "", "; fitted to ", 2);
    return g_strdup(parts[0] ? parts[0] : "");
}

/** Key of the text that tells where the number at @path comes from: its field, or the tier and its field. */
static char *source_key(const cJSON *root, char **path)
{
    if (strcmp(path[0], "tiers") != 0 || !path[1] || !path[2])
        return g_strdup(path[0]);
    const cJSON *tier = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(root, "tiers"), (int)g_ascii_strtoull(path[1], NULL, 10));
    return g_strconcat(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(tier, "name")), ".", path[2], NULL);
}

static void set_source(cJSON *root, const char *key, const char *whose, const MppParameter *parameter)
{
    cJSON *sources = cJSON_GetObjectItemCaseSensitive(root, "sources");
    if (!sources)
        sources = cJSON_AddObjectToObject(root, "sources");
    g_autofree char *before = basis(sources, key);
    g_autofree char *runs = g_strdup_printf("%d %s runs, mean error %.1f %%", parameter->n_runs, whose, 100 * parameter->mean_error);
    g_autofree char *text = g_strconcat(*before ? before : "guess", "; fitted to ", parameter->n_runs ? runs : "others of its kind", NULL);
    set_member(sources, key, cJSON_CreateString(text));
}

static bool write_one(const MppParameter *parameter, const char *whose, const char *folder, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(parameter->name, "/", -1);
    g_auto(GStrv) profile = g_strsplit(parts[0], ":", 2);
    g_autofree char *file = g_strconcat(profile[1], ".json", NULL);
    g_autofree char *path = g_build_filename(folder, folder_of(profile[0]), file, NULL);
    g_autoptr(MppJson) json = mpp_json_load(path, error);
    if (!json)
        return false;
    g_auto(GStrv) fields = g_strsplit(parts[g_strv_length(parts) - 1], "+", -1);
    for (int i = 0; fields[i]; i++)
        set_member(holder(json->root, parts + 1), fields[i], cJSON_CreateNumber(rounded(parameter->value)));
    g_autofree char *key = source_key(json->root, parts + 1);
    if (parameter->n_runs || parameter->centre >= 0)
        set_source(json->root, key, whose, parameter);
    return mpp_json_write(json->root, path, error);
}

bool mpp_calibrate_write(const GArray *parameters, const char *whose, const char *folder, GError **error)
{
    for (guint i = 0; i < parameters->len; i++) {
        const MppParameter *parameter = &g_array_index(parameters, MppParameter, i);
        if (parameter->places->len && !write_one(parameter, whose, folder, error))
            return false;
    }
    return true;
}

static bool create_one(const MppFields *fields, const void *profile, const char *kind, const char *name, const char *folder,
                       GError **error)
{
    g_autofree char *within = g_build_filename(folder, folder_of(kind), NULL), *file = g_strconcat(name, ".json", NULL);
    g_autofree char *path = g_build_filename(within, file, NULL);
    if (g_mkdir_with_parents(within, 0777)) {
        g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno), "%s: %s", within, g_strerror(errno));
        return false;
    }
    g_autoptr(cJSON) root = mpp_fields_write(fields, profile, true);
    return mpp_json_write(root, path, error);
}

bool mpp_calibrate_create(const MppProfiles *profiles, const char *folder, GError **error)
{
    for (guint i = 0; i < profiles->clusters->len; i++) {
        const MppCluster *cluster = profiles->clusters->pdata[i];
        if (!create_one(&mpp_cluster_fields, cluster, "cluster", cluster->name, folder, error) ||
            !create_one(&mpp_device_fields, &cluster->device, "device", cluster->device.name, folder, error))
            return false;
    }
    for (guint i = 0; i < profiles->runtimes->len; i++) {
        const MppRuntime *runtime = profiles->runtimes->pdata[i];
        if (!create_one(&mpp_runtime_fields, runtime, "runtime", runtime->name, folder, error))
            return false;
    }
    return true;
}
