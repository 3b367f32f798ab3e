/**
 * How context-parallel ranks, which have parts of a sequence each, bring queries to the keys and values of the others.
 */
#pragma once

#include "planner/base/names.h"

/** Name, and the mark of the degree in titles. */
#define MPP_CP_KINDS(CP) \
    CP(RING, "ring", "") /* keys and values go round, a block at a time (arXiv:2310.01889) */ \
    CP(ALL_TO_ALL, "all-to-all", " a2a") /* parts of the sequence for parts of the heads (arXiv:2309.14509) */ \
    CP(ALL_GATHER, "all-gather", " gather") /* each rank has all keys and values while it attends (arXiv:2407.21783 §3.3.2) */

typedef enum {
#define CP(kind, name, mark) MPP_CP_##kind,
    MPP_CP_KINDS(CP)
#undef CP
    MPP_N_CPS,
} MppCpKind;

extern const MppNames mpp_cp_names;
