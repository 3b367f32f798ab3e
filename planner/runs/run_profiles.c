#include "planner/runs/run_profiles.h"

#include <stdio.h>
#include <string.h>

#include "planner/base/words.h"
#include "planner/spec/zoo.h"

void mpp_profiles_free(MppProfiles *profiles)
{
    if (!profiles)
        return;
    g_ptr_array_unref(profiles->clusters);
    g_ptr_array_unref(profiles->runtimes);
    g_free(profiles);
}

MppProfiles *mpp_profiles_new(void)
{
    MppProfiles *profiles = g_new(MppProfiles, 1);
    profiles->clusters = g_ptr_array_new_with_free_func((GDestroyNotify)mpp_cluster_free);
    profiles->runtimes = g_ptr_array_new_with_free_func((GDestroyNotify)mpp_runtime_free);
    return profiles;
}

MppProfiles *mpp_profiles_load(GError **error)
{
    g_autoptr(MppProfiles) profiles = mpp_profiles_new();
    g_autoptr(GPtrArray) clusters = mpp_zoo_list(MPP_ZOO_CLUSTERS), runtimes = mpp_zoo_list(MPP_ZOO_RUNTIMES);
    for (guint i = 0; i < clusters->len; i++) {
        MppCluster *cluster = mpp_zoo_cluster(clusters->pdata[i], error);
        if (!cluster)
            return NULL;
        g_ptr_array_add(profiles->clusters, cluster);
    }
    for (guint i = 0; i < runtimes->len; i++) {
        MppRuntime *runtime = mpp_zoo_runtime(runtimes->pdata[i], error);
        if (!runtime)
            return NULL;
        g_ptr_array_add(profiles->runtimes, runtime);
    }
    return g_steal_pointer(&profiles);
}

MppProfiles *mpp_profiles_copy(const MppProfiles *profiles)
{
    MppProfiles *copy = mpp_profiles_new();
    for (guint i = 0; i < profiles->clusters->len; i++)
        g_ptr_array_add(copy->clusters, mpp_cluster_copy(profiles->clusters->pdata[i]));
    for (guint i = 0; i < profiles->runtimes->len; i++)
        g_ptr_array_add(copy->runtimes, mpp_runtime_copy(profiles->runtimes->pdata[i]));
    return copy;
}

static MppCluster *cluster_named(const MppProfiles *profiles, const char *name)
{
    for (guint i = 0; i < profiles->clusters->len; i++)
        if (strcmp(((const MppCluster *)profiles->clusters->pdata[i])->name, name) == 0)
            return profiles->clusters->pdata[i];
    return NULL;
}

static MppRuntime *runtime_named(const MppProfiles *profiles, const char *name)
{
    for (guint i = 0; i < profiles->runtimes->len; i++)
        if (strcmp(((const MppRuntime *)profiles->runtimes->pdata[i])->name, name) == 0)
            return profiles->runtimes->pdata[i];
    return NULL;
}

void mpp_profiles_take(MppProfiles *profiles, const MppCluster *cluster, const MppRuntime *runtime)
{
    g_ptr_array_remove(profiles->clusters, cluster_named(profiles, cluster->name));
    g_ptr_array_remove(profiles->runtimes, runtime_named(profiles, runtime->name));
    g_ptr_array_add(profiles->clusters, mpp_cluster_copy(cluster));
    g_ptr_array_add(profiles->runtimes, mpp_runtime_copy(runtime));
}

MppCluster *mpp_profiles_known_cluster(const MppProfiles *profiles, const MppCluster *cluster)
{
    const MppCluster *known = cluster_named(profiles, cluster->name);
    return mpp_cluster_copy(known ? known : cluster);
}

MppRuntime *mpp_profiles_known_runtime(const MppProfiles *profiles, const MppRuntime *runtime)
{
    const MppRuntime *known = runtime_named(profiles, runtime->name);
    return mpp_runtime_copy(known ? known : runtime);
}

/** Bytes per s each way of one node's network as stated in words, or 0. */
static double stated_node_rate(const char *internode, double devices)
{
    double ports, gbit;
    for (const char *at = internode; at && *at; at++) {
        bool begins = g_ascii_isdigit(*at) && !(at > internode && (g_ascii_isdigit(at[-1]) || at[-1] == '.'));
        if (!begins)
            continue;
        int used = 0;
        if (sscanf(at, "%lf x %lf Gb/s%n", &ports, &gbit, &used) == 2 && used)
            return ports * gbit * 1e9 / 8;
        if (sscanf(at, "%lf Gb/s per node%n", &gbit, &used) == 1 && used)
            return gbit * 1e9 / 8;
        if (sscanf(at, "%lf Gb/s per GPU%n", &gbit, &used) == 1 && used)
            return devices * gbit * 1e9 / 8;
    }
    return 0;
}

/** Returns: whether the network is that of the run: @known, or its rate is stated. */
static bool adapt_cluster(MppCluster *cluster, const MppRunHardware *hardware, bool known)
{
    enum { LARGEST_NODE = 16 }; /* NVLink domains of many nodes stay as they are */
    MppTier *inner = &g_array_index(cluster->tiers, MppTier, 0);
    if (hardware->gpus_per_node && inner->devices && inner->devices <= LARGEST_NODE)
        inner->devices = hardware->gpus_per_node;
    double rate = known ? 0 : stated_node_rate(hardware->internode, inner->devices);
    if (rate > 0 && cluster->tiers->len > 1) {
        MppTier *outer = &g_array_index(cluster->tiers, MppTier, 1);
        outer->bytes_per_s = rate / inner->devices;
        outer->shared_by = 1;
    }
    return known || rate > 0;
}

/** How well @cluster suits the run, whose device it has. */
static int cluster_score(const MppRun *run, const MppCluster *cluster)
{
    bool named = mpp_words_longest(cluster->run_words, run->model.name), narrow = cluster->run_words && cluster->run_words->len;
    if (mpp_words_name(cluster->run_sources, run->source) && (named || !narrow))
        return named ? 5 : 4;
    return mpp_words_longest(cluster->internode_words, run->hardware.internode) ? 3
           : g_strcmp0(cluster->device.cluster, cluster->name) == 0         ? 2
                                                                            : 1;
}

MppCluster *mpp_profiles_cluster(const MppProfiles *profiles, const MppRun *run, GPtrArray *assumed)
{
    const MppRunHardware *hardware = &run->hardware;
    const MppCluster *best = NULL;
    int best_score = 0;
    for (guint i = 0; i < profiles->clusters->len; i++) {
        const MppCluster *cluster = profiles->clusters->pdata[i];
        if (strcmp(cluster->device.name, hardware->gpu) != 0 && !mpp_words_name(cluster->device.aliases, hardware->gpu))
            continue;
        int score = cluster_score(run, cluster);
        if (score > best_score) {
            best = cluster;
            best_score = score;
        }
    }
    if (!best)
        return NULL;
    MppCluster *cluster = mpp_cluster_copy(best);
    enum { NETWORK_NAMED = 3 };
    bool known = adapt_cluster(cluster, hardware, best_score >= NETWORK_NAMED);
    if (!known && hardware->gpus > mpp_cluster_domain(cluster, 0, hardware->gpus))
        mpp_runs_assume(assumed, "network of %s", cluster->name);
    return cluster;
}

/** Of a runtime that is among them. */
static MppRuntime *copy_of(const MppProfiles *profiles, const char *name)
{
    const MppRuntime *runtime = runtime_named(profiles, name);
    g_return_val_if_fail(runtime, NULL);
    return mpp_runtime_copy(runtime);
}

static bool has_products(const MppProfiles *profiles, const char *gpu, MppPrecision precision)
{
    for (guint i = 0; gpu && profiles->clusters && i < profiles->clusters->len; i++) {
        const MppDevice *device = &((const MppCluster *)profiles->clusters->pdata[i])->device;
        if (strcmp(device->name, gpu) == 0 || mpp_words_name(device->aliases, gpu))
            return device->peak_flop_per_s.by_precision[precision] > 0;
    }
    return false;
}

MppRuntime *mpp_profiles_runtime(const MppProfiles *profiles, const MppRun *run, GPtrArray *assumed)
{
    const char *best = NULL, *usual = "megatron-core";
    const char *framework = run->training.framework;
    bool before_8_bit = !has_products(profiles, run->hardware.gpu, MPP_PRECISION_FP8);
    bool before_bf16 = !has_products(profiles, run->hardware.gpu, MPP_PRECISION_BF16);
    size_t best_score = 0;
    for (guint i = 0; i < profiles->runtimes->len; i++) {
        const MppRuntime *runtime = profiles->runtimes->pdata[i];
        size_t score = mpp_words_name(runtime->frameworks, run->source) ? G_MAXSIZE : mpp_words_position(runtime->frameworks, framework);
        score = MAX(score, before_8_bit ? mpp_words_position(runtime->frameworks_before_8_bit, framework) : 0);
        score = MAX(score, before_bf16 ? mpp_words_position(runtime->frameworks_before_bf16, framework) : 0);
        if (score > best_score) {
            best = runtime->name;
            best_score = score;
        }
    }
    if (!best)
        mpp_runs_assume(assumed, "stack %s for %s", usual, framework ? framework : "one that is not stated");
    return copy_of(profiles, best ? best : usual);
}

MppRuntime *mpp_profiles_successor(const MppProfiles *profiles, const MppRuntime *runtime)
{
    return runtime->successor ? copy_of(profiles, runtime->successor) : NULL;
}
