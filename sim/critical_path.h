/**
 * The critical path of a step: what to make faster first.
 *
 * From the end of the step back, each span is followed by the one whose end let it start. The segments cover the step
 * without gaps or overlaps; only time that is taken off them shortens it, and by no more than that.
 */
#pragma once

#include "sim/pass_pieces.h"

typedef enum {
    MPP_CRITICAL_PASS,
    MPP_CRITICAL_MESSAGE,
    MPP_CRITICAL_REDUCE, /* gradients between replicas */
    MPP_CRITICAL_TIED,   /* gradients of a shared embedding */
    MPP_CRITICAL_UPDATE,
    MPP_CRITICAL_GATHER,    /* parameters between replicas */
    MPP_CRITICAL_UNKNOWN,   /* what nothing recorded accounts for: of lanes that are not recorded */
    MPP_CRITICAL_HOST,      /* the host's work at the end of a step */
    MPP_CRITICAL_STRAGGLER, /* waiting for the slowest, on average */
    MPP_N_CRITICALS,
} MppCriticalKind;

extern const MppNames mpp_critical_names;  /* as JSON has them */
extern const MppNames mpp_critical_titles; /* as reports have them */

typedef struct {
    double start_s, end_s;
    int32_t span; /* -1 for UNKNOWN, HOST and STRAGGLER */
    MppCriticalKind kind;
} MppCriticalSegment;

/** All segments of a kind and stage; of a pass and a share within it. */
typedef struct {
    double s;
    MppCriticalKind kind;
    int32_t stage;  /* -1: of no stage */
    MppPass pass;   /* of PASS */
    MppShare share; /* of PASS */
    int32_t n;      /* segments */
} MppCriticalPart;

typedef struct {
    GArray *segments; /* MppCriticalSegment in order of time */
    GArray *parts;    /* MppCriticalPart, longest first */
} MppCriticalPath;

MppCriticalPath *mpp_critical_path_new(const MppSimulation *simulation);
void mpp_critical_path_free(MppCriticalPath *path);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppCriticalPath, mpp_critical_path_free)

/** "stage 3, backward: matrix products": what the part is, for people. */
char *mpp_critical_part_title(const MppCriticalPart *part);
