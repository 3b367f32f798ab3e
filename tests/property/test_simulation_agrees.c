/* Where nothing contends, a simulated step takes as long as the closed form says; else longer, never shorter. */
#include <math.h>

#include "planner/cost/plan_cost.h"
#include "sim/simulate.h"
#include "tests/support/random_job.h"

enum { JOBS = 120, MOST_MEMBERS = 40 };

typedef struct {
    int free, contended;
} Tally;

static void check(const MppJob *job, const MppStrategy *s, bool unfold, Tally *tally)
{
    g_autoptr(MppPlanCost) cost = mpp_plan_cost_new(job, s);
    MppPipelineCost *pipeline = cost->pipeline;
    double estimate_s = mpp_estimate_step_s(pipeline);

    g_autoptr(MppWhatIf) what_if = mpp_what_if_new();
    what_if->unfold = unfold;
    GError *error = NULL;
    g_autoptr(MppSimulation) simulation = mpp_simulate(pipeline, what_if, NULL, &error);
    g_assert_no_error(error);
    bool contended = simulation->n_queued || simulation->contended_sum_s > 0;
    *(contended ? &tally->contended : &tally->free) += 1;
    g_autofree char *text = mpp_strategy_to_text(s);
    if (simulation->step_s < estimate_s * (1 - 1e-9) || (!contended && simulation->step_s > estimate_s * (1 + 1e-9)))
        g_error("%s on %" G_GINT64_FORMAT ": simulated %.17g s, estimated %.17g s, contended %d", text, job->gpus, simulation->step_s,
                estimate_s, contended);
}

/** @data: whether every replica is simulated. */
static void test_agrees(gconstpointer data)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(20261);
    Tally tally = { 0 };
    for (int i = 0; i < JOBS; i++) {
        g_autoptr(MppInputs) inputs = random_job_new(rand, i % 3 ? 12 : 32);
        inputs->runtime.overlap.slowdown_frac = 0; /* the closed form leaves it out */
        inputs->runtime.skips_step_barrier = false; /* one step alone is simulated */
        inputs->cluster.host_capacity = 0; /* the closed form counts the ranks of one stage on a host */
        MppSpaceLimits limits = random_job_limits(rand, &inputs->job);
        g_autoptr(GArray) members = random_job_members(&inputs->job, &limits);
        for (guint k = 0; k < members->len; k++)
            if (g_rand_double(rand) < (double)MOST_MEMBERS / members->len)
                check(&inputs->job, &g_array_index(members, RandomMember, k).strategy, GPOINTER_TO_INT(data), &tally);
    }
    g_assert_cmpint(tally.free, >, 500);
    g_assert_cmpint(tally.contended, >, 50);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/simulation/folded", GINT_TO_POINTER(false), test_agrees);
    g_test_add_data_func("/simulation/unfolded", GINT_TO_POINTER(true), test_agrees);
    return g_test_run();
}
