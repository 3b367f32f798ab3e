#include "tests/support/plain_job.h"

#include <string.h>

static MppModel *plain_model(void)
{
    MppModel *model = g_new0(MppModel, 1);
    mpp_fields_default(&mpp_model_fields, model);
    model->name = g_strdup("plain");
    model->layers = 4;
    model->hidden = 512;
    model->heads = 4;
    model->head_dim = 128;
    model->ffn = 2048;
    model->vocab = 51200;
    model->max_seq = 1024;
    model->positions = MPP_POSITIONS_NONE;
    return model;
}

static void add_tier(MppCluster *cluster, const char *name, int64_t devices, double bytes_per_s)
{
    MppTier tier = { .name = g_strdup(name),
                     .devices = devices,
                     .bytes_per_s = bytes_per_s,
                     .shared_by = 1,
                     .oversubscription = 1,
                     .efficiency_frac = 1,
                     .p2p_frac = 1 };
    g_array_append_val(cluster->tiers, tier);
}

static MppCluster *plain_cluster(void)
{
    MppCluster *cluster = g_new0(MppCluster, 1);
    mpp_fields_default(&mpp_cluster_fields, cluster);
    mpp_fields_default(&mpp_device_fields, &cluster->device);
    cluster->name = g_strdup("plain");
    cluster->tiers = g_array_new(FALSE, TRUE, sizeof(MppTier));
    add_tier(cluster, "node", 4, 1e11);
    add_tier(cluster, "network", 0, 1e10);

    MppDevice *device = &cluster->device;
    device->title = g_strdup("plain device");
    device->memory_bytes = 8e10;
    device->memory_bytes_per_s = 1e13;
    device->memory_frac = 1;
    for (int i = 0; i < MPP_N_PRECISIONS; i++) {
        device->peak_flop_per_s.by_precision[i] = 1e14;
        device->matmul_frac.by_precision[i] = 1;
    }
    device->cores = 1;
    device->matmul_depth = 0;
    device->grouped_frac = 1;
    device->flash2 = (MppAttentionRate){ 0.5, 0.25 };
    device->attention_tokens = 0;
    device->kernel_s = 0;
    device->host_link_bytes_per_s = 1e10;
    device->host_memory_bytes_per_s = 2e10;
    return cluster;
}

static MppRuntime *plain_runtime(void)
{
    MppRuntime *runtime = g_new0(MppRuntime, 1);
    mpp_fields_default(&mpp_runtime_fields, runtime);
    runtime->title = g_strdup("plain stack");
    runtime->host = (MppHostCosts){ 0 };
    runtime->overlap = (MppOverlap){ 0 };
    runtime->memory.fixed_bytes = 0;
    runtime->memory.context_bytes = 0;
    runtime->memory.usable_frac = 1;
    runtime->state.update_traffic_bytes = 30;
    runtime->state.bucket_bytes = 0;
    runtime->most_zero_with_pp = 3;
    runtime->offloads = 1 << MPP_OFFLOADED_OPTIMIZER;
    return runtime;
}

MppInputs *plain_job_new(int64_t gpus)
{
    MppInputs *inputs = mpp_inputs_new(plain_model(), plain_cluster(), plain_runtime());
    inputs->gpus = gpus;
    inputs->training = (MppTraining){ 1024, 16, MPP_PRECISION_BF16, MPP_OPTIMIZER_ADAM, false, inputs->runtime.kernels };
    plain_job_finish(inputs);
    return inputs;
}

void plain_job_finish(MppInputs *inputs)
{
    g_autoptr(GError) error = NULL;
    if (!mpp_model_finish(&inputs->model, NULL, NULL, &error))
        g_error("%s", error->message);
    mpp_inputs_bind(inputs);
}

MppStrategy plain_job_strategy(const char *text)
{
    g_autoptr(GError) error = NULL;
    MppStrategy strategy = mpp_strategy_single();
    if (!mpp_strategy_parse(text, &strategy, NULL, &error))
        g_error("%s", error->message);
    return strategy;
}

MppOps plain_job_layer(const MppInputs *inputs, const char *strategy, int64_t kind)
{
    MppOps ops;
    MppStrategy s = plain_job_strategy(strategy);
    MppShard shard = mpp_shard_of(&s);
    mpp_ops_layer(&inputs->job, &shard, &inputs->model.kinds[kind], &ops);
    return ops;
}

double plain_job_flop(const MppOps *ops)
{
    double flop = 0;
    for (int i = 0; i < ops->n; i++) {
        const MppOp *op = &ops->ops[i];
        bool product = op->kind == MPP_OP_MATMUL, attention = op->kind == MPP_OP_ATTENTION;
        flop += product || attention ? 2 * op->count * op->m * op->n * (op->k + attention * op->v) : 0;
    }
    return flop;
}

char *plain_job_names(const MppOps *ops)
{
    GString *names = g_string_new(NULL);
    for (int i = 0; i < ops->n; i++)
        g_string_append_printf(names, "%s%s", i ? ", " : "", ops->ops[i].name);
    return g_string_free(names, FALSE);
}

const MppOp *plain_job_find(const MppOps *ops, const char *name)
{
    const MppOp *found = NULL;
    for (int i = 0; i < ops->n; i++)
        if (strcmp(ops->ops[i].name, name) == 0) {
            g_assert_null(found);
            found = &ops->ops[i];
        }
    if (!found)
        g_error("there is no op \"%s\"", name);
    return found;
}

void plain_job_expect(const char *what, double found, double expected)
{
    if (!(ABS(found - expected) <= 1e-12 * ABS(expected)))
        g_error("%s: %.15g, expected %.15g", what, found, expected);
}
