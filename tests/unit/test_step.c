/**
 * The times that a step notes on its device: they follow each other, and operations lie within their passes.
 */
#include "tests/support/lone_rank.h"
#include "tests/support/tiny_job.h"
#include "validate/worker/trainer.h"

static double now_s(const MppRank *rank)
{
    return rank->backend->now_s(rank->state);
}

static double passes_s(const MppTrainer *trainer)
{
    const GArray *actions = trainer->program->stages[0].actions;
    const MppActionTime *times = mpp_step_action_times(trainer->step);
    double sum_s = 0;
    for (guint i = 0; i < actions->len; i++) {
        g_assert_cmpfloat(times[i].start_s, ==, i ? times[i - 1].end_s : 0);
        g_assert_cmpfloat(times[i].end_s, >=, times[i].start_s);
        if (g_array_index(actions, MppAction, i).kind == MPP_ACTION_PASS)
            sum_s += times[i].end_s - times[i].start_s;
    }
    return sum_s;
}

static double operations_s(const MppLaps *laps, int64_t passes)
{
    double sum_s = 0;
    for (guint i = 0; i < laps->ops->len; i++) {
        const MppLap *lap = &g_array_index(laps->ops, MppLap, i);
        g_assert_cmpint(lap->n % passes, ==, 0); /* in every forward pass equally often */
        g_assert_cmpfloat(lap->s[MPP_LAP_WEIGHT], ==, 0);
        sum_s += lap->s[MPP_LAP_FORWARD] + lap->s[MPP_LAP_BACKWARD];
    }
    return sum_s;
}

static void test_times(void)
{
    enum { STEPS = 2, PASSES = 4 }; /* of 8 sequences */
    g_autoptr(LoneRank) lone = lone_rank_new();
    if (!lone)
        return;
    g_autoptr(GError) error = NULL;
    g_autoptr(MppInputs) inputs = tiny_job_new("llama", 1);
    MppStrategy strategy = tiny_job_strategy(inputs, "mbs=2");
    g_autoptr(MppLaps) laps = mpp_laps_new();
    g_autoptr(MppTrainer) trainer = mpp_trainer_new(lone->rank, &inputs->job, &strategy, laps, &error);
    g_assert_no_error(error);
    double all_s = 0;
    for (int i = 0; i < STEPS; i++) {
        double begin_s = now_s(lone->rank);
        mpp_step_begin(trainer->step, i);
        g_assert_true(mpp_step_run(trainer->step, MPP_N_ACTIONS, &error));
        double took_s = now_s(lone->rank) - begin_s, sum_s = passes_s(trainer);
        g_assert_cmpfloat(sum_s, >, 0);
        g_assert_cmpfloat(sum_s, <, took_s);
        all_s += sum_s;
    }
    double sum_s = operations_s(laps, (int64_t)STEPS * PASSES);
    g_assert_cmpuint(laps->ops->len, >, 5);
    g_assert_cmpfloat(sum_s, >, 0);
    g_assert_cmpfloat(sum_s, <=, all_s * (1 + 1e-4)); /* events have single precision */
    mpp_strategy_clear(&strategy);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/step/times", test_times);
    return g_test_run();
}
