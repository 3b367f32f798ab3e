#include "planner/cost/block_cost.h"

#include <math.h>

#include "tests/support/plain_job.h"

static const double product_s = 2.0 * 1024 * 512 * 2048 / 1e14, softmax_s = 4e11 / 1e18, gather_s = 8e5 / 1e11;

/** Memory so fast that a product's operands take no time. */
static MppInputs *job_new(void)
{
    MppInputs *inputs = plain_job_new(8);
    inputs->cluster.device.memory_bytes_per_s = 1e18;
    return inputs;
}

/** A product with weights, an attention core and an all-gather over two ranks: forward once, backward twice. */
static MppOps make_ops(void)
{
    MppOps ops = { 0 };
    MppOp *product = mpp_ops_add(&ops, MPP_OP_MATMUL, "product");
    product->count = 1;
    product->m = 1024;
    product->n = 512;
    product->k = 2048;
    product->precision = MPP_PRECISION_BF16;
    product->parameters = 512 * 2048;
    product->kept_bytes = 3000;
    product->forward_kernels = 1;
    product->backward_kernels = 2;
    MppOp *softmax = mpp_ops_add(&ops, MPP_OP_MEMORY, "softmax");
    softmax->forward_bytes = 4e11;
    softmax->backward_bytes = 1.2e12;
    softmax->attention_core = true;
    softmax->kept_bytes = 7000;
    softmax->again_frac = 1;
    softmax->dropped_frac = 0.75;
    MppOp *gather = mpp_ops_add(&ops, MPP_OP_COLLECTIVE, "gather");
    gather->collective = MPP_COLLECTIVE_ALL_GATHER;
    gather->axis = MPP_AXIS_TP;
    gather->bytes = 1.6e6;
    gather->forward_times = 1;
    gather->backward_times = 2;
    return ops;
}

static MppBlockCost cost_of(const MppInputs *inputs, const MppOps *ops, const char *strategy, bool layer)
{
    MppBlockCost cost;
    MppStrategy s = plain_job_strategy(strategy);
    MppMesh mesh = mpp_mesh_new(&s, &inputs->cluster, inputs->gpus);
    MppBlockPlace place = mpp_block_place(&s, &mesh);
    mpp_block_cost(&inputs->job, &place, ops, layer ? &inputs->model.kinds[0] : NULL, &cost);
    return cost;
}

static void test_sums(void)
{
    g_autoptr(MppInputs) inputs = job_new();
    MppOps ops = make_ops();
    ops.ops[0].expert = true;
    MppBlockCost cost = cost_of(inputs, &ops, "dp=4,tp=2", true);
    const MppPassCost *none = &cost.by_recompute[MPP_RECOMPUTE_NONE];
    plain_job_expect("forward", none->forward_s, product_s + softmax_s + gather_s);
    plain_job_expect("backward", none->backward_s, 2 * product_s + 3 * softmax_s + 2 * gather_s);
    plain_job_expect("weights", none->weight_s, product_s);
    plain_job_expect("matmul", none->forward.s[MPP_SHARE_MATMUL], product_s);
    plain_job_expect("attention", none->backward.s[MPP_SHARE_ATTENTION], 3 * softmax_s);
    plain_job_expect("exchange", none->backward.s[MPP_SHARE_TP], 2 * gather_s);
    g_assert_cmpfloat(none->kept_bytes, ==, 10000);
    g_assert_cmpfloat(none->working_bytes, ==, 0);
    g_assert_cmpfloat(cost.expert_parameters, ==, 512 * 2048);
    g_assert_cmpfloat(cost.parameters, ==, 0);
}

/** Selective runs the marked part of the forward pass again, full all of it from the block's input. */
static void test_recompute(void)
{
    g_autoptr(MppInputs) inputs = job_new();
    MppOps ops = make_ops();
    MppBlockCost cost = cost_of(inputs, &ops, "dp=4,tp=2,mbs=3,sp", true);
    const MppPassCost *none = &cost.by_recompute[MPP_RECOMPUTE_NONE], *full = &cost.by_recompute[MPP_RECOMPUTE_FULL];
    const MppPassCost *selective = &cost.by_recompute[MPP_RECOMPUTE_SELECTIVE];
    plain_job_expect("selective", selective->backward_s, none->backward_s + softmax_s);
    plain_job_expect("selective's share", selective->backward.s[MPP_SHARE_RECOMPUTE], softmax_s);
    g_assert_cmpfloat(selective->kept_bytes, ==, 3000 + 1750);
    g_assert_cmpfloat(selective->working_bytes, ==, 5250);
    plain_job_expect("full", full->backward_s, none->backward_s + none->forward_s);
    plain_job_expect("full's share", full->backward.s[MPP_SHARE_RECOMPUTE], product_s + softmax_s);
    plain_job_expect("full's exchange", full->backward.s[MPP_SHARE_TP], 3 * gather_s);
    g_assert_cmpfloat(full->kept_bytes, ==, 1024 * 3 / 2 * 512 * 2);
    g_assert_cmpfloat(full->working_bytes, ==, 10000);
    g_assert_cmpfloat(full->forward_s, ==, none->forward_s);

    inputs->runtime.recompute_stops_early = true; /* the product is the last: what comes before it is nothing */
    cost = cost_of(inputs, &ops, "dp=4,tp=2,mbs=3,sp", true);
    plain_job_expect("stopped early", cost.by_recompute[MPP_RECOMPUTE_FULL].backward_s, none->backward_s);
    ops.ops[ops.n] = ops.ops[0];
    ops.n++;
    cost = cost_of(inputs, &ops, "dp=4,tp=2,mbs=3,sp", true);
    plain_job_expect("before the second product", full->backward_s - none->backward_s, product_s + softmax_s + gather_s);
    ops.n--;

    cost = cost_of(inputs, &ops, "dp=4,tp=2", false); /* an embedding is not recomputed */
    g_assert_cmpfloat(cost.by_recompute[MPP_RECOMPUTE_FULL].backward_s, ==, cost.by_recompute[MPP_RECOMPUTE_NONE].backward_s);
    g_assert_cmpfloat(cost.by_recompute[MPP_RECOMPUTE_FULL].kept_bytes, ==, 10000);
}

/** What is hidden is bounded by the stack's share and by the computation there is. */
static void test_overlap(void)
{
    static const struct {
        double frac, slowdown, bytes, exposed_frac; /* of the forward gather */
        bool async;
    } rows[] = {
        { 0.5, 0, 1.6e6, 0.25, true },
        { 0.5, 0, 1.6e6, 0.5 },
        { 1, 0, 1.6e6, 0 },
        { 1, 0.25, 1.6e6, 0.25 },
        { 0.5, 0.25, 1.6e6, 0.5 + 0.5 * 0.25 },
        { 1, 0, 8e6, 1 - 2.147483648e-05 / 4e-5 }, /* longer than the product */
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppInputs) inputs = job_new();
        inputs->runtime.overlap.tensor_frac = rows[i].frac;
        inputs->runtime.overlap.tensor_async_frac = 0.75;
        inputs->job.training.kernels.tensor_async = rows[i].async;
        inputs->runtime.overlap.slowdown_frac = rows[i].slowdown;
        MppOps ops = make_ops();
        ops.ops[2].bytes = rows[i].bytes;
        MppBlockCost cost = cost_of(inputs, &ops, "dp=4,tp=2", true);
        double exposed_s = cost.by_recompute[MPP_RECOMPUTE_NONE].forward.s[MPP_SHARE_TP];
        g_assert_cmpfloat_with_epsilon(exposed_s, rows[i].exposed_frac * rows[i].bytes / 2 / 1e11, 1e-17);
    }
}

/** Attention hides the blocks of a ring; it waits for what else brings keys to queries. */
static void test_overlap_context(void)
{
    static const struct {
        const char *strategy;
        double exposed_frac;
    } rows[] = {
        { "dp=2,tp=2,cp=2", 0.25 },
        { "dp=2,tp=2,cp=2,cp_kind=all-to-all", 1 },
        { "dp=2,tp=2,cp=2,cp_kind=all-gather", 1 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppInputs) inputs = job_new();
        inputs->runtime.overlap.context_frac = 0.75;
        MppOps ops = make_ops();
        ops.ops[2].axis = MPP_AXIS_CP;
        ops.ops[1].forward_bytes = ops.ops[1].backward_bytes = 1e14;
        MppBlockCost cost = cost_of(inputs, &ops, rows[i].strategy, true);
        plain_job_expect("exposed", cost.by_recompute[MPP_RECOMPUTE_NONE].forward.s[MPP_SHARE_CP], rows[i].exposed_frac * gather_s);
        plain_job_expect("again", cost.by_recompute[MPP_RECOMPUTE_FULL].backward.s[MPP_SHARE_CP], rows[i].exposed_frac * 3 * gather_s);
    }
}

/** What is live while an op runs comes beside what is kept, however much of that is. */
static void test_working_bytes(void)
{
    g_autoptr(MppInputs) inputs = job_new();
    MppOps ops = make_ops();
    ops.ops[1].working_bytes = 400;
    ops.ops[2].working_bytes = 300;
    static const double working_bytes[MPP_N_RECOMPUTES] = {
        [MPP_RECOMPUTE_NONE] = 400,
        [MPP_RECOMPUTE_SELECTIVE] = 5250 + 400,
        [MPP_RECOMPUTE_FULL] = 10000 + 400,
        [MPP_RECOMPUTE_OFFLOAD] = 2 * 10000 + 400,
    };
    MppBlockCost cost = cost_of(inputs, &ops, "dp=4,tp=2", true);
    for (int i = 0; i < MPP_N_RECOMPUTES; i++)
        g_assert_cmpfloat(cost.by_recompute[i].working_bytes, ==, working_bytes[i]);
}

/** Beside another micro-batch's pass, what is left of all computation hides the experts' exchange: what hides tensor parallelism's is gone. */
static void test_overlap_beside(void)
{
    static const struct {
        double frac, bytes, exposed_s;
    } rows[] = {
        { 1, 1e6, 0 },
        { 0.75, 1e6, 7.5e5 / 1e11 / 4 },
        { 1, 1e7, 7.5e6 / 1e11 - (product_s + softmax_s - gather_s) },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppInputs) inputs = job_new();
        inputs->runtime.overlap.tensor_frac = 1;
        inputs->runtime.overlap.expert_async_frac = rows[i].frac;
        inputs->job.training.kernels.expert_async = true;
        MppOps ops = make_ops();
        MppOp *dispatch = mpp_ops_add(&ops, MPP_OP_COLLECTIVE, "dispatch");
        dispatch->collective = MPP_COLLECTIVE_ALL_TO_ALL;
        dispatch->axis = MPP_AXIS_EP;
        dispatch->bytes = rows[i].bytes;
        dispatch->forward_times = 1;
        MppBlockCost cost = cost_of(inputs, &ops, "dp=4,tp=2,ep=4", true);
        const MppShares *forward = &cost.by_recompute[MPP_RECOMPUTE_NONE].forward;
        g_assert_cmpfloat_with_epsilon(forward->s[MPP_SHARE_EP], rows[i].exposed_s, 1e-17);
    }
}

/** A pass takes the longer of device and host; where they are equal, the sixth root of two times as long. */
static void test_host(void)
{
    double device_s = product_s + softmax_s + gather_s;
    const struct {
        const char *strategy;
        double kernel_s, collective_s, layer_s, waiting_frac, host_frac;
        bool layer;
        double seconds;
    } rows[] = {
        { "dp=4,tp=2", 0, 0, 1, 0, 1, true, 1 },
        { "dp=4,tp=2", 0, 0, 1, 0, 1, false, device_s }, /* a layer's cost, and this is none */
        { "dp=4,tp=2", 3, 2, 1, 0, 1, true, 6 },
        { "dp=4,tp=2", 3, 2, 1, 0, 0.5, true, 3 },
        { "dp=4,tp=2", device_s, 0, 0, 0, 1, true, device_s * pow(2, 1.0 / 8) },
        { "dp=2,tp=2,pp=2", 3, 2, 1, 0.25, 1, true, 9 }, /* 1 + tp / 4 while messages to other nodes are pending */
        { "dp=2,tp=2,pp=2,order=tp-pp-cp-dp", 3, 2, 1, 0.25, 1, true, 6 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppInputs) inputs = job_new();
        inputs->runtime.host = (MppHostCosts){ .kernel_s = rows[i].kernel_s,
                                               .collective_s = rows[i].collective_s,
                                               .layer_s = rows[i].layer_s,
                                               .waiting_p2p_frac = rows[i].waiting_frac };
        inputs->cluster.host_frac = rows[i].host_frac;
        MppOps ops = make_ops();
        MppBlockCost cost = cost_of(inputs, &ops, rows[i].strategy, rows[i].layer);
        const MppPassCost *none = &cost.by_recompute[MPP_RECOMPUTE_NONE];
        plain_job_expect("pass", none->forward_s, rows[i].seconds);
        g_assert_cmpfloat_with_epsilon(none->forward.s[MPP_SHARE_HOST], rows[i].seconds - device_s, 1e-15);
        g_assert_cmpfloat_with_epsilon(mpp_shares_sum(&none->forward), none->forward_s, 1e-15);
        g_assert_cmpfloat_with_epsilon(mpp_shares_sum(&none->backward), none->backward_s, 1e-14);
    }
}

/** A collective waits for each member but one; passes that are launched whole take the host no time. */
static void test_waits(void)
{
    g_autoptr(MppInputs) inputs = job_new();
    inputs->runtime.host = (MppHostCosts){ .collective_s = 2, .member_s = 0.5 };
    MppOps ops = make_ops();
    MppBlockCost cost = cost_of(inputs, &ops, "dp=2,tp=4", true);
    plain_job_expect("three further members", cost.by_recompute[MPP_RECOMPUTE_NONE].forward_s, 3.5);
    plain_job_expect("twice", cost.by_recompute[MPP_RECOMPUTE_NONE].backward_s, 7);
    inputs->runtime.host.wait_s = 11; /* of the device, beside 3/4 of 1.6 MB at 20 GB/s */
    cost = cost_of(inputs, &ops, "dp=2,tp=4", true);
    g_assert_cmpfloat_with_epsilon(cost.by_recompute[MPP_RECOMPUTE_NONE].forward.s[MPP_SHARE_TP], 11, 1e-3);
    inputs->runtime.host.wait_s = 0;
    inputs->job.training.kernels.graphs = true;
    cost = cost_of(inputs, &ops, "dp=2,tp=4", true);
    g_assert_cmpfloat(cost.by_recompute[MPP_RECOMPUTE_NONE].forward.s[MPP_SHARE_HOST], ==, 0);
    g_assert_cmpfloat(cost.by_recompute[MPP_RECOMPUTE_NONE].forward_s, <, 0.01);
}

/** In forward passes the device waits until the host has experts' counts of tokens, unless it need not know them or works meanwhile. */
static void test_counts(void)
{
    static const struct {
        MppKernels kernels;
        bool expert;
        double host_frac, forward_s, again_s; /* 2 for the gather's call, 7 for the counts; again_s: two gathers, and the forward pass */
    } rows[] = {
        { { 0 }, false, 1, 2, 6 },
        { { 0 }, true, 1, 2 + 7, 6 + 7 },
        { { 0 }, true, 0.5, 1 + 3.5, 3 + 3.5 },
        { { .expert_async = true }, true, 1, 2, 6 },
        { { .experts_padded = true }, true, 1, 2, 6 },
        { { .graphs = true }, true, 1, 0, 0 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppInputs) inputs = job_new();
        inputs->runtime.host = (MppHostCosts){ .collective_s = 2, .experts_s = 7 };
        inputs->cluster.host_frac = rows[i].host_frac;
        inputs->job.training.kernels = rows[i].kernels;
        MppOps ops = make_ops();
        ops.ops[0].expert = rows[i].expert;
        MppBlockCost cost = cost_of(inputs, &ops, "dp=4,tp=2", true);
        g_assert_cmpfloat_with_epsilon(cost.by_recompute[MPP_RECOMPUTE_NONE].forward_s, rows[i].forward_s, 1e-3);
        g_assert_cmpfloat_with_epsilon(cost.by_recompute[MPP_RECOMPUTE_FULL].backward_s, rows[i].again_s, 1e-3);
    }
}

/** Kernels that an operator launches besides cost less than its first; where the rest is launched whole, those of routed ops are left. */
static void test_launches(void)
{
    static const struct {
        bool partial_graphs, routed, moe;
        double forward_s, backward_s;
    } rows[] = {
        { false, true, true, 1 + 3 + 5 * 0.25 + 2, 1 + 2 * 3 + 9 * 0.25 + 2 * 2 },
        { true, true, true, 0.5 + 3 + 5 * 0.25, 0.5 + 2 * 3 + 9 * 0.25 },
        { true, false, true, 0.5, 0.5 },
        { true, false, false, 0, 0 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppInputs) inputs = job_new();
        inputs->runtime.host = (MppHostCosts){ .kernel_s = 3, .launch_s = 0.25, .collective_s = 2, .layer_s = 1 };
        inputs->job.training.kernels.partial_graphs = rows[i].partial_graphs;
        inputs->model.kinds[0].moe = rows[i].moe;
        MppOps ops = make_ops();
        ops.ops[0].routed = rows[i].routed;
        ops.ops[0].forward_launches = 5;
        ops.ops[0].backward_launches = 9;
        MppBlockCost cost = cost_of(inputs, &ops, "dp=4,tp=2", true);
        g_assert_cmpfloat_with_epsilon(cost.by_recompute[MPP_RECOMPUTE_NONE].forward_s, rows[i].forward_s, 1e-3);
        g_assert_cmpfloat_with_epsilon(cost.by_recompute[MPP_RECOMPUTE_NONE].backward_s, rows[i].backward_s, 1e-3);
    }
}

/** Hooks add to a pass only as far as it is longer with them, and to one that is run again another time. */
static void test_hooks(void)
{
    g_autoptr(MppInputs) inputs = job_new();
    inputs->runtime.host = (MppHostCosts){ .layer_s = 3, .gathered_s = 0.75 };
    MppOps ops = make_ops();
    MppBlockCost cost = cost_of(inputs, &ops, "dp=8,zero=3", true);
    const MppPassCost *none = &cost.by_recompute[MPP_RECOMPUTE_NONE], *full = &cost.by_recompute[MPP_RECOMPUTE_FULL];
    plain_job_expect("forward", none->gathered_forward_s, 0.75);
    plain_job_expect("backward", none->gathered_backward_s, 0.75);
    plain_job_expect("and again", full->gathered_backward_s, 2 * 0.75);
    inputs->runtime.host = (MppHostCosts){ .gathered_s = 1e-6 }; /* less than the device takes */
    cost = cost_of(inputs, &ops, "dp=8,zero=3", true);
    g_assert_cmpfloat(none->gathered_forward_s, ==, 0);
    inputs->runtime.host = (MppHostCosts){ .layer_s = 3, .gathered_s = 0.75 };
    cost = cost_of(inputs, &ops, "dp=8,zero=3", false); /* no layer */
    g_assert_cmpfloat(none->gathered_forward_s, ==, 0);
}

/** Exchanges between nodes add to a pass that the host limits, except as far as it is stalled while messages are pending. */
static void test_between_nodes(void)
{
    static const struct {
        const char *strategy;
        double waiting_frac, seconds; /* 2 a collective; all-gather of 1.6 MB over 8 or 4 ranks of nodes of 2 */
    } rows[] = {
        { "tp=8", 0, 2 + 7.0 / 8 * 1.6e6 / 2e10 },
        { "tp=4,dp=2", 0.25, 2 + 3.0 / 4 * 1.6e6 / 2e10 },
        { "tp=4,pp=2", 0.25, 2 * 2 },
        { "tp=4,pp=2", 0.000005, 2 + 3.0 / 4 * 1.6e6 / 2e10 }, /* stalled for 0.00004 */
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppInputs) inputs = job_new();
        g_array_index(inputs->cluster.tiers, MppTier, 0).devices = 2;
        inputs->runtime.host = (MppHostCosts){ .collective_s = 2, .waiting_p2p_frac = rows[i].waiting_frac };
        MppOps ops = make_ops();
        MppBlockCost cost = cost_of(inputs, &ops, rows[i].strategy, true);
        plain_job_expect(rows[i].strategy, cost.by_recompute[MPP_RECOMPUTE_NONE].forward_s, rows[i].seconds);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/block-cost/sums", test_sums);
    g_test_add_func("/block-cost/recompute", test_recompute);
    g_test_add_func("/block-cost/overlap", test_overlap);
    g_test_add_func("/block-cost/overlap-context", test_overlap_context);
    g_test_add_func("/block-cost/working-bytes", test_working_bytes);
    g_test_add_func("/block-cost/overlap-beside", test_overlap_beside);
    g_test_add_func("/block-cost/host", test_host);
    g_test_add_func("/block-cost/waits", test_waits);
    g_test_add_func("/block-cost/counts", test_counts);
    g_test_add_func("/block-cost/launches", test_launches);
    g_test_add_func("/block-cost/hooks", test_hooks);
    g_test_add_func("/block-cost/between-nodes", test_between_nodes);
    return g_test_run();
}
