/**
 * What the engine runs: a program, the lanes that run it, and how long everything takes alone.
 *
 * A lane is a set of ranks that meet in every layer (tensor-, context-, expert-parallel and fully sharded peers)
 * and therefore move in lockstep: one rank of each stage when equal replicas are folded into one, every such set of
 * the cluster when they are not. Lane = replica * pp + stage.
 *
 * Values only; made by mpp_scene_of_plan() from a costed plan, or by hand in tests.
 */
#pragma once

#include "planner/schedule/program.h"
#include "sim/network.h"

/** A pass of one chunk, one micro-batch. */
typedef struct {
    double compute_s;
    double exchange_s; /* of the collectives inside it, not hidden */
} MppChunkTime;

typedef enum { MPP_JITTER_LOGNORMAL, MPP_JITTER_GAMMA, MPP_JITTER_GAUSSIAN, MPP_N_JITTERS } MppJitterKind;

extern const MppNames mpp_jitter_names;

/** Random time of layers. A lane's ranks wait for the slowest of them in each layer. */
typedef struct {
    MppJitterKind kind;
    double kernel_frac; /* standard deviation of a kernel's time against its mean; 0: none */
    int32_t kernels_per_layer; /* independent of each other */
    int32_t ranks;      /* of a lane */
    uint64_t seed;
} MppJitter;

/** The exchange of one chunk's gradients over all replicas of a stage. */
typedef struct {
    double work_s;   /* alone */
    double hidden_s; /* of it, beside the pass that completes the gradients; at most that pass's time */
    double bytes_per_s;
} MppReduction;

typedef struct {
    const MppProgram *program;
    int32_t n_replicas, n_lanes;
    /* passes */
    int32_t n_pools;
    MppChunkTime *times;      /* [pool][pass][chunk] */
    int32_t *pool_of_lane;   /* kind of device */
    double *compute_factor;  /* of a lane's compute_s; 1: as planned */
    double *exchange_factor; /* of its exchange_s */
    int32_t *layers;         /* of each chunk: how often a lane's ranks meet in a pass */
    MppJitter jitter;
    double host_capacity;    /* ranks' worth of computation that a host does at once; 0: lanes do not share hosts */
    double pass_slowdown;    /* that the passes' times have in them: by the stage's own ranks */
    double lane_ranks;       /* of a lane, on a host */
    int32_t *host_of_lane;
    double slowdown_frac;    /* a pass takes this much longer while gradients are exchanged beside it */
    /* transfers */
    double *message_s; /* from each chunk to the next */
    double message_bytes_per_s;
    MppReduction *reductions; /* by chunk */
    double tied_s;
    double *update_s;         /* by lane */
    double *gather_s;         /* by stage */
    double *gather_bytes_per_s;
    /* links; an index of -1: none, the transfer stays below the tiers that are shared */
    int32_t n_links;
    double *capacity_bytes_per_s;
    int32_t *message_out, *message_in; /* by lane */
    int32_t **replica_links;           /* by stage: out and in links of all its lanes that a reduction crosses */
    int32_t *n_replica_links;
} MppScene;

/** Frees the arrays, not the program. */
void mpp_scene_clear(MppScene *scene);

static inline const MppChunkTime *mpp_scene_time(const MppScene *scene, int32_t pool, MppPass pass, int32_t chunk)
{
    return &scene->times[((int64_t)pool * MPP_N_PASSES + pass) * scene->program->n_chunks + chunk];
}

static inline int32_t mpp_scene_stage(const MppScene *scene, int32_t lane)
{
    return lane % scene->program->pp;
}
