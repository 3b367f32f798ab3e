#include "planner/cost/estimate.h"

#include <math.h>

#include "planner/spec/model_params.h"
#include "tests/support/plain_job.h"

/** Memory traffic and links cost next to nothing: what is left is the FLOP of products and attention. */
static MppInputs *compute_job_new(int64_t gpus)
{
    MppInputs *inputs = plain_job_new(gpus);
    inputs->cluster.device.memory_bytes_per_s = 1e20;
    for (int i = 0; i < 2; i++)
        g_array_index(inputs->cluster.tiers, MppTier, i).bytes_per_s = 1e20;
    return inputs;
}

/** Of one layer and 1024 tokens: 6 FLOP a weight and token at 100 TFLOP/s, attention at half of it and 2.5 times at a quarter. */
static double layer_s(void)
{
    double weights = 4 * 512 * 512 + 2 * 512 * 2048, attention_flop = 2.0 * 4 * 1024 * 512 * 256;
    return 6 * weights * 1024 / 1e14 + attention_flop / 0.5e14 + 2.5 * attention_flop / 0.25e14;
}

static double head_s(void)
{
    return 6 * 51200.0 * 512 * 1024 / 1e14;
}

static void expect_near(const char *what, double found, double expected)
{
    if (fabs(found - expected) > 1e-6 * expected)
        g_error("%s: %.12g, expected %.12g", what, found, expected);
}

/** Sixteen sequences; a pipeline of 1F1B with its heavy end last fills once and then works at that stage's pace. */
static void test_steps(void)
{
    const struct {
        const char *strategy;
        int64_t gpus;
        double step_s;
    } rows[] = {
        { "dp=1", 1, 16 * (4 * layer_s() + head_s()) },
        { "dp=1,mbs=4", 1, 16 * (4 * layer_s() + head_s()) },
        { "dp=8", 8, 2 * (4 * layer_s() + head_s()) },
        { "dp=4,tp=2", 8, 4 * (4 * layer_s() + head_s()) / 2 },
        { "dp=1,pp=4", 4, 3 * layer_s() + 16 * (layer_s() + head_s()) },
        { "dp=1,pp=4,schedule=gpipe", 4, 3 * layer_s() + 16 * (layer_s() + head_s()) },
        { "dp=2,pp=4,stages=2/1/1/0", 8, 4 * layer_s() + 8 * head_s() },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        MppStrategy s = plain_job_strategy(rows[i].strategy);
        g_autoptr(MppInputs) inputs = compute_job_new(rows[i].gpus);
        g_autoptr(MppEstimate) estimate = mpp_estimate_new(&inputs->job, &s);
        expect_near(rows[i].strategy, estimate->step_s, rows[i].step_s);
        g_assert_cmpint(estimate->pp, ==, s.pp);
        mpp_strategy_clear(&s);
    }
}

/** The head's stage is busiest; it waits for the others' forward passes, and they follow with their backward ones. */
static void test_bubble(void)
{
    MppStrategy s = plain_job_strategy("dp=1,pp=4");
    g_autoptr(MppInputs) inputs = compute_job_new(4);
    g_autoptr(MppEstimate) estimate = mpp_estimate_new(&inputs->job, &s);
    g_assert_cmpint(estimate->busiest_stage, ==, 3);
    expect_near("bubble", estimate->shares.s[MPP_SHARE_BUBBLE], 3 * layer_s());
    expect_near("products", estimate->shares.s[MPP_SHARE_MATMUL] + estimate->shares.s[MPP_SHARE_ATTENTION],
                16 * (layer_s() + head_s()));
    g_assert_cmpint(estimate->stages[2].layers, ==, 1);
    expect_near("end", estimate->stages[0].end_s, estimate->step_s);
}

/** A step on 8 devices of 1, 2 or 8 nodes waits for stragglers with each doubling. */
static void test_jitter(void)
{
    static const struct {
        int64_t node;
        double doublings;
    } rows[] = { { 8, 0 }, { 4, 1 }, { 1, 3 }, { 3, 1.4150374992788437 } };
    MppStrategy s = plain_job_strategy("dp=8");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppInputs) inputs = compute_job_new(8);
        g_array_index(inputs->cluster.tiers, MppTier, 0).devices = rows[i].node;
        g_autoptr(MppEstimate) steady = mpp_estimate_new(&inputs->job, &s);
        inputs->cluster.jitter_frac = 0.03;
        g_autoptr(MppEstimate) estimate = mpp_estimate_new(&inputs->job, &s);
        plain_job_expect("step", estimate->step_s, steady->step_s * (1 + 0.03 * rows[i].doublings));
        g_assert_cmpfloat_with_epsilon(estimate->shares.s[MPP_SHARE_JITTER], estimate->step_s - steady->step_s, 1e-15);
    }
}

/** Rates follow from the step: tokens, model FLOP (arXiv:2204.02311, appendix B), money. */
static void test_rates(void)
{
    MppStrategy s = plain_job_strategy("dp=4,tp=2");
    g_autoptr(MppInputs) inputs = compute_job_new(8);
    inputs->cluster.device.price_usd_per_h = 3.6;
    g_autoptr(MppEstimate) estimate = mpp_estimate_new(&inputs->job, &s);
    double flop = 6 * mpp_model_parameters(&inputs->model) + 12.0 * 4 * 4 * 128 * 1024, tokens_per_s = 16384 / estimate->step_s;
    plain_job_expect("FLOP", mpp_estimate_flop_per_token(&inputs->job), flop);
    plain_job_expect("tokens", estimate->tokens_per_s_per_gpu, tokens_per_s / 8);
    plain_job_expect("MFU", estimate->mfu, flop * tokens_per_s / 8 / 1e14);
    plain_job_expect("USD", estimate->usd_per_mtokens, 8 * 1e-3 / tokens_per_s * 1e6);
    inputs->model.window = 256;
    plain_job_finish(inputs);
    plain_job_expect("windows", mpp_estimate_flop_per_token(&inputs->job),
                     6 * mpp_model_parameters(&inputs->model) + 12.0 * 4 * 4 * 128 * 256);
}

/** A decoder's 256 tokens beside 1024: a quarter of its products, and of its own keys' a sixteenth. */
static void test_targets(void)
{
    g_autoptr(MppInputs) inputs = compute_job_new(8);
    inputs->model.kind = MPP_MODEL_ENCODER_DECODER;
    inputs->model.encoder_layers = 3;
    plain_job_finish(inputs);
    double encoder = 4 * 512 * 512 + 2 * 512 * 2048 + 2 * 512, decoder = encoder + 4 * 512 * 512 + 512, ends = 2 * 51200 * 512 + 2 * 512;
    plain_job_expect("both alike", mpp_estimate_flop_per_token(&inputs->job), 6 * (ends + 3 * encoder + 4 * decoder) + 12.0 * 7 * 512 * 1024);
    inputs->job.training.target_seq = 256;
    plain_job_expect("targets", mpp_estimate_flop_per_token(&inputs->job), 6 * (ends + 3 * encoder + decoder) + 12.0 * (3 + 4 / 16.0) * 512 * 1024);
}

/** Gradients are hidden behind the last backward pass, parameters behind the first forward one, as the stack can. */
static void test_exchange(void)
{
    MppStrategy s = plain_job_strategy("dp=8,zero=1");
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    g_autoptr(MppEstimate) bare = mpp_estimate_new(&inputs->job, &s);
    double parameters = mpp_model_parameters(&inputs->model), sent = 7.0 / 8 * parameters / 4e10;
    plain_job_expect("reduce", bare->stages[0].exchange_s, 4 * sent);
    plain_job_expect("share", bare->shares.s[MPP_SHARE_DP], 6 * sent);

    inputs->runtime.overlap.gradients_frac = 0.5;
    inputs->runtime.overlap.parameters_frac = 0.25;
    g_autoptr(MppEstimate) half = mpp_estimate_new(&inputs->job, &s);
    plain_job_expect("half of the backward pass", half->stages[0].exchange_s, 4 * sent - half->stages[0].backward_s / 2);
    plain_job_expect("and a quarter of the forward", bare->step_s - half->step_s,
                     half->stages[0].backward_s / 2 + half->stages[0].forward_s / 4);

    inputs->runtime.overlap.gradients_frac = 1;
    inputs->runtime.state.bucket_bytes = parameters; /* a quarter of the gradients comes when all work is done */
    g_array_index(inputs->cluster.tiers, MppTier, 1).bytes_per_s = 1e11;
    g_autoptr(MppEstimate) last = mpp_estimate_new(&inputs->job, &s);
    plain_job_expect("last bucket", last->stages[0].exchange_s, 7.0 / 8 * parameters / 1e11);

    inputs->runtime.state.zero1_at_end = true;
    g_autoptr(MppEstimate) at_end = mpp_estimate_new(&inputs->job, &s);
    plain_job_expect("at the end", at_end->stages[0].exchange_s, 7.0 / 8 * 4 * parameters / 1e11);
    MppStrategy replicas = plain_job_strategy("dp=8");
    g_autoptr(MppEstimate) ddp = mpp_estimate_new(&inputs->job, &replicas);
    g_assert_cmpfloat(ddp->stages[0].exchange_s, <, 2 * at_end->stages[0].exchange_s); /* all-reduced, and hidden */
}

/** Gradients do not hide behind passes whose tensor-parallel exchange has the network. */
static void test_network_in_use(void)
{
    MppStrategy s = plain_job_strategy("dp=4,tp=2"), wide = plain_job_strategy("dp=2,tp=8");
    g_autoptr(MppInputs) inputs = plain_job_new(8), wider = plain_job_new(16);
    g_autoptr(MppEstimate) bare = mpp_estimate_new(&inputs->job, &s), bare_wide = mpp_estimate_new(&wider->job, &wide);
    inputs->runtime.overlap.gradients_frac = wider->runtime.overlap.gradients_frac = 0.5;
    g_autoptr(MppEstimate) hides = mpp_estimate_new(&inputs->job, &s), waits = mpp_estimate_new(&wider->job, &wide);
    g_assert_cmpfloat(hides->stages[0].exchange_s, <, bare->stages[0].exchange_s);
    plain_job_expect("nothing hidden", waits->stages[0].exchange_s, bare_wide->stages[0].exchange_s);
}

/** Parameters gathered after the update hold the step up; those that layers gather hide in a forward pass, which they slow down. */
static void test_gathers_by_layer(void)
{
    MppStrategy s = plain_job_strategy("dp=8,zero=2");
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    inputs->runtime.overlap.fsdp_frac = 0.25;
    inputs->runtime.overlap.slowdown_frac = 0.2;
    g_autoptr(MppEstimate) after = mpp_estimate_new(&inputs->job, &s);
    inputs->runtime.gathers_by_layer = true;
    g_autoptr(MppEstimate) by_layer = mpp_estimate_new(&inputs->job, &s);
    plain_job_expect("a quarter of the forward pass", after->step_s - by_layer->step_s, 0.25 * 0.8 * after->stages[0].forward_s);
}

static void test_fit(void)
{
    MppStrategy s = plain_job_strategy("dp=1,pp=4");
    g_autoptr(MppInputs) inputs = plain_job_new(4);
    inputs->runtime.memory.usable_frac = 0.5;
    g_autoptr(MppEstimate) roomy = mpp_estimate_new(&inputs->job, &s);
    inputs->cluster.device.memory_bytes = 2 * roomy->peak_bytes;
    g_autoptr(MppEstimate) exact = mpp_estimate_new(&inputs->job, &s);
    inputs->cluster.device.memory_bytes = 1.999 * roomy->peak_bytes;
    g_autoptr(MppEstimate) full = mpp_estimate_new(&inputs->job, &s);
    g_assert_true(roomy->fits && exact->fits && !full->fits);
    g_assert_cmpfloat(roomy->usable_bytes, ==, 4e10);
    g_assert_cmpfloat(roomy->capacity_bytes, ==, 8e10);
    g_assert_cmpint(roomy->fullest_stage, ==, 3); /* head and logits */
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/estimate/steps", test_steps);
    g_test_add_func("/estimate/bubble", test_bubble);
    g_test_add_func("/estimate/jitter", test_jitter);
    g_test_add_func("/estimate/rates", test_rates);
    g_test_add_func("/estimate/targets", test_targets);
    g_test_add_func("/estimate/exchange", test_exchange);
    g_test_add_func("/estimate/network-in-use", test_network_in_use);
    g_test_add_func("/estimate/gathers-by-layer", test_gathers_by_layer);
    g_test_add_func("/estimate/fit", test_fit);
    return g_test_run();
}
