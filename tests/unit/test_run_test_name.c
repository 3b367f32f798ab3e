#include "planner/runs/run_test_name.h"

#include <string.h>

#include "tests/support/sample_run.h"

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

/** Where the order of sums is free, cuBLAS has less to work in: 8.125 MiB a thread of two, not 32; not on devices that always have 32. */
static void test_workspaces(void)
{
    static const struct {
        const char *name, *training;
        double mib;
    } rows[] = {
        { "mcore_te_nondeterministic", "", -47.75 },
        { "mcore_te_cp2", ", \"attention\": \"flash\"", -47.75 },
        { "mcore_tp4", ", \"attention\": \"unfused\"", 0 },
        { "net nondeterministic", ", \"attention\": \"flash\"", 0 },
    };
    g_autofree char *skipped = NULL;
    g_autoptr(MppRunJob) plain = mpp_sample_run_job(GATED, ON_12, BATCH, "", &skipped);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *model = g_strdup_printf("%s, \"name\": \"%s\"", GATED, rows[i].name), *training = g_strconcat(BATCH, rows[i].training, NULL);
        g_autoptr(MppRunJob) job = mpp_sample_run_job(model, ON_12, training, "", &skipped);
        g_assert_cmpfloat((job->runtime->memory.fixed_bytes - plain->runtime->memory.fixed_bytes) / (1 << 20), ==, rows[i].mib);
    }
}

/** Of the built-in devices, Hopper has as much to work in whatever the order of sums. */
static void test_workspaces_of_devices(void)
{
    static const struct {
        const char *gpu;
        double mib;
    } rows[] = { { "a100-sxm4-80gb", -47.75 }, { "h100-sxm5-80gb", 0 } };
    g_autoptr(GError) error = NULL;
    g_autoptr(MppProfiles) profiles = mpp_profiles_load(&error);
    g_assert_no_error(error);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        double fixed_bytes[2];
        for (int any_order = 0; any_order < 2; any_order++) {
            g_autofree char *skipped = NULL;
            g_autofree char *text = g_strdup_printf(
                "{\"id\": \"r\", \"source\": \"s\", \"model\": {%s, \"name\": \"mcore_te%s\"}, \"hardware\": {\"gpu\": \"%s\", \"gpus\": 8}, "
                "\"training\": {\"global_batch\": 8, \"framework\": \"Megatron-Core\"}, \"parallel\": {}, \"measured\": {}}",
                GATED, any_order ? "_nondeterministic" : "", rows[i].gpu);
            g_autoptr(GPtrArray) runs = mpp_runs_new();
            g_assert_true(mpp_runs_parse("r.jsonl", text, strlen(text), 1, runs, &error));
            g_autoptr(MppRunJob) job = mpp_run_job_new(runs->pdata[0], profiles, &skipped);
            g_assert_cmpstr(skipped, ==, NULL);
            fixed_bytes[any_order] = job->runtime->memory.fixed_bytes;
        }
        g_assert_cmpfloat((fixed_bytes[1] - fixed_bytes[0]) / (1 << 20), ==, rows[i].mib);
    }
}

/** What the names of Megatron-LM's tests say of the strategy. */
static void test_strategy(void)
{
    static const struct {
        const char *name, *parallel, *strategy;
    } rows[] = {
        { "mcore_multi_dist_optimizer_instances", "\"zero\": 1", "dp=12,tp=1,pp=1,mbs=1,zero=1,zero_ranks=6,recompute=selective,split=balanced" },
        { "mcore_uniform_full_recompute", "\"zero\": 1, \"recompute\": \"full\", \"recompute_layers\": 1",
          "dp=12,tp=1,pp=1,mbs=1,zero=1,recompute=full,split=balanced" },
        { "mcore_block_recompute", "\"zero\": 1, \"recompute\": \"full\", \"recompute_layers\": 1",
          "dp=12,tp=1,pp=1,mbs=1,zero=1,recompute=full:1,split=balanced" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *skipped = NULL, *model = g_strdup_printf("%s, \"name\": \"%s\"", GATED, rows[i].name);
        g_autoptr(MppRunJob) job = mpp_sample_run_job(model, ON_12, BATCH, rows[i].parallel, &skipped);
        g_autofree char *text = mpp_strategy_to_text(&job->strategy);
        g_assert_cmpstr(text, ==, rows[i].strategy);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/run-test-name/name", test_name);
    g_test_add_func("/run-test-name/workspaces", test_workspaces);
    g_test_add_func("/run-test-name/workspaces-of-devices", test_workspaces_of_devices);
    g_test_add_func("/run-test-name/strategy", test_strategy);
    return g_test_run();
}
