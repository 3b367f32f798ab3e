/**
 * One accelerator: datasheet rates, and the few parameters that say how much of them real kernels reach.
 *
 * All rates are dense (no structured sparsity), SI units. `sources` names where each number comes from; one
 * that begins with "guess" is a guess.
 */
#pragma once

#include "planner/base/fields.h"
#include "planner/spec/precision.h"

/** How the attention core runs. */
typedef enum {
    MPP_ATTENTION_UNFUSED,       /* products, mask, softmax and dropout as separate kernels over the score matrix */
    MPP_ATTENTION_FUSED_SOFTMAX, /* scores in memory, mask and softmax in one kernel (Megatron's) */
    MPP_ATTENTION_FLASH1,        /* arXiv:2205.14135 */
    MPP_ATTENTION_FLASH1_TRITON, /* the same in Triton (flash_attn_triton.py; llm-foundry) */
    MPP_ATTENTION_FLASH2,        /* arXiv:2307.08691 */
    MPP_ATTENTION_FLASH3,        /* arXiv:2407.08608, and cuDNN's on Hopper and later */
    MPP_N_ATTENTIONS,
} MppAttentionKernel;

extern const MppNames mpp_attention_names;

/** Whether the scores are kept in memory. */
bool mpp_attention_is_unfused(MppAttentionKernel kernel);

/** Kernels that read and write memory: name as profiles and samples have it. */
#define MPP_STREAMINGS(STREAM) \
    STREAMING(COPY, "copy") /* copies, sums, residuals */ \
    STREAMING(GATHER, "gather") /* rows by number: embedding, tokens to experts and back */ \
    STREAMING(NORM, "norm") \
    STREAMING(ACTIVATION, "activation") \
    STREAMING(ROTARY, "rotary") \
    STREAMING(LOSS, "loss") /* cross entropy */ \
    STREAMING(OPTIMIZER, "optimizer")

typedef enum {
#define STREAMING(kind, name) MPP_STREAMING_##kind,
    MPP_STREAMINGS(STREAM)
#undef STREAMING
    MPP_N_STREAMINGS,
} MppStreaming;

extern const MppNames mpp_streaming_names;

/** Rate of each kind of streaming kernel against memory_frac; below 1 where arithmetic takes longer than the bytes. */
typedef struct {
    double by_streaming[MPP_N_STREAMINGS];
} MppStreamingRates;

/** FLOP per s by number format; 0 where the device has none. */
typedef struct {
    double by_precision[MPP_N_PRECISIONS];
} MppRates;

/** Share of the bf16 peak that a flash attention kernel reaches on long sequences with 128-wide heads. */
typedef struct {
    double forward_frac, backward_frac;
} MppAttentionRate;

typedef struct {
    char *name, *title, *vendor;
    GPtrArray *aliases;
    char *cluster; /* name of the cluster profile taken when only the device is given */
    double memory_bytes;
    double memory_bytes_per_s;
    double memory_frac; /* of memory_bytes_per_s that streaming kernels reach */
    MppStreamingRates streaming_frac;
    MppRates peak_flop_per_s;
    MppRates matmul_frac; /* of peak, large products, sustained clocks */
    int64_t cores; /* streaming multiprocessors or compute units */
    int64_t matmul_tile; /* edge of the part of a product computed at once, where it is smaller than a GPU's 64; 0: a GPU's */
    double matmul_depth; /* k at which a product reaches half of its rate: pipeline fill and epilogue of a tile */
    double grouped_frac; /* of a product's rate, for the grouped products of experts */
    double matmul_work_flop; /* work at which a product reaches half of its rate */
    MppAttentionRate flash1, flash2, flash3;
    double attention_tokens; /* keys seen per query at which attention reaches half of its rate */
    double kernel_s;      /* device time between two dependent kernels */
    double host_frac;     /* time of the usual host to launch a kernel, against the runtimes' reference (1) */
    double host_link_bytes_per_s;   /* to the host, per device while all of a node copy */
    double host_memory_bytes_per_s; /* of the host, what one rank's update reaches */
    double power_w, price_usd_per_h;
    GHashTable *sources;
} MppDevice;

extern const MppFields mpp_device_fields;

/** Reads a device. Errors: MPP_ERROR_SCHEMA, MPP_ERROR_INVALID. */
bool mpp_device_read(const MppJson *json, MppDevice *device, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** Whether each rate has its share; @node is the device in @json. Error: MPP_ERROR_INVALID. */
bool mpp_device_check(const MppDevice *device, const MppJson *json, const cJSON *node, GError **error) G_GNUC_WARN_UNUSED_RESULT;

void mpp_device_clear(MppDevice *device);

/** Attention rates of @kernel; unfused kernels have none: their products are ordinary ones. */
const MppAttentionRate *mpp_device_attention(const MppDevice *device, MppAttentionKernel kernel);
