/**
 * How a job is split: degrees of parallelism, schedule, recomputation, sharding, placement.
 *
 * A small plain value, compared and copied freely. Written as text it is what flags, reports and files use:
 *
 *     dp=4,tp=8,pp=2,mbs=1,zero=1,sp,recompute=selective
 *
 * dp counts data-parallel replicas including the ranks that ZeRO shards over. Expert parallelism is carved out
 * of tp * cp * dp: an expert is held by etp ranks, experts are spread over ep, and what is left replicates them.
 */
#pragma once

#include "planner/base/fields.h"
#include "planner/spec/context_kind.h"
#include "planner/spec/runtime.h"
#include "planner/spec/schedule_kind.h"

/** Order of the mesh over the ranks, fastest first; tp is always fastest. */
typedef enum {
    MPP_ORDER_CP_DP_PP,
    MPP_ORDER_CP_PP_DP,
    MPP_ORDER_DP_CP_PP,
    MPP_ORDER_DP_PP_CP,
    MPP_ORDER_PP_CP_DP,
    MPP_ORDER_PP_DP_CP,
    MPP_N_ORDERS,
} MppMeshOrder;

/** What the host's memory holds instead of the device's. Activations are a kind of recomputation. */
typedef enum {
    MPP_OFFLOAD_NONE,
    MPP_OFFLOAD_OPTIMIZER,
    MPP_OFFLOAD_PARAMETERS, /* and gradients and optimizer states */
    MPP_N_OFFLOADS,
} MppOffload;

extern const MppNames mpp_order_names, mpp_offload_names;

typedef struct {
    int64_t dp, tp, pp, vpp, cp, ep, etp;
    int64_t micro_batch;
    bool sequence_parallel;
    MppCpKind cp_kind;
    int64_t zero;
    int64_t zero_ranks; /* ranks one shard group has (hybrid sharding); 0: all of dp * cp */
    MppScheduleKind schedule;
    int64_t schedule_group; /* micro-batches that visit a chunk before the rank turns to the next; 0: pp */
    MppRecompute recompute;
    int64_t recompute_layers;  /* of each chunk under full recompute or offload; 0: all */
    int64_t recompute_modules; /* a set of MppModule under selective recompute; 0: what the stack means by it */
    MppOffload offload;
    MppStageSplit stage_split;
    MppMeshOrder order;
    GArray *stage_layers; /* int64_t, of each of the pp * vpp chunks in model order; NULL: by stage_split. Borrowed. */
} MppStrategy;

/** Field table of the JSON form. Reading makes a new stage_layers that mpp_strategy_clear() frees. */
extern const MppFields mpp_strategy_fields;

/** A set of fields, one bit a row of the table. */
typedef uint64_t MppStrategyFields;

/** The set that holds the field called @name in JSON. */
MppStrategyFields mpp_strategy_field(const char *name);

/** One rank, no split; the starting point of everything. */
MppStrategy mpp_strategy_single(void);

/**
 * Parses "tp=8,pp=4,sp,recompute=full:3,stages=10/12/12/10" over @strategy; recompute=selective:mlp+moe_act names modules. Keys: dp tp pp vpp cp ep etp mbs sp zero
 * zero_ranks schedule group recompute cp_kind offload split order stages; those not named keep their values.
 * @named: out, the fields that were named (mpp_strategy_field()), or NULL
 *
 * Error: MPP_ERROR_USAGE naming the part; then @strategy holds nothing to free.
 */
bool mpp_strategy_parse(const char *text, MppStrategy *strategy, MppStrategyFields *named,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** Whether @key is one of these. */
bool mpp_strategy_has_key(const char *key);

/** "dp 4 · tp 2 · pp 8 · …", only what differs from a single rank; for people. */
char *mpp_strategy_title(const MppStrategy *strategy);

/** The text form that mpp_strategy_parse() reads back equal. */
char *mpp_strategy_to_text(const MppStrategy *strategy);

/** Names of the modules under selective recompute with @between them; "" where the stack decides. */
char *mpp_strategy_modules(const MppStrategy *strategy, const char *between);

void mpp_strategy_clear(MppStrategy *strategy);

/** The dp that @gpus devices have room for: gpus / (tp * pp * cp), at least 1. */
int64_t mpp_strategy_dp_on(const MppStrategy *strategy, int64_t gpus);

/** Micro-batches a rank runs in a step; exact when the strategy is legal. */
int64_t mpp_strategy_micro_batches(const MppStrategy *strategy, int64_t global_batch);

/** How many of a chunk's @layers, the first, are under the strategy's recomputation; offload leaves the last, which is wanted at once. */
int64_t mpp_strategy_recomputed(const MppStrategy *strategy, int64_t layers);

/** Ranks over which parameters outside experts are sharded by ZeRO: zero_ranks, or dp * cp. */
int64_t mpp_strategy_shard_ranks(const MppStrategy *strategy);

/** Replicas of an expert: tp * cp * dp / (ep * etp). */
int64_t mpp_strategy_expert_dp(const MppStrategy *strategy);

/** Ranks over which ZeRO shards experts' parameters: of their replicas, those within a shard group. */
int64_t mpp_strategy_expert_shard_ranks(const MppStrategy *strategy);
