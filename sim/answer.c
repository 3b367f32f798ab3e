#include "sim/answer.h"

#include "sim/simulate.h"

typedef struct {
    MppShardCost shard;
    MppPipelineCost *pipeline;
    double step_s; /* simulated */
} Answer;

static Answer *simulate(const MppJob *job, const MppStrategy *strategy)
{
    Answer *answer = g_new(Answer, 1);
    MppMesh mesh = mpp_mesh_new(strategy, job->cluster, job->gpus);
    MppBlockPlace place = mpp_block_place(strategy, &mesh);
    mpp_shard_cost(job, &place, &answer->shard);
    answer->pipeline = mpp_pipeline_cost_new(strategy->pp * strategy->vpp, job->model->n_layers);
    mpp_pipeline_cost_fill(answer->pipeline, &answer->shard, strategy);
    g_autofree bool *recorded = g_new0(bool, strategy->pp);
    g_autoptr(MppSimulation) simulation = mpp_simulate(answer->pipeline, NULL, recorded, NULL);
    g_assert(simulation); /* only what-ifs can be wrong */
    answer->step_s = simulation->step_s;
    return answer;
}

static void answer_free(Answer *answer)
{
    mpp_pipeline_cost_free(answer->pipeline);
    g_free(answer);
}

double mpp_answer_step_s(const MppJob *job, const MppStrategy *strategy)
{
    Answer *answer = simulate(job, strategy);
    double step_s = MAX(answer->step_s, mpp_estimate_step_s(answer->pipeline));
    answer_free(answer);
    return step_s;
}

MppEstimate *mpp_answer_new(const MppJob *job, const MppStrategy *strategy)
{
    Answer *answer = simulate(job, strategy);
    MppEstimate *estimate = mpp_estimate_from(answer->pipeline);
    mpp_estimate_contend(estimate, job, answer->step_s);
    answer_free(answer);
    return estimate;
}
