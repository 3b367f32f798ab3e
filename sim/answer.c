#include "sim/answer.h"

#include "planner/cost/plan_cost.h"
#include "sim/simulate.h"

/** What the simulation of a step adds to its estimate. Steps are simulated one by one, so the estimate is one alone too. */
static double added_s(const MppJob *job, const MppStrategy *strategy)
{
    MppRuntime runtime = *job->runtime; /* borrows all it points to */
    MppJob alone = *job;
    runtime.skips_step_barrier = false;
    alone.runtime = &runtime;
    g_autoptr(MppPlanCost) cost = mpp_plan_cost_new(&alone, strategy);
    g_autofree bool *recorded = g_new0(bool, strategy->pp);
    g_autoptr(MppSimulation) simulation = mpp_simulate(cost->pipeline, NULL, recorded, NULL);
    g_assert(simulation); /* only what-ifs can be wrong */
    return MAX(0, simulation->step_s - mpp_estimate_step_s(cost->pipeline));
}

double mpp_answer_step_s(const MppJob *job, const MppStrategy *strategy)
{
    return mpp_estimate_time_s(job, strategy) + added_s(job, strategy);
}

MppEstimate *mpp_answer_new(const MppJob *job, const MppStrategy *strategy)
{
    MppEstimate *estimate = mpp_estimate_new(job, strategy);
    mpp_estimate_contend(estimate, job, estimate->step_s + added_s(job, strategy));
    return estimate;
}
