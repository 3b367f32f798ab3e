#include "planner/spec/run_test_name.h"

#include "tests/support/expect.h"

static void test_name(void)
{
    static const struct {
        const char *name;
        MppRunTestName said;
    } rows[] = {
        { "gpt3_mcore_tp1_pp2", { .named = true, .own_layers = true, .sharded_parts = 1 } },
        { "gpt3_mcore_te_tp2_pp2_cross_entropy_loss_fusion", { .named = true, .loss_fused = true, .sharded_parts = 1 } },
        { "gpt3_mcore_te_tp2_nondeterministic", { .named = true, .any_order = true, .sharded_parts = 1 } },
        { "gpt3_mcore_te_reshard_8x1xNone", { .named = true, .any_order = true, .sharded_parts = 1 } },
        { "gpt3_mcore_te_uniform_full_recompute", { .named = true, .recomputes_all = true, .sharded_parts = 1 } },
        { "gpt3_mcore_te_tp2_multi_dist_optimizer_instances", { .named = true, .sharded_parts = 2 } },
        { "gpt3_mcore_te_tp4_ep2_etp2_pp2", { .named = true, .sharded_parts = 1, .etp = 2 } },
        { "net_etp2_uniform_full_recompute_nondeterministic", { .sharded_parts = 1 } },
        { NULL, { .sharded_parts = 1 } },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        MppRunTestName said = mpp_run_test_name(rows[i].name), expected = rows[i].said;
        g_assert_true(said.named == expected.named && said.own_layers == expected.own_layers && said.loss_fused == expected.loss_fused);
        g_assert_true(said.any_order == expected.any_order && said.recomputes_all == expected.recomputes_all);
        g_assert_cmpint(said.sharded_parts, ==, expected.sharded_parts);
        g_assert_cmpint(said.etp, ==, expected.etp);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/run-test-name/name", test_name);
    return g_test_run();
}
