#include "planner/cost/estimate.h"
#include "planner/cost/memory.h"

#include <string.h>

#include "tests/support/costed_plan.h"
#include "tests/support/plain_job.h"

/** Model states of 7.5 B parameters on 64 ranks: 120, 31.4, 16.6 and 1.9 GB (arXiv:1910.02054, figure 1). */
static void test_published_states(void)
{
    static const struct {
        const char *strategy;
        double gb;
    } rows[] = {
        { "dp=64,zero=0", 120 }, { "dp=64,zero=1", 31.4 }, { "dp=64,zero=2", 16.6 }, { "dp=64,zero=3", 1.9 },
    };
    g_autoptr(MppInputs) inputs = plain_job_new(64);
    inputs->runtime.state.gradient_bytes = 2;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(CostedPlan) filled = costed_plan_new(&inputs->job, rows[i].strategy);
        MppParameterBytes bytes = mpp_memory_rates(filled->pipeline).dense;
        double gb = 7.5 * (bytes.weights + bytes.gradients + bytes.optimizer + bytes.buffers);
        g_assert_cmpfloat_with_epsilon(gb, rows[i].gb, 0.05);
    }
}

static void test_rates(void)
{
    static const struct {
        const char *strategy;
        MppPrecision precision;
        MppOptimizer optimizer;
        double weights, gradients, optimizer_bytes, buffers, host;
    } rows[] = {
        { "dp=8", MPP_PRECISION_BF16, MPP_OPTIMIZER_ADAM, 2, 4 + 2.5, 12, 1.25 },
        { "dp=1,tp=8", MPP_PRECISION_BF16, MPP_OPTIMIZER_ADAM, 2, 4 + 2.5, 12, 0 },
        { "dp=1,cp=8", MPP_PRECISION_BF16, MPP_OPTIMIZER_ADAM, 2, 4 + 2.5, 12, 1.25 }, /* ranks of cp reduce gradients, too */
        { "dp=8,zero=1", MPP_PRECISION_BF16, MPP_OPTIMIZER_ADAM, 2, 4 + 2.5, 12.0 / 8, 0.75 },
        { "dp=8,zero=2", MPP_PRECISION_FP8, MPP_OPTIMIZER_SGD, 2, 0.5, 8.0 / 8, 0 },
        { "dp=4,cp=2,zero=3", MPP_PRECISION_FP16, MPP_OPTIMIZER_LAMB, 0.25, 0.5, 12.0 / 8, 0 },
        { "dp=8,zero=3,zero_ranks=4", MPP_PRECISION_BF16, MPP_OPTIMIZER_MUON, 0.5, 1, 8.0 / 4, 0 },
        { "dp=8", MPP_PRECISION_FP32, MPP_OPTIMIZER_ADAM, 4, 4 + 2.5, 8, 1.25 }, /* no master copy beside the weights */
        { "dp=8,zero=1,offload", MPP_PRECISION_BF16, MPP_OPTIMIZER_ADAM, 2, 4 + 2.5, 0, 0.75, 12.0 / 8 },
        { "dp=8,zero=3,offload=parameters", MPP_PRECISION_BF16, MPP_OPTIMIZER_ADAM, 0, 0, 0, 0, (2 + 4 + 12) / 8.0 },
        { "dp=1,tp=8,zero=3,offload=parameters", MPP_PRECISION_FP32, MPP_OPTIMIZER_ADAM, 0, 0, 0, 0, 4 + 4 + 8 },
        { "dp=4,pp=2,zero=3", MPP_PRECISION_FP16, MPP_OPTIMIZER_ADAM, 2, 4 + 2.5, 12.0 / 4, 0.75 }, /* as ZeRO 1 */
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppInputs) inputs = plain_job_new(8);
        inputs->runtime.state.gradient_transient_bytes = 2.5;
        inputs->runtime.state.zero1_kept_bytes = 0.75;
        inputs->runtime.state.zero0_kept_bytes = 1.25;
        inputs->job.training.precision = rows[i].precision;
        inputs->job.training.optimizer = rows[i].optimizer;
        g_autoptr(CostedPlan) filled = costed_plan_new(&inputs->job, rows[i].strategy);
        MppParameterBytes bytes = mpp_memory_rates(filled->pipeline).dense;
        plain_job_expect("weights", bytes.weights, rows[i].weights);
        plain_job_expect("gradients", bytes.gradients, rows[i].gradients);
        plain_job_expect("optimizer", bytes.optimizer, rows[i].optimizer_bytes);
        plain_job_expect("buffers", bytes.buffers, rows[i].buffers);
        plain_job_expect("host", bytes.host, rows[i].host);
    }
}

/** What a stack keeps beside when training in bf16, and only then. */
static void test_bf16(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    inputs->runtime.state.bf16_kept_bytes = 2.75;
    g_autoptr(CostedPlan) filled = costed_plan_new(&inputs->job, "dp=8,zero=1");
    plain_job_expect("bf16", mpp_memory_rates(filled->pipeline).dense.buffers, 2.75);
    inputs->job.training.precision = MPP_PRECISION_FP16;
    plain_job_expect("fp16", mpp_memory_rates(filled->pipeline).dense.buffers, 0);
}

/** Where bf16 gradients are accumulated in a pipeline only, other plans keep them alone, in 2 bytes. */
static void test_bf16_without_pipeline(void)
{
    static const struct {
        const char *strategy;
        MppPrecision precision;
        double gradients, buffers;
    } rows[] = {
        { "dp=8,zero=1", MPP_PRECISION_BF16, 2, 0 },
        { "dp=8,zero=1", MPP_PRECISION_FP16, 4, 0 },
        { "dp=4,pp=2,zero=1", MPP_PRECISION_BF16, 4, 2.75 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppInputs) inputs = plain_job_new(8);
        inputs->runtime.state.bf16_kept_bytes = 2.75;
        inputs->runtime.state.bf16_accumulates_with_pp = true;
        inputs->job.training.precision = rows[i].precision;
        g_autoptr(CostedPlan) filled = costed_plan_new(&inputs->job, rows[i].strategy);
        plain_job_expect("gradients", mpp_memory_rates(filled->pipeline).dense.gradients, rows[i].gradients);
        plain_job_expect("buffers", mpp_memory_rates(filled->pipeline).dense.buffers, rows[i].buffers);
    }
}

/** Copies of weights and their transposes in the products' format, where the stack keeps them. */
static void test_narrow_weights(void)
{
    static const struct {
        bool kept;
        MppPrecision precision;
        double buffers;
    } rows[] = {
        { true, MPP_PRECISION_FP8, 2 },
        { true, MPP_PRECISION_MXFP8, 2 + 2.0 / 32 },
        { true, MPP_PRECISION_BF16, 0 },
        { false, MPP_PRECISION_FP8, 0 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppInputs) inputs = plain_job_new(8);
        inputs->runtime.memory.narrow_weights = rows[i].kept;
        inputs->job.training.precision = rows[i].precision;
        g_autoptr(CostedPlan) filled = costed_plan_new(&inputs->job, "dp=8,zero=1");
        plain_job_expect("buffers", mpp_memory_rates(filled->pipeline).dense.buffers, rows[i].buffers);
    }
}

/** Two layers' weights, both ends' and one's gradients are whole at a time under ZeRO 3; experts have replicas of their own. */
static void test_gathered(void)
{
    static const struct {
        const char *strategy;
        bool fsdp;
        double of_layer, at_loss, of_ends; /* bytes of a parameter */
    } rows[] = { { "dp=8,zero=1", true, 0, 0, 0 }, { "dp=8,zero=2", true, 4, 0, 0 }, { "dp=8,zero=3", true, 4 + 2 * 2, 2, 2 },
                 { "dp=8,zero=2", false, 4, 4, 0 }, { "dp=8,zero=3", false, 4 + 2 * 2, 4 + 2 * 2, 2 } };
    double ends = 2 * 51200 * 512 + 512;
    double layer = 4 * 512 * 512 + 2 * 512 * 2048 + 2 * 512;
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        inputs->runtime.state.sharded_master = rows[i].fsdp;
        g_autoptr(CostedPlan) filled = costed_plan_new(&inputs->job, rows[i].strategy);
        plain_job_expect("gathered", mpp_memory_rates(filled->pipeline).gathered_bytes,
                         rows[i].of_layer * layer + rows[i].of_ends * ends);
        plain_job_expect("at the loss", mpp_memory_rates(filled->pipeline).gathered_at_loss_bytes,
                         rows[i].at_loss * layer + rows[i].of_ends * ends);
    }
    inputs->runtime.state.sharded_master = true;
    inputs->runtime.state.gather_copy_bytes = 4;
    inputs->runtime.state.reduce_copy_bytes = 6;
    g_autoptr(CostedPlan) copied = costed_plan_new(&inputs->job, "dp=8,zero=3");
    plain_job_expect("buffers", mpp_memory_rates(copied->pipeline).gathered_bytes, (4 + 2 + 3 * 2) * layer + 2 * ends);
    plain_job_expect("buffers at the loss", mpp_memory_rates(copied->pipeline).gathered_at_loss_bytes, 2 * layer + 2 * ends);
    inputs->runtime.state.new_gradient_bytes = 1.5;
    g_autoptr(CostedPlan) with_new = costed_plan_new(&inputs->job, "dp=4,tp=2,zero=1");
    plain_job_expect("new gradients", mpp_memory_rates(with_new->pipeline).gathered_bytes,
                     1.5 * with_new->cost->shard.kinds[0].parameters);
    inputs->model.moe = (MppMoe){ .experts = 16, .topk = 2, .ffn = 512, .every = 1 };
    plain_job_finish(inputs);
    g_autoptr(CostedPlan) filled = costed_plan_new(&inputs->job, "dp=8,ep=4,zero=1");
    g_assert_cmpfloat(mpp_memory_rates(filled->pipeline).experts.optimizer, ==, 6);
    g_assert_cmpfloat(mpp_memory_rates(filled->pipeline).dense.optimizer, ==, 1.5);
    g_autoptr(CostedPlan) hybrid = costed_plan_new(&inputs->job, "dp=8,ep=2,zero=1,zero_ranks=4");
    g_assert_cmpfloat(mpp_memory_rates(hybrid->pipeline).experts.optimizer, ==, 6);
}

/** Under FSDP the shards are the master copy: nothing else is kept of the weights. Under a pipeline they are whole. */
static void test_sharded_master(void)
{
    static const struct {
        const char *strategy;
        double weights;
    } rows[] = { { "dp=8,zero=3", 0 }, { "dp=8,zero=2", 2 }, { "dp=4,pp=2,zero=3", 2 } };
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    inputs->runtime.state.sharded_master = true;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(CostedPlan) filled = costed_plan_new(&inputs->job, rows[i].strategy);
        plain_job_expect("weights", mpp_memory_rates(filled->pipeline).dense.weights, rows[i].weights);
    }
}

/** Without a master copy, parameters that are gathered layer by layer are gathered beside their shards. */
static void test_shards_beside(void)
{
    static const struct {
        const char *strategy;
        bool narrow_states, by_layer;
        double bytes; /* of a parameter */
    } rows[] = {
        { "dp=8,zero=2", true, true, 2.0 / 8 }, { "dp=8,zero=2", true, false, 0 }, { "dp=8,zero=2", false, true, 0 }, { "dp=8,zero=3", true, true, 0 }
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppInputs) inputs = plain_job_new(8);
        inputs->job.training.narrow_states = rows[i].narrow_states;
        inputs->runtime.gathers_by_layer = rows[i].by_layer;
        g_autoptr(CostedPlan) filled = costed_plan_new(&inputs->job, rows[i].strategy);
        plain_job_expect("shards", mpp_memory_rates(filled->pipeline).dense.buffers, rows[i].bytes);
    }
}

/** The last stage keeps its outputs to the end of the step, but for the micro-batch at the loss. */
static void test_outputs(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    inputs->runtime.memory.kept_logit_bytes = 4;
    inputs->job.training.kernels.cross_entropy_fused = false;
    inputs->job.training.global_batch = 4 * 2 * 5;
    g_autoptr(CostedPlan) filled = costed_plan_new(&inputs->job, "dp=4,pp=2,mbs=2");
    MppMemoryRates rates = mpp_memory_rates(filled->pipeline);
    for (int k = 0; k < 2; k++) {
        MppMemory memory = mpp_memory_stage(filled->pipeline, &rates, k);
        plain_job_expect("outputs", memory.bytes[MPP_MEMORY_BUFFERS], k * 4.0 * 2048 * 51200 * 4);
        g_assert_cmpfloat(mpp_memory_peak_bytes(filled->pipeline), >=, memory.allocated_bytes * (1 - 1e-12));
    }
    inputs->job.training.kernels.cross_entropy_fused = true;
    g_autoptr(CostedPlan) fused = costed_plan_new(&inputs->job, "dp=4,pp=2,mbs=2");
    g_assert_cmpfloat(fused->pipeline->stages[1].output_bytes, ==, 0);
}

/** Inputs of recomputed layers in the host's memory: the one at work and the next are on the device. */
static void test_inputs_in_host(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    inputs->job.training.kernels.inputs_in_host = true;
    inputs->runtime.offloads |= 1 << MPP_OFFLOADED_INPUTS;
    inputs->runtime.memory.logit_bytes = 0.01;
    g_autoptr(CostedPlan) filled = costed_plan_new(&inputs->job, "dp=8,mbs=2,recompute=full:3");
    const MppShardCost *shard = &filled->cost->shard;
    double input = 2048 * 512 * 2, layer = shard->kinds[0].by_recompute[MPP_RECOMPUTE_NONE].kept_bytes;
    double ends = shard->embedding.by_recompute[0].kept_bytes + shard->head.by_recompute[0].kept_bytes;
    MppMemoryRates rates = mpp_memory_rates(filled->pipeline);
    MppMemory memory = mpp_memory_stage(filled->pipeline, &rates, 0);
    plain_job_expect("activations", memory.bytes[MPP_MEMORY_ACTIVATIONS], layer + ends);
    plain_job_expect("working", memory.bytes[MPP_MEMORY_WORKING], layer + 2 * input);
    plain_job_expect("host", mpp_memory_host_bytes(filled->pipeline), 3 * input);
    g_autoptr(CostedPlan) parts = costed_plan_new(&inputs->job, "dp=4,tp=2,mbs=2,recompute=full:3");
    plain_job_expect("in parts", mpp_memory_host_bytes(parts->pipeline), 3 * input / 2);
    g_autoptr(CostedPlan) split = costed_plan_new(&inputs->job, "dp=4,tp=2,sp,mbs=2,recompute=full:3");
    plain_job_expect("split already", mpp_memory_host_bytes(split->pipeline), 3 * input / 2);
}

/** Two stages: the first holds two micro-batches and the embedding, the last one micro-batch, the head and the logits. */
static void test_stages(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    inputs->runtime.memory.fixed_bytes = 5e6;
    g_autoptr(CostedPlan) filled = costed_plan_new(&inputs->job, "dp=4,pp=2,mbs=2,recompute=full");
    MppMemoryRates rates = mpp_memory_rates(filled->pipeline);
    double layers = 2 * (4 * 512 * 512 + 2 * 512 * 2048 + 2 * 512), ends = 51200 * 512, input = 2048 * 512 * 2;
    const struct {
        double parameters, activations, loss;
    } expected[] = {
        { layers + ends, 2 * (2 * input + filled->cost->shard.embedding.by_recompute[0].kept_bytes), 0 },
        { layers + ends + 512, 2 * input + filled->cost->shard.head.by_recompute[0].kept_bytes, 2048 * 51200 * 6.0 },
    };
    double peak = 0;
    for (int k = 0; k < 2; k++) {
        MppMemory memory = mpp_memory_stage(filled->pipeline, &rates, k);
        plain_job_expect("weights", memory.bytes[MPP_MEMORY_WEIGHTS], 2 * expected[k].parameters);
        plain_job_expect("gradients", memory.bytes[MPP_MEMORY_GRADIENTS], 4 * expected[k].parameters);
        plain_job_expect("optimizer", memory.bytes[MPP_MEMORY_OPTIMIZER], 12 * expected[k].parameters);
        plain_job_expect("activations", memory.bytes[MPP_MEMORY_ACTIVATIONS], expected[k].activations);
        plain_job_expect("working", memory.bytes[MPP_MEMORY_WORKING],
                         k ? 0 : filled->cost->shard.kinds[0].by_recompute[MPP_RECOMPUTE_NONE].kept_bytes);
        plain_job_expect("loss", memory.bytes[MPP_MEMORY_LOSS], expected[k].loss);
        plain_job_expect("buffers", memory.bytes[MPP_MEMORY_BUFFERS], 5e6);
        peak = MAX(peak, memory.allocated_bytes);
    }
    g_assert_cmpfloat_with_epsilon(mpp_memory_peak_bytes(filled->pipeline), peak, 1e-12 * peak);
}

/** One process has no communicators. */
static void test_lone_context(void)
{
    static const char *const strategies[] = { "dp=1", "dp=2", "tp=2", "pp=2", "cp=2" };
    for (size_t i = 0; i < G_N_ELEMENTS(strategies); i++) {
        g_autoptr(MppInputs) inputs = plain_job_new(i ? 2 : 1);
        inputs->runtime.memory.context_bytes = 4e9;
        inputs->runtime.memory.lone_context_bytes = 7e8;
        g_autoptr(CostedPlan) plan = costed_plan_new(&inputs->job, strategies[i]);
        MppMemoryRates rates = mpp_memory_rates(plan->pipeline);
        MppMemory memory = mpp_memory_stage(plan->pipeline, &rates, 0);
        plain_job_expect("context", memory.device_bytes - memory.reserved_bytes, i ? 4e9 : 7e8);
    }
}

/** Beyond the allocated: blocks not reused in time under tp, never beyond the device, and the context. */
static void test_figures(void)
{
    static const struct {
        const char *strategy;
        double fragment_frac, memory_bytes, more_bytes;
    } rows[] = {
        { "dp=8", 0, 8e10, 0 },
        { "dp=8", 0.375, 8e10, 0 },
        { "dp=8,recompute=full", 0.375, 8e10, 0 },
        { "dp=4,tp=2,mbs=2", 0, 8e10, 3.0 * 2048 * 512 * 2 },
        { "dp=4,tp=2,mbs=2", 0.375, 8e10, 3.0 * 2048 * 512 * 2 },
        { "dp=4,tp=2,mbs=2", 0, 1e6, 0 },
        { "tp=8,pp=1", 0, 8e10, 3.0 * 1024 * 512 * 2 },
        { "tp=8,pp=2", 0, 8e10, 0.5 * 1024 * 512 * 2 }, /* waits for collectives and messages between nodes in turn */
        { "tp=2,pp=4", 0, 8e10, 3.0 * 1024 * 512 * 2 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        MppStrategy split = plain_job_strategy(rows[i].strategy);
        g_autoptr(MppInputs) inputs = plain_job_new(split.dp * split.tp * split.pp);
        inputs->model.heads = 8;
        inputs->runtime.memory.deferred_buffers = 3;
        inputs->runtime.memory.waiting_buffers = 0.5;
        bool recomputes = strstr(rows[i].strategy, "recompute"); /* a third of these for it */
        inputs->runtime.memory.fragment_frac = rows[i].fragment_frac * (recomputes ? 2 / 3.0 : 1);
        inputs->runtime.memory.recompute_fragment_frac = rows[i].fragment_frac / 3;
        inputs->runtime.memory.context_bytes = 4e9;
        inputs->cluster.device.memory_bytes = rows[i].memory_bytes;
        g_autoptr(CostedPlan) filled = costed_plan_new(&inputs->job, rows[i].strategy);
        MppMemoryRates rates = mpp_memory_rates(filled->pipeline);
        MppMemory memory = mpp_memory_stage(filled->pipeline, &rates, 0);
        plain_job_expect("reserved", memory.reserved_bytes,
                         memory.allocated_bytes * (1 + rows[i].fragment_frac) + rows[i].more_bytes);
        plain_job_expect("device", memory.device_bytes, memory.reserved_bytes + 4e9);
        inputs->cluster.device.memory_bytes = memory.reserved_bytes + 1e9;
        memory = mpp_memory_stage(filled->pipeline, &rates, 0);
        plain_job_expect("capacity", memory.device_bytes, MAX(memory.allocated_bytes + 4e9, memory.reserved_bytes + 1e9));
    }
    g_autoptr(MppInputs) hosted = plain_job_new(4); /* two stages that the host limits do not run ahead */
    g_array_index(hosted->cluster.tiers, MppTier, 0).devices = 2;
    hosted->runtime.memory.deferred_buffers = 3;
    for (int limits = 0; limits < 2; limits++) {
        hosted->runtime.host.layer_s = limits ? 1 : 0;
        g_autoptr(CostedPlan) filled = costed_plan_new(&hosted->job, "tp=2,pp=2");
        MppMemoryRates rates = mpp_memory_rates(filled->pipeline);
        MppMemory memory = mpp_memory_stage(filled->pipeline, &rates, 0);
        plain_job_expect("two stages", memory.reserved_bytes - memory.allocated_bytes, limits ? 0 : 3.0 * 1024 * 512 * 2);
    }

    g_autoptr(MppInputs) inputs = plain_job_new(8);
    inputs->runtime.memory.usable_frac = 0.875;
    plain_job_expect("usable", mpp_memory_usable_bytes(&inputs->job), 7e10);
}

/** The host holds the states and activations that go there, of the stage with most parameters; 0.9 of it is usable. */
static void test_host(void)
{
    static const struct {
        const char *strategy;
        double bytes_per_parameter;
        int64_t layers; /* whose activations it holds */
    } rows[] = { { "dp=8", 0, 0 }, { "dp=4,pp=2,zero=1,offload", 3, 0 }, { "dp=8,recompute=offload", 0, 3 },
                 { "dp=8,zero=3,offload=parameters,recompute=offload:2", 2.25, 2 } };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppInputs) inputs = plain_job_new(8);
        g_autoptr(CostedPlan) filled = costed_plan_new(&inputs->job, rows[i].strategy);
        double most = 0, kept = filled->cost->shard.kinds[0].by_recompute[MPP_RECOMPUTE_NONE].kept_bytes;
        for (int64_t k = 0; k < filled->strategy.pp; k++)
            most = MAX(most, filled->pipeline->stages[k].parameters);
        plain_job_expect(rows[i].strategy, mpp_memory_host_bytes(filled->pipeline),
                         most * rows[i].bytes_per_parameter + (double)rows[i].layers * kept);
    }
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    inputs->cluster.host_bytes = 3e11;
    plain_job_expect("usable", mpp_memory_host_usable_bytes(&inputs->job), 2.7e11);
    MppStrategy s = plain_job_strategy("dp=8,zero=1,offload");
    g_autoptr(MppEstimate) fits = mpp_estimate_new(&inputs->job, &s);
    inputs->cluster.host_bytes = 1e6;
    g_autoptr(MppEstimate) lacks = mpp_estimate_new(&inputs->job, &s);
    g_assert_true(fits->fits && !lacks->fits && lacks->host_bytes > lacks->host_usable_bytes);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/memory/published-states", test_published_states);
    g_test_add_func("/memory/host", test_host);
    g_test_add_func("/memory/rates", test_rates);
    g_test_add_func("/memory/bf16", test_bf16);
    g_test_add_func("/memory/bf16-without-pipeline", test_bf16_without_pipeline);
    g_test_add_func("/memory/narrow-weights", test_narrow_weights);
    g_test_add_func("/memory/gathered", test_gathered);
    g_test_add_func("/memory/sharded-master", test_sharded_master);
    g_test_add_func("/memory/shards-beside", test_shards_beside);
    g_test_add_func("/memory/outputs", test_outputs);
    g_test_add_func("/memory/inputs-in-host", test_inputs_in_host);
    g_test_add_func("/memory/stages", test_stages);
    g_test_add_func("/memory/lone-context", test_lone_context);
    g_test_add_func("/memory/figures", test_figures);
    return g_test_run();
}
