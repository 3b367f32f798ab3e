#include "planner/report/page_parts.h"

cJSON *mpp_page_layout(const MppJob *job, const MppStrategy *s)
{
    cJSON *layout = cJSON_CreateObject();
    cJSON_AddNumberToObject(layout, "gpus", job->gpus);
    cJSON_AddNumberToObject(layout, "per_node", mpp_cluster_domain(job->cluster, 0, job->gpus));
    const struct {
        const char *name;
        int64_t degree;
        MppAxis axis;
    } axes[] = {
        { "tp", s->tp, MPP_AXIS_TP },
        { "cp", s->cp, MPP_AXIS_CP },
        { "dp", s->dp, MPP_AXIS_DP },
        { "pp", s->pp, MPP_AXIS_PP },
    };
    cJSON *list = cJSON_AddArrayToObject(layout, "axes");
    for (size_t i = 0; i < G_N_ELEMENTS(axes); i++) {
        cJSON *axis = cJSON_CreateObject();
        cJSON_AddStringToObject(axis, "name", axes[i].name);
        cJSON_AddNumberToObject(axis, "degree", axes[i].degree);
        cJSON_AddNumberToObject(axis, "stride", mpp_mesh_stride(s, axes[i].axis));
        cJSON_AddItemToArray(list, axis);
    }
    MppMesh mesh = mpp_mesh_new(s, job->cluster, job->gpus);
    cJSON_AddNumberToObject(layout, "ep", s->ep);
    cJSON_AddNumberToObject(layout, "etp", s->etp);
    cJSON *tiers = cJSON_AddObjectToObject(layout, "tiers");
    for (MppAxis axis = MPP_AXIS_TP; axis <= MPP_AXIS_EP; axis++)
        if (mesh.groups[axis].n > 1)
            cJSON_AddStringToObject(tiers, mpp_names_get(&mpp_axis_names, axis),
                                    mpp_cluster_tier(job->cluster, mesh.groups[axis].widest_tier)->name);
    return layout;
}

/** "74e9", "flash3", "[1, 2]": a value as the files have it. */
static char *value_text(const cJSON *value)
{
    if (cJSON_IsString(value))
        return g_strdup(value->valuestring);
    g_autofree char *text = mpp_json_to_text(value);
    return g_strdup(g_strstrip(text));
}

/** The members of @object, those of objects within it as "outer.inner". */
static void add_values(cJSON *rows, const cJSON *object, const char *prefix, GHashTable *sources)
{
    const cJSON *member;
    cJSON_ArrayForEach(member, object)
    {
        if (g_str_equal(member->string, "sources") || g_str_equal(member->string, "source"))
            continue;
        g_autofree char *name = g_strconcat(prefix, *prefix ? "." : "", member->string, NULL);
        const char *source = sources ? g_hash_table_lookup(sources, *prefix ? prefix : member->string) : NULL;
        if (cJSON_IsObject(member)) {
            add_values(rows, member, name, sources);
            continue;
        }
        g_autofree char *text = value_text(member);
        const char *cells[] = { name, text, source ? source : "" };
        cJSON_AddItemToArray(rows, cJSON_CreateStringArray(cells, source ? 3 : 2));
    }
}

static void add_section(cJSON *list, const char *title, const MppFields *fields, const void *value, GHashTable *sources,
                        const char *source)
{
    g_autoptr(cJSON) object = mpp_fields_write(fields, value, true);
    cJSON *section = cJSON_CreateObject();
    cJSON_AddStringToObject(section, "title", title);
    if (source)
        cJSON_AddStringToObject(section, "source", source);
    add_values(cJSON_AddArrayToObject(section, "rows"), object, "", sources);
    cJSON_AddItemToArray(list, section);
}

void mpp_page_add_inputs(cJSON *root, const MppInputs *inputs)
{
    cJSON *list = cJSON_AddArrayToObject(root, "inputs");
    add_section(list, "training", &mpp_training_fields, &inputs->training, NULL, NULL);
    add_section(list, "model", &mpp_model_fields, &inputs->model, NULL, inputs->model.source);
    add_section(list, "cluster", &mpp_cluster_fields, &inputs->cluster, inputs->cluster.sources, NULL);
    add_section(list, "device", &mpp_device_fields, &inputs->cluster.device, inputs->cluster.device.sources, NULL);
    add_section(list, "software stack", &mpp_runtime_fields, &inputs->runtime, inputs->runtime.sources, NULL);
    cJSON *assumed = cJSON_AddArrayToObject(root, "assumed");
    for (guint i = 0; inputs->assumed && i < inputs->assumed->len; i++)
        cJSON_AddItemToArray(assumed, cJSON_CreateString(inputs->assumed->pdata[i]));
}
