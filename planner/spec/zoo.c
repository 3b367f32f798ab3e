#include "planner/spec/zoo.h"

#include <gio/gio.h>
#include <string.h>

static const char *const kind_names[MPP_N_ZOOS] = { "model", "device", "cluster", "runtime" };
const MppNames mpp_zoo_kind_names = MPP_NAMES("kind of input", kind_names);

#define ROOT "/mpplan/"
static const char *const folders[MPP_N_ZOOS] = { "models/", "hwprofiles/devices/", "hwprofiles/clusters/",
                                                 "hwprofiles/runtimes/" };

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static char *without_suffix(const char *name)
{
    return g_str_has_suffix(name, ".json") ? g_strndup(name, strlen(name) - 5) : g_strdup(name);
}

GPtrArray *mpp_zoo_list(MppZooKind kind)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *folder = g_strconcat(ROOT, folders[kind], NULL);
    g_auto(GStrv) files = g_resources_enumerate_children(folder, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
    for (int i = 0; files && files[i]; i++)
        if (g_str_has_suffix(files[i], ".json"))
            g_ptr_array_add(names, without_suffix(files[i]));
    g_ptr_array_sort(names, compare_names);
    return names;
}

MppJson *mpp_zoo_built_in(const char *path, GError **error)
{
    g_autofree char *resource = g_strconcat(ROOT, path, NULL);
    g_autoptr(GBytes) bytes = g_resources_lookup_data(resource, G_RESOURCE_LOOKUP_FLAGS_NONE, error);
    if (!bytes)
        return NULL;
    size_t n_bytes;
    const char *text = g_bytes_get_data(bytes, &n_bytes);
    return mpp_json_parse(path, text, n_bytes, 1, error);
}

static MppJson *open_built_in(MppZooKind kind, const char *name, GError **error)
{
    g_autofree char *path = g_strconcat(folders[kind], name, ".json", NULL);
    return mpp_zoo_built_in(path, error);
}

/** A model as its publisher's page names it, "Qwen/Qwen3-8B", without the owner. */
static const char *without_owner(MppZooKind kind, const char *name)
{
    const char *slash = strchr(name, '/');
    bool page = kind == MPP_ZOO_MODELS && slash && slash > name && !strchr(slash + 1, '/') && !g_str_has_suffix(name, ".json");
    return page ? slash + 1 : name;
}

/** The built-in entry that @name means, or NULL with @error listing the known ones; none has a slash. */
static char *match(MppZooKind kind, const char *name, GError **error)
{
    g_autofree char *wanted = without_suffix(without_owner(kind, name));
    if (strchr(wanted, '/')) {
        mpp_error_usage(error, "there is no file \"%s\"", name);
        return NULL;
    }
    g_autoptr(GPtrArray) known = mpp_zoo_list(kind);
    MppNames names = { kind_names[kind], (const char *const *)known->pdata, (int)known->len };
    int index = mpp_names_find(&names, wanted);
    if (index >= 0)
        return g_strdup(known->pdata[index]);
    g_autofree char *nearest = mpp_names_suggest((const char *const *)known->pdata, (int)known->len, wanted);
    mpp_error_usage(error, "no file and no built-in %s is called \"%s\"; known: %s", kind_names[kind], name, nearest);
    return NULL;
}

MppJson *mpp_zoo_open(MppZooKind kind, const char *name, GError **error)
{
    if (g_file_test(name, G_FILE_TEST_EXISTS))
        return mpp_json_load(name, error);
    g_autofree char *entry = match(kind, name, error);
    return entry ? open_built_in(kind, entry, error) : NULL;
}

MppModel *mpp_zoo_model(const char *name, GError **error)
{
    g_autoptr(MppJson) json = mpp_zoo_open(MPP_ZOO_MODELS, name, error);
    return json ? mpp_model_read(json, error) : NULL;
}

static bool lists_name(const cJSON *list, const char *name)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
        if (cJSON_IsString(item) && mpp_names_same(item->valuestring, name))
            return true;
    return false;
}

/** The first built-in entry that has @name in its list called @key, or NULL. */
static MppJson *open_listed(MppZooKind kind, const char *key, const char *name)
{
    g_autoptr(GPtrArray) known = mpp_zoo_list(kind);
    for (guint i = 0; i < known->len; i++) {
        g_autoptr(MppJson) json = open_built_in(kind, known->pdata[i], NULL);
        if (json && lists_name(mpp_json_get(json->root, key), name))
            return g_steal_pointer(&json);
    }
    return NULL;
}

MppRuntime *mpp_zoo_runtime(const char *name, GError **error)
{
    g_autoptr(GError) unknown = NULL;
    g_autoptr(MppJson) json = mpp_zoo_open(MPP_ZOO_RUNTIMES, name, &unknown);
    if (!json && g_error_matches(unknown, MPP_ERROR, MPP_ERROR_USAGE))
        json = open_listed(MPP_ZOO_RUNTIMES, "frameworks", name);
    if (!json)
        g_propagate_error(error, g_steal_pointer(&unknown));
    return json ? mpp_runtime_read(json, error) : NULL;
}

/** A device's name without what drivers put before it, as in "NVIDIA GeForce RTX 4090" or "Tesla T4". */
static const char *without_vendor(const char *name)
{
    static const char *const words[] = { "nvidia", "geforce", "tesla", "amd", "instinct" };
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        size_t n = strlen(words[i]);
        if (g_ascii_strncasecmp(name, words[i], n) == 0 && (name[n] == ' ' || name[n] == '-'))
            name += n + 1;
    }
    return name;
}

static MppJson *open_device(const char *name, GError **error)
{
    if (g_file_test(name, G_FILE_TEST_EXISTS))
        return mpp_json_load(name, error);
    const char *bare = without_vendor(name);
    MppJson *json = open_listed(MPP_ZOO_DEVICES, "aliases", bare);
    return json ? json : mpp_zoo_open(MPP_ZOO_DEVICES, bare, error);
}

bool mpp_zoo_device(const char *name, MppDevice *device, GError **error)
{
    g_autoptr(MppJson) json = open_device(name, error);
    return json && mpp_device_read(json, device, error);
}

/** A device file beside the cluster's own, or in devices/ beside its folder, is taken before a built-in device. */
static char *device_path(const char *cluster_path, const char *device_name)
{
    static const char *const places[] = { "", "../devices" };
    g_autofree char *folder = g_path_get_dirname(cluster_path);
    g_autofree char *file = g_strconcat(device_name, g_str_has_suffix(device_name, ".json") ? "" : ".json", NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
        g_autofree char *path = g_build_filename(folder, places[i], file, NULL);
        if (g_file_test(path, G_FILE_TEST_EXISTS))
            return g_steal_pointer(&path);
    }
    return g_strdup(device_name);
}

static MppCluster *read_cluster(const MppJson *json, GError **error)
{
    g_autoptr(MppCluster) cluster = mpp_cluster_read(json, error);
    if (!cluster)
        return NULL;
    g_autofree char *device = device_path(json->name, cluster->device_name);
    g_autoptr(GError) refused = NULL;
    if (mpp_zoo_device(device, &cluster->device, &refused))
        return g_steal_pointer(&cluster);
    if (g_error_matches(refused, MPP_ERROR, MPP_ERROR_USAGE)) /* an unknown name, but not the command line's */
        mpp_json_error(error, json, mpp_json_get(json->root, "device"), MPP_ERROR_INVALID, "%s", refused->message);
    else
        g_propagate_prefixed_error(error, g_steal_pointer(&refused), "%s: /device: ", json->name);
    return NULL;
}

/** A device's file is its usual cluster with the file's device. */
static MppCluster *cluster_of_device(const MppJson *json, GError **error)
{
    const cJSON *usual = mpp_json_get(json->root, "cluster");
    if (!cJSON_IsString(usual)) {
        mpp_json_error(error, json, json->root, MPP_ERROR_INVALID, "a device's file needs \"cluster\", the cluster that it is put into");
        return NULL;
    }
    g_autofree char *entry = match(MPP_ZOO_CLUSTERS, usual->valuestring, error);
    g_autoptr(MppJson) file = entry ? open_built_in(MPP_ZOO_CLUSTERS, entry, error) : NULL;
    g_autoptr(MppCluster) cluster = file ? read_cluster(file, error) : NULL;
    if (!cluster)
        return NULL;
    mpp_device_clear(&cluster->device);
    if (!mpp_device_read(json, &cluster->device, error))
        return NULL;
    g_free(cluster->device_name);
    cluster->device_name = g_strdup(cluster->device.name);
    return g_steal_pointer(&cluster);
}

MppCluster *mpp_zoo_cluster(const char *name, GError **error)
{
    if (!g_file_test(name, G_FILE_TEST_EXISTS)) {
        g_autoptr(MppJson) device = open_device(name, NULL);
        const cJSON *usual = device ? mpp_json_get(device->root, "cluster") : NULL;
        if (cJSON_IsString(usual) && g_ascii_strcasecmp(usual->valuestring, name) != 0)
            return mpp_zoo_cluster(usual->valuestring, error);
    }
    g_autoptr(MppJson) json = mpp_zoo_open(MPP_ZOO_CLUSTERS, name, error);
    if (!json)
        return NULL;
    return mpp_json_get(json->root, "peak_flop_per_s") ? cluster_of_device(json, error) : read_cluster(json, error);
}
