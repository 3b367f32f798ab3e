#include "planner/calibrate/assume.h"
#include "planner/cost/estimate.h"
#include "tests/support/expect.h"

/** Llama-like, 24 layers, on two stages of 8 A100; the micro-batch decides what fits. */
#define RUN                                                                                                          \
    "{\"id\": \"r\", \"source\": \"somewhere\", \"model\": {\"name\": \"x\", \"layers\": 24, \"hidden\": 4096%s, "   \
    "\"heads\": 32, \"ffn\": 11008, \"gated_mlp\": true, \"vocab\": 32000, \"seq\": 4096}, \"hardware\": {\"gpu\": " \
    "\"a100-sxm4-80gb\", \"gpus\": 8, \"gpus_per_node\": 8}, \"training\": {\"precision\": \"bf16\", "               \
    "\"framework\": \"Megatron-LM\", \"global_batch\": 512, \"micro_batch\": %d}, \"parallel\": {\"dp\": 2, "        \
    "\"tp\": 2, \"pp\": 2%s}, \"measured\": {\"step_time_s\": 1.5}}"

static bool fits(const MppRunJob *job, const MppStrategy *strategy)
{
    g_autoptr(MppEstimate) estimate = mpp_estimate_new(&job->job, strategy);
    return estimate->fits;
}

/** 8 experts of 10752 in each layer. */
#define EXPERTS ", \"family\": \"moe\", \"experts\": 8, \"topk\": 2, \"moe_ffn\": 10752"

/** The plan after the assumption, of a model with @more. */
static MppStrategy assumed_of(const MppProfiles *profiles, const char *more, int micro_batch, const char *stated, bool *fit)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = g_strdup_printf(RUN, more, micro_batch, stated), *skipped = NULL;
    g_autoptr(MppJson) json = mpp_expect_json(text);
    MppRun run = { 0 };
    g_assert_true(mpp_fields_read(&mpp_run_fields, json, json->root, &run, &error));
    run.json = json;
    g_autoptr(MppRunJob) job = mpp_run_job_new(&run, profiles, &skipped);
    g_assert_cmpstr(skipped, ==, NULL);
    MppStrategy before = job->strategy;
    mpp_assume(&run, job);
    MppStrategy strategy = job->strategy;
    bool chosen = before.zero != strategy.zero || before.etp != strategy.etp || before.recompute != strategy.recompute;
    g_assert_true(!chosen || job->assumed->len > 0);
    *fit = fits(job, &strategy);
    if (strategy.recompute_layers > 1) { /* one layer fewer does not fit */
        MppStrategy fewer = strategy;
        fewer.recompute_layers--;
        g_assert_false(fits(job, &fewer));
    }
    mpp_fields_clear(&mpp_run_fields, &run);
    return strategy;
}

static MppStrategy assumed(const MppProfiles *profiles, int micro_batch, const char *stated, bool *fit)
{
    return assumed_of(profiles, "", micro_batch, stated, fit);
}

/** More recomputation as the micro-batch grows, and never more than is needed; what is stated stays. */
static void test_least(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MppProfiles) profiles = mpp_profiles_load(&error);
    g_assert_no_error(error);
    bool fit, seen[MPP_N_RECOMPUTES] = { false };
    int64_t before = 0;
    for (int micro_batch = 1; micro_batch <= 64; micro_batch *= 2) {
        MppStrategy s = assumed(profiles, micro_batch, ", \"zero\": 1", &fit);
        int64_t amount = s.recompute == MPP_RECOMPUTE_FULL ? 100 + (s.recompute_layers ? s.recompute_layers : 12) : s.recompute;
        g_assert_cmpint(amount, >=, before);
        g_assert_true(fit || (s.recompute == MPP_RECOMPUTE_FULL && s.recompute_layers == 0));
        seen[s.recompute] = true;
        before = amount;
    }
    g_assert_true(seen[MPP_RECOMPUTE_NONE] && seen[MPP_RECOMPUTE_FULL]);
    g_assert_cmpint(assumed(profiles, 64, ", \"zero\": 1, \"recompute\": \"none\"", &fit).recompute, ==, MPP_RECOMPUTE_NONE);
    g_assert_false(fit);
}

/** Optimizer states are sharded before anything is computed again, if the record leaves that open. */
static void test_sharding(void)
{
    static const struct {
        int micro_batch;
        const char *stated;
        int64_t zero;
        bool recomputes;
    } rows[] = {
        { 1, "", 0, false },
        { 4, "", 1, true },
        { 4, ", \"zero\": 0", 0, true },
        { 4, ", \"recompute\": \"none\"", 1, false },
        { 64, "", 1, true },
    };
    g_autoptr(GError) error = NULL;
    g_autoptr(MppProfiles) profiles = mpp_profiles_load(&error);
    g_assert_no_error(error);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        bool fit;
        MppStrategy s = assumed(profiles, rows[i].micro_batch, rows[i].stated, &fit);
        g_assert_cmpint(s.zero, ==, rows[i].zero);
        g_assert_true((s.recompute != MPP_RECOMPUTE_NONE) == rows[i].recomputes);
    }
}

/** Experts of 6 bn parameters a rank fit when each is split over tp, and nothing is recomputed then, if that is left open. */
static void test_experts(void)
{
    static const struct {
        const char *stated;
        int64_t etp;
        bool recomputes;
    } rows[] = { { ", \"ep\": 2", 2, false }, { ", \"ep\": 2, \"etp\": 1", 1, true } };
    g_autoptr(GError) error = NULL;
    g_autoptr(MppProfiles) profiles = mpp_profiles_load(&error);
    g_assert_no_error(error);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        bool fit;
        g_autofree char *stated = g_strconcat(", \"zero\": 1, \"sp\": true", rows[i].stated, NULL);
        MppStrategy s = assumed_of(profiles, EXPERTS, 1, stated, &fit);
        g_assert_cmpint(s.etp, ==, rows[i].etp);
        g_assert_true((s.recompute != MPP_RECOMPUTE_NONE) == rows[i].recomputes);
    }
}

/** Norms and the activation of experts are computed again before whole layers are, where that fits. */
static void test_light_modules(void)
{
    static const int64_t light = 1 << MPP_MODULE_NORMS | 1 << MPP_MODULE_EXPERT_ACTIVATION;
    g_autoptr(GError) error = NULL;
    g_autoptr(MppProfiles) profiles = mpp_profiles_load(&error);
    g_assert_no_error(error);
    bool fit, seen = false, whole = false;
    for (int micro_batch = 1; micro_batch <= 64; micro_batch *= 2) {
        MppStrategy s = assumed_of(profiles, ", \"family\": \"moe\", \"experts\": 8, \"topk\": 2, \"moe_ffn\": 1024", micro_batch,
                                   ", \"zero\": 1, \"sp\": true, \"ep\": 2, \"etp\": 1", &fit);
        g_assert_true(!s.recompute_modules || (fit && s.recompute == MPP_RECOMPUTE_SELECTIVE && s.recompute_modules == light));
        g_assert_false(whole && s.recompute_modules);
        seen |= s.recompute_modules != 0;
        whole |= s.recompute == MPP_RECOMPUTE_FULL;
    }
    g_assert_true(seen && whole);
}

/** Under ZeRO 3 of a stack that can, inputs of recomputed layers go to the host where they do not fit. */
static void test_inputs(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MppProfiles) profiles = mpp_profiles_load(&error);
    g_assert_no_error(error);
    static const struct {
        const char *framework;
        int micro_batch;
        bool in_host;
    } rows[] = { { "Megatron-DeepSpeed", 2, false }, { "Megatron-DeepSpeed", 96, true }, { "torchtitan", 96, false } };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = g_strdup_printf(
            "{\"id\": \"r\", \"source\": \"s\", \"model\": {\"name\": \"x\", \"layers\": 96, \"hidden\": 4096, \"heads\": 32, "
            "\"ffn\": 16384, \"vocab\": 32000, \"seq\": 1024}, \"hardware\": {\"gpu\": \"a100-sxm4-80gb\", \"gpus\": 64, "
            "\"gpus_per_node\": 8}, \"training\": {\"precision\": \"bf16\", \"framework\": \"%s\", \"attention\": \"flash2\", \"global_batch\": "
            "6144, \"micro_batch\": %d}, \"parallel\": {\"dp\": 64, \"zero\": 3, \"recompute\": \"full\"}, \"measured\": {}}",
            rows[i].framework, rows[i].micro_batch), *skipped = NULL;
        g_autoptr(MppJson) json = mpp_expect_json(text);
        MppRun run = { 0 };
        g_assert_true(mpp_fields_read(&mpp_run_fields, json, json->root, &run, &error));
        run.json = json;
        g_autoptr(MppRunJob) job = mpp_run_job_new(&run, profiles, &skipped);
        mpp_assume(&run, job);
        g_assert_true(job->job.training.kernels.inputs_in_host == rows[i].in_host);
        g_assert_true(!rows[i].in_host || fits(job, &job->strategy));
        mpp_fields_clear(&mpp_run_fields, &run);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/assume/least", test_least);
    g_test_add_func("/assume/light-modules", test_light_modules);
    g_test_add_func("/assume/sharding", test_sharding);
    g_test_add_func("/assume/experts", test_experts);
    g_test_add_func("/assume/inputs", test_inputs);
    return g_test_run();
}
