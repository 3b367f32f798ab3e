/**
 * What may be unlike the plan: slow devices and links, other devices, failed ports, random kernel times.
 */
#pragma once

#include "sim/scene.h"

/** Ranks @first … @last. */
typedef struct {
    int64_t first, last;
    double factor; /* times slower; of a failed port: unused */
    char *device;  /* of a pool: profile name; else NULL */
} MppRankRange;

typedef struct {
    bool unfold;          /* simulate every replica though all are equal */
    GArray *slow_gpus;    /* MppRankRange: their computation takes factor times as long */
    GArray *slow_links;   /* their ports carry 1 / factor of the bytes */
    GArray *failed_links; /* their ports are down: traffic goes through the next port of the node */
    GArray *pools;        /* they are other devices than the cluster's */
    MppJitterKind jitter;
    double jitter_frac;
    uint64_t seed;
} MppWhatIf;

MppWhatIf *mpp_what_if_new(void);
void mpp_what_if_free(MppWhatIf *what_if);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppWhatIf, mpp_what_if_free)

/** Whether replicas differ, so that each must be simulated. */
bool mpp_what_if_unfolds(const MppWhatIf *what_if);

/**
 * Reads "12", "8-15", "12:1.5" or "8-15:a100-80gb" into a range.
 * @wants: 0 for nothing after the ranks, 'f' for a factor of at least 1, 'd' for a device's name.
 * Error: MPP_ERROR_USAGE.
 */
bool mpp_rank_range_parse(const char *text, char wants, MppRankRange *range, GError **error) G_GNUC_WARN_UNUSED_RESULT;
