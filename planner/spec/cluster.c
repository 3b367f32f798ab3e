#include "planner/spec/cluster.h"

static const MppField tier_rows[] = {
    MPP_FIELD_STRING(MppTier, name, MPP_REQUIRED, "name of the link"),
    MPP_FIELD_INT(MppTier, devices, 0, 1 << 24, 0, "devices in one domain; 0: no limit"),
    MPP_FIELD_DOUBLE(MppTier, bytes_per_s, 1e6, 1e14, MPP_REQUIRED, "rate of one port, each way"),
    MPP_FIELD_INT(MppTier, shared_by, 1, 4096, 1, "devices that share a port"),
    MPP_FIELD_DOUBLE(MppTier, oversubscription, 1, 100, 1, "of the switches; 1 is non-blocking"),
    MPP_FIELD_DOUBLE(MppTier, efficiency_frac, 0.01, 1, 0.8, "of the port's rate that large collectives reach"),
    MPP_FIELD_DOUBLE(MppTier, congestion, 0, 1, 0, "power of a group's members over those of two whole domains by which a collective's rate falls"),
    MPP_FIELD_DOUBLE(MppTier, p2p_frac, 0.01, 1, 0.8, "of the port's rate that one large message reaches"),
    MPP_FIELD_DOUBLE(MppTier, two_frac, 0, 1, 0, "of the port's rate that two of a mesh of unlike links reach together; 0: p2p_frac"),
    MPP_FIELD_DOUBLE(MppTier, four_frac, 0, 1, 0, "the same for three and four; 0: p2p_frac for each other"),
    MPP_FIELD_DOUBLE(MppTier, latency_s, 0, 1, 1e-5, "one message, library included"),
    MPP_FIELD_DOUBLE(MppTier, step_s, 0, 1, 1e-6, "one step of a ring or tree over this tier"),
    MPP_FIELD_BOOL(MppTier, in_network, 0, "switches reduce (SHARP)"),
};
static const MppFields tier_fields = MPP_FIELDS("tier", MppTier, tier_rows);

static const MppField rows[] = {
    MPP_FIELD_STRING(MppCluster, name, MPP_REQUIRED, "name, as flags and files use it"),
    MPP_FIELD_STRING(MppCluster, title, MPP_REQUIRED, "name, as reports show it"),
    { "device", MPP_FIELD_TYPE_STRING, offsetof(MppCluster, device_name), 0, 0, MPP_REQUIRED, NULL, NULL,
      "device profile: a name, or a file beside this one" },
    MPP_FIELD_STRINGS(MppCluster, run_sources, "collections of measured runs made on this cluster"),
    MPP_FIELD_STRINGS(MppCluster, run_words, "if any: of these, only runs whose model's name has one of the words"),
    MPP_FIELD_STRINGS(MppCluster, internode_words, "words by which a run's record names this network"),
    MPP_FIELD_STRUCTS(MppCluster, tiers, &tier_fields, MPP_REQUIRED, "links, innermost first"),
    MPP_FIELD_DOUBLE(MppCluster, products_frac, 0.05, 2, 1, "rate of products against the device's: limits of power, libraries' age"),
    MPP_FIELD_DOUBLE(MppCluster, host_frac, 0.01, 100, 1, "host time to launch a kernel, against the device's usual host"),
    MPP_FIELD_DOUBLE(MppCluster, host_capacity, 0, 65536, 0,
                     "ranks' worth of computation that a host does at once, of those that share its processors; 0: they do not"),
    MPP_FIELD_DOUBLE(MppCluster, jitter_frac, 0, 1, 0, "growth of a step for each doubling of the nodes"),
    MPP_FIELD_DOUBLE(MppCluster, host_bytes, 0, 1e15, 1.28e11, "memory of a host, per device"),
    MPP_FIELD_DOUBLE(MppCluster, host_memory_bytes_per_s, 1e6, 1e15, 6e10,
                     "of a host's memory bandwidth what the updates of all of its ranks reach together"),
    MPP_FIELD_DOUBLE(MppCluster, input_tokens_per_s, 0, 1e12, 0, "what a replica's input pipeline delivers; 0: nothing waits for it"),
    MPP_FIELD_TEXTS(MppCluster, sources, "source of each number, by field name"),
};
const MppFields mpp_cluster_fields = MPP_FIELDS("cluster", MppCluster, rows);

bool mpp_cluster_check(const MppCluster *cluster, const MppJson *json, const cJSON *node, GError **error)
{
    const cJSON *tiers = mpp_json_get(node, "tiers");
    int n = mpp_cluster_n_tiers(cluster);
    if (n < 1 || n > 4)
        return mpp_json_error(error, json, tiers, MPP_ERROR_INVALID, "expected 1 to 4 tiers, got %d", n);
    for (int i = 0; i < n; i++) {
        int64_t inner = i ? mpp_cluster_tier(cluster, i - 1)->devices : 1;
        int64_t devices = mpp_cluster_tier(cluster, i)->devices;
        if (devices == 0 && i < n - 1)
            return mpp_json_error(error, json, cJSON_GetArrayItem(tiers, i), MPP_ERROR_INVALID,
                                  "only the last tier may have no size");
        if (devices && (devices < inner || devices % inner))
            return mpp_json_error(error, json, cJSON_GetArrayItem(tiers, i), MPP_ERROR_INVALID,
                                  "devices must be a multiple of the inner tier's %" G_GINT64_FORMAT, inner);
    }
    return true;
}

MppCluster *mpp_cluster_read(const MppJson *json, GError **error)
{
    g_autoptr(MppCluster) cluster = g_new0(MppCluster, 1);
    if (!mpp_fields_read(&mpp_cluster_fields, json, json->root, cluster, error) ||
        !mpp_cluster_check(cluster, json, json->root, error))
        return NULL;
    return g_steal_pointer(&cluster);
}

MppCluster *mpp_cluster_copy(const MppCluster *cluster)
{
    MppCluster *copy = g_new0(MppCluster, 1);
    mpp_fields_copy(&mpp_cluster_fields, cluster, copy);
    mpp_fields_copy(&mpp_device_fields, &cluster->device, &copy->device);
    return copy;
}

void mpp_cluster_free(MppCluster *cluster)
{
    if (!cluster)
        return;
    mpp_fields_clear(&mpp_cluster_fields, cluster);
    mpp_device_clear(&cluster->device);
    g_free(cluster);
}
