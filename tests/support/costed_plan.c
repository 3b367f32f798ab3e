#include "tests/support/costed_plan.h"

CostedPlan *costed_plan_new(const MppJob *job, const char *text)
{
    GError *error = NULL;
    CostedPlan *plan = g_new0(CostedPlan, 1);
    plan->strategy = mpp_strategy_single();
    bool parsed = mpp_strategy_parse(text, &plan->strategy, NULL, &error);
    g_assert_no_error(error);
    g_assert_true(parsed);
    const MppStrategy *s = &plan->strategy;
    MppMesh mesh = mpp_mesh_new(s, job->cluster, job->gpus);
    MppBlockPlace place = mpp_block_place(s, &mesh);
    mpp_shard_cost(job, &place, &plan->shard);
    plan->pipeline = mpp_pipeline_cost_new(s->pp * s->vpp, job->model->n_layers);
    mpp_pipeline_cost_fill(plan->pipeline, &plan->shard, s);
    return plan;
}

void costed_plan_free(CostedPlan *plan)
{
    mpp_pipeline_cost_free(plan->pipeline);
    mpp_strategy_clear(&plan->strategy);
    g_free(plan);
}
