#include "planner/cost/exchange.h"

#include "tests/support/plain_job.h"

static MppExchange exchange_of(const MppInputs *inputs, const MppStrategy *s)
{
    return (MppExchange){ &inputs->job, s, mpp_mesh_new(s, &inputs->cluster, inputs->gpus) };
}

/**
 * 100 M parameters, 4 bytes a gradient and 2 a parameter on the wire: 400 and 200 MB. In a node of 4 three quarters of
 * it go over 100 GB/s once (scatter, gather) or twice (all-reduce); 8 over two nodes share 40 GB/s.
 */
static void test_once_a_step(void)
{
    static const struct {
        const char *strategy;
        bool reduce_scatter;
        double parameters, experts, reduce_s, gather_s;
    } rows[] = {
        { "dp=1,tp=4", true, 1e8, 0, 0, 0 },
        { "dp=4,zero=0", true, 1e8, 0, 6e-3, 0 },
        { "dp=4,zero=1", true, 1e8, 0, 3e-3, 1.5e-3 },
        { "dp=4,zero=1", false, 1e8, 0, 6e-3, 1.5e-3 },
        { "dp=4,zero=2", true, 1e8, 0, 0, 1.5e-3 },
        { "dp=4,zero=3", true, 1e8, 0, 0, 0 },
        { "dp=2,cp=2,zero=1", true, 1e8, 0, 3e-3, 1.5e-3 }, /* context-parallel ranks are replicas too */
        { "dp=8,zero=0", true, 1e8, 0, 2 * 7.0 / 8 * 4e8 / 4e10, 0 },
        { "dp=8,zero=1,zero_ranks=4", true, 1e8, 0, 3e-3 + 1e8 / 1e10, 1.5e-3 }, /* a quarter between the nodes */
        { "dp=8,zero=3,zero_ranks=4", true, 1e8, 0, 1e8 / 1e10, 0 },
        { "dp=4,ep=2,zero=0", true, 1e8, 1e7, 6e-3 + 4e7 / 1e11, 0 }, /* an expert has two replicas */
        { "dp=4,ep=4,zero=1", true, 0, 1e7, 0, 0 },
        { "dp=4,pp=2,zero=3", true, 1e8, 0, 3e-3, 1.5e-3 }, /* a pipeline keeps parameters whole: as ZeRO 1 */
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        MppStrategy s = plain_job_strategy(rows[i].strategy);
        g_autoptr(MppInputs) inputs = plain_job_new(s.dp * s.tp * s.cp * s.pp);
        inputs->runtime.state.zero1_reduce_scatter = rows[i].reduce_scatter;
        MppExchange exchange = exchange_of(inputs, &s);
        MppExchangeTime time = mpp_exchange_time(&exchange, rows[i].parameters, rows[i].experts);
        plain_job_expect(rows[i].strategy, time.reduce_s, rows[i].reduce_s);
        plain_job_expect(rows[i].strategy, time.gather_s, rows[i].gather_s);
    }
}

/** Owners that broadcast in turn take as long as a gather, and more for each: of all replicas, or of a shard group. */
static void test_owners(void)
{
    static const struct {
        const char *strategy;
        double gather_s;
    } rows[] = {
        { "dp=4,zero=1", 1.5e-3 + 4 * 0.3 },
        { "dp=8,zero=1,zero_ranks=4", 1.5e-3 + 4 * 0.3 },
        { "dp=4,zero=0", 0 },
        { "dp=1,zero=1", 0 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        MppStrategy s = plain_job_strategy(rows[i].strategy);
        g_autoptr(MppInputs) inputs = plain_job_new(s.dp);
        inputs->runtime.state.owner_s = 0.3;
        MppExchange exchange = exchange_of(inputs, &s);
        plain_job_expect(rows[i].strategy, mpp_exchange_time(&exchange, 1e8, 0).gather_s, rows[i].gather_s);
    }
}

/** In fp16 some stacks reduce gradients of other formats than in bf16: here of 2.5 bytes, 250 MB. */
static void test_fp16(void)
{
    static const struct {
        MppPrecision precision;
        double fp16_bytes, reduce_s;
    } rows[] = {
        { MPP_PRECISION_BF16, 2.5, 6e-3 },
        { MPP_PRECISION_FP16, 2.5, 2 * 0.75 * 2.5e8 / 1e11 },
        { MPP_PRECISION_FP16, 0, 6e-3 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        MppStrategy s = plain_job_strategy("dp=4,zero=0");
        g_autoptr(MppInputs) inputs = plain_job_new(4);
        inputs->job.training.precision = rows[i].precision;
        inputs->runtime.state.fp16_gradient_bytes = rows[i].fp16_bytes;
        MppExchange exchange = exchange_of(inputs, &s);
        plain_job_expect("fp16", mpp_exchange_time(&exchange, 1e8, 0).reduce_s, rows[i].reduce_s);
        g_assert_cmpfloat(mpp_job_gradient_bytes(&inputs->job), ==, i == 1 ? 2.5 : inputs->runtime.state.gradient_bytes);
    }
}

/** Each collective by itself: over which ranks, how many bytes; those of one rank are none. */
static void test_transfers(void)
{
    static const struct {
        const char *strategy;
        double experts;
        const char *once, *each;
    } rows[] = {
        { "dp=1,tp=4", 0, "", "" },
        { "dp=4,zero=0", 0, "all-reduce dp-cp 400 MB; ", "" },
        { "dp=4,zero=1", 0, "reduce-scatter shard 400 MB; all-gather shard 200 MB; ", "" },
        { "dp=8,zero=1,zero_ranks=4", 0, "reduce-scatter shard 400 MB; all-reduce replicas 100 MB; all-gather shard 200 MB; ", "" },
        { "dp=4,zero=2", 0, "all-gather shard 200 MB; ", "reduce-scatter shard 400 MB; " },
        { "dp=8,zero=3,zero_ranks=4", 0, "all-reduce replicas 100 MB; ", "all-gather shard 200 MB; reduce-scatter shard 400 MB; " },
        { "dp=4,ep=2,zero=0", 1e7, "all-reduce dp-cp 400 MB; all-reduce expert-dp 40 MB; ", "" },
        { "dp=4,ep=4,zero=1", 1e7, "reduce-scatter shard 400 MB; all-gather shard 200 MB; ", "" }, /* one replica of an expert */
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        MppStrategy s = plain_job_strategy(rows[i].strategy);
        g_autoptr(MppInputs) inputs = plain_job_new(s.dp * s.tp * s.cp * s.pp);
        inputs->runtime.state.zero1_reduce_scatter = true;
        MppExchange exchange = exchange_of(inputs, &s);
        for (int each = 0; each < 2; each++) {
            MppExchangeTransfer transfers[MPP_EXCHANGE_MOST];
            int n = each ? mpp_exchange_each(&exchange, 1e8, rows[i].experts, transfers)
                         : mpp_exchange_once(&exchange, 1e8, rows[i].experts, transfers);
            g_autoptr(GString) text = g_string_new(NULL);
            for (int k = 0; k < n; k++) {
                g_assert_cmpfloat(transfers[k].time_s, >, 0);
                g_assert_true(transfers[k].gather == (transfers[k].kind == MPP_COLLECTIVE_ALL_GATHER));
                g_string_append_printf(text, "%s %s %.0f MB; ", mpp_names_get(&mpp_collective_names, transfers[k].kind),
                                       mpp_names_get(&mpp_axis_names, transfers[k].axis), transfers[k].bytes / 1e6);
            }
            g_assert_cmpstr(text->str, ==, each ? rows[i].each : rows[i].once);
        }
    }
}

/** A layer of 100 M parameters that computes for 1 and 2 ms: gather 1.5 ms, scatter 3 ms. */
static void test_sharded_layer(void)
{
    static const struct {
        const char *strategy;
        double frac, slowdown, forward_s, backward_s, first_s, last_s;
    } rows[] = {
        { "dp=4,zero=1", 0, 0, 0, 0, 0, 0 },
        { "dp=4,zero=2", 0, 0, 0, 3e-3, 0, 0 },
        { "dp=4,zero=3", 0, 0, 1.5e-3, 4.5e-3, 0, 0 },
        { "dp=4,zero=3", 0.5, 0, 1e-3, 3.5e-3, 0.5e-3, 1e-3 },
        { "dp=4,zero=3", 1, 0.25, 0.75e-3, 3e-3, 0.75e-3, 1.5e-3 }, /* the hidden 1 and 2 ms slow their layer by a quarter */
        { "dp=4,zero=2", 1, 0, 0, 1e-3, 0, 2e-3 },
        { "dp=8,zero=3,zero_ranks=4", 0, 0, 1.5e-3, 4.5e-3, 0, 0 },
        { "dp=4,pp=2,zero=3", 0, 0, 0, 0, 0, 0 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        MppStrategy s = plain_job_strategy(rows[i].strategy);
        g_autoptr(MppInputs) inputs = plain_job_new(s.dp * s.pp);
        inputs->runtime.overlap.fsdp_frac = rows[i].frac;
        inputs->runtime.overlap.slowdown_frac = rows[i].slowdown;
        MppExchange exchange = exchange_of(inputs, &s);
        MppBlockCost block = { .parameters = 1e8 };
        MppPassCost cost = { .forward_s = 1e-3, .backward_s = 2e-3 };
        MppShardedLayer layer = mpp_exchange_layer(&exchange, &block, &cost);
        plain_job_expect("forward", layer.forward_s, rows[i].forward_s);
        plain_job_expect("backward", layer.backward_s, rows[i].backward_s);
        plain_job_expect("first", layer.first_s, rows[i].first_s);
        plain_job_expect("last", layer.last_s, rows[i].last_s);
    }
}

/** Gradients that are kept whole are sharded in the last of four micro-batches: 0.75 of 3 ms for the mean one. */
static void test_whole_gradients(void)
{
    static const struct {
        const char *strategy;
        int64_t batch;
        double backward_s, calls;
    } rows[] = {
        { "dp=4,zero=3", 16, 1.5e-3 + 0.75e-3, 0.25 },
        { "dp=4,zero=2", 16, 0.75e-3, 0.25 },
        { "dp=4,zero=3", 4, 4.5e-3, 1 }, /* of one micro-batch all are */
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        MppStrategy s = plain_job_strategy(rows[i].strategy);
        g_autoptr(MppInputs) inputs = plain_job_new(s.dp);
        inputs->runtime.overlap.fsdp_frac = 0;
        inputs->job.training.kernels.gradients_whole = true;
        inputs->job.training.global_batch = rows[i].batch;
        MppExchange exchange = exchange_of(inputs, &s);
        MppBlockCost block = { .parameters = 1e8 };
        MppPassCost cost = { .forward_s = 1e-3, .backward_s = 2e-3 };
        plain_job_expect("backward", mpp_exchange_layer(&exchange, &block, &cost).backward_s, rows[i].backward_s);
        MppExchangeTransfer transfers[MPP_EXCHANGE_MOST];
        int n = mpp_exchange_each(&exchange, 1e8, 0, transfers);
        plain_job_expect("scatters", transfers[n - 1].calls, rows[i].calls);
    }
}

/** 4 bytes around a gather and 6 around a reduction, at 10 TB/s; only where there is one, and never hidden. */
static void test_layer_copies(void)
{
    static const struct {
        const char *strategy;
        double forward_s, backward_s;
    } rows[] = {
        { "dp=4,zero=1", 0, 0 },
        { "dp=4,zero=2", 0, 6e-5 },
        { "dp=4,zero=3", 4e-5, 10e-5 },
        { "dp=1,zero=3", 0, 0 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        MppStrategy s = plain_job_strategy(rows[i].strategy);
        g_autoptr(MppInputs) inputs = plain_job_new(s.dp);
        inputs->runtime.overlap.fsdp_frac = 1;
        inputs->runtime.overlap.slowdown_frac = 0;
        inputs->runtime.state.gather_copy_bytes = 4;
        inputs->runtime.state.reduce_copy_bytes = 6;
        MppExchange exchange = exchange_of(inputs, &s);
        MppBlockCost block = { .parameters = 0.75e8, .expert_parameters = 0.25e8 };
        MppPassCost cost = { .forward_s = 1, .backward_s = 2 };
        MppShardedLayer layer = mpp_exchange_layer(&exchange, &block, &cost);
        plain_job_expect("forward", layer.forward_s, rows[i].forward_s);
        plain_job_expect("backward", layer.backward_s, rows[i].backward_s);
    }
}

/**
 * A recomputed layer of 100 M parameters, gathered in 1.5 ms and scattered in 3 ms, with 0.5 ms of copies around each gather: those
 * that are used again after less than what is kept are gathered once in the backward pass, the others, up to twice, once more.
 */
static void test_gathered_again(void)
{
    static const struct {
        const char *strategy;
        MppRecompute recompute;
        double kept, backward_s;
    } rows[] = {
        { "dp=4,zero=3", MPP_RECOMPUTE_FULL, 0, 5e-3 }, /* always kept */
        { "dp=4,zero=3", MPP_RECOMPUTE_FULL, 3e8, 5e-3 },
        { "dp=4,zero=3", MPP_RECOMPUTE_FULL, 0.5e8, 5e-3 + 0.75 * 2e-3 },
        { "dp=4,zero=3", MPP_RECOMPUTE_NONE, 0.5e8, 5e-3 },
        { "dp=4,zero=2", MPP_RECOMPUTE_FULL, 0.5e8, 3e-3 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        MppStrategy s = plain_job_strategy(rows[i].strategy);
        g_autoptr(MppInputs) inputs = plain_job_new(s.dp);
        inputs->runtime.state.reuse_parameters = rows[i].kept;
        inputs->runtime.state.gather_copy_bytes = 50;
        inputs->runtime.overlap.fsdp_frac = 0;
        MppExchange exchange = exchange_of(inputs, &s);
        MppBlockCost block = { .parameters = 1e8 };
        MppShardedLayer layer = mpp_exchange_layer(&exchange, &block, &block.by_recompute[rows[i].recompute]);
        plain_job_expect("backward", layer.backward_s, rows[i].backward_s);
        plain_job_expect("forward", layer.forward_s, s.zero == 3 ? 2e-3 : 0);
    }
}

/** Hooks that gather and free parameters run where ZeRO gathers them. */
static void test_layer_hooks(void)
{
    static const struct {
        const char *strategy;
        bool zero2;
        double parameters, forward_s, backward_s;
    } rows[] = {
        { "dp=4,zero=2", false, 0, 0, 0 },
        { "dp=4,zero=2", true, 0, 2e-3, 5e-3 },
        { "dp=4,zero=1", true, 0, 0, 0 },
        { "dp=1,zero=3", false, 1e8, 2e-3, 5e-3 },
        { "dp=2,pp=2,zero=3", false, 0, 0, 0 },
        { "dp=4,zero=3", false, 1e8, 2e-3, 5e-3 }, /* 1.5 ms of gather and 4.5 ms of both are hidden behind a pass and its hooks */
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        MppStrategy s = plain_job_strategy(rows[i].strategy);
        g_autoptr(MppInputs) inputs = plain_job_new(s.dp * s.pp);
        inputs->runtime.hooks_zero2 = rows[i].zero2;
        inputs->runtime.overlap.fsdp_frac = 1;
        inputs->runtime.overlap.slowdown_frac = 0;
        MppExchange exchange = exchange_of(inputs, &s);
        MppBlockCost block = { .parameters = rows[i].parameters };
        MppPassCost cost = { .forward_s = 1e-3, .backward_s = 2e-3, .gathered_forward_s = 2e-3, .gathered_backward_s = 5e-3 };
        MppShardedLayer layer = mpp_exchange_layer(&exchange, &block, &cost);
        plain_job_expect("forward", layer.forward_s, rows[i].forward_s);
        plain_job_expect("backward", layer.backward_s, rows[i].backward_s);
    }
}

/** Tensor by tensor: as many starts of 10 us, and half of the rate where the stack reaches half. */
static void test_tensor_by_tensor(void)
{
    MppStrategy s = plain_job_strategy("dp=4,zero=3");
    g_autoptr(MppInputs) inputs = plain_job_new(4);
    g_array_index(inputs->cluster.tiers, MppTier, 0).latency_s = 1e-5;
    inputs->runtime.overlap.fsdp_frac = 0;
    inputs->runtime.state.sharded_calls = 12;
    inputs->runtime.state.sharded_rate_frac = 0.5;
    MppExchange exchange = exchange_of(inputs, &s);
    MppBlockCost block = { .parameters = 1e8 };
    MppPassCost cost = { .forward_s = 1e-3, .backward_s = 2e-3 };
    MppShardedLayer layer = mpp_exchange_layer(&exchange, &block, &cost);
    plain_job_expect("gather", layer.forward_s, 2 * 1.5e-3 + 12 * 1e-5);
    plain_job_expect("gather and scatter", layer.backward_s, 2 * 4.5e-3 + 24 * 1e-5);
}

/** A quarter of the parameters, 2 bytes each, comes up at 10 GB/s before it is gathered, and of gradients, 4 bytes, goes down. */
static void test_host_copies(void)
{
    MppStrategy near = plain_job_strategy("dp=4,zero=3"), away = plain_job_strategy("dp=4,zero=3,offload=parameters");
    g_autoptr(MppInputs) inputs = plain_job_new(4);
    inputs->runtime.overlap.fsdp_frac = 0;
    MppExchange here = exchange_of(inputs, &near), there = exchange_of(inputs, &away);
    MppBlockCost block = { .parameters = 1e8 };
    MppPassCost cost = { .forward_s = 1e-3, .backward_s = 2e-3 };
    MppShardedLayer plain = mpp_exchange_layer(&here, &block, &cost), copied = mpp_exchange_layer(&there, &block, &cost);
    plain_job_expect("forward", copied.forward_s - plain.forward_s, 0.25e8 * 2 / 1e10);
    plain_job_expect("backward", copied.backward_s - plain.backward_s, 0.25e8 * (2 + 4) / 1e10);
    inputs->runtime.state.gradients_in_host = true, inputs->job.training.global_batch = 16; /* sums come up in three of four micro-batches */
    plain_job_expect("sums", mpp_exchange_layer(&there, &block, &cost).backward_s - copied.backward_s, 0.25e8 * 4 / 1e10 * 3 / 4);
    inputs->runtime.state.sharded_master = true;
    plain_job_expect("master copy", mpp_exchange_layer(&there, &block, &cost).forward_s - plain.forward_s, 0.25e8 * 4 / 1e10);
}

static void test_tied(void)
{
    static const struct {
        const char *strategy;
        bool tied;
        double seconds;
    } rows[] = {
        { "dp=2,pp=4", false, 0 },
        { "dp=8", true, 0 },
        { "dp=2,pp=4", true, 2 * 2e8 / 1e10 }, /* two messages of half of it between nodes */
        { "dp=2,pp=4,order=tp-pp-cp-dp", true, 2 * 2e8 / 1e11 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        MppStrategy s = plain_job_strategy(rows[i].strategy);
        g_autoptr(MppInputs) inputs = plain_job_new(8);
        inputs->model.tied_embeddings = rows[i].tied;
        MppExchange exchange = exchange_of(inputs, &s);
        plain_job_expect(rows[i].strategy, mpp_exchange_tied_s(&exchange, 1e8), rows[i].seconds);
    }
}

/** A copy's gradients, reduced and sharded or whole, go to the other copy over the slow links while its own come. */
static void test_copies(void)
{
    static const struct {
        const char *strategy;
        double seconds;
    } rows[] = {
        { "dp=4,pp=2,schedule=chimera", 3e8 * 4 / 1e10 },
        { "dp=4,pp=2,schedule=chimera,zero=1", 3e8 / 4 * 4 / 1e10 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppInputs) inputs = plain_job_new(8);
        MppStrategy s = plain_job_strategy(rows[i].strategy);
        MppExchange exchange = { &inputs->job, &s, mpp_mesh_new(&s, &inputs->cluster, 8) };
        plain_job_expect(rows[i].strategy, mpp_exchange_copies_s(&exchange, 3e8, 0), rows[i].seconds);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/exchange/once-a-step", test_once_a_step);
    g_test_add_func("/exchange/owners", test_owners);
    g_test_add_func("/exchange/fp16", test_fp16);
    g_test_add_func("/exchange/transfers", test_transfers);
    g_test_add_func("/exchange/sharded-layer", test_sharded_layer);
    g_test_add_func("/exchange/whole-gradients", test_whole_gradients);
    g_test_add_func("/exchange/layer-copies", test_layer_copies);
    g_test_add_func("/exchange/host-copies", test_host_copies);
    g_test_add_func("/exchange/gathered-again", test_gathered_again);
    g_test_add_func("/exchange/layer-hooks", test_layer_hooks);
    g_test_add_func("/exchange/tensor-by-tensor", test_tensor_by_tensor);
    g_test_add_func("/exchange/tied", test_tied);
    g_test_add_func("/exchange/copies", test_copies);
    return g_test_run();
}
