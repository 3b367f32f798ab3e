/**
 * The kinds of pipeline schedules, and which pipelines each is for.
 *
 * What an order of passes looks like is in planner/schedule; here are the facts that strategies, runtimes and
 * rules need: a name and the shapes that are legal.
 */
#pragma once

#include <stdint.h>

#include "planner/base/names.h"

#define MPP_SCHEDULE_KINDS(KIND)          \
    KIND(GPIPE, "gpipe")                  \
    KIND(1F1B, "1f1b")                    \
    KIND(INTERLEAVED, "interleaved")

typedef enum {
#define KIND(kind, name) MPP_SCHEDULE_##kind,
    MPP_SCHEDULE_KINDS(KIND)
#undef KIND
    MPP_N_SCHEDULES,
} MppScheduleKind;

extern const MppNames mpp_schedule_names;

typedef struct {
    int64_t least_pp, pp_multiple;
    int64_t least_vpp, most_vpp, vpp_multiple; /* most_vpp 0: any */
    int64_t least_rounds;                      /* micro-batches are at least this times pp */
    int64_t micro_batch_multiple;
    bool grouped;                              /* micro-batches visit a rank's chunks in groups */
} MppScheduleShape;

const MppScheduleShape *mpp_schedule_kind_shape(MppScheduleKind kind);

/**
 * Why @kind is not for a pipeline of @pp ranks with @vpp chunks each and @micro_batches in groups of @group.
 *
 * Returns: what it needs, for people; NULL when the pipeline is legal.
 */
char *mpp_schedule_kind_broken(MppScheduleKind kind, int64_t pp, int64_t vpp, int64_t micro_batches, int64_t group);
