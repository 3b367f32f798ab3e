/**
 * A plan with its costs, for tests that read them.
 */
#pragma once

#include "planner/cost/plan_cost.h"

typedef struct {
    MppStrategy strategy;
    MppPlanCost *cost;
    MppPipelineCost *pipeline; /* the cost's */
} CostedPlan;

/** @text: the whole strategy, as mpp_strategy_parse() takes it; legal for @job, which is borrowed. */
CostedPlan *costed_plan_new(const MppJob *job, const char *text);
void costed_plan_free(CostedPlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CostedPlan, costed_plan_free)
