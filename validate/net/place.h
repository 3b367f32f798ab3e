/**
 * Where a rank stands in the mesh of a strategy, and the groups it works in.
 */
#pragma once

#include "planner/spec/mesh.h"
#include "validate/net/rank.h"

typedef enum {
    MPP_GROUP_ALONE, /* this rank */
    MPP_GROUP_WORLD,
    MPP_GROUP_TP,
    MPP_GROUP_KV, /* of tp: ranks that hold the same key-value heads */
    MPP_GROUP_CP,
    MPP_GROUP_SHARD,     /* one set of ZeRO shards, in the order of the shards */
    MPP_GROUP_REPLICAS,  /* the same shard of every set */
    MPP_GROUP_EXPERTS,   /* one set of experts: ep * etp ranks, etp fastest */
    MPP_GROUP_EXPERT_DP, /* replicas of an expert */
    MPP_GROUP_COPIES,    /* the two stages that hold the same chunks, under schedules with two copies of the model */
    MPP_GROUP_TIED,      /* first and last stage, where they share the vocabulary's matrix */
    MPP_N_GROUPS,
} MppGroupKind;

typedef struct {
    MppBackendGroup *handle; /* NULL for a single rank */
    int64_t n, index;
} MppRankGroup;

typedef struct {
    const MppRank *rank; /* borrowed, as is the strategy */
    const MppStrategy *strategy;
    int64_t tp, cp, dp, pp, ep, etp; /* coordinates */
    MppRankGroup groups[MPP_N_GROUPS];
} MppPlace;

/**
 * All ranks call it together. @kv_heads: of the model, 0 without attention. @tied_stages: the two stages that share the vocabulary's
 * matrix, or two equal ones. @strategy: legal for rank->size ranks, or for one: then every rank stands alone.
 */
MppPlace *mpp_place_new(const MppRank *rank, const MppStrategy *strategy, int64_t kv_heads, const int64_t *tied_stages);
void mpp_place_free(MppPlace *place);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppPlace, mpp_place_free)

/** The rank in the same place of another pipeline stage, or of the context group. */
int64_t mpp_place_stage_rank(const MppPlace *place, int64_t stage);
int64_t mpp_place_cp_rank(const MppPlace *place, int64_t cp);

/**
 * Collectives. A group of one rank has nothing to do but to copy. A slice has groups without handles: sums stay its own,
 * parts of others are copies of its own, so that what follows computes on numbers of the usual size.
 */
void mpp_place_sum(const MppPlace *place, MppGroupKind group, MppTensor x);
void mpp_place_gather(const MppPlace *place, MppGroupKind group, MppTensor out, MppTensor in);
void mpp_place_scatter(const MppPlace *place, MppGroupKind group, MppTensor out, MppTensor in);

/** Sends @from to rank @to and receives @into from rank @source, both done when what follows begins. */
void mpp_place_turn(const MppPlace *place, MppTensor from, int64_t to, MppTensor into, int64_t source);
