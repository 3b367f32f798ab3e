#include "planner/ops/parts.h"

#include <string.h>

#include "tests/support/plain_job.h"

static MppOps dense_of(const MppInputs *inputs, double tokens, double ranks)
{
    MppOps ops = { 0 };
    MppStrategy s = plain_job_strategy("tp=2");
    MppShard shard = mpp_shard_of(&s);
    MppOpContext at = mpp_op_context(&inputs->job, &shard, &inputs->model.kinds[0]);
    mpp_ops_add_mlp(&at, &ops, 2048, tokens, ranks);
    return ops;
}

/** Kept: what the activation reads and what the second product reads; four tensors when gated. */
static void test_dense(void)
{
    static const struct {
        bool gated, bias, fused, inside;
        double up, up_parameters, down_parameters, kept_bytes, moved_elements, moved_backward;
        int kernels;
    } rows[] = {
        { false, false, true, false, 1024, 1024 * 512, 1024 * 512, 2 * 1024 * 2, 2, 3, 1 },
        { false, true, true, false, 1024, 1024 * 512 + 1024, 1024 * 512 + 512, 2 * 1024 * 2, 2, 3, 1 },
        { true, false, true, false, 2048, 2048 * 512, 1024 * 512, 4 * 1024 * 2, 3, 4, 1 },
        { true, false, false, false, 2048, 2048 * 512, 1024 * 512, 4 * 1024 * 2, 5, 9, 2 }, /* activation 1 to 1, product 2 to 1; back three of 2 to 1 */
        { false, true, false, false, 1024, 1024 * 512 + 1024, 1024 * 512 + 512, 2 * 1024 * 2, 5, 6, 2 },
        { false, true, false, true, 1024, 1024 * 512 + 1024, 1024 * 512 + 512, 2 * 1024 * 2, 2, 4, 1 }, /* back 2 to 1, and 1 summed */
        { true, false, false, true, 2048, 2048 * 512, 1024 * 512, 4 * 1024 * 2, 5, 9, 2 },
    };
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        inputs->model.gated_mlp = rows[i].gated;
        inputs->model.mlp_bias = rows[i].bias;
        inputs->job.training.kernels.elementwise_fused = rows[i].fused;
        inputs->runtime.bias_in_products = rows[i].inside;
        MppOps ops = dense_of(inputs, 384, 2);
        g_autofree char *names = plain_job_names(&ops);
        g_assert_cmpstr(names, ==, "mlp up projection, activation, mlp down projection");
        const MppOp *up = &ops.ops[0], *activation = &ops.ops[1], *down = &ops.ops[2];
        g_assert_cmpfloat(up->m, ==, 384);
        g_assert_cmpfloat(up->n, ==, rows[i].up);
        g_assert_cmpfloat(up->k, ==, 512);
        g_assert_cmpfloat(down->n, ==, 512);
        g_assert_cmpfloat(down->k, ==, 1024);
        g_assert_cmpfloat(up->parameters, ==, rows[i].up_parameters);
        g_assert_cmpfloat(down->parameters, ==, rows[i].down_parameters);
        g_assert_cmpfloat(activation->kept_bytes, ==, 384 * rows[i].kept_bytes);
        g_assert_cmpfloat(activation->forward_bytes, ==, 384 * 1024 * 2 * rows[i].moved_elements);
        g_assert_cmpfloat(activation->backward_bytes, ==, 384 * 1024 * 2 * rows[i].moved_backward);
        g_assert_cmpint(activation->forward_kernels, ==, rows[i].kernels);
    }
}

static MppInputs *expert_job_new(void)
{
    MppInputs *inputs = plain_job_new(8);
    inputs->model.moe = (MppMoe){ .experts = 24, .topk = 3, .ffn = 768, .every = 1, .router_bias = true };
    plain_job_finish(inputs);
    return inputs;
}

static MppOps experts_of(const MppInputs *inputs, const char *strategy)
{
    MppOps ops = { 0 };
    MppStrategy s = plain_job_strategy(strategy);
    MppShard shard = mpp_shard_of(&s);
    MppOpContext at = mpp_op_context(&inputs->job, &shard, &inputs->model.kinds[0]);
    mpp_ops_add_moe(&at, &ops);
    return ops;
}

#define ROUTE "router, routing, permute tokens, "
#define MLP "mlp up projection, activation, mlp down projection"

static void test_experts(void)
{
    static const struct {
        const char *strategy, *names;
        double local, tokens, width, dispatch_bytes; /* experts on the rank, rows of each, their width */
    } rows[] = {
        { "mbs=2", ROUTE MLP ", unpermute tokens", 24, 256, 768, 0 },
        { "ep=4,mbs=2", ROUTE "dispatch, sort by expert, " MLP ", sort by rank, combine, unpermute tokens", 6, 1024, 768, 6144 * 1024 },
        { "tp=2,ep=4,mbs=2,sp", ROUTE "dispatch, sort by expert, " MLP ", sort by rank, combine, unpermute tokens", 6, 512, 768, 3072 * 1024 },
        { "tp=2,etp=2,ep=4,mbs=2,sp",
          ROUTE "dispatch, sort by expert, gather expert tokens, scatter expert gradients, " MLP
                ", scatter expert outputs, gather output gradients, sort by rank, combine, unpermute tokens",
          6, 1024, 384, 3072 * 1024 },
    };
    g_autoptr(MppInputs) inputs = expert_job_new();
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        MppOps ops = experts_of(inputs, rows[i].strategy);
        g_autofree char *names = plain_job_names(&ops);
        g_assert_cmpstr(names, ==, rows[i].names);
        const MppOp *up = plain_job_find(&ops, "mlp up projection");
        g_assert_true(up->expert);
        g_assert_cmpfloat(up->count, ==, rows[i].local);
        g_assert_cmpfloat(up->m, ==, rows[i].tokens);
        g_assert_cmpfloat(up->n, ==, rows[i].width);
        g_assert_cmpfloat(up->parameters, ==, rows[i].local * rows[i].width * 512);
        bool gathered = strstr(names, "gather expert tokens"); /* what the products read is kept once */
        const MppOp *keeper = plain_job_find(&ops, gathered ? "gather expert tokens" : "permute tokens");
        g_assert_cmpfloat(keeper->kept_bytes, ==, rows[i].local * rows[i].tokens * 512 * 2);
        g_assert_cmpfloat(plain_job_find(&ops, "permute tokens")->kept_bytes, ==, gathered ? 0 : keeper->kept_bytes);
        const MppOp *router = plain_job_find(&ops, "router");
        g_assert_cmpfloat(router->parameters, ==, 24 * 512 + 24);
        g_assert_false(router->expert);
        if (rows[i].dispatch_bytes > 0) {
            g_assert_cmpfloat(plain_job_find(&ops, "dispatch")->bytes, ==, rows[i].dispatch_bytes);
            g_assert_cmpint(plain_job_find(&ops, "dispatch")->axis, ==, MPP_AXIS_EP);
            g_assert_cmpfloat(plain_job_find(&ops, "dispatch")->copies, ==, 0);
            inputs->job.training.kernels.dispatch_once = true;
            ops = experts_of(inputs, rows[i].strategy);
            g_assert_cmpfloat(plain_job_find(&ops, "combine")->copies, ==, inputs->model.moe.topk);
            g_assert_cmpfloat(plain_job_find(&ops, "combine")->experts_in_turn, ==, 0);
            inputs->job.training.kernels.experts_in_turn = true;
            ops = experts_of(inputs, rows[i].strategy);
            g_assert_cmpfloat(plain_job_find(&ops, "combine")->experts_in_turn, ==, rows[i].local);
            inputs->job.training.kernels.experts_in_turn = false;
            inputs->job.training.kernels.dispatch_once = false;
        }
    }
}

/** What sends a token once makes its copies where it arrives, and sums them up before it goes back. */
static void test_copies_on_arrival(void)
{
    g_autoptr(MppInputs) inputs = expert_job_new();
    inputs->job.training.kernels.dispatch_once = true;
    MppOps ops = experts_of(inputs, "ep=4,mbs=2");
    g_autofree char *names = plain_job_names(&ops);
    g_assert_cmpstr(names, ==, "router, routing, dispatch, permute tokens, " MLP ", unpermute tokens, combine");
    g_assert_cmpfloat(plain_job_find(&ops, "permute tokens")->forward_bytes, ==, 2 * 6144 * 512 * 2);
    MppOps alone = experts_of(inputs, "mbs=2");
    g_autofree char *kept = plain_job_names(&alone);
    g_assert_cmpstr(kept, ==, ROUTE MLP ", unpermute tokens");
}

/** One expert a rank needs no sorting; a product and, in 8 bits, casts (and scales) for each expert unless one kernel does all. */
static void test_launches(void)
{
    static const struct {
        const char *strategy;
        bool fused;
        MppPrecision precision;
        int forward, backward;
        bool sorted;
    } rows[] = {
        { "ep=4", false, MPP_PRECISION_BF16, 6, 12, true },
        { "ep=4", false, MPP_PRECISION_FP8, 18, 24, true },
        { "ep=4", false, MPP_PRECISION_MXFP8, 24, 42, true },
        { "ep=4", true, MPP_PRECISION_FP8, 1, 2, true },
        { "ep=24", false, MPP_PRECISION_BF16, 1, 2, false },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppInputs) inputs = expert_job_new();
        inputs->job.training.kernels.experts_fused = rows[i].fused;
        inputs->job.training.precision = rows[i].precision;
        MppOps ops = experts_of(inputs, rows[i].strategy);
        const MppOp *up = plain_job_find(&ops, "mlp up projection");
        g_assert_cmpint(up->forward_kernels + up->forward_launches, ==, rows[i].forward);
        g_assert_cmpint(up->backward_kernels + up->backward_launches, ==, rows[i].backward);
        g_assert_true(up->routed && !plain_job_find(&ops, "routing")->routed && !plain_job_find(&ops, "router")->routed);
        g_autofree char *names = plain_job_names(&ops);
        g_assert_true((strstr(names, "sort by expert") != NULL) == rows[i].sorted);
        if (rows[i].sorted) /* 1024 tokens to 3 experts, read and written */
            g_assert_cmpfloat(plain_job_find(&ops, "sort by expert")->forward_bytes, ==, 2 * 3072 * 512 * 2);
    }
}

/** Of 4 ranks with 6 experts each the fullest has 1 + 0.26 / sqrt(6) * 1.05 times the average (the normal quantile of 3.625 / 4.25). */
static void test_natural_routing(void)
{
    const double fullest = 1.111359585919596;
    for (int once = 0; once <= 1; once++) {
        g_autoptr(MppInputs) inputs = expert_job_new();
        inputs->job.training.kernels.dispatch_once = once;
        MppOps even = experts_of(inputs, "ep=4");
        inputs->job.training.kernels.natural_routing = true;
        MppOps ops = experts_of(inputs, "ep=4");
        plain_job_expect("products", plain_job_find(&ops, "mlp down projection")->m, fullest * plain_job_find(&even, "mlp down projection")->m);
        plain_job_expect("exchange", plain_job_find(&ops, "dispatch")->bytes, fullest * plain_job_find(&even, "dispatch")->bytes);
        plain_job_expect("kept", plain_job_find(&ops, "activation")->kept_bytes, fullest * plain_job_find(&even, "activation")->kept_bytes);
        double copied = once ? fullest : 1; /* the tokens that are sent are those of the rank */
        plain_job_expect("sent", plain_job_find(&ops, "permute tokens")->forward_bytes, copied * plain_job_find(&even, "permute tokens")->forward_bytes);
        plain_job_expect("back", plain_job_find(&ops, "unpermute tokens")->forward_bytes, copied * plain_job_find(&even, "unpermute tokens")->forward_bytes);
        plain_job_expect("weighed", plain_job_find(&ops, "unpermute tokens")->kept_bytes, copied * plain_job_find(&even, "unpermute tokens")->kept_bytes);
        inputs->job.training.kernels.experts_padded = true;
        ops = experts_of(inputs, "ep=4");
        g_assert_cmpfloat(plain_job_find(&ops, "mlp down projection")->m, ==, plain_job_find(&even, "mlp down projection")->m);
        ops = experts_of(inputs, "ep=1");
        g_assert_cmpfloat(plain_job_find(&ops, "mlp down projection")->m, ==, 128);
    }
}

/** 3072 copies of tokens: 28 and 42 bytes an element; products and sums by expert, then a concatenation and a cast. */
static void test_expert_biases(void)
{
    g_autoptr(MppInputs) inputs = expert_job_new();
    MppOps without = experts_of(inputs, "ep=4");
    g_autofree char *names = plain_job_names(&without);
    g_assert_null(strstr(names, "expert biases"));
    inputs->model.moe.expert_bias = true;
    MppOps ops = experts_of(inputs, "ep=4");
    const MppOp *biases = plain_job_find(&ops, "expert biases");
    g_assert_cmpfloat(biases->forward_bytes, ==, 3072.0 * 512 * 28);
    g_assert_cmpfloat(biases->backward_bytes, ==, 3072.0 * 512 * 42);
    g_assert_cmpint(biases->forward_kernels, ==, 6 * 2 + 2);
    g_assert_cmpint(biases->backward_kernels, ==, 6 * 5 + 2);
    g_assert_cmpfloat(plain_job_find(&ops, "mlp down projection")->parameters, ==, 6 * (512 * 768 + 512));
    inputs->job.training.kernels.experts_fused = true;
    ops = experts_of(inputs, "ep=4");
    g_assert_cmpint(plain_job_find(&ops, "expert biases")->backward_kernels, ==, 5 + 2);
}

/** Of gated experts with biases: 3072 tokens 768 wide, 16 and 20 bytes each; what was limited, 4, is kept unless made again. */
static void test_activation_limits(void)
{
    static const struct {
        bool gated, bias, inside;
    } rows[] = { { true, true, true }, { false, true, true }, { true, false, true }, { true, true, false } };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppInputs) inputs = expert_job_new();
        inputs->model.gated_mlp = rows[i].gated;
        inputs->model.moe.expert_bias = rows[i].bias;
        inputs->runtime.experts_weighted_inside = rows[i].inside;
        MppOps ops = experts_of(inputs, "ep=4");
        g_autofree char *names = plain_job_names(&ops);
        g_assert_true((strstr(names, "activation limits") != NULL) == (i == 0));
        if (i > 0)
            continue;
        const MppOp *limits = plain_job_find(&ops, "activation limits");
        g_assert_cmpfloat(limits->forward_bytes, ==, 3072.0 * 768 * 16);
        g_assert_cmpfloat(limits->backward_bytes, ==, 3072.0 * 768 * 20);
        g_assert_cmpfloat(limits->kept_bytes, ==, 3072.0 * 768 * 4);
        g_assert_cmpfloat(limits->again_frac, ==, 0);
        ops = experts_of(inputs, "ep=4,recompute=selective:moe_act");
        limits = plain_job_find(&ops, "activation limits");
        g_assert_cmpfloat(limits->again_frac * limits->dropped_frac, ==, 1);
        inputs->runtime.eager_unless_stated = true; /* one tensor more is kept if nobody compiled it */
        inputs->job.training.kernels.elementwise_fused = false;
        ops = experts_of(inputs, "ep=4");
        g_assert_cmpfloat(plain_job_find(&ops, "activation limits")->kept_bytes, ==, 3072.0 * 768 * 6);
    }
}

static double kept_by(const MppOps *ops, const char *name)
{
    double bytes = 0;
    for (int i = 0; i < ops->n; i++)
        bytes += strcmp(ops->ops[i].name, name) == 0 ? ops->ops[i].kept_bytes : 0;
    return bytes;
}

/** Weights within the experts keep the activation of plain ones besides; inputs are kept as the experts read them. */
static void test_weighted_inside(void)
{
    static const struct {
        const char *strategy;
        bool inside, gated;
        double weighed, read; /* kept, in elements: 1024 tokens to 3 experts 768 wide */
    } rows[] = {
        { "ep=4", true, false, 3072 * 768, 3072 * 512 },
        { "ep=4", false, false, 0, 3072 * 512 },
        { "ep=4", true, true, 0, 3072 * 512 },
        { "tp=2,etp=2,ep=4,sp", true, false, 3072 * 768 / 2, 3072 * 512 },
        { "tp=2,ep=4,sp", true, false, 3072 * 768 / 2, 3072 * 512 / 2 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppInputs) inputs = expert_job_new();
        inputs->runtime.experts_weighted_inside = rows[i].inside;
        inputs->model.gated_mlp = rows[i].gated;
        MppOps ops = experts_of(inputs, rows[i].strategy);
        double weighed = kept_by(&ops, "weigh by router"), read = kept_by(&ops, "permute tokens") + kept_by(&ops, "gather expert tokens");
        g_assert_cmpfloat(weighed, ==, 2 * rows[i].weighed);
        g_assert_cmpfloat(read, ==, 2 * rows[i].read);
    }
}

/** A router that weighs the experts' outputs keeps them: 1024 tokens to 3 experts, 512 wide. */
static void test_weighted_after(void)
{
    g_autoptr(MppInputs) inputs = expert_job_new();
    MppOps ops = experts_of(inputs, "ep=4");
    g_assert_cmpfloat(kept_by(&ops, "unpermute tokens"), ==, 2 * 3072 * 512);
    for (int i = 0; i < 2; i++) { /* unless within the experts: told so, or for an exchange that only sums */
        inputs->runtime.experts_weighted_inside = i == 0;
        inputs->job.training.kernels.dispatch_once = i == 1;
        ops = experts_of(inputs, "ep=4");
        g_assert_cmpfloat(kept_by(&ops, "unpermute tokens"), ==, 0);
    }
}

/**
 * Every second product kept, but none of experts: all again up to the sum over them; exchanged tokens stay, 3072 each way, and where
 * the parts are compiled what two of them return, of 1024 tokens.
 */
static void test_half_products(void)
{
    static const struct {
        const char *strategy;
        bool compiled;
        double kept; /* elements */
    } rows[] = { { "dp=8", false, 0 }, { "ep=4", false, 2 * 3072 * 512 }, { "dp=8", true, 2 * 1024 * 512 } };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppInputs) inputs = expert_job_new();
        inputs->runtime.selective = MPP_SELECTIVE_HALF_PRODUCTS;
        inputs->model.gated_mlp = false;
        inputs->job.training.kernels.elementwise_fused = rows[i].compiled;
        MppOps ops = experts_of(inputs, rows[i].strategy);
        double kept = 0;
        for (int j = 0; j < ops.n; j++) {
            const MppOp *op = &ops.ops[j];
            kept += op->kept_bytes * (1 - op->dropped_frac);
            bool again = op->kind != MPP_OP_COLLECTIVE && j < ops.n - 1;
            g_assert_cmpfloat(op->again_frac, ==, again ? 1 : 0);
        }
        g_assert_cmpfloat(kept, ==, 2 * rows[i].kept);
    }
}

static void test_shared_experts(void)
{
    g_autoptr(MppInputs) inputs = expert_job_new();
    inputs->model.moe.shared_experts = 2;
    inputs->model.moe.shared_gate = true;
    MppOps ops = experts_of(inputs, "tp=2,ep=2,sp");
    g_autofree char *names = plain_job_names(&ops);
    g_assert_cmpstr(names, ==,
                    ROUTE "dispatch, sort by expert, " MLP ", sort by rank, combine, unpermute tokens, gather sequence, scatter input gradients, " MLP
                          ", scatter outputs, gather output gradients, shared gate");
    const MppOp *shared = NULL;
    for (int i = 0; i < ops.n; i++)
        if (ops.ops[i].kind == MPP_OP_MATMUL && !ops.ops[i].expert && ops.ops[i].n == 768)
            shared = &ops.ops[i];
    g_assert_nonnull(shared); /* 2 * 768 wide over two ranks, all tokens */
    g_assert_cmpfloat(shared->m, ==, 1024);
    g_assert_cmpfloat(shared->count, ==, 1);
}

/** Inputs of narrow products are kept as the products read them: of the MLP's tensors one, where the stack does that. */
static void test_narrow_inputs(void)
{
    static const struct {
        bool narrow;
        MppPrecision precision;
        double kept_bytes; /* of a token and element of width */
    } rows[] = {
        { true, MPP_PRECISION_FP8, 3 * 2 + 1 },
        { true, MPP_PRECISION_BF16, 4 * 2 },
        { false, MPP_PRECISION_FP8, 4 * 2 },
        { true, MPP_PRECISION_MXFP8, 3 * 2 + 1 + 1.0 / 32 },
    };
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    inputs->model.gated_mlp = true;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        inputs->runtime.memory.narrow_inputs = rows[i].narrow;
        inputs->job.training.precision = rows[i].precision;
        MppOps ops = dense_of(inputs, 384, 2);
        g_assert_cmpfloat(ops.ops[1].kept_bytes, ==, 384 * 1024 * rows[i].kept_bytes);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/mlp/narrow-inputs", test_narrow_inputs);
    g_test_add_func("/mlp/dense", test_dense);
    g_test_add_func("/mlp/experts", test_experts);
    g_test_add_func("/mlp/launches", test_launches);
    g_test_add_func("/mlp/natural-routing", test_natural_routing);
    g_test_add_func("/mlp/copies-on-arrival", test_copies_on_arrival);
    g_test_add_func("/mlp/expert-biases", test_expert_biases);
    g_test_add_func("/mlp/activation-limits", test_activation_limits);
    g_test_add_func("/mlp/weighted-inside", test_weighted_inside);
    g_test_add_func("/mlp/weighted-after", test_weighted_after);
    g_test_add_func("/mlp/half-products", test_half_products);
    g_test_add_func("/mlp/shared-experts", test_shared_experts);
    return g_test_run();
}
