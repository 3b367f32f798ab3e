#include "sim/simulate.h"

#include "planner/cost/plan_cost.h"
#include "sim/monte_carlo.h"
#include "tests/support/plain_job.h"

typedef struct {
    MppInputs *inputs;
    MppStrategy strategy;
    MppPlanCost *cost;
    MppPipelineCost *pipeline; /* the cost's */
} Plan;

static Plan set_up(const char *strategy, int64_t gpus)
{
    Plan plan = { plain_job_new(gpus), plain_job_strategy(strategy), NULL, NULL };
    return plan;
}

static void cost(Plan *plan)
{
    plan->cost = mpp_plan_cost_new(&plan->inputs->job, &plan->strategy);
    plan->pipeline = plan->cost->pipeline;
}

static void clear(Plan *plan)
{
    mpp_plan_cost_free(plan->cost);
    mpp_inputs_free(plan->inputs);
}

static double step_s(Plan *plan, const MppWhatIf *what_if)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MppSimulation) simulation = mpp_simulate(plan->pipeline, what_if, NULL, &error);
    g_assert_no_error(error);
    return simulation->step_s;
}

static void add(GArray *ranges, int64_t first, int64_t last, double factor, const char *device)
{
    MppRankRange range = { first, last, factor, g_strdup(device) };
    g_array_append_val(ranges, range);
}

/** One slow rank holds up its replica, whose gradients everybody waits for; all slow ranks slow all computation. */
static void test_slow_gpu(void)
{
    Plan plan = set_up("dp=2,tp=2,pp=2", 8);
    cost(&plan);
    double usual_s = step_s(&plan, NULL);
    g_autoptr(MppWhatIf) one = mpp_what_if_new(), all = mpp_what_if_new(), none = mpp_what_if_new();
    add(one->slow_gpus, 3, 3, 1.5, NULL);
    add(all->slow_gpus, 0, 7, 1.5, NULL);
    none->unfold = true;
    g_assert_cmpfloat_with_epsilon(step_s(&plan, none), usual_s, 1e-12 * usual_s);
    double one_s = step_s(&plan, one), all_s = step_s(&plan, all);
    g_assert_cmpfloat(usual_s, <, one_s);
    g_assert_cmpfloat(one_s, <, all_s);
    g_assert_cmpfloat(all_s, <, usual_s * 1.5);
    clear(&plan);
}

/** An A10G is slower than the plain device; a V100 has no bf16. */
static void test_pool(void)
{
    Plan plan = set_up("dp=2,tp=2,pp=2", 8);
    cost(&plan);
    double usual_s = step_s(&plan, NULL);
    g_autoptr(MppWhatIf) slower = mpp_what_if_new(), lacking = mpp_what_if_new();
    add(slower->pools, 4, 7, 1, "a10g");
    g_assert_cmpfloat(step_s(&plan, slower), >, usual_s);
    add(lacking->pools, 4, 7, 1, "v100-sxm2-32gb");
    g_autoptr(GError) error = NULL;
    g_assert_null(mpp_simulate(plan.pipeline, lacking, NULL, &error));
    g_assert_error(error, MPP_ERROR, MPP_ERROR_UNSUPPORTED);
    g_assert_cmpstr(error->message, ==, "pool: Tesla V100 SXM2 32 GB does not compute in bf16");
    clear(&plan);
}

/** Gradients over nodes: a port at a quarter of its rate makes the exchange take about four times as long. */
static void test_slow_link(void)
{
    Plan plan = set_up("dp=8", 8);
    cost(&plan);
    double usual_s = step_s(&plan, NULL);
    g_autoptr(MppWhatIf) slow = mpp_what_if_new();
    add(slow->slow_links, 5, 5, 4, NULL);
    g_autoptr(MppSimulation) before = mpp_simulate(plan.pipeline, NULL, NULL, NULL);
    double reduce_s = before->scene.reductions[0].work_s, efficiency = 1;
    efficiency = g_array_index(plan.inputs->cluster.tiers, MppTier, 1).efficiency_frac;
    g_assert_cmpfloat_with_epsilon(step_s(&plan, slow), usual_s + reduce_s * (4 * efficiency - 1), 1e-9 * usual_s);
    clear(&plan);
}

/** With its own port down a rank takes its neighbour's; a node without any is cut off. */
static void test_failed_link(void)
{
    Plan plan = set_up("dp=8", 8);
    cost(&plan);
    double usual_s = step_s(&plan, NULL);
    g_autoptr(MppWhatIf) one = mpp_what_if_new(), node = mpp_what_if_new();
    add(one->failed_links, 5, 5, 1, NULL);
    add(node->failed_links, 4, 7, 1, NULL);
    g_assert_cmpfloat(step_s(&plan, one), >, usual_s);
    g_autoptr(GError) error = NULL;
    g_assert_null(mpp_simulate(plan.pipeline, node, NULL, &error));
    g_assert_error(error, MPP_ERROR, MPP_ERROR_UNSUPPORTED);
    g_assert_cmpstr(error->message, ==, "rank 4 is cut off: no port of its node is left");
    clear(&plan);
}

static void test_no_such_rank(void)
{
    Plan plan = set_up("dp=8", 8);
    cost(&plan);
    g_autoptr(MppWhatIf) what_if = mpp_what_if_new();
    add(what_if->slow_gpus, 6, 8, 2, NULL);
    g_autoptr(GError) error = NULL;
    g_assert_null(mpp_simulate(plan.pipeline, what_if, NULL, &error));
    g_assert_error(error, MPP_ERROR, MPP_ERROR_INVALID);
    g_assert_cmpstr(error->message, ==, "slow device: there is no rank 8, the last one is 7");
    clear(&plan);
}

/** Two metrics of the bubble on a pipeline of two: whole steps, and first to last pass of the longest stage. */
static void test_bubble(void)
{
    Plan plan = set_up("pp=2", 2);
    cost(&plan);
    g_autoptr(MppSimulation) simulation = mpp_simulate(plan.pipeline, NULL, NULL, NULL);
    const MppStageCost *stages = plan.pipeline->stages;
    double busiest_s = 16 * MAX(stages[0].forward_s + stages[0].backward_s, stages[1].forward_s + stages[1].backward_s);
    g_assert_cmpfloat_with_epsilon(simulation->bubble_frac, 1 - busiest_s / simulation->passes_end_s, 1e-12);
    g_assert_cmpfloat(simulation->longest_span_s, <=, simulation->passes_end_s);
    clear(&plan);
}

/** The same sample on one thread and on three; quantiles in order; the mean no less than without jitter. */
static void test_monte_carlo(void)
{
    Plan plan = set_up("dp=2,tp=2,pp=2", 8);
    cost(&plan);
    g_autoptr(MppWhatIf) what_if = mpp_what_if_new();
    what_if->jitter_frac = 0.3;
    double quantiles[2][3];
    static const int threads[] = { 1, 3 };
    for (int i = 0; i < 2; i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(MppMonteCarlo) sample = mpp_monte_carlo_new(plan.pipeline, what_if, 50, threads[i]);
        while (mpp_monte_carlo_step(sample, &error))
            ;
        g_assert_no_error(error);
        g_assert_cmpint(mpp_monte_carlo_done(sample), ==, 50);
        static const double fracs[] = { 0.5, 0.95, 0.99 };
        for (int q = 0; q < 3; q++)
            quantiles[i][q] = mpp_monte_carlo_quantile_s(sample, fracs[q]);
        g_assert_cmpfloat(mpp_monte_carlo_mean_s(sample), >, step_s(&plan, NULL));
        g_assert_cmpfloat(mpp_monte_carlo_deviation_s(sample), >, 0);
    }
    g_assert_cmpmem(quantiles[0], sizeof quantiles[0], quantiles[1], sizeof quantiles[1]);
    g_assert_cmpfloat(quantiles[0][0], <, quantiles[0][1]);
    g_assert_cmpfloat(quantiles[0][1], <, quantiles[0][2]);
    clear(&plan);
}

static double shared_host_s(const char *strategy, double capacity, bool unfold, double *estimate_s)
{
    Plan plan = set_up(strategy, 4);
    plan.inputs->cluster.host_capacity = capacity;
    cost(&plan);
    g_autoptr(MppEstimate) estimate = mpp_estimate_from(plan.pipeline);
    *estimate_s = estimate->step_s;
    g_autoptr(MppWhatIf) what_if = mpp_what_if_new();
    what_if->unfold = unfold;
    double simulated_s = step_s(&plan, what_if);
    clear(&plan);
    return simulated_s;
}

/** Ranks that share processors: what all do at once takes as much longer; stages of a pipeline use what others leave. */
static void test_shared_host(void)
{
    double estimate_s, shared_estimate_s;
    static const char *const together[] = { "dp=4", "tp=4", "dp=2,tp=2" };
    for (size_t i = 0; i < G_N_ELEMENTS(together); i++) {
        double alone_s = shared_host_s(together[i], 0, false, &estimate_s);
        double shared_s = shared_host_s(together[i], 1.6, false, &shared_estimate_s);
        g_assert_cmpfloat_with_epsilon(alone_s, estimate_s, 1e-9 * alone_s);
        g_assert_cmpfloat_with_epsilon(shared_s, shared_estimate_s, 1e-9 * shared_s);
        g_assert_cmpfloat_with_epsilon(shared_s, alone_s * 4 / 1.6, 1e-9 * shared_s);
        g_assert_cmpfloat_with_epsilon(shared_host_s(together[i], 1.6, true, &estimate_s), shared_s, 1e-9 * shared_s);
    }
    static const char *const stages[] = { "pp=4", "dp=2,pp=2" };
    for (size_t i = 0; i < G_N_ELEMENTS(stages); i++) {
        double alone_s = shared_host_s(stages[i], 4, false, &estimate_s);
        double shared_s = shared_host_s(stages[i], 1.6, false, &shared_estimate_s);
        g_assert_cmpfloat_with_epsilon(alone_s, shared_host_s(stages[i], 0, false, &estimate_s), 1e-9 * alone_s);
        g_assert_cmpfloat(shared_s, >, shared_estimate_s);
        g_assert_cmpfloat(shared_s, >, alone_s);
        g_assert_cmpfloat(shared_s, <, alone_s * 4 / 1.6); /* a stage that waits leaves its part to the others */
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/simulate/slow-gpu", test_slow_gpu);
    g_test_add_func("/simulate/pool", test_pool);
    g_test_add_func("/simulate/slow-link", test_slow_link);
    g_test_add_func("/simulate/failed-link", test_failed_link);
    g_test_add_func("/simulate/no-such-rank", test_no_such_rank);
    g_test_add_func("/simulate/bubble", test_bubble);
    g_test_add_func("/simulate/shared-host", test_shared_host);
    g_test_add_func("/simulate/monte-carlo", test_monte_carlo);
    return g_test_run();
}
