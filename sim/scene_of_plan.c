#include "sim/scene_of_plan.h"

#include "planner/cost/step_end.h"
#include "planner/spec/zoo.h"
#include "sim/scene_links.h"

typedef struct {
    MppPipelineCost *pipeline;
    const MppJob *job;
    const MppStrategy *strategy;
    const MppWhatIf *what_if;
    const MppLanes *lanes;
    MppScenePlan plan;
    MppScene *scene;
} Builder;

/** Experts may have replicas where the rest of the model has none. */
MppProgram *mpp_program_of_plan(MppPipelineCost *pipeline)
{
    MppProgramOptions options = { .tied_embedding = mpp_step_end_tied_s(pipeline) > 0, .barrier = true };
    for (int64_t c = 0; c < pipeline->n_chunks; c++)
        options.replicated = options.replicated || mpp_step_end_reduction(pipeline, c, 0).work_s > 0;
    for (int64_t k = 0; k < pipeline->strategy->pp; k++) {
        double gather_s;
        mpp_step_end_update_s(pipeline, k, &gather_s);
        options.gathers = options.gathers || gather_s > 0;
    }
    return mpp_program_new(mpp_pipeline_cost_order(pipeline), &options);
}

/* --- passes --- */

/** Collectives inside a pass of @chunk: what its ranks wait for each other. */
static double exchange_s(const MppPipelineCost *pipeline, int64_t chunk, MppPass pass)
{
    MppShares shares;
    mpp_pipeline_cost_pass_shares(pipeline, chunk, pass, &shares);
    return shares.s[MPP_SHARE_TP] + shares.s[MPP_SHARE_CP] + shares.s[MPP_SHARE_EP] + shares.s[MPP_SHARE_DP];
}

/** The collectives of a split backward pass belong to the gradient of the input. */
static void set_times(const MppPipelineCost *pipeline, MppChunkTime *times)
{
    const MppDurations durations = mpp_pipeline_cost_durations(pipeline);
    int64_t n = pipeline->n_chunks;
    for (int64_t c = 0; c < n; c++) {
        double forward_s = MIN(exchange_s(pipeline, c, MPP_PASS_FORWARD), durations.forward_s[c]);
        double input_s = MIN(exchange_s(pipeline, c, MPP_PASS_BACKWARD), durations.input_s[c]);
        times[MPP_PASS_FORWARD * n + c] = (MppChunkTime){ durations.forward_s[c] - forward_s, forward_s };
        times[MPP_PASS_INPUT * n + c] = (MppChunkTime){ durations.input_s[c] - input_s, input_s };
        times[MPP_PASS_WEIGHT * n + c] = (MppChunkTime){ durations.weight_s[c], 0 };
        times[MPP_PASS_BACKWARD * n + c] =
            (MppChunkTime){ durations.input_s[c] - input_s + durations.weight_s[c], input_s };
    }
}

/** The plan's costs, layer for layer, on another device. */
static bool cost_pool(const Builder *builder, const char *device, MppChunkTime *times, GError **error)
{
    g_autoptr(MppCluster) cluster = mpp_cluster_copy(builder->job->cluster);
    mpp_device_clear(&cluster->device);
    if (!mpp_zoo_device(device, &cluster->device, error))
        return false;
    MppJob job = *builder->job;
    job.cluster = cluster;
    if (cluster->device.peak_flop_per_s.by_precision[job.training.precision] <= 0)
        return mpp_error_set(error, MPP_ERROR_UNSUPPORTED, "pool: %s does not compute in %s", cluster->device.title,
                             mpp_names_get(&mpp_precision_names, job.training.precision));
    g_autoptr(GArray) layers = g_array_new(FALSE, FALSE, sizeof(int64_t));
    g_array_append_vals(layers, builder->pipeline->layers, builder->pipeline->model_chunks);
    MppStrategy strategy = *builder->strategy;
    strategy.stage_layers = layers;
    g_autofree MppShardCost *shard = g_new(MppShardCost, 1);
    mpp_shard_cost(&job, &builder->pipeline->shard->place, shard);
    g_autoptr(MppPipelineCost) pipeline = mpp_pipeline_cost_new(builder->pipeline->model_chunks, job.model->n_layers);
    mpp_pipeline_cost_fill(pipeline, shard, &strategy);
    set_times(pipeline, times);
    return true;
}

static bool set_passes(const Builder *builder, GError **error)
{
    MppScene *scene = builder->scene;
    const GArray *pools = builder->what_if->pools;
    int64_t per_pool = (int64_t)MPP_N_PASSES * builder->pipeline->n_chunks;
    scene->n_pools = 1 + (int32_t)pools->len;
    scene->times = g_new0(MppChunkTime, scene->n_pools * per_pool);
    set_times(builder->pipeline, scene->times);
    for (guint p = 0; p < pools->len; p++)
        if (!cost_pool(builder, g_array_index(pools, MppRankRange, p).device, scene->times + (p + 1) * per_pool, error))
            return false;
    scene->layers = g_new(int32_t, builder->pipeline->n_chunks);
    for (int64_t c = 0; c < builder->pipeline->n_chunks; c++)
        scene->layers[c] = (int32_t)builder->pipeline->chunks[c].layers;
    return true;
}

/* --- lanes --- */

static bool check_ranges(const Builder *builder, const GArray *ranges, const char *what, GError **error)
{
    for (guint i = 0; i < ranges->len; i++) {
        const MppRankRange *range = &g_array_index(ranges, MppRankRange, i);
        if (range->last < builder->job->gpus)
            continue;
        return mpp_error_set(error, MPP_ERROR_INVALID,
                             "%s: there is no rank %" G_GINT64_FORMAT ", the last one is %" G_GINT64_FORMAT, what, range->last,
                             builder->job->gpus - 1);
    }
    return true;
}

/** A lane is as slow as the slowest of its ranks, since they wait for each other in every layer. */
static void set_lanes(const Builder *builder)
{
    MppScene *scene = builder->scene;
    const GArray *slow = builder->what_if->slow_gpus, *pools = builder->what_if->pools;
    scene->pool_of_lane = g_new0(int32_t, scene->n_lanes);
    scene->compute_factor = g_new(double, scene->n_lanes);
    scene->exchange_factor = g_new(double, scene->n_lanes);
    for (int32_t lane = 0; lane < scene->n_lanes; lane++)
        scene->compute_factor[lane] = scene->exchange_factor[lane] = 1;
    for (guint i = 0; i < slow->len; i++) {
        const MppRankRange *range = &g_array_index(slow, MppRankRange, i);
        for (int64_t rank = range->first; rank <= range->last; rank++) {
            double *factor = &scene->compute_factor[mpp_lanes_of_rank(builder->lanes, rank)];
            *factor = MAX(*factor, range->factor);
        }
    }
    for (guint p = 0; p < pools->len; p++) {
        const MppRankRange *range = &g_array_index(pools, MppRankRange, p);
        for (int64_t rank = range->first; rank <= range->last; rank++)
            scene->pool_of_lane[mpp_lanes_of_rank(builder->lanes, rank)] = (int32_t)p + 1;
    }
}

/** Passes are costed beside those of their own stage; the others' slow them down when they run. */
static void set_hosts(const Builder *builder)
{
    MppScene *scene = builder->scene;
    const MppMesh *mesh = &builder->pipeline->exchange.mesh;
    bool folded = builder->lanes->n_replicas < builder->strategy->dp / builder->lanes->joined;
    scene->host_capacity = builder->job->cluster->host_capacity;
    scene->pass_slowdown = mpp_cluster_slowdown(builder->job->cluster, (double)mesh->stage_ranks);
    scene->lane_ranks = folded ? (double)mesh->stage_ranks : (double)MIN(builder->lanes->ranks, mesh->host_ranks);
    scene->host_of_lane = g_new(int32_t, scene->n_lanes);
    for (int32_t lane = 0; lane < scene->n_lanes; lane++)
        scene->host_of_lane[lane] = (int32_t)(mpp_lanes_first_rank(builder->lanes, lane) / mesh->host_ranks);
}

static void set_jitter(const Builder *builder)
{
    MppOps ops;
    mpp_ops_layer(builder->job, &builder->pipeline->shard->place.shard, &builder->job->model->kinds[0], &ops);
    builder->scene->jitter = (MppJitter){
        .kind = builder->what_if->jitter,
        .kernel_frac = builder->what_if->jitter_frac,
        .kernels_per_layer = ops.n,
        .ranks = (int32_t)builder->lanes->ranks,
        .seed = builder->what_if->seed,
    };
}

/* --- transfers --- */

static void set_transfers(const Builder *builder)
{
    MppScene *scene = builder->scene;
    MppPipelineCost *pipeline = builder->pipeline;
    int32_t pp = scene->program->pp;
    double replica_load = mpp_scene_links_replica_load(&builder->plan);
    scene->slowdown_frac = builder->job->runtime->overlap.slowdown_frac;
    scene->message_s = g_memdup2(pipeline->message_s, (gsize)pipeline->n_chunks * sizeof(double));
    scene->message_bytes_per_s = mpp_scene_links_message_load(&builder->plan);
    scene->reductions = g_new0(MppReduction, pipeline->n_chunks);
    for (int64_t c = 0; c < pipeline->n_chunks; c++) {
        MppReductionCost cost = mpp_step_end_reduction(pipeline, c, mpp_step_end_window_s(pipeline, c));
        scene->reductions[c] = (MppReduction){ cost.work_s, cost.hidden_s, replica_load };
    }
    scene->tied_s = mpp_step_end_tied_s(pipeline);
    scene->update_s = g_new(double, scene->n_lanes);
    scene->gather_s = g_new(double, pp);
    scene->gather_bytes_per_s = g_new(double, pp);
    for (int32_t lane = 0; lane < scene->n_lanes; lane++) {
        int32_t k = mpp_scene_stage(scene, lane);
        scene->update_s[lane] = mpp_step_end_update_s(pipeline, k, &scene->gather_s[k]) * scene->compute_factor[lane];
        scene->gather_bytes_per_s[k] = replica_load;
    }
}

static bool check_what_if(const Builder *builder, GError **error)
{
    const MppWhatIf *what_if = builder->what_if;
    return check_ranges(builder, what_if->slow_gpus, "slow device", error) &&
           check_ranges(builder, what_if->slow_links, "slow link", error) &&
           check_ranges(builder, what_if->failed_links, "failed link", error) &&
           check_ranges(builder, what_if->pools, "pool", error);
}

bool mpp_scene_of_plan(MppPipelineCost *pipeline, const MppWhatIf *what_if, const MppLanes *lanes, const MppProgram *program,
                       MppScene *scene, GError **error)
{
    *scene = (MppScene){ .program = program, .n_replicas = lanes->n_replicas, .n_lanes = lanes->n_lanes };
    Builder builder = { pipeline, pipeline->shard->job, pipeline->strategy, what_if, lanes, { pipeline, what_if, lanes }, scene };
    if (!check_what_if(&builder, error) || !set_passes(&builder, error))
        return false;
    set_lanes(&builder);
    set_hosts(&builder);
    set_jitter(&builder);
    if (!mpp_scene_links_set(&builder.plan, scene, error))
        return false;
    set_transfers(&builder);
    mpp_scene_links_slow(&builder.plan, scene);
    return true;
}
