#include "sim/scene_links.h"

/** Whether one replica stands for all. */
static bool is_folded(const MppScenePlan *plan)
{
    return !mpp_what_if_unfolds(plan->what_if);
}

/** Tiers that messages and exchanges of gradients cross at most. */
static int message_tier(const MppScenePlan *plan)
{
    return plan->pipeline->exchange.mesh.groups[MPP_AXIS_PP].widest_tier;
}

static int replica_tier(const MppScenePlan *plan)
{
    return plan->pipeline->exchange.mesh.groups[MPP_AXIS_DP_CP].widest_tier;
}

static const MppTier *tier_of(const MppScenePlan *plan, int tier)
{
    return mpp_cluster_tier(plan->lanes->job->cluster, tier);
}

/** What a device may use of @tier when its neighbours on the port use theirs. */
static double device_share(const MppTier *tier)
{
    return tier->bytes_per_s / ((double)tier->shared_by * tier->oversubscription);
}

static bool is_failed(const MppScenePlan *plan, int64_t port, int64_t shared_by)
{
    for (guint i = 0; i < plan->what_if->failed_links->len; i++) {
        const MppRankRange *range = &g_array_index(plan->what_if->failed_links, MppRankRange, i);
        if (range->first < (port + 1) * shared_by && range->last >= port * shared_by)
            return true;
    }
    return false;
}

/** The port of @tier that @rank's traffic takes: its own, or the next of its node that works; -1: none. */
static int64_t working_port(const MppScenePlan *plan, int tier, int64_t rank)
{
    int64_t shared_by = tier_of(plan, tier)->shared_by, gpus = plan->lanes->job->gpus;
    int64_t node = mpp_cluster_domain(plan->lanes->job->cluster, MAX(tier - 1, 0), gpus), first = rank / node * node;
    for (int64_t step = 0; step < node; step += shared_by) {
        int64_t port = (first + (rank - first + step) % node) / shared_by;
        if (!is_failed(plan, port, shared_by))
            return port;
    }
    return -1;
}

/** How much slower the what-if makes the port. */
static double port_factor(const MppScenePlan *plan, int tier, int64_t port)
{
    int64_t shared_by = tier_of(plan, tier)->shared_by;
    double factor = 1;
    for (guint i = 0; i < plan->what_if->slow_links->len; i++) {
        const MppRankRange *range = &g_array_index(plan->what_if->slow_links, MppRankRange, i);
        if (range->first < (port + 1) * shared_by && range->last >= port * shared_by)
            factor = MAX(factor, range->factor);
    }
    return factor;
}

static int64_t n_ports(const MppScenePlan *plan, int tier)
{
    int64_t shared_by = tier_of(plan, tier)->shared_by;
    return is_folded(plan) ? plan->lanes->n_lanes : (plan->lanes->job->gpus + shared_by - 1) / shared_by;
}

/** First link of @tier. Links 2i and 2i + 1 from there lead out of and into its port i; the messages' tier comes first. */
static int64_t first_link(const MppScenePlan *plan, int tier)
{
    return tier == message_tier(plan) ? 0 : 2 * n_ports(plan, message_tier(plan));
}

static void set_capacities(const MppScenePlan *plan, int tier, double *capacity_bytes_per_s)
{
    const MppTier *t = tier_of(plan, tier);
    for (int64_t port = 0; port < n_ports(plan, tier); port++) {
        double capacity = is_folded(plan) ? device_share(t)
                                          : t->bytes_per_s / t->oversubscription / port_factor(plan, tier, port);
        capacity_bytes_per_s[first_link(plan, tier) + 2 * port] = capacity;
        capacity_bytes_per_s[first_link(plan, tier) + 2 * port + 1] = capacity;
    }
}

/** The link out of @lane's port of @tier; the one into it follows. -1: the lane is cut off. */
static int64_t link_of(const MppScenePlan *plan, int32_t lane, int tier)
{
    bool folded = is_folded(plan);
    int64_t port = folded ? lane : working_port(plan, tier, mpp_lanes_first_rank(plan->lanes, lane));
    return port < 0 ? -1 : first_link(plan, tier) + 2 * port;
}

static bool set_lane(const MppScenePlan *plan, int32_t lane, MppScene *scene, GError **error)
{
    int64_t message = link_of(plan, lane, message_tier(plan)), replica = link_of(plan, lane, replica_tier(plan));
    if (message < 0 || replica < 0)
        return mpp_error_set(error, MPP_ERROR_UNSUPPORTED, "rank %" G_GINT64_FORMAT " is cut off: no port of its node is left",
                             mpp_lanes_first_rank(plan->lanes, lane));
    scene->message_out[lane] = (int32_t)message;
    scene->message_in[lane] = (int32_t)message + 1;
    int32_t stage = mpp_scene_stage(scene, lane), *n = &scene->n_replica_links[stage];
    scene->replica_links[stage][(*n)++] = (int32_t)replica;
    scene->replica_links[stage][(*n)++] = (int32_t)replica + 1;
    return true;
}

bool mpp_scene_links_set(const MppScenePlan *plan, MppScene *scene, GError **error)
{
    int32_t pp = scene->program->pp;
    int tiers[] = { message_tier(plan), replica_tier(plan) };
    scene->n_links = (int32_t)(first_link(plan, tiers[1]) + 2 * n_ports(plan, tiers[1]));
    scene->n_links = MAX(scene->n_links, (int32_t)(2 * n_ports(plan, tiers[0])));
    scene->capacity_bytes_per_s = g_new(double, scene->n_links);
    for (int i = 0; i < 2; i++)
        set_capacities(plan, tiers[i], scene->capacity_bytes_per_s);
    scene->message_out = g_new(int32_t, scene->n_lanes);
    scene->message_in = g_new(int32_t, scene->n_lanes);
    scene->replica_links = g_new0(int32_t *, pp);
    scene->n_replica_links = g_new0(int32_t, pp);
    for (int32_t k = 0; k < pp; k++)
        scene->replica_links[k] = g_new(int32_t, 2 * (gsize)scene->n_replicas);
    for (int32_t lane = 0; lane < scene->n_lanes; lane++)
        if (!set_lane(plan, lane, scene, error))
            return false;
    return true;
}

/** Of a lane's first port when each rank of the lane that is on it uses @frac of its share. */
static double lane_load(const MppScenePlan *plan, int tier, double frac)
{
    double ranks = is_folded(plan) ? 1 : (double)mpp_lanes_on_port(plan->lanes, 0, tier);
    return device_share(tier_of(plan, tier)) * frac * ranks;
}

double mpp_scene_links_message_load(const MppScenePlan *plan)
{
    return lane_load(plan, message_tier(plan), tier_of(plan, message_tier(plan))->p2p_frac);
}

double mpp_scene_links_replica_load(const MppScenePlan *plan)
{
    return lane_load(plan, replica_tier(plan), tier_of(plan, replica_tier(plan))->efficiency_frac);
}

/** Share of the collectives inside a pass that crosses @tier. */
static double crossing_frac(const MppScenePlan *plan, int tier)
{
    static const struct { MppAxis axis; MppShare share; } inner[] = {
        { MPP_AXIS_TP, MPP_SHARE_TP }, { MPP_AXIS_CP, MPP_SHARE_CP }, { MPP_AXIS_EP, MPP_SHARE_EP }, { MPP_AXIS_SHARD, MPP_SHARE_DP },
    };
    MppShares forward;
    mpp_pipeline_cost_pass_shares(plan->pipeline, 0, MPP_PASS_FORWARD, &forward);
    double crossing_s = 0, all_s = 0;
    for (gsize i = 0; i < G_N_ELEMENTS(inner); i++) {
        all_s += forward.s[inner[i].share];
        crossing_s += plan->pipeline->exchange.mesh.groups[inner[i].axis].widest_tier >= tier ? forward.s[inner[i].share] : 0;
    }
    return all_s > 0 ? crossing_s / all_s : 0;
}

void mpp_scene_links_slow(const MppScenePlan *plan, MppScene *scene)
{
    int tier = MIN(1, mpp_cluster_n_tiers(plan->lanes->job->cluster) - 1);
    double crossing = crossing_frac(plan, tier);
    for (int64_t rank = 0; rank < plan->lanes->job->gpus && crossing > 0; rank++) {
        int64_t port = working_port(plan, tier, rank), own = rank / tier_of(plan, tier)->shared_by;
        double factor = port_factor(plan, tier, port) * (port == own ? 1 : 2); /* else two ports' traffic on one */
        double *lane = &scene->exchange_factor[mpp_lanes_of_rank(plan->lanes, rank)];
        *lane = MAX(*lane, 1 + (factor - 1) * crossing);
    }
}
