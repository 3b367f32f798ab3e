#include "tests/support/random_job.h"

#include <string.h>

#include "planner/search/family.h"
#include "planner/search/placed_shard.h"
#include "planner/spec/model_params.h"

#define PICK(rand, ...)                                                                                                          \
    (((const int64_t[]){ __VA_ARGS__ })[g_rand_int_range((rand), 0, G_N_ELEMENTS(((const int64_t[]){ __VA_ARGS__ })))])

double random_job_scale(GRand *rand, double low, double high)
{
    return low * pow(high / low, g_rand_double(rand));
}

/** Numbers around their defaults, shares without one anywhere, flags and choices by lot; nested tables too. */
static void scatter(GRand *rand, const MppFields *fields, void *out)
{
    for (int i = 0; i < fields->n_rows; i++) {
        const MppField *row = &fields->rows[i];
        void *at = (char *)out + row->offset;
        double usual = row->fallback;
        if (row->type == MPP_FIELD_TYPE_STRUCT)
            scatter(rand, row->table, at);
        else if (isnan(usual)) /* required: the caller's to set */
            continue;
        else if (row->type == MPP_FIELD_TYPE_BOOL)
            *(bool *)at = g_rand_boolean(rand);
        else if (row->type == MPP_FIELD_TYPE_ENUM)
            *(int *)at = g_rand_int_range(rand, 0, row->names->n_names);
        else if (row->type == MPP_FIELD_TYPE_DOUBLE && (row->max <= 1 || !(usual > 0)))
            *(double *)at = g_rand_boolean(rand) ? CLAMP(g_rand_double(rand), row->min, row->max) : usual;
        else if (row->type == MPP_FIELD_TYPE_DOUBLE)
            *(double *)at = CLAMP(random_job_scale(rand, usual / 4, usual * 4), row->min, row->max);
    }
}

static void add_experts(GRand *rand, MppModel *model)
{
    model->moe = (MppMoe){
        .experts = PICK(rand, 4, 6, 8, 12),
        .topk = PICK(rand, 1, 2, 3),
        .ffn = 6 * PICK(rand, 8, 15, 24, 36),
        .shared_experts = PICK(rand, 0, 0, 1, 2),
        .leading_dense_layers = PICK(rand, 0, 0, 1, 2),
        .every = PICK(rand, 1, 1, 2),
        .router_bias = g_rand_boolean(rand),
    };
}

/** State-space layers: by a pattern of layers of one part, or in place of attention with an MLP or experts each. */
static void add_ssm(GRand *rand, MppModel *model)
{
    int64_t groups = PICK(rand, 1, 2, 4, 6);
    model->ssm = (MppSsm){ .kind = PICK(rand, MPP_SSM_MAMBA2, MPP_SSM_GATED_DELTA),
                           .heads = groups * PICK(rand, 1, 2, 4),
                           .head_dim = 8 * PICK(rand, 3, 8, 10),
                           .groups = groups,
                           .state = 8 * PICK(rand, 5, 16, 32),
                           .conv = PICK(rand, 3, 4),
                           .chunk = PICK(rand, 32, 64, 100) };
    model->attention_gate = g_rand_boolean(rand);
    model->full_attention_every = PICK(rand, 1, 3, 4);
    if (g_rand_boolean(rand))
        return;
    const char *parts = model->moe.experts ? "MM*-E" : "MM*-";
    model->pattern = g_strnfill((gsize)model->layers, 'M');
    for (int64_t i = 1; i < model->layers; i++)
        model->pattern[i] = parts[g_rand_int_range(rand, 0, (int)strlen(parts))];
    model->full_attention_every = model->moe.every = 1;
    model->moe.leading_dense_layers = 0;
}

static MppSequentialOp random_op(GRand *rand, bool last)
{
    return (MppSequentialOp){ .conv = 12 * PICK(rand, 1, 3, 4, 7),
                              .kernel = PICK(rand, 1, 3, 5),
                              .stride = last ? PICK(rand, 1, 1, 2) : 1,
                              .padding = -1,
                              .groups = PICK(rand, 1, 1, 1, 3),
                              .norm = PICK(rand, MPP_CHANNEL_NORM_NONE, MPP_CHANNEL_NORM_BATCH, MPP_CHANNEL_NORM_LAYER),
                              .activation = PICK(rand, MPP_ELEMENTWISE_NONE, MPP_ELEMENTWISE_RELU, MPP_ELEMENTWISE_GELU) };
}

static void add_listed(GRand *rand, GArray *layers)
{
    MppSequentialLayer layer = { .ops = g_array_new(FALSE, FALSE, sizeof(MppSequentialOp)),
                                 .residual = g_rand_boolean(rand),
                                 .repeat = PICK(rand, 1, 1, 2, 4) };
    int n = g_rand_int_range(rand, 1, 4);
    for (int i = 0; i < n; i++) {
        MppSequentialOp op = random_op(rand, i == n - 1);
        g_array_append_val(layer.ops, op);
    }
    g_array_append_val(layers, layer);
}

/** Convolutions, some in pairs, and a class head. */
static MppModel *random_listed_model(GRand *rand)
{
    MppModel *model = g_new0(MppModel, 1);
    model->name = g_strdup("random net");
    model->input = (MppShape){ 12, PICK(rand, 8, 17, 32), PICK(rand, 8, 16, 33) };
    model->sequential = g_array_new(FALSE, FALSE, sizeof(MppSequentialLayer));
    for (int n = g_rand_int_range(rand, 1, 5); n >= 0; n--)
        add_listed(rand, model->sequential);
    MppSequentialLayer head = { .ops = g_array_new(FALSE, FALSE, sizeof(MppSequentialOp)), .repeat = 1 };
    g_array_append_val(head.ops, ((MppSequentialOp){ .linear = 12 * PICK(rand, 1, 30, 80), .padding = -1, .groups = 1 }));
    g_array_append_val(head.ops, ((MppSequentialOp){ .linear = 37, .padding = -1, .groups = 1 }));
    g_array_append_val(model->sequential, head);
    g_autoptr(GError) error = NULL;
    if (!mpp_model_finish(model, NULL, NULL, &error))
        g_error("%s", error->message);
    return model;
}

static MppModel *random_model(GRand *rand)
{
    if (g_rand_int_range(rand, 0, 6) == 0)
        return random_listed_model(rand);
    MppModel *model = g_new0(MppModel, 1);
    mpp_fields_default(&mpp_model_fields, model);
    model->name = g_strdup("random");
    model->layers = g_rand_int_range(rand, 3, 25);
    model->heads = PICK(rand, 4, 5, 6, 8, 12, 16);
    model->kv_heads = model->heads / PICK(rand, 1, 1, 2, 4);
    model->kv_heads = MAX(1, model->heads % model->kv_heads ? 1 : model->kv_heads);
    model->head_dim = 8 * PICK(rand, 3, 5, 8, 16);
    model->hidden = model->heads * 8 * PICK(rand, 3, 5, 11, 23);
    model->ffn = 12 * PICK(rand, 17, 40, 83, 160);
    model->gated_mlp = g_rand_boolean(rand);
    model->vocab = g_rand_int_range(rand, 500, 60000);
    model->max_seq = 4096;
    model->tied_embeddings = g_rand_boolean(rand);
    model->positions = g_rand_boolean(rand) ? MPP_POSITIONS_ROTARY : MPP_POSITIONS_LEARNED;
    model->norm = g_rand_boolean(rand) ? MPP_NORM_RMS : MPP_NORM_LAYER;
    model->head = MPP_HEAD_LM;
    model->parallel_block = g_rand_int_range(rand, 0, 6) == 0;
    if (g_rand_int_range(rand, 0, 3) == 0) {
        model->window = PICK(rand, 24, 72, 100);
        model->full_attention_every = PICK(rand, 1, 2, 3);
    }
    if (!model->parallel_block && g_rand_int_range(rand, 0, 3) == 0)
        add_experts(rand, model);
    if (!model->parallel_block && !model->window && g_rand_int_range(rand, 0, 4) == 0)
        add_ssm(rand, model);
    g_autoptr(GError) error = NULL;
    if (!mpp_model_finish(model, NULL, NULL, &error))
        g_error("%s", error->message);
    return model;
}

static void add_tiers(GRand *rand, MppCluster *cluster)
{
    int n = g_rand_int_range(rand, 1, 4);
    int64_t devices = 1;
    double rate = random_job_scale(rand, 1e10, 1e12);
    for (int i = 0; i < n; i++) {
        devices *= PICK(rand, 2, 3, 4, 8);
        MppTier tier = {
            .name = g_strdup_printf("tier %d", i),
            .devices = i == n - 1 ? 0 : devices,
            .bytes_per_s = rate,
            .shared_by = PICK(rand, 1, 1, 2, 3, 4),
            .oversubscription = 1 + g_rand_double(rand),
            .efficiency_frac = 0.3 + 0.7 * g_rand_double(rand),
            .p2p_frac = 0.3 + 0.7 * g_rand_double(rand),
            .latency_s = random_job_scale(rand, 1e-7, 1e-4),
            .step_s = random_job_scale(rand, 1e-8, 1e-5),
            .in_network = g_rand_boolean(rand),
            .congestion = g_rand_boolean(rand) ? 0.5 * g_rand_double(rand) : 0,
        };
        g_array_append_val(cluster->tiers, tier);
        rate *= random_job_scale(rand, 0.05, 1.3);
    }
}

static MppCluster *random_cluster(GRand *rand)
{
    MppCluster *cluster = g_new0(MppCluster, 1);
    mpp_fields_default(&mpp_cluster_fields, cluster);
    mpp_fields_default(&mpp_device_fields, &cluster->device);
    cluster->name = g_strdup("random");
    cluster->tiers = g_array_new(FALSE, TRUE, sizeof(MppTier));
    cluster->jitter_frac = g_rand_boolean(rand) ? 0.1 * g_rand_double(rand) : 0;
    cluster->host_frac = random_job_scale(rand, 0.5, 2);
    cluster->host_capacity = PICK(rand, 0, 0, 1, 3);
    add_tiers(rand, cluster);

    MppDevice *device = &cluster->device;
    scatter(rand, &mpp_device_fields, device);
    device->title = g_strdup("random device");
    for (int i = 0; i < MPP_N_PRECISIONS; i++) {
        device->peak_flop_per_s.by_precision[i] = random_job_scale(rand, 1e13, 1e15);
        device->matmul_frac.by_precision[i] = 0.3 + 0.7 * g_rand_double(rand);
    }
    device->memory_bytes_per_s = random_job_scale(rand, 3e11, 8e12);
    device->memory_frac = 0.4 + 0.6 * g_rand_double(rand);
    device->cores = g_rand_int_range(rand, 1, 160);
    MppAttentionRate *rates[] = { &device->flash1, &device->flash2, &device->flash3 };
    for (size_t i = 0; i < G_N_ELEMENTS(rates); i++)
        *rates[i] = (MppAttentionRate){ 0.1 + 0.7 * g_rand_double(rand), 0.1 + 0.6 * g_rand_double(rand) };
    device->kernel_s = random_job_scale(rand, 1e-7, 1e-5);
    device->host_frac = random_job_scale(rand, 0.5, 2);
    device->host_link_bytes_per_s = random_job_scale(rand, 1e9, 1e11);
    device->host_memory_bytes_per_s = random_job_scale(rand, 1e9, 1e11);
    device->price_usd_per_h = 2.385;
    return cluster;
}

/** The usual ones or three of any kind. */
static int64_t random_schedules(GRand *rand)
{
    int64_t schedules = g_rand_int_range(rand, 0, 3) ? 0 : 1 << MPP_SCHEDULE_1F1B | 1 << MPP_SCHEDULE_INTERLEAVED;
    for (int i = 0; i < 3 && (i == 0 || !(schedules & 1 << MPP_SCHEDULE_1F1B)); i++)
        schedules |= (int64_t)1 << g_rand_int_range(rand, 0, MPP_N_SCHEDULES);
    return schedules;
}

static MppRuntime *random_runtime(GRand *rand)
{
    MppRuntime *runtime = g_new0(MppRuntime, 1);
    mpp_fields_default(&mpp_runtime_fields, runtime);
    scatter(rand, &mpp_runtime_fields, runtime);
    runtime->title = g_strdup("random stack");
    runtime->host.layer_s = g_rand_boolean(rand) ? random_job_scale(rand, 1e-6, 1e-3) : 0;
    runtime->host.kernel_s = random_job_scale(rand, 1e-8, 1e-5);
    runtime->host.micro_batch_s = random_job_scale(rand, 1e-6, 1e-3);
    runtime->host.step_s = random_job_scale(rand, 1e-6, 1e-2);
    runtime->memory.deferred_buffers = 3 * g_rand_double(rand);
    runtime->memory.fixed_bytes = random_job_scale(rand, 1e3, 1e6);
    runtime->vocab_multiple = PICK(rand, 1, 1, 8, 128);
    runtime->usual_zero = 0;
    runtime->most_zero = g_rand_int_range(rand, 0, 4);
    runtime->most_zero_with_pp = g_rand_int_range(rand, 0, 4);
    runtime->tensor_parallel = g_rand_int_range(rand, 0, 5) > 0;
    runtime->expert_parallel = g_rand_int_range(rand, 0, 5) > 0;
    runtime->offloads = g_rand_int_range(rand, 0, 1 << MPP_N_OFFLOADED);
    runtime->recompute_modules = g_rand_int_range(rand, 0, 1 << MPP_N_MODULES);
    runtime->one_node = g_rand_int_range(rand, 0, 20) == 0;
    runtime->schedules = g_rand_int_range(rand, 0, 5) ? random_schedules(rand) : 0;
    runtime->context_kinds = g_rand_int_range(rand, 0, 1 << MPP_N_CPS);
    runtime->fewer_micro_batches = g_rand_int_range(rand, -1, 3);
    return runtime;
}

MppInputs *random_job_new(GRand *rand, int64_t most_gpus)
{
    MppInputs *inputs = mpp_inputs_new(random_model(rand), random_cluster(rand), random_runtime(rand));
    inputs->gpus = g_rand_int_range(rand, 1, (int)most_gpus + 1);
    inputs->training = (MppTraining){
        .seq = inputs->model.sequential ? 1 : PICK(rand, 48, 64, 96, 240, 256),
        .global_batch = PICK(rand, 4, 6, 8, 12, 16, 24, 32, 35),
        .precision = g_rand_int_range(rand, 0, MPP_N_PRECISIONS),
        .optimizer = g_rand_int_range(rand, 0, MPP_N_OPTIMIZERS),
        .dropout = g_rand_boolean(rand),
        .kernels = inputs->runtime.kernels,
    };
    double states = 16 * mpp_model_parameters(&inputs->model) / (double)inputs->gpus;
    inputs->cluster.device.memory_bytes = states * random_job_scale(rand, 0.3, 60);
    mpp_inputs_bind(inputs);
    return inputs;
}

static void add_members(const MppJob *job, const MppSpaceLimits *limits, const MppFamily *family, const MppStrategy *shape,
                        GArray *members)
{
    MppStageSplit splits[MPP_SPACE_MOST_CHOICES];
    MppRecompute recomputes[MPP_SPACE_MOST_CHOICES];
    MppSharding shardings[MPP_SPACE_MOST_CHOICES];
    int n_splits = mpp_space_splits(job, shape, limits, splits);
    int n_recomputes = mpp_space_recomputes(job, shape, limits, recomputes);
    int n_shardings = mpp_space_shardings(job, shape, limits, shardings);
    for (int i = 0; i < n_splits * n_recomputes * n_shardings; i++) {
        const MppSharding *sharding = &shardings[i % n_shardings];
        RandomMember member = { *shape, family->index, family->bound_s };
        member.strategy.stage_split = splits[i / n_shardings / n_recomputes];
        member.strategy.recompute = recomputes[i / n_shardings % n_recomputes];
        member.strategy.zero = sharding->zero;
        member.strategy.zero_ranks = sharding->zero_ranks;
        member.strategy.offload = sharding->offload;
        g_array_append_val(members, member);
    }
}

GArray *random_job_members(const MppJob *job, const MppSpaceLimits *limits)
{
    GArray *members = g_array_new(FALSE, FALSE, sizeof(RandomMember));
    g_autoptr(GArray) families = mpp_space_families(job, limits);
    for (guint i = 0; i < families->len; i++) {
        MppFamily *family = &g_array_index(families, MppFamily, i);
        family->bound_s = mpp_placed_shard_bound_s(job, &family->base);
        g_autoptr(GArray) shapes = mpp_space_shapes(job, family, limits);
        for (guint k = 0; k < shapes->len; k++)
            add_members(job, limits, family, &g_array_index(shapes, MppStrategy, k), members);
    }
    return members;
}

MppSpaceLimits random_job_limits(GRand *rand, const MppJob *job)
{
    static const char *const fields[] = { "dp",          "tp",          "pp",
                                          "vpp",         "cp",          "ep",
                                          "etp",         "micro_batch", "sequence_parallel",
                                          "zero",        "zero_ranks",  "offload",
                                          "schedule",    "recompute",   "cp_kind",
                                          "stage_split", "order" };
    MppSpaceLimits limits = { .fixed = mpp_strategy_single() };
    g_autoptr(GArray) members = random_job_members(job, &limits);
    if (!members->len)
        return limits;
    limits.fixed = g_array_index(members, RandomMember, g_rand_int_range(rand, 0, (int)members->len)).strategy;
    for (int n = g_rand_int_range(rand, 0, 4); n > 0; n--)
        limits.fields |= mpp_strategy_field(fields[g_rand_int_range(rand, 0, G_N_ELEMENTS(fields))]);
    int64_t chunks = limits.fixed.pp * limits.fixed.vpp;
    if (limits.fixed.recompute == MPP_RECOMPUTE_FULL && g_rand_boolean(rand))
        limits.fixed.recompute_layers = g_rand_int_range(rand, 1, (int)((job->model->n_layers + chunks - 1) / chunks) + 1);
    return limits;
}
