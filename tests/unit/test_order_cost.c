#include "planner/cost/order_cost.h"

#include "planner/cost/plan_cost.h"
#include "planner/schedule/list_schedule.h"
#include "sim/simulate.h"
#include "tests/support/plain_job.h"

/** The plan's own order costs what the pipeline says of it. */
static const char *const strategies[] = {
    "dp=2,pp=4", "dp=1,pp=2,vpp=2,mbs=2,schedule=interleaved", "tp=2,pp=2,vpp=2,schedule=zb-v,recompute=full", "dp=2,pp=2,schedule=chimera,zero=1",
    "dp=2,pp=2,schedule=gpipe,recompute=selective",
};

typedef struct {
    MppInputs *inputs;
    MppStrategy strategy;
    MppPlanCost *cost;
    MppPipelineCost *pipeline; /* the cost's */
} Filled;

static void fill(const char *text, Filled *filled)
{
    MppStrategy *s = &filled->strategy;
    *s = plain_job_strategy(text);
    filled->inputs = plain_job_new(s->dp * s->tp * s->pp * s->cp);
    filled->cost = mpp_plan_cost_new(&filled->inputs->job, s);
    filled->pipeline = filled->cost->pipeline;
}

static void clear(Filled *filled)
{
    mpp_plan_cost_free(filled->cost);
    mpp_strategy_clear(&filled->strategy);
    mpp_inputs_free(filled->inputs);
}

/** When the latest stage ends. */
static double length_of(MppPipelineCost *pipeline)
{
    const double *end_s = mpp_pipeline_cost_end_s(pipeline);
    double length_s = 0;
    for (int64_t k = 0; k < pipeline->strategy->pp; k++)
        length_s = MAX(length_s, end_s[k]);
    return length_s;
}

static void test_named(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(strategies); i++) {
        Filled filled;
        fill(strategies[i], &filled);
        MppPipelineCost *pipeline = filled.pipeline;
        g_autoptr(MppOrderCost) cost = mpp_order_cost_new(pipeline, mpp_pipeline_cost_order(pipeline));
        MppMemoryRates rates = mpp_memory_rates(pipeline);
        plain_job_expect("length", cost->length_s, length_of(pipeline));
        plain_job_expect("fullest", cost->peak_bytes[cost->fullest], mpp_memory_peak_bytes(pipeline));
        double work_s = 0;
        for (int64_t k = 0; k < cost->pp; k++) {
            plain_job_expect("rank", cost->peak_bytes[k], mpp_memory_stage(pipeline, &rates, k).allocated_bytes);
            double stage_s = pipeline->stages[k].forward_s + pipeline->stages[k].backward_s;
            work_s = MAX(work_s, stage_s * pipeline->schedule.micro_batches);
        }
        plain_job_expect("work", cost->work_s, work_s);
        g_assert_cmpfloat_with_epsilon(mpp_order_cost_bubble_frac(cost), 1 - work_s / cost->length_s, 1e-12);
        clear(&filled);
    }
}

/** On other ranks the same chunks cost as much as in a schedule that has them there. */
static void test_other_ranks(void)
{
    Filled looped, folded;
    fill("dp=1,pp=2,vpp=2,schedule=interleaved", &looped);
    fill("dp=1,pp=2,vpp=2,schedule=zb-v", &folded);
    const MppOrder *order = mpp_pipeline_cost_order(folded.pipeline);
    g_autoptr(MppOrderCost) here = mpp_order_cost_new(looped.pipeline, order), there = mpp_order_cost_new(folded.pipeline, order);
    g_assert_cmpfloat(here->length_s, ==, there->length_s);
    g_assert_cmpmem(here->peak_bytes, 2 * sizeof(double), there->peak_bytes, 2 * sizeof(double));
    g_autoptr(MppOrderCost) plan = mpp_order_cost_new(looped.pipeline, mpp_pipeline_cost_order(looped.pipeline));
    g_assert_cmpfloat(plan->peak_bytes[1], !=, here->peak_bytes[1]);
    clear(&looped);
    clear(&folded);
}

/** A pipeline that goes by another schedule's order costs what that schedule costs, in passes, memory and exchange. */
static void test_given(void)
{
    static const struct {
        const char *own, *given;
    } rows[] = {
        { "dp=2,pp=2,vpp=2,schedule=interleaved,zero=1", "dp=2,pp=2,vpp=2,schedule=zb-v,zero=1" },
        { "dp=2,pp=2,vpp=2,schedule=zb-v,zero=1", "dp=2,pp=2,vpp=2,schedule=breadth-first,zero=1" },
        { "dp=2,pp=4,recompute=full", "dp=2,pp=4,schedule=zb-h2,recompute=full" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        Filled own, given;
        fill(rows[i].own, &own);
        fill(rows[i].given, &given);
        own.inputs->model.tied_embeddings = given.inputs->model.tied_embeddings = true;
        mpp_pipeline_cost_fill(own.pipeline, &own.cost->shard, &own.strategy);
        mpp_pipeline_cost_fill(given.pipeline, &given.cost->shard, &given.strategy);
        double before_s = mpp_estimate_step_s(own.pipeline);
        mpp_pipeline_cost_use_order(own.pipeline, mpp_schedule_order(&given.pipeline->schedule));
        g_autoptr(MppSimulation) here = mpp_simulate(own.pipeline, NULL, NULL, NULL), there = mpp_simulate(given.pipeline, NULL, NULL, NULL);
        plain_job_expect("estimate", mpp_estimate_step_s(own.pipeline), mpp_estimate_step_s(given.pipeline));
        plain_job_expect("simulated", here->step_s, there->step_s);
        plain_job_expect("memory", mpp_memory_peak_bytes(own.pipeline), mpp_memory_peak_bytes(given.pipeline));
        g_assert_cmpfloat(mpp_estimate_step_s(own.pipeline), !=, before_s);
        mpp_pipeline_cost_fill(own.pipeline, &own.cost->shard, &own.strategy);
        g_assert_cmpfloat(mpp_estimate_step_s(own.pipeline), ==, before_s);
        clear(&own);
        clear(&given);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/order-cost/named", test_named);
    g_test_add_func("/order-cost/other-ranks", test_other_ranks);
    g_test_add_func("/order-cost/given", test_given);
    return g_test_run();
}
