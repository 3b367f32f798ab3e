#include "planner/cost/plan_cost.h"

MppPlanCost *mpp_plan_cost_new(const MppJob *job, const MppStrategy *strategy)
{
    MppPlanCost *cost = g_new(MppPlanCost, 1);
    MppMesh mesh = mpp_mesh_new(strategy, job->cluster, job->gpus);
    MppBlockPlace place = mpp_block_place(strategy, &mesh);
    mpp_shard_cost(job, &place, &cost->shard);
    cost->pipeline = mpp_pipeline_cost_new(strategy->pp * strategy->vpp, job->model->n_layers);
    mpp_pipeline_cost_fill(cost->pipeline, &cost->shard, strategy);
    return cost;
}

void mpp_plan_cost_free(MppPlanCost *cost)
{
    if (!cost)
        return;
    mpp_pipeline_cost_free(cost->pipeline);
    g_free(cost);
}
