/**
 * Predicted beside measured: a plan's simulated step and the one that ran, action by action and operation by operation.
 */
#pragma once

#include "sim/simulate.h"
#include "validate/run_report.h"

/** Seconds a step, of the mean rank. */
typedef struct {
    char *name;
    double predicted_s, measured_s;
    bool of_passes;     /* made of operations, which have rows of their own */
    bool between_ranks; /* a slice has not measured it */
} MppComparedTime;

typedef struct {
    double predicted_s, measured_s;         /* step */
    double least_s, most_s;                 /* of the measured steps */
    double predicted_bytes, measured_bytes; /* peak of the fullest rank, without what is outside of the allocator */
    GArray *actions;                        /* MppComparedTime: passes by kind, exchanges, update, and waiting */
    GArray *ops;                            /* MppComparedTime: within passes */
} MppComparison;

/**
 * @simulation: of the plan as it ran, with all its spans. @measured: of a slice, its step simulated with the passes that it
 * measured (validate/slice_step.h), which is taken for the measured one; NULL where all ranks ran.
 */
MppComparison *mpp_comparison_new(const MppSimulation *simulation, const MppSimulation *measured, const MppRunReport *report);
void mpp_comparison_free(MppComparison *comparison);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppComparison, mpp_comparison_free)

/** Measured step against the predicted one, less 1. */
double mpp_comparison_error_frac(const MppComparison *comparison);

/** The operation, or action outside of passes, that adds most to the step's error; its sign is the error's. */
const MppComparedTime *mpp_comparison_culprit(const MppComparison *comparison);

cJSON *mpp_comparison_json(const MppComparison *comparison);

/** Predicted seconds of each operation in a step, of the mean stage: MppComparedTime without measured_s. */
GArray *mpp_predicted_ops(const MppPipelineCost *pipeline);
