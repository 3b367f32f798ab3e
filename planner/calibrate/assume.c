#include "planner/calibrate/assume.h"

#include "planner/cost/estimate.h"
#include "planner/spec/rules.h"

static bool fits(const MppRunJob *job, MppRecompute recompute, int64_t layers)
{
    MppStrategy strategy = job->strategy;
    strategy.recompute = recompute;
    strategy.recompute_layers = layers;
    g_autoptr(MppEstimate) estimate = mpp_estimate_new(&job->job, &strategy);
    return estimate->fits;
}

/** Fewest layers of each chunk whose recomputation makes the job fit; 0 (all of them) when nothing less does. */
static int64_t fewest_layers(const MppRunJob *job)
{
    int64_t chunks = job->strategy.pp * job->strategy.vpp;
    int64_t low = 1, high = (job->model->n_layers + chunks - 1) / chunks, all = high;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (fits(job, MPP_RECOMPUTE_FULL, middle))
            high = middle;
        else
            low = middle + 1;
    }
    return low < all ? low : 0;
}

/** Shards the optimizer states where the stack can. Returns: whether they were whole. */
static bool shard(MppRunJob *inout)
{
    const MppRuntime *runtime = inout->runtime;
    MppStrategy *s = &inout->strategy;
    if (s->zero > 0 || (s->pp > 1 ? runtime->most_zero_with_pp : runtime->most_zero) < 1)
        return false;
    s->zero = 1;
    mpp_runs_assume(inout->assumed, "ZeRO-1, without which it does not fit");
    return true;
}

/** Splits experts over tp, as Megatron-Core does unless it is told otherwise. Returns: whether they were whole and can be. */
static bool split_experts(const MppRun *run, MppRunJob *inout)
{
    MppStrategy *s = &inout->strategy;
    if (!inout->model->moe.experts || run->parallel.etp || s->etp == s->tp)
        return false;
    int64_t whole = s->etp;
    s->etp = s->tp;
    if (mpp_rules_check(&inout->job, s, NULL)) {
        mpp_runs_assume(inout->assumed, "experts split over tp, without which it does not fit");
        return true;
    }
    s->etp = whole;
    return false;
}

/** Keeps inputs of recomputed layers in the host's memory where the stack can. Returns: whether it does now. */
static bool host_inputs(MppRunJob *inout)
{
    const MppStrategy *s = &inout->strategy;
    bool can = mpp_runtime_offloads(inout->runtime, MPP_OFFLOADED_INPUTS) && s->zero == 3 && s->pp == 1 && s->recompute == MPP_RECOMPUTE_FULL;
    inout->job.training.kernels.inputs_in_host = can;
    if (can)
        mpp_runs_assume(inout->assumed, "inputs of recomputed layers in the host's memory, else it does not fit");
    return can;
}

/** Parts of layers with experts that recipes compute again before whole layers: they take little time. */
static int64_t light_modules(const MppRunJob *job)
{
    static const MppModule light[] = { MPP_MODULE_NORMS, MPP_MODULE_EXPERT_ACTIVATION, MPP_MODULE_LATENT_PROJECTIONS };
    int64_t modules = 0;
    for (size_t i = 0; job->model->moe.experts && i < G_N_ELEMENTS(light); i++)
        modules |= mpp_rules_has_module(job->model, light[i]) ? 1 << light[i] : 0;
    return modules & job->runtime->recompute_modules;
}

/** The least that makes the job fit, else all. */
static void recompute(MppRunJob *inout)
{
    MppStrategy *s = &inout->strategy;
    mpp_runs_assume(inout->assumed, "as much recomputation as it takes to fit");
    s->recompute = MPP_RECOMPUTE_SELECTIVE;
    if (fits(inout, MPP_RECOMPUTE_SELECTIVE, 0))
        return;
    s->recompute_modules = light_modules(inout);
    if (s->recompute_modules && fits(inout, MPP_RECOMPUTE_SELECTIVE, 0))
        return;
    s->recompute_modules = 0;
    s->recompute = MPP_RECOMPUTE_FULL;
    s->recompute_layers = fewest_layers(inout);
}

void mpp_assume(const MppRun *run, MppRunJob *inout)
{
    MppStrategy *s = &inout->strategy;
    if (mpp_run_plan(run)) /* it says all */
        return;
    bool may_shard = run->parallel.zero < 0 && !mpp_run_get(run, "parallel", "fsdp");
    if (!fits(inout, s->recompute, 0) && !(may_shard && shard(inout) && fits(inout, s->recompute, 0)) &&
        !(split_experts(run, inout) && fits(inout, s->recompute, 0)) && !(host_inputs(inout) && fits(inout, s->recompute, 0)) &&
        !run->parallel.recompute)
        recompute(inout);
}
