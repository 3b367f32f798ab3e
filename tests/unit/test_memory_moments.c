#include "planner/cost/memory.h"

#include <string.h>

#include "tests/support/costed_plan.h"
#include "tests/support/plain_job.h"

/**
 * Of a lone micro-batch, gradients made anew take only what exceeds activations and logits, which are gone when they are all there;
 * with a second they are there from the first. Segments that do not grow hold them beside.
 */
static void test_gradients_anew(void)
{
    static const struct {
        const char *strategy;
        int64_t micro_batches;
        double capped; /* 1: with the activations and logits that go before them */
        bool grow;
    } rows[] = { { "dp=8,zero=3,recompute=full", 1, 1, true },  { "dp=8,zero=3,recompute=full", 1, 1, false },
                 { "dp=8,zero=3,recompute=full", 2, 0, false }, { "dp=8,zero=1,recompute=full", 1, 1, false } };
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    inputs->runtime.state.gradients_anew = true;
    inputs->runtime.state.gradient_bytes = 160;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        inputs->job.training.global_batch = 8 * rows[i].micro_batches;
        inputs->job.training.kernels.segments_grow = rows[i].grow;
        g_autoptr(CostedPlan) filled = costed_plan_new(&inputs->job, rows[i].strategy);
        MppMemoryRates rates = mpp_memory_rates(filled->pipeline);
        MppMemory memory = mpp_memory_stage(filled->pipeline, &rates, 0);
        double all = filled->pipeline->stages[0].parameters * rates.dense.gradients;
        const MppStageCost *stage = &filled->pipeline->stages[0];
        double at_loss = stage->loss_bytes + rates.gathered_at_loss_bytes - rates.gathered_bytes - stage->working_bytes;
        double gone = rows[i].capped * (stage->activation_bytes + MAX(0, at_loss));
        g_assert_cmpfloat(gone, <, all);
        plain_job_expect("reserved", memory.reserved_bytes, memory.allocated_bytes + (rows[i].grow ? 0 : gone));
        plain_job_expect("gradients", memory.bytes[MPP_MEMORY_GRADIENTS], all - gone);
        plain_job_expect("peak", mpp_memory_peak_bytes(filled->pipeline), memory.allocated_bytes);
    }
}

/** Gradients that are sharded after the last micro-batch are whole until then, in the format they are reduced in. */
static void test_whole_gradients(void)
{
    static const struct {
        const char *strategy;
        int64_t micro_batches;
        bool whole;
        double bytes; /* of a parameter */
    } rows[] = { { "dp=8,zero=3", 2, true, 3 },     { "dp=8,zero=2", 2, true, 3 },  { "dp=8,zero=3", 1, true, 4.0 / 8 },
                 { "dp=8,zero=3", 2, false, 4.0 / 8 }, { "dp=8,zero=1", 2, true, 4 } };
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    inputs->runtime.state.gradient_bytes = 4;
    inputs->runtime.state.reduce_bytes = 3;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        inputs->job.training.global_batch = 8 * rows[i].micro_batches;
        inputs->job.training.kernels.gradients_whole = rows[i].whole;
        g_autoptr(CostedPlan) filled = costed_plan_new(&inputs->job, rows[i].strategy);
        MppMemoryRates rates = mpp_memory_rates(filled->pipeline);
        plain_job_expect("gradients", rates.dense.gradients, rows[i].bytes);
    }
}

/** An update that holds a copy of a moment may hold more than the activations and logits before it. */
static void test_update(void)
{
    static const struct {
        const char *strategy;
        bool fused;
        double bytes; /* of a parameter */
    } rows[] = { { "dp=8,zero=3,recompute=full", false, 300.0 / 8 }, { "dp=8,zero=3,recompute=full", true, 0 }, { "dp=8,recompute=full", false, 300 },
                 { "dp=8,zero=1,offload", false, 0 } };
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    inputs->runtime.state.update_bytes = 300;
    inputs->runtime.state.update_flat = true;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        inputs->job.training.kernels.update_fused = rows[i].fused;
        g_autoptr(CostedPlan) filled = costed_plan_new(&inputs->job, rows[i].strategy);
        MppMemoryRates rates = mpp_memory_rates(filled->pipeline);
        MppMemory memory = mpp_memory_stage(filled->pipeline, &rates, 0);
        const MppStageCost *stage = &filled->pipeline->stages[0];
        double pass = MAX(stage->loss_bytes + rates.gathered_at_loss_bytes, stage->working_bytes + rates.gathered_bytes);
        double more = MAX(0, stage->parameters * rows[i].bytes - stage->activation_bytes - pass);
        g_assert_true((more > 0) == (rows[i].bytes > 0));
        plain_job_expect("update", memory.bytes[MPP_MEMORY_BUFFERS], more);
        double gone = stage->parameters * rows[i].bytes - more; /* the room that activations leave */
        plain_job_expect("one block", memory.reserved_bytes, memory.allocated_bytes + gone);
        inputs->runtime.state.update_flat = false;
        plain_job_expect("tensors", mpp_memory_stage(filled->pipeline, &rates, 0).reserved_bytes, memory.allocated_bytes);
        inputs->runtime.state.update_flat = true;
        plain_job_expect("peak", mpp_memory_peak_bytes(filled->pipeline), memory.allocated_bytes);
    }
}

/** The logits or a layer computed again, whichever is larger: they are not there at once. */
static void test_moments(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    double parts[2][MPP_N_MEMORY_PARTS];
    for (int narrow = 0; narrow < 2; narrow++) {
        inputs->runtime.memory.logit_bytes = narrow ? 0.01 : 6;
        g_autoptr(CostedPlan) filled = costed_plan_new(&inputs->job, "dp=8,mbs=2,recompute=full");
        MppMemoryRates rates = mpp_memory_rates(filled->pipeline);
        MppMemory memory = mpp_memory_stage(filled->pipeline, &rates, 0);
        memcpy(parts[narrow], memory.bytes, sizeof memory.bytes);
        plain_job_expect("peak", mpp_memory_peak_bytes(filled->pipeline), memory.allocated_bytes);
    }
    g_assert_true(parts[0][MPP_MEMORY_LOSS] > 0 && parts[0][MPP_MEMORY_WORKING] == 0);
    g_assert_true(parts[1][MPP_MEMORY_LOSS] == 0 && parts[1][MPP_MEMORY_WORKING] > 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/memory/gradients-anew", test_gradients_anew);
    g_test_add_func("/memory/whole-gradients", test_whole_gradients);
    g_test_add_func("/memory/update", test_update);
    g_test_add_func("/memory/moments", test_moments);
    return g_test_run();
}
