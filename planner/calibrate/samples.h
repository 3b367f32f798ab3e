/**
 * Microbenchmarks: how long single operations took on a device, a host or a fabric.
 *
 * Every source of them gives these: `mpplan measure`, nccl-tests, traces of a profiler. A sample states its sizes as the
 * cost model's operations do (planner/ops/op.h), so that what is predicted for it is one call. Its file:
 *
 *     {"format_version": 1, "source": "mpplan measure, backend cpu", "device": "Xeon", "host_cores": 2, "samples": [
 *       {"kind": "matmul", "name": "qkv", "precision": "fp32", "m": 512, "n": 1536, "k": 512, "repeats": 9, "median_s": 0.0123},
 *       {"kind": "collective", "name": "all-reduce", "bytes": 4194304, "ranks": 2, "repeats": 9, "median_s": 0.0021}]}
 */
#pragma once

#include "planner/ops/op.h"

/** What was timed, and the fields that it states beside name and times. */
#define MPP_SAMPLE_KINDS(KIND)                                                                                                   \
    KIND(MATMUL, "matmul") /* count products [m,k]x[k,n], layout, accumulates */                                                 \
    KIND(ATTENTION,                                                                                                              \
         "attention")       /* causal, one call: count heads times sequences, m queries, n keys seen by one, k and v wide */     \
    KIND(MEMORY, "memory")  /* bytes read and written by kernels of the kind streaming */                                                     \
    KIND(LAUNCH, "launch")  /* host time to start one operation */                                                               \
    KIND(COPY, "host-copy") /* bytes between host and device, one way */                                                         \
    KIND(COLLECTIVE, "collective") /* collective of ranks in nodes; bytes as mpp_collective_time_s() takes them */

typedef enum {
#define KIND(kind, name) MPP_SAMPLE_##kind,
    MPP_SAMPLE_KINDS(KIND)
#undef KIND
        MPP_N_SAMPLE_KINDS,
} MppSampleKind;

extern const MppNames mpp_sample_kind_names;

/** Which factors of a product are transposed: of transformer layers the forward pass is nt, gradients nn (input) and tn (weights). */
typedef enum { MPP_LAYOUT_NN, MPP_LAYOUT_NT, MPP_LAYOUT_TN, MPP_LAYOUT_TT, MPP_N_LAYOUTS } MppLayout;

typedef struct {
    MppSampleKind kind;
    char *name; /* operation, for tables */
    MppPrecision precision;
    int64_t count, m, n, k, v;
    MppLayout layout;
    bool accumulates; /* adds to what is there */
    bool backward;    /* attention: all gradients, scores computed again */
    MppStreaming streaming;
    double bytes;
    int64_t kernels;
    MppCollective collective;
    int64_t ranks, nodes; /* that took part, evenly over nodes */
    int64_t busy_ranks;   /* on the node, working at the same time, this one included */
    int64_t repeats;
    double median_s, p10_s, p90_s; /* of one operation, over the repeats; 0: spread not known */
} MppSample;

typedef struct {
    int64_t format_version;
    char *source;       /* what measured */
    char *device;       /* and on what */
    int64_t host_cores; /* processors of a node; 0: not known */
    GArray *samples;    /* MppSample */
} MppSamples;

extern const MppFields mpp_sample_fields, mpp_samples_fields;

/** @source, @device: may be NULL, for not known. */
MppSamples *mpp_samples_new(const char *source, const char *device);
void mpp_samples_free(MppSamples *samples);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppSamples, mpp_samples_free)

/** A sample of @kind with everything else as when it is not stated; its strings are its own. */
MppSample mpp_samples_blank(MppSampleKind kind, const char *name);

/** Takes @sample over. */
void mpp_samples_add(MppSamples *samples, MppSample sample);

static inline const MppSample *mpp_samples_get(const MppSamples *samples, guint i)
{
    return &g_array_index(samples->samples, MppSample, i);
}

/** Errors: MPP_ERROR_SCHEMA, MPP_ERROR_INVALID where sizes are missing, MPP_ERROR_UNSUPPORTED. */
MppSamples *mpp_samples_read(const MppJson *json, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * Reads @path in whichever format it is: samples, a profiler's trace (JSON with traceEvents), nccl-tests' table.
 * Errors: G_FILE_ERROR; those of mpp_json_parse(), mpp_samples_read(), mpp_kineto_read() and mpp_nccl_tests_parse().
 */
MppSamples *mpp_samples_load(const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** To @path, or to standard output when NULL. Error: G_FILE_ERROR. */
bool mpp_samples_write(const MppSamples *samples, const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;
