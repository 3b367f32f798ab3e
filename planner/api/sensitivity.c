#include "planner/api/sensitivity.h"

#include "planner/search/search.h"
#include "sim/answer.h"

static void double_peak(MppCluster *cluster, int tier)
{
    (void)tier;
    for (int i = 0; i < MPP_N_PRECISIONS; i++)
        cluster->device.peak_flop_per_s.by_precision[i] *= 2;
}

static void double_memory_rate(MppCluster *cluster, int tier)
{
    (void)tier;
    cluster->device.memory_bytes_per_s *= 2;
}

static void double_links(MppCluster *cluster, int tier)
{
    g_array_index(cluster->tiers, MppTier, tier).bytes_per_s *= 2;
}

static void halve_latency(MppCluster *cluster, int tier)
{
    (void)tier;
    for (guint i = 0; i < cluster->tiers->len; i++) {
        g_array_index(cluster->tiers, MppTier, i).latency_s /= 2;
        g_array_index(cluster->tiers, MppTier, i).step_s /= 2;
    }
}

static void halve_host(MppCluster *cluster, int tier)
{
    (void)tier;
    cluster->host_frac /= 2;
}

static void clear(gpointer data)
{
    MppSensitivity *one = data;
    g_free(one->title);
    g_free(one->plan);
}

static void add(GArray *list, const MppJob *job, const MppStrategy *strategy, void (*improve)(MppCluster *, int), int tier,
                char *title)
{
    g_autoptr(MppCluster) better = mpp_cluster_copy(job->cluster);
    improve(better, tier);
    MppJob trial = *job;
    trial.cluster = better;
    MppSensitivity one = { title, mpp_answer_step_s(&trial, strategy), NULL };
    g_array_append_val(list, one);
}

/** Memory alone makes no plan faster; it lets one keep what another computes again or shards. */
static void add_memory(GArray *list, const MppJob *job, const MppStrategy *strategy)
{
    static const char *const degrees[] = { "dp", "tp", "pp", "cp", "ep", "etp" };
    g_autoptr(MppCluster) better = mpp_cluster_copy(job->cluster);
    better->device.memory_bytes *= 2;
    MppJob trial = *job;
    trial.cluster = better;
    MppSearchOptions options = { .limits = { .fixed = *strategy }, .top = 1, .threads = 1 };
    for (size_t i = 0; i < G_N_ELEMENTS(degrees); i++)
        options.limits.fields |= mpp_strategy_field(degrees[i]);
    g_autoptr(MppSearchResult) result = mpp_search_run(&trial, &options);
    if (!result->board->fastest->len)
        return;
    const MppStrategy *found = &g_array_index(result->board->fastest, MppCandidate, 0).strategy;
    double own_s = mpp_answer_step_s(&trial, strategy), found_s = mpp_answer_step_s(&trial, found);
    MppSensitivity one = { g_strdup("2× memory"), MIN(own_s, found_s), found_s < own_s ? mpp_strategy_title(found) : NULL };
    g_array_append_val(list, one);
}

GArray *mpp_sensitivity_rates(const MppJob *job, const MppStrategy *strategy)
{
    GArray *list = g_array_new(FALSE, FALSE, sizeof(MppSensitivity));
    g_array_set_clear_func(list, clear);
    add(list, job, strategy, double_peak, 0, g_strdup("2× peak rate"));
    add(list, job, strategy, double_memory_rate, 0, g_strdup("2× memory bandwidth"));
    for (int i = 0; i < mpp_cluster_n_tiers(job->cluster); i++) {
        int64_t inner = i ? mpp_cluster_domain(job->cluster, i - 1, job->gpus) : 1;
        if (mpp_cluster_domain(job->cluster, i, job->gpus) > inner)
            add(list, job, strategy, double_links, i, g_strdup_printf("2× %s", mpp_cluster_tier(job->cluster, i)->name));
    }
    if (job->gpus > 1)
        add(list, job, strategy, halve_latency, 0, g_strdup("half the latency"));
    add(list, job, strategy, halve_host, 0, g_strdup("a host twice as fast"));
    return list;
}

GArray *mpp_sensitivity_new(const MppJob *job, const MppStrategy *strategy)
{
    GArray *list = mpp_sensitivity_rates(job, strategy);
    add_memory(list, job, strategy);
    return list;
}
