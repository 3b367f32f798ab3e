#include "tests/support/costed_plan.h"

CostedPlan *costed_plan_new(const MppJob *job, const char *text)
{
    GError *error = NULL;
    CostedPlan *plan = g_new0(CostedPlan, 1);
    plan->strategy = mpp_strategy_single();
    bool parsed = mpp_strategy_parse(text, &plan->strategy, NULL, &error);
    g_assert_no_error(error);
    g_assert_true(parsed);
    plan->cost = mpp_plan_cost_new(job, &plan->strategy);
    plan->pipeline = plan->cost->pipeline;
    return plan;
}

void costed_plan_free(CostedPlan *plan)
{
    mpp_plan_cost_free(plan->cost);
    mpp_strategy_clear(&plan->strategy);
    g_free(plan);
}
