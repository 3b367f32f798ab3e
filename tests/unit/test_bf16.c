/**
 * A model that trains in bf16 stays near the one that trains in fp32; skipped where the backend computes no bf16.
 */
#include <math.h>

#include "tests/support/lone_rank.h"
#include "tests/support/tiny_job.h"
#include "validate/worker/trainer.h"

enum { STEPS = 2 };

/** BF16 has 8 bits: rounding of 0.4 % in each of some dozens of operations, which mostly cancel out in sums. */
static const double loss_tolerance = 0.01, norm_tolerance = 0.04;

static const char *const models[] = { "llama", "gpt", "parallel", "window", "experts", "mlp", "conv" };

typedef struct {
    double loss[STEPS], norm[STEPS];
} Course;

static Course train(const MppRank *rank, const char *model, MppPrecision precision)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MppInputs) inputs = tiny_job_new(model, 1);
    inputs->training.precision = precision;
    mpp_inputs_bind(inputs);
    MppStrategy strategy = tiny_job_strategy(inputs, "mbs=2");
    g_autoptr(MppTrainer) trainer = mpp_trainer_new(rank, &inputs->job, &strategy, NULL, &error);
    g_assert_no_error(error);
    Course course;
    for (int i = 0; i < STEPS; i++) {
        mpp_step_begin(trainer->step, i);
        g_assert_true(mpp_step_run(trainer->step, MPP_N_ACTIONS, &error));
        course.loss[i] = mpp_step_loss(trainer->step);
        course.norm[i] = mpp_step_gradient_norm(trainer->step);
    }
    mpp_strategy_clear(&strategy);
    return course;
}

static void test_model(gconstpointer model)
{
    g_autoptr(LoneRank) lone = lone_rank_new();
    if (!lone)
        return;
    if (!lone->rank->backend->computes_bf16) {
        g_test_skip("the backend computes no bf16");
        return;
    }
    Course exact = train(lone->rank, model, MPP_PRECISION_FP32), rounded = train(lone->rank, model, MPP_PRECISION_BF16);
    for (int i = 0; i < STEPS; i++) {
        g_test_message("step %d: loss %.5f and %.5f, norm %.5f and %.5f", i + 1, exact.loss[i], rounded.loss[i], exact.norm[i],
                       rounded.norm[i]);
        g_assert_cmpfloat(fabs(rounded.loss[i] / exact.loss[i] - 1), <, loss_tolerance);
        g_assert_cmpfloat(fabs(rounded.norm[i] / exact.norm[i] - 1), <, norm_tolerance);
        g_assert_true(rounded.norm[i] != exact.norm[i]);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(models); i++) {
        g_autofree char *path = g_strconcat("/bf16/", models[i], NULL);
        g_test_add_data_func(path, models[i], test_model);
    }
    return g_test_run();
}
