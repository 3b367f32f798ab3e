/**
 * Simulates one training step of a plan: the closed form's costs, run as events.
 *
 * Equal replicas are folded into one unless a what-if makes them differ. Where nothing contends the step takes
 * exactly as long as the estimate says; transfers that meet on a port, gradients exchanged beside computation,
 * slow devices and random kernel times make it longer.
 */
#pragma once

#include "planner/cost/estimate.h"
#include "sim/engine.h"
#include "sim/lanes.h"
#include "sim/scene.h"
#include "sim/timeline.h"
#include "sim/what_if.h"

typedef struct {
    const MppJob *job;             /* borrowed */
    MppPipelineCost *pipeline;     /* borrowed */
    MppLanes ranks;
    MppProgram *program;
    MppScene scene;
    double step_s;
    double passes_end_s;  /* last pass of any lane */
    double longest_span_s; /* longest time from a lane's first pass to its last: the bubble metric of zero-bubble papers */
    double bubble_frac;    /* of passes_end_s: what the busiest lane is not in passes */
    double host_s, straggler_s; /* at the end of the step: the host's work, and what waiting adds on average */
    int64_t n_events;
    int64_t n_queued;     /* messages that had to wait for an earlier one to the same peer */
    double contended_sum_s; /* over all links: time in which transfers slowed each other */
    GArray *spans;        /* MppSpan of recorded lanes, in order of their starts */
    int32_t n_lanes;
    MppLaneTimes *lanes;  /* n_lanes */
    double *carried_bytes, *contended_s; /* by link of the scene */
} MppSimulation;

/**
 * @pipeline: costed; lent as long as the simulation lives. @what_if: NULL for the plan as it is. @recorded: lanes whose spans are kept, NULL: all.
 * Errors: MPP_ERROR_INVALID for a what-if that names ranks which are not there, MPP_ERROR_UNSUPPORTED for one that cuts
 * off a device.
 */
MppSimulation *mpp_simulate(MppPipelineCost *pipeline, const MppWhatIf *what_if, const bool *recorded, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void mpp_simulation_free(MppSimulation *simulation);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppSimulation, mpp_simulation_free)
