/**
 * A plain job's plan, simulated: what reports and writers start from.
 */
#pragma once

#include "planner/cost/plan_cost.h"
#include "sim/tracks.h"
#include "tests/support/plain_job.h"

typedef struct {
    MppInputs *inputs;
    MppStrategy strategy;
    MppPlanCost *cost;
    MppPipelineCost *pipeline; /* the cost's */
    MppSimulation *simulation;
    MppTracks *tracks;
} Simulated;

/** The plan @strategy of a plain job on @gpus devices. @what_if: NULL for the plan as it is. */
Simulated *simulated_new(const char *strategy, int64_t gpus, const MppWhatIf *what_if);

/** The same for a job that was changed, which is taken over. */
Simulated *simulated_of(MppInputs *inputs, const char *strategy, const MppWhatIf *what_if);

void simulated_free(Simulated *simulated);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Simulated, simulated_free)

/** Puts @n spans in the place of those that were simulated, and a step of @step_s without host time or stragglers. */
void simulated_set_spans(Simulated *simulated, const MppSpan *spans, int n, double step_s);
