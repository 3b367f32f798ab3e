#include "planner/search/family.h"
#include "planner/search/placed_shard.h"

#include "planner/cost/estimate.h"
#include "tests/support/plain_job.h"

static const MppSpaceLimits no_limits;

static MppFamily family_of(const MppJob *job, const char *text)
{
    MppFamily family = { .base = plain_job_strategy(text), .index = 7 };
    family.bound_s = mpp_placed_shard_bound_s(job, &family.base);
    return family;
}

/** All work over all ranks: on one node and without exchanges a pure data-parallel step is exactly that and the update. */
static void test_bound(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(4);
    MppFamily family = family_of(&inputs->job, "mbs=2");
    MppStrategy s = plain_job_strategy("dp=4,mbs=2");
    g_autoptr(MppEstimate) estimate = mpp_estimate_new(&inputs->job, &s);
    double rest_s = estimate->shares.s[MPP_SHARE_DP] + estimate->shares.s[MPP_SHARE_OPTIMIZER];
    g_assert_cmpfloat_with_epsilon(family.bound_s / (estimate->step_s - rest_s), 1, 1e-9);
}

/** With dp inside cp, context groups lie apart when dp is large and together when pp takes its ranks. */
static void test_bound_of_moving_groups(void)
{
    static const char *const orders[] = { "tp-dp-cp-pp", "tp-pp-cp-dp", "tp-pp-dp-cp", "tp-dp-pp-cp", "tp-cp-dp-pp" };
    static const char *const shapes[] = { "dp=4", "dp=2,pp=2", "dp=1,pp=4" };
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    inputs->training.global_batch = 64;
    mpp_inputs_bind(inputs);
    for (size_t i = 0; i < G_N_ELEMENTS(orders); i++) {
        g_autofree char *base = g_strdup_printf("cp=2,order=%s", orders[i]);
        MppFamily family = family_of(&inputs->job, base);
        for (size_t k = 0; k < G_N_ELEMENTS(shapes); k++) {
            g_autofree char *text = g_strdup_printf("%s,%s", base, shapes[k]);
            MppStrategy s = plain_job_strategy(text);
            g_autoptr(MppEstimate) estimate = mpp_estimate_new(&inputs->job, &s);
            g_assert_cmpfloat(family.bound_s, <=, estimate->step_s);
        }
    }
}

/** The fastest on the board is the best of all estimates of the family, though groups move from shape to shape. */
static void test_evaluate(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    MppFamily family = family_of(&inputs->job, "cp=2,order=tp-dp-cp-pp");
    g_autoptr(MppBoard) board = mpp_board_new(20, 1.5);
    g_autoptr(MppSearchResult) result = mpp_family_evaluate(&inputs->job, &family, &no_limits, board, NULL);
    g_assert_cmpuint(board->fastest->len, ==, 0);
    g_assert_cmpuint(result->board->fastest->len, >, 3);
    for (guint i = 0; i < result->board->fastest->len; i++) {
        const MppCandidate *one = &g_array_index(result->board->fastest, MppCandidate, i);
        g_autoptr(MppEstimate) estimate = mpp_estimate_new(&inputs->job, &one->strategy);
        plain_job_expect("step", one->step_s, estimate->step_s);
        plain_job_expect("peak", one->peak_bytes, estimate->peak_bytes);
        g_assert_cmpint(one->family, ==, 7);
    }
    g_assert_cmpint(result->counts.evaluated, ==, mpp_family_members(&inputs->job, &family, &no_limits));
    g_assert_cmpint(result->counts.replayed, <, result->counts.evaluated);
    g_assert_cmpint(result->counts.pruned_by_memory, ==, 0);
    g_assert_false(result->has_miss);
}

static void test_miss(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    inputs->cluster.device.memory_bytes = 1e6;
    MppFamily family = family_of(&inputs->job, "mbs=2");
    g_autoptr(MppBoard) board = mpp_board_new(3, 1.5);
    g_autoptr(MppSearchResult) result = mpp_family_evaluate(&inputs->job, &family, &no_limits, board, NULL);
    g_assert_cmpuint(result->board->fastest->len, ==, 0);
    g_assert_true(result->has_miss);
    g_assert_cmpint(result->counts.pruned_by_memory, ==, result->counts.evaluated);
    g_autoptr(MppEstimate) estimate = mpp_estimate_new(&inputs->job, &result->nearest_miss.strategy);
    plain_job_expect("lacking", result->lacking_bytes, estimate->peak_bytes - 1e6);
}

/** Memory for all but a few layers' activations: some are recomputed, and one fewer would not fit. */
static void test_fewest_layers(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(1);
    inputs->model.layers = 16;
    inputs->model.vocab = 256;
    plain_job_finish(inputs);
    MppStrategy none = plain_job_strategy("mbs=16"), full = plain_job_strategy("mbs=16,recompute=full");
    g_autoptr(MppEstimate) most = mpp_estimate_new(&inputs->job, &none), least = mpp_estimate_new(&inputs->job, &full);
    inputs->cluster.device.memory_bytes = least->peak_bytes + 0.6 * (most->peak_bytes - least->peak_bytes);
    MppFamily family = family_of(&inputs->job, "mbs=16");
    g_autoptr(MppBoard) board = mpp_board_new(9, 1.5);
    g_autoptr(MppSearchResult) result = mpp_family_evaluate(&inputs->job, &family, &no_limits, board, NULL);
    const MppCandidate *best = &g_array_index(result->board->fastest, MppCandidate, 0);
    MppStrategy fewer = best->strategy;
    g_assert_cmpint(best->strategy.recompute, ==, MPP_RECOMPUTE_FULL);
    g_assert_cmpint(best->strategy.recompute_layers, >, 1);
    g_assert_cmpint(best->strategy.recompute_layers, <, 16);
    fewer.recompute_layers--;
    g_autoptr(MppEstimate) estimate = mpp_estimate_new(&inputs->job, &fewer);
    g_assert_false(estimate->fits);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/family/bound", test_bound);
    g_test_add_func("/family/bound/moving-groups", test_bound_of_moving_groups);
    g_test_add_func("/family/evaluate", test_evaluate);
    g_test_add_func("/family/miss", test_miss);
    g_test_add_func("/family/fewest-layers", test_fewest_layers);
    return g_test_run();
}
