/**
 * What torchtitan's two configurations share: Python (release 0.3) and TOML (releases up to 0.2).
 *
 * torchtitan shards by degrees: replicas of groups of dp_shard * cp ranks over which parameters are sharded, kept whole
 * after the forward pass (ZeRO-2) or not (ZeRO-3). Its meshes are pp, dp_replicate, dp_shard, cp, tp, slowest first.
 */
#pragma once

#include "planner/emit/emit.h"

/** A model that torchtitan ships. */
typedef struct {
    const char *zoo;    /* built-in model of ours */
    const char *module; /* torchtitan.models.… */
    const char *flavor;
    const char *recipe; /* function of its config_registry in 0.3; NULL: none */
    bool toml;          /* a flavor of 0.2 */
} MppTitanModel;

/** The row whose model has the plan's sizes, or NULL. */
const MppTitanModel *mpp_titan_find_model(const MppModel *model);

/** The row of a flavor, or NULL. */
const MppTitanModel *mpp_titan_find_flavor(const char *module, const char *flavor);

/** Degrees and batch of a plan. */
typedef struct {
    int64_t replicas, shard; /* data-parallel */
    const char *reshard;     /* fsdp_reshard_after_forward */
    const char *rotate;      /* context_parallel_rotate_method, in TOML; NULL without cp */
    const char *schedule;
    int64_t local_batch;
} MppTitanPlan;

/** Refuses what neither configuration can express. */
MppTitanPlan mpp_titan_plan(MppEmission *emission);

/** Names of the modules of each chunk, one list of strings a line; @head is the last module's name. */
void mpp_titan_add_stages(MppEmission *emission, const char *indent, const char *head);

/** Layers of each of @n_chunks chunks when the ends count for @first and @last layers more. Error: MPP_ERROR_INVALID. */
GArray *mpp_titan_stage_layers(int64_t n_layers, int64_t n_chunks, int64_t first, int64_t last,
                               GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** Which parts torch.compile takes: "model", "loss"; and whether the model's takes tensor-parallel exchanges with it. */
typedef struct {
    bool model, loss, async_tensor_parallel;
} MppTitanCompile;

/** Refuses kernels that are neither torch.compile's nor torch's own, and asynchronous exchanges without it. */
MppTitanCompile mpp_titan_compile(MppEmission *emission);
