#include "sim/answer.h"

#include "sim/simulate.h"

typedef struct {
    MppShardCost shard;
    MppPipelineCost *pipeline;
} Costed;

static Costed *cost(const MppJob *job, const MppStrategy *strategy)
{
    Costed *costed = g_new(Costed, 1);
    MppMesh mesh = mpp_mesh_new(strategy, job->cluster, job->gpus);
    MppBlockPlace place = mpp_block_place(strategy, &mesh);
    mpp_shard_cost(job, &place, &costed->shard);
    costed->pipeline = mpp_pipeline_cost_new(strategy->pp * strategy->vpp, job->model->n_layers);
    mpp_pipeline_cost_fill(costed->pipeline, &costed->shard, strategy);
    return costed;
}

static void costed_free(Costed *costed)
{
    mpp_pipeline_cost_free(costed->pipeline);
    g_free(costed);
}

/** What the simulation of a step adds to its estimate. Steps are simulated one by one, so the estimate is one alone too. */
static double added_s(const MppJob *job, const MppStrategy *strategy)
{
    MppRuntime runtime = *job->runtime; /* borrows all it points to */
    MppJob alone = *job;
    runtime.skips_step_barrier = false;
    alone.runtime = &runtime;
    Costed *costed = cost(&alone, strategy);
    g_autofree bool *recorded = g_new0(bool, strategy->pp);
    g_autoptr(MppSimulation) simulation = mpp_simulate(costed->pipeline, NULL, recorded, NULL);
    g_assert(simulation); /* only what-ifs can be wrong */
    double added = MAX(0, simulation->step_s - mpp_estimate_step_s(costed->pipeline));
    costed_free(costed);
    return added;
}

double mpp_answer_step_s(const MppJob *job, const MppStrategy *strategy)
{
    Costed *costed = cost(job, strategy);
    double step_s = mpp_estimate_step_s(costed->pipeline) + added_s(job, strategy);
    costed_free(costed);
    return step_s;
}

MppEstimate *mpp_answer_new(const MppJob *job, const MppStrategy *strategy)
{
    Costed *costed = cost(job, strategy);
    MppEstimate *estimate = mpp_estimate_from(costed->pipeline);
    costed_free(costed);
    mpp_estimate_contend(estimate, job, estimate->step_s + added_s(job, strategy));
    return estimate;
}
