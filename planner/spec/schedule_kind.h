/**
 * The kinds of pipeline schedules, and which pipelines each is for.
 *
 * What an order of passes looks like is in planner/schedule; here are the facts that strategies, runtimes and
 * rules need: a name and the shapes that are legal.
 */
#pragma once

#include <stdint.h>

#include "planner/base/names.h"

#define MPP_SCHEDULE_KINDS(KIND)            \
    KIND(GPIPE, "gpipe")                    \
    KIND(1F1B, "1f1b")                      \
    KIND(INTERLEAVED, "interleaved")        \
    KIND(BREADTH_FIRST, "breadth-first")    \
    KIND(ZB_H1, "zb-h1")                    \
    KIND(ZB_H2, "zb-h2")                    \
    KIND(ZB_INTERLEAVED, "zb-interleaved")  \
    KIND(ZB_V, "zb-v")                      \
    KIND(V_HALF, "v-half")                  \
    KIND(V_MIN, "v-min")                    \
    KIND(DUALPIPE_V, "dualpipe-v")          \
    KIND(HANAYO, "hanayo")                  \
    KIND(CHIMERA, "chimera")

typedef enum {
#define KIND(kind, name) MPP_SCHEDULE_##kind,
    MPP_SCHEDULE_KINDS(KIND)
#undef KIND
    MPP_N_SCHEDULES,
} MppScheduleKind;

extern const MppNames mpp_schedule_names;

/** Which rank has chunk c of a model cut into pp * vpp of them. */
typedef enum {
    MPP_PLACEMENT_LOOPED,        /* c mod pp */
    MPP_PLACEMENT_ZIGZAG,        /* up the ranks and down again, vpp / 2 times: the first and the last chunk on rank 0 */
    MPP_PLACEMENT_BIDIRECTIONAL, /* c, and of a second copy of the model pp - 1 - c */
} MppPlacement;

typedef struct {
    MppPlacement placement;
    int64_t least_pp, pp_multiple;
    int64_t least_vpp, most_vpp, vpp_multiple; /* most_vpp 0: any */
    int64_t least_rounds;                      /* micro-batches are at least this times pp */
    int64_t micro_batch_multiple;
    bool whole_rounds;    /* micro-batches are a multiple of pp */
    bool grouped;         /* micro-batches visit a rank's chunks in groups; their size can be chosen */
    bool splits_backward; /* the gradients of inputs and of weights have passes of their own */
} MppScheduleShape;

const MppScheduleShape *mpp_schedule_kind_shape(MppScheduleKind kind);

bool mpp_schedule_kind_allows(MppScheduleKind kind, int64_t pp, int64_t vpp, int64_t micro_batches, int64_t group);

/**
 * Why @kind is not for a pipeline of @pp ranks with @vpp chunks each and @micro_batches in groups of @group.
 *
 * Returns: what it needs, for people; NULL when the pipeline is legal.
 */
char *mpp_schedule_kind_broken(MppScheduleKind kind, int64_t pp, int64_t vpp, int64_t micro_batches, int64_t group);
