#include <stdio.h>
#include <string.h>

#include "planner/base/units.h"
#include "planner/cli/command.h"
#include "planner/cli/terminal.h"
#include "planner/spec/model_hf.h"
#include "planner/spec/model_params.h"
#include "planner/spec/zoo.h"

static void add_text(MppTable *table, const char *name, const char *value, const char *source)
{
    mpp_table_add(table, "%s", name);
    mpp_table_add(table, "%s", value);
    mpp_table_add(table, "%s", source ? source : "");
}

/** "host.layer_s"; of an array's element by its own name, "nvlink", as the sources have it. */
static char *full_name(const char *prefix, const cJSON *member)
{
    const cJSON *own = mpp_json_get(member, "name");
    if (!member->string)
        return g_strdup(cJSON_IsString(own) ? own->valuestring : prefix);
    return g_strconcat(prefix, *prefix ? "." : "", member->string, NULL);
}

static void add_object(MppTable *table, const char *prefix, const cJSON *object, GHashTable *sources)
{
    const cJSON *member;
    cJSON_ArrayForEach(member, object) {
        if (g_strcmp0(member->string, "sources") == 0)
            continue;
        g_autofree char *name = full_name(prefix, member);
        const char *source = sources ? g_hash_table_lookup(sources, name) : NULL;
        if (cJSON_IsObject(member) || (cJSON_IsArray(member) && cJSON_IsObject(member->child))) {
            if (source)
                add_text(table, name, "", source);
            add_object(table, name, member, sources);
            continue;
        }
        char *value = cJSON_PrintUnformatted(member);
        add_text(table, name, value, source);
        cJSON_free(value);
    }
}

static bool print_fields(cJSON *object, GHashTable *sources, bool json, GError **error)
{
    if (json)
        return mpp_json_write(object, NULL, error);
    g_autoptr(MppTable) table = mpp_table_new("field|value|source");
    add_object(table, "", object, sources);
    mpp_table_print(table);
    return true;
}

static bool inspect_model(const char *name, bool json, GError **error)
{
    g_autoptr(MppJson) file = mpp_zoo_open(MPP_ZOO_MODELS, name, error);
    g_autoptr(MppModel) model = file ? mpp_model_read(file, error) : NULL;
    if (!model)
        return false;
    g_autoptr(cJSON) object = mpp_fields_write(&mpp_model_fields, model, true);
    cJSON_AddNumberToObject(object, "parameters", mpp_model_parameters(model));
    cJSON_AddNumberToObject(object, "active_parameters", mpp_model_active_parameters(model));
    g_autoptr(GPtrArray) passed = mpp_model_hf_recognise(file) ? mpp_model_hf_passed_over(file) : NULL;
    for (guint i = 0; passed && i < passed->len; i++) {
        if (i == 0)
            cJSON_AddArrayToObject(object, "passed_over");
        cJSON_AddItemToArray(cJSON_GetObjectItem(object, "passed_over"), cJSON_CreateString(passed->pdata[i]));
    }
    if (json)
        return mpp_json_write(object, NULL, error);
    g_autofree char *total = mpp_units_count(mpp_model_parameters(model)), *active = mpp_units_count(mpp_model_active_parameters(model));
    printf("%s: %s parameters", model->name, total);
    if (model->moe.experts)
        printf(", %s active", active);
    puts("\n");
    return print_fields(object, NULL, false, error);
}

static bool inspect_cluster(const char *name, bool json, GError **error)
{
    g_autoptr(MppCluster) cluster = mpp_zoo_cluster(name, error);
    if (!cluster)
        return false;
    g_autoptr(cJSON) object = mpp_fields_write(&mpp_cluster_fields, cluster, false);
    g_autoptr(cJSON) device = mpp_fields_write(&mpp_device_fields, &cluster->device, false);
    if (json) {
        cJSON_AddItemToObject(object, "device_profile", g_steal_pointer(&device));
        return mpp_json_write(object, NULL, error);
    }
    printf("%s\n\n", cluster->title);
    if (!print_fields(object, cluster->sources, false, error))
        return false;
    printf("\n%s\n\n", cluster->device.title);
    return print_fields(device, cluster->device.sources, false, error);
}

static bool inspect_device(const char *name, bool json, GError **error)
{
    MppDevice device;
    if (!mpp_zoo_device(name, &device, error))
        return false;
    g_autoptr(cJSON) object = mpp_fields_write(&mpp_device_fields, &device, false);
    if (!json)
        printf("%s\n\n", device.title);
    bool printed = print_fields(object, device.sources, json, error);
    mpp_device_clear(&device);
    return printed;
}

static bool inspect_runtime(const char *name, bool json, GError **error)
{
    g_autoptr(MppRuntime) runtime = mpp_zoo_runtime(name, error);
    if (!runtime)
        return false;
    g_autoptr(cJSON) object = mpp_fields_write(&mpp_runtime_fields, runtime, false);
    return print_fields(object, runtime->sources, json, error);
}

static bool list_names(MppZooKind kind, bool json, GError **error)
{
    g_autoptr(GPtrArray) names = mpp_zoo_list(kind);
    if (json) {
        g_autoptr(cJSON) list = cJSON_CreateStringArray((const char *const *)names->pdata, (int)names->len);
        return mpp_json_write(list, NULL, error);
    }
    for (guint i = 0; i < names->len; i++)
        puts(names->pdata[i]);
    return true;
}

typedef struct {
    const char *word;
    MppZooKind kind;
    bool (*inspect)(const char *name, bool json, GError **error);
} Subject;

static bool run(int argc, char **argv, GError **error)
{
    static const Subject subjects[] = { { "model", MPP_ZOO_MODELS, inspect_model },
                                        { "cluster", MPP_ZOO_CLUSTERS, inspect_cluster },
                                        { "device", MPP_ZOO_DEVICES, inspect_device },
                                        { "runtime", MPP_ZOO_RUNTIMES, inspect_runtime } };
    gboolean json = FALSE;
    const GOptionEntry entries[] = {
        { "json", 0, 0, G_OPTION_ARG_NONE, &json, "Print JSON", NULL },
        G_OPTION_ENTRY_NULL,
    };
    g_auto(MppArguments) arguments = { 0 };
    if (!mpp_command_parse(&mpp_command_inspect, NULL, entries, argc, argv, &arguments, error) || arguments.helped)
        return arguments.helped;
    char **rest = arguments.rest;
    if (rest && rest[1] && rest[2])
        return mpp_error_usage(error, "inspect takes one name; unexpected argument \"%s\"", rest[2]);
    for (size_t i = 0; rest && i < G_N_ELEMENTS(subjects); i++) {
        if (strcmp(rest[0], subjects[i].word) != 0)
            continue;
        return rest[1] ? subjects[i].inspect(rest[1], json, error) : list_names(subjects[i].kind, json, error);
    }
    return mpp_error_usage(error, "inspect needs model, cluster, device or runtime, and a name (none: list them)");
}

const MppCommand mpp_command_inspect = {
    .name = "inspect",
    .arguments = "model|cluster|device|runtime [NAME]",
    .summary = "Show a model, cluster, device or runtime with the source of each number, or list them.",
    .examples = "  mpplan inspect model                   # names of the built-in ones\n"
                "  mpplan inspect model config.json --json\n"
                "  mpplan inspect cluster dgx-h100\n",
    .run = run,
};
