#include "planner/spec/inputs.h"

static const MppField rows[] = {
    MPP_FIELD_STRUCT(MppInputs, model, &mpp_model_fields, MPP_REQUIRED, "what is trained"),
    MPP_FIELD_STRUCT(MppInputs, cluster, &mpp_cluster_fields, MPP_REQUIRED, "links"),
    { "device", MPP_FIELD_TYPE_STRUCT, offsetof(MppInputs, cluster.device), 0, 0, MPP_REQUIRED, NULL, &mpp_device_fields, "devices" },
    MPP_FIELD_STRUCT(MppInputs, runtime, &mpp_runtime_fields, MPP_REQUIRED, "software stack"),
    MPP_FIELD_STRUCT(MppInputs, training, &mpp_training_fields, MPP_REQUIRED, "how it is trained"),
    MPP_FIELD_INT(MppInputs, gpus, 1, 1 << 24, MPP_REQUIRED, "devices used"),
    MPP_FIELD_STRINGS(MppInputs, assumed, "what was assumed"),
};
const MppFields mpp_inputs_fields = MPP_FIELDS("plan's inputs", MppInputs, rows);

void mpp_inputs_bind(MppInputs *inputs)
{
    inputs->job = (MppJob){ &inputs->model, &inputs->cluster, &inputs->runtime, inputs->training, inputs->gpus };
}

/** What the tables cannot check. */
static bool check(MppInputs *inputs, const MppJson *json, const cJSON *object, GError **error)
{
    if (!mpp_cluster_check(&inputs->cluster, json, mpp_json_get(object, "cluster"), error) ||
        !mpp_device_check(&inputs->cluster.device, json, mpp_json_get(object, "device"), error))
        return false;
    return mpp_training_check(&inputs->training, json, mpp_json_get(object, "training"), error) &&
           mpp_model_finish(&inputs->model, json, mpp_json_get(object, "model"), error);
}

MppInputs *mpp_inputs_read(const MppJson *json, const cJSON *object, GError **error)
{
    g_autoptr(MppInputs) inputs = g_new0(MppInputs, 1);
    if (!mpp_fields_read(&mpp_inputs_fields, json, object, inputs, error) || !check(inputs, json, object, error))
        return NULL;
    mpp_inputs_bind(inputs);
    return g_steal_pointer(&inputs);
}

cJSON *mpp_inputs_write(const MppInputs *inputs)
{
    return mpp_fields_write(&mpp_inputs_fields, inputs, true);
}

MppInputs *mpp_inputs_new(MppModel *model, MppCluster *cluster, MppRuntime *runtime)
{
    MppInputs *inputs = g_new0(MppInputs, 1);
    inputs->model = *model;
    inputs->cluster = *cluster;
    inputs->runtime = *runtime;
    g_free(model);
    g_free(cluster);
    g_free(runtime);
    return inputs;
}

void mpp_inputs_free(MppInputs *inputs)
{
    if (!inputs)
        return;
    mpp_model_clear(&inputs->model);
    mpp_fields_clear(&mpp_inputs_fields, inputs);
    g_free(inputs);
}

void mpp_inputs_assume(MppInputs *inputs, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (!inputs->assumed)
        inputs->assumed = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(inputs->assumed, g_strdup_vprintf(format, arguments));
    va_end(arguments);
}

static char *batch_title(const MppJob *job)
{
    if (job->model->sequential)
        return g_strdup_printf("%" G_GINT64_FORMAT " samples", job->training.global_batch);
    g_autofree char *mean = job->training.mean_seq ? g_strdup_printf(" (%" G_GINT64_FORMAT " on average)", job->training.mean_seq) : NULL;
    g_autofree char *target = job->training.target_seq ? g_strdup_printf(" and the decoder's %" G_GINT64_FORMAT, job->training.target_seq) : NULL;
    int64_t packed = job->training.document_tokens;
    g_autofree char *documents = packed ? g_strdup_printf(" (documents of %" G_GINT64_FORMAT ")", packed) : NULL;
    return g_strdup_printf("%" G_GINT64_FORMAT " tokens%s%s%s × %" G_GINT64_FORMAT " sequences", job->training.seq,
                           documents ? documents : "", mean ? mean : "", target ? target : "", job->training.global_batch);
}

char *mpp_inputs_title(const MppInputs *inputs)
{
    const MppJob *job = &inputs->job;
    int64_t node = mpp_cluster_domain(job->cluster, 0, job->gpus), nodes = (job->gpus + node - 1) / node;
    g_autofree char *where = nodes == 1 ? g_strdup("one node") : g_strdup_printf("%" G_GINT64_FORMAT " nodes", nodes);
    g_autofree char *batch = batch_title(job);
    return g_strdup_printf("%s, %s a step, on %" G_GINT64_FORMAT " × %s (%s), %s, %s%s", job->model->name, batch, job->gpus,
                           job->cluster->device.title, where, job->runtime->title, mpp_names_get(&mpp_precision_names, job->training.precision),
                           job->training.narrow_states ? "-true" : "");
}
