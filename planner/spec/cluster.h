/**
 * Devices and the links between them, as nested tiers.
 *
 * Tier 0 joins the devices of a node (NVLink, Infinity Fabric, PCIe), the next joins nodes, and so on; the
 * last tier has no size limit. A device reaches a tier through a port (NIC) that `shared_by` devices share.
 */
#pragma once

#include "planner/spec/device.h"

typedef struct {
    char *name;
    int64_t devices;      /* in one domain of this tier; 0: as many as there are (last tier) */
    double bytes_per_s;   /* of one port, each way */
    int64_t shared_by;    /* devices that share a port */
    double oversubscription; /* of the tier's switches: 1 is non-blocking */
    double efficiency_frac;  /* of the port's rate that large collectives of two domains reach */
    double congestion;       /* it falls with this power of a group's members, beyond two whole domains: routes that meet, late arrivals */
    double p2p_frac;         /* of the port's rate that one large message reaches */
    double two_frac, four_frac; /* that a group of so many reaches, where a mesh has unlike links; 0: p2p_frac for each other member */
    double latency_s;     /* one message, library included */
    double step_s;        /* one step of a ring or tree over this tier, added per member */
    bool in_network;      /* switches reduce (SHARP): a reduction moves each byte once */
} MppTier;

typedef struct {
    char *name, *title;
    char *device_name;
    GPtrArray *run_sources;    /* collections of measured runs made on this cluster */
    GPtrArray *run_words;      /* if any: of these, only runs whose model's name has one of the words */
    GPtrArray *internode_words; /* words by which a run's record names this network */
    GArray *tiers;             /* MppTier, innermost first */
    double products_frac;      /* of the device's rate for products that is reached here: limits of power, the libraries' age */
    double host_frac;          /* host time to launch a kernel, against the device's usual host */
    double host_capacity;      /* ranks' worth of computation that a host does at once; 0: each rank has a device */
    double jitter_frac;        /* a step grows by this for each doubling of the nodes */
    double host_bytes;         /* a host's memory, per device */
    double host_memory_bytes_per_s; /* what the updates of all ranks of a host reach together: DeepSpeed's took 8.2 s for 11.6e9 parameters (its
                                       pull request 735) and 10 s for 18e9 a host (its issue 6834), at 44 bytes each */
    double input_tokens_per_s; /* what a replica's input pipeline delivers; 0: nothing waits for it */
    GHashTable *sources;
    MppDevice device;
} MppCluster;

extern const MppFields mpp_cluster_fields;

/** Reads the cluster's own fields; the caller fills @cluster->device. Errors: MPP_ERROR_SCHEMA, MPP_ERROR_INVALID. */
MppCluster *mpp_cluster_read(const MppJson *json, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** Whether there are 1 to 4 tiers and they nest; @node is the cluster in @json. Error: MPP_ERROR_INVALID. */
bool mpp_cluster_check(const MppCluster *cluster, const MppJson *json, const cJSON *node, GError **error) G_GNUC_WARN_UNUSED_RESULT;

MppCluster *mpp_cluster_copy(const MppCluster *cluster);
void mpp_cluster_free(MppCluster *cluster);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppCluster, mpp_cluster_free)

/** Tier @index, innermost 0. */
static inline const MppTier *mpp_cluster_tier(const MppCluster *cluster, int index)
{
    return &g_array_index(cluster->tiers, MppTier, index);
}

static inline int mpp_cluster_n_tiers(const MppCluster *cluster)
{
    return (int)cluster->tiers->len;
}

/** What a host of the cluster takes for what takes the runtimes' reference @reference_s. */
static inline double mpp_cluster_host_s(const MppCluster *cluster, double reference_s)
{
    return reference_s * cluster->host_frac * cluster->device.host_frac;
}

/**
 * How much longer computation takes while @ranks of a host compute at the same time. Processors are shared evenly, by
 * time slices and by hardware threads of one core alike, and nothing is lost by sharing.
 */
static inline double mpp_cluster_slowdown(const MppCluster *cluster, double ranks)
{
    return cluster->host_capacity > 0 ? MAX(1, ranks / cluster->host_capacity) : 1;
}

/** Devices in one domain of tier @index; the last tier has @gpus. */
static inline int64_t mpp_cluster_domain(const MppCluster *cluster, int index, int64_t gpus)
{
    int64_t devices = mpp_cluster_tier(cluster, index)->devices;
    return devices && devices < gpus ? devices : gpus;
}
