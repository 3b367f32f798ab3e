#include "sim/scene_of_plan.h"

#include <math.h>

#include "planner/cost/step_end.h"
#include "planner/spec/zoo.h"

typedef struct {
    MppPipelineCost *pipeline;
    const MppJob *job;
    const MppStrategy *strategy;
    const MppWhatIf *what_if;
    const MppLanes *lanes;
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
    g_autoptr(GArray) layers = g_array_new(FALSE, FALSE, sizeof(int64_t));
    g_array_append_vals(layers, builder->pipeline->layers, builder->pipeline->n_chunks);
    MppStrategy strategy = *builder->strategy;
    strategy.stage_layers = layers;
    g_autofree MppShardCost *shard = g_new(MppShardCost, 1);
    mpp_shard_cost(&job, &builder->pipeline->shard->place, shard);
    g_autoptr(MppPipelineCost) pipeline = mpp_pipeline_cost_new(builder->pipeline->n_chunks, job.model->n_layers);
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
        g_set_error(error, MPP_ERROR, MPP_ERROR_INVALID, "%s: there is no rank %" G_GINT64_FORMAT ", the last one is %" G_GINT64_FORMAT,
                    what, range->last, builder->job->gpus - 1);
        return false;
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

/* --- links --- */

/** What a device may use of @tier when its neighbours on the port use theirs. */
static double device_share(const MppTier *tier)
{
    return tier->bytes_per_s / ((double)tier->shared_by * tier->oversubscription);
}

static int message_tier(const Builder *builder)
{
    return builder->pipeline->exchange.mesh.groups[MPP_AXIS_PP].widest_tier;
}

static int replica_tier(const Builder *builder)
{
    return builder->pipeline->exchange.mesh.groups[MPP_AXIS_DP_CP].widest_tier;
}

/** The port of @tier that @rank's traffic takes: its own, or the next of its node that works; -1: none. */
static int64_t working_port(const Builder *builder, int tier, int64_t rank)
{
    int64_t shared_by = mpp_cluster_tier(builder->job->cluster, tier)->shared_by, gpus = builder->job->gpus;
    int64_t node = mpp_cluster_domain(builder->job->cluster, MAX(tier - 1, 0), gpus), first = rank / node * node;
    for (int64_t step = 0; step < node; step += shared_by) {
        int64_t tried = first + (rank - first + step) % node;
        bool failed = false;
        for (guint i = 0; i < builder->what_if->failed_links->len; i++) {
            const MppRankRange *range = &g_array_index(builder->what_if->failed_links, MppRankRange, i);
            int64_t begin = tried / shared_by * shared_by;
            failed = failed || (range->first < begin + shared_by && range->last >= begin);
        }
        if (!failed)
            return tried / shared_by;
    }
    return -1;
}

/** Slowest of the what-ifs about the port's ranks. */
static double port_factor(const Builder *builder, int tier, int64_t port)
{
    int64_t shared_by = mpp_cluster_tier(builder->job->cluster, tier)->shared_by;
    double factor = 1;
    for (guint i = 0; i < builder->what_if->slow_links->len; i++) {
        const MppRankRange *range = &g_array_index(builder->what_if->slow_links, MppRankRange, i);
        if (range->first < (port + 1) * shared_by && range->last >= port * shared_by)
            factor = MAX(factor, range->factor);
    }
    return factor;
}

/**
 * Links 2i and 2i+1 lead out of and into port i. Folded lanes have ports of their own with a device's share; else
 * ports are the cluster's, those of the messages' tier first.
 */
static void set_capacities(const Builder *builder, bool folded)
{
    MppScene *scene = builder->scene;
    const int tiers[] = { message_tier(builder), replica_tier(builder) };
    int64_t n_ports[2], n_links = 0;
    for (int i = 0; i < 2; i++) {
        int64_t shared_by = mpp_cluster_tier(builder->job->cluster, tiers[i])->shared_by;
        n_ports[i] = folded ? scene->n_lanes : (builder->job->gpus + shared_by - 1) / shared_by;
        n_links += i && tiers[1] == tiers[0] ? 0 : 2 * n_ports[i];
    }
    scene->n_links = (int32_t)n_links;
    scene->capacity_bytes_per_s = g_new(double, n_links);
    for (int64_t l = 0; l < n_links; l++) {
        int which = l >= 2 * n_ports[0];
        const MppTier *tier = mpp_cluster_tier(builder->job->cluster, tiers[which]);
        int64_t port = (l - (which ? 2 * n_ports[0] : 0)) / 2;
        scene->capacity_bytes_per_s[l] =
            folded ? device_share(tier) : tier->bytes_per_s / tier->oversubscription / port_factor(builder, tiers[which], port);
    }
}

/** Index of the link out of @lane's port of @tier. */
static int64_t link_of(const Builder *builder, bool folded, int32_t lane, int tier)
{
    const MppScene *scene = builder->scene;
    int64_t shared_by = mpp_cluster_tier(builder->job->cluster, message_tier(builder))->shared_by;
    int64_t n_message_ports = folded ? scene->n_lanes : (builder->job->gpus + shared_by - 1) / shared_by;
    int64_t base = tier == message_tier(builder) ? 0 : 2 * n_message_ports;
    int64_t port = folded ? lane : working_port(builder, tier, mpp_lanes_first_rank(builder->lanes, lane));
    return port < 0 ? -1 : base + 2 * port;
}

static bool set_links(const Builder *builder, bool folded, GError **error)
{
    MppScene *scene = builder->scene;
    int32_t pp = scene->program->pp;
    set_capacities(builder, folded);
    scene->message_out = g_new(int32_t, scene->n_lanes);
    scene->message_in = g_new(int32_t, scene->n_lanes);
    scene->replica_links = g_new0(int32_t *, pp);
    scene->n_replica_links = g_new0(int32_t, pp);
    for (int32_t k = 0; k < pp; k++)
        scene->replica_links[k] = g_new(int32_t, 2 * (gsize)scene->n_replicas);
    for (int32_t lane = 0; lane < scene->n_lanes; lane++) {
        int64_t message = link_of(builder, folded, lane, message_tier(builder));
        int64_t replica = link_of(builder, folded, lane, replica_tier(builder));
        if (message < 0 || replica < 0) {
            g_set_error(error, MPP_ERROR, MPP_ERROR_UNSUPPORTED, "rank %" G_GINT64_FORMAT " is cut off: no port of its node is left",
                        mpp_lanes_first_rank(builder->lanes, lane));
            return false;
        }
        scene->message_out[lane] = (int32_t)message;
        scene->message_in[lane] = (int32_t)message + 1;
        int32_t k = mpp_scene_stage(scene, lane), *n = &scene->n_replica_links[k];
        scene->replica_links[k][(*n)++] = (int32_t)replica;
        scene->replica_links[k][(*n)++] = (int32_t)replica + 1;
    }
    return true;
}

/* --- transfers --- */

/** Bytes per s that @lane puts on its first rank's port of @tier when each of its ranks uses @frac of its share. */
static double lane_load(const Builder *builder, bool folded, int tier, double frac)
{
    double ranks = folded ? 1 : (double)mpp_lanes_on_port(builder->lanes, 0, tier);
    return device_share(mpp_cluster_tier(builder->job->cluster, tier)) * frac * ranks;
}

static void set_transfers(const Builder *builder, bool folded)
{
    MppScene *scene = builder->scene;
    MppPipelineCost *pipeline = builder->pipeline;
    const MppCluster *cluster = builder->job->cluster;
    int32_t pp = scene->program->pp;
    double replica_load = lane_load(builder, folded, replica_tier(builder), mpp_cluster_tier(cluster, replica_tier(builder))->efficiency_frac);
    scene->slowdown_frac = builder->job->runtime->overlap.slowdown_frac;
    scene->message_s = pipeline->message_s;
    scene->message_bytes_per_s = lane_load(builder, folded, message_tier(builder), mpp_cluster_tier(cluster, message_tier(builder))->p2p_frac);
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

/**
 * The part of a lane's inner collectives that leaves its ports slows down with them. Collectives of axes that stay
 * below the ports' tier are not touched.
 */
static void slow_exchanges(const Builder *builder)
{
    static const MppAxis axes[] = { MPP_AXIS_TP, MPP_AXIS_CP, MPP_AXIS_EP, MPP_AXIS_SHARD };
    static const MppShare shares[] = { MPP_SHARE_TP, MPP_SHARE_CP, MPP_SHARE_EP, MPP_SHARE_DP };
    int tier = MIN(1, mpp_cluster_n_tiers(builder->job->cluster) - 1);
    MppShares forward;
    mpp_pipeline_cost_pass_shares(builder->pipeline, 0, MPP_PASS_FORWARD, &forward);
    double outside_s = 0, all_s = 0;
    for (gsize i = 0; i < G_N_ELEMENTS(axes); i++) {
        all_s += forward.s[shares[i]];
        outside_s += builder->pipeline->exchange.mesh.groups[axes[i]].widest_tier >= tier ? forward.s[shares[i]] : 0;
    }
    if (outside_s <= 0)
        return;
    for (int64_t rank = 0; rank < builder->job->gpus; rank++) {
        int64_t port = working_port(builder, tier, rank), own = rank / mpp_cluster_tier(builder->job->cluster, tier)->shared_by;
        double factor = port_factor(builder, tier, MAX(port, 0)) * (port == own ? 1 : 2); /* two ports' traffic on one */
        double *lane = &builder->scene->exchange_factor[mpp_lanes_of_rank(builder->lanes, rank)];
        *lane = MAX(*lane, 1 + (factor - 1) * outside_s / all_s);
    }
}

bool mpp_scene_of_plan(MppPipelineCost *pipeline, const MppWhatIf *what_if, const MppLanes *lanes, const MppProgram *program,
                       MppScene *scene, GError **error)
{
    *scene = (MppScene){ .program = program, .n_replicas = lanes->n_replicas, .n_lanes = lanes->n_lanes };
    Builder builder = { pipeline, pipeline->shard->job, pipeline->strategy, what_if, lanes, scene };
    bool folded = !mpp_what_if_unfolds(what_if);
    if (!check_ranges(&builder, what_if->slow_gpus, "slow device", error) ||
        !check_ranges(&builder, what_if->slow_links, "slow link", error) ||
        !check_ranges(&builder, what_if->failed_links, "failed link", error) ||
        !check_ranges(&builder, what_if->pools, "pool", error) || !set_passes(&builder, error))
        return false;
    set_lanes(&builder);
    set_jitter(&builder);
    if (!set_links(&builder, folded, error))
        return false;
    set_transfers(&builder, folded);
    if (what_if->slow_links->len || what_if->failed_links->len)
        slow_exchanges(&builder);
    return true;
}
