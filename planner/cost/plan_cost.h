/**
 * All costs of one plan, for those who look at a single one: the search fills a pipeline's costs again and again.
 */
#pragma once

#include "planner/cost/pipeline_cost.h"

typedef struct {
    MppShardCost shard;
    MppPipelineCost *pipeline;
} MppPlanCost;

/** @strategy must be legal for @job; both are borrowed. */
MppPlanCost *mpp_plan_cost_new(const MppJob *job, const MppStrategy *strategy);
void mpp_plan_cost_free(MppPlanCost *cost);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppPlanCost, mpp_plan_cost_free)
