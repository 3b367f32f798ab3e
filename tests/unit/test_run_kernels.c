#include "planner/runs/run_kernels.h"

#include <string.h>

#include "tests/support/expect.h"
#include "tests/support/sample_run.h"

/** Where layer norms alone are one kernel, RMS norms (of gated models here) are not, unless a compiler or the record says so. */
static void test_norms(void)
{
    static const struct {
        const char *model, *training, *label;
        bool norm, elementwise, rotary;
    } rows[] = {
        { GATED, "", "", false, false, false },
        { SIZES, "", "", true, false, false },
        { GATED, ", \"framework\": \"Plain + torch.compile\"", "", true, true, true },
        { GATED, ", \"framework\": \"Plain, uncompiled\"", "", false, false, false },
        { GATED, "", "Table 2: 8B, compiled", true, true, true },
        { GATED, "", "Table 2: 8B, no-compile", false, false, false },
        { GATED, ", \"norm_kernel\": \"fused\"", "", true, false, false },
        { GATED, ", \"kernels\": \"norm_fused,rotary_fused\"", "", true, false, true },
        { GATED, ", \"kernels\": \"no-norm-fused\"", "8B, compiled", false, true, true },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const char *plain = strstr(rows[i].training, "framework") ? "" : ", \"framework\": \"Plain\"";
        g_autofree char *skipped = NULL, *training = g_strconcat(BATCH, plain, rows[i].training, NULL);
        g_autofree char *hardware = g_strdup_printf(ON_12 "}, \"row\": \"%s\", \"more\": {\"x\": 1", rows[i].label);
        g_autoptr(MppRunJob) job = mpp_sample_run_job(rows[i].model, hardware, training, "", &skipped);
        g_assert_cmpstr(skipped, ==, NULL);
        g_assert_true(job->job.training.kernels.norm_fused == rows[i].norm);
        g_assert_true(job->job.training.kernels.elementwise_fused == rows[i].elementwise);
        g_assert_true(job->job.training.kernels.rotary_fused == rows[i].rotary);
    }
}

/** Bytes of a parameter's states: in 16 bits two moments take 4 and the update moves half. */
static void test_states(void)
{
    static const struct {
        const char *training;
        double gradient, reduce, optimizer, kept_in_update, update, kept;
        bool master;
    } rows[] = {
        { "", 3, 4, 12, 4, 52, 3, true },
        { ", \"fsdp_mixed_precision\": \"DEFAULT\"", 3, 4, 12, 4, 52, 3, true },
        { ", \"fsdp_mixed_precision\": \"PURE\"", 3, 2, 12, 4, 52, 3, true },
        { ", \"precision\": \"bf16-true\"", 2, 2, 4, 2, 26, 0, false },
        { ", \"precision\": \"pure bf16\"", 2, 2, 4, 2, 26, 0, false },
        { ", \"fsdp_mixed_precision\": \"PURE\", \"precision\": \"bf16, fp32 gradients\"", 4, 4, 12, 4, 52, 3, true },
        { ", \"optimizer\": \"adam (bf16 moments)\"", 3, 4, 8, 4, 44, 3, true },
        { ", \"precision\": \"pure bf16\", \"optimizer\": \"adam (bf16 moments)\"", 2, 2, 4, 2, 26, 0, false },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *skipped = NULL, *training = g_strconcat(BATCH ", \"framework\": \"Plain\"", rows[i].training, NULL);
        g_autoptr(MppRunJob) job = mpp_sample_run_job(GATED, ON_12, training, "", &skipped);
        g_assert_cmpstr(skipped, ==, NULL);
        const MppStateCosts *state = &job->runtime->state;
        g_assert_cmpfloat(state->gradient_bytes, ==, rows[i].gradient);
        g_assert_cmpfloat(state->reduce_bytes, ==, rows[i].reduce);
        g_assert_cmpfloat(state->optimizer_bytes, ==, rows[i].optimizer);
        g_assert_cmpfloat(state->update_bytes, ==, rows[i].kept_in_update);
        g_assert_cmpfloat(state->update_traffic_bytes, ==, rows[i].update);
        g_assert_cmpfloat(state->bf16_kept_bytes, ==, rows[i].kept);
        g_assert_true(state->sharded_master == rows[i].master);
        g_assert_cmpint(job->job.training.precision, ==, MPP_PRECISION_BF16);
    }
}

/** What a device's releases compile of the loss they compile beside layers alone. */
static void test_eager(void)
{
    static const struct {
        const char *training, *hardware;
        bool fused, async, loss;
    } rows[] = {
        { ", \"framework\": \"Lazy\"", ON_12 "}, \"row\": \"async TP: 8B Async TP\", \"more\": {\"x\": 1", true, true },
        { ", \"framework\": \"Lazy\"", ON_12 "}, \"row\": \"async TP: 8B vanilla TP\", \"more\": {\"x\": 1", false },
        { ", \"framework\": \"Lazy\", \"precision\": \"bf16\"", ON_12, false },
        { ", \"framework\": \"Late\", \"precision\": \"bf16\"", ON_12, false },
        { ", \"framework\": \"Late, compiled\", \"precision\": \"bf16\"", ON_12, true, false, true },
        { ", \"framework\": \"Late layers, compiled\", \"precision\": \"bf16\"", ON_12, true },
        { ", \"framework\": \"Lone\", \"precision\": \"bf16\"", ON_12, true },
        { ", \"framework\": \"Lazy\", \"precision\": \"bf16\"", ON_12 "}, \"row\": \"with torch.compile\", \"more\": {\"x\": 1", true },
        { ", \"framework\": \"Lazy\", \"precision\": \"bf16\"", ON_12 "}, \"row\": \"compiled loss, compiled layers\", \"more\": {\"x\": 1",
          true, false, true },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *skipped = NULL, *training = g_strconcat(BATCH, rows[i].training, NULL);
        g_autoptr(MppRunJob) job = mpp_sample_run_job(GATED, rows[i].hardware, training, "", &skipped);
        g_assert_cmpstr(skipped, ==, NULL);
        g_assert_true(job->job.training.kernels.norm_fused == rows[i].fused);
        g_assert_true(job->job.training.kernels.elementwise_fused == rows[i].fused);
        g_assert_true(job->job.training.kernels.tensor_async == rows[i].async);
        g_assert_true(job->job.training.kernels.cross_entropy_fused == rows[i].loss);
        g_assert_true(job->job.training.kernels.segments_grow == (strstr(rows[i].training, "Late") != NULL));
        g_assert_cmpint(job->job.training.kernels.attention, ==, MPP_ATTENTION_FLASH2);
    }
}

static void test_attention(void)
{
    static const struct {
        const char *training;
        MppAttentionKernel attention;
    } rows[] = {
        { ", \"framework\": \"Aged\"", MPP_ATTENTION_FUSED_SOFTMAX },
        { ", \"framework\": \"Aged 2.385\"", MPP_ATTENTION_FUSED_SOFTMAX },
        { ", \"framework\": \"aged 1.5 (container)\"", MPP_ATTENTION_UNFUSED },
        { ", \"framework\": \"Aged 1.5\", \"attention\": \"flash\"", MPP_ATTENTION_FLASH2 },
        { ", \"attention\": \"flex\"", MPP_ATTENTION_FLASH2 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *skipped = NULL, *training = g_strconcat(BATCH, rows[i].training, NULL);
        g_autoptr(MppRunJob) job = mpp_sample_run_job(GATED, ON_12, training, "", &skipped);
        g_assert_cmpstr(skipped, ==, NULL);
        g_assert_cmpint(job->job.training.kernels.attention, ==, rows[i].attention);
        g_assert_true(job->job.training.kernels.context_whole == (strstr(training, "flex") != NULL));
    }
}

/** Of a stack that captures where shapes are known: without a pipeline, and where experts take as many tokens each. */
static void test_graphs(void)
{
    static const struct {
        const char *model, *framework, *parallel;
        bool graphs;
    } rows[] = {
        { GATED, "Few", "", true },
        { GATED, "Few", "\"pp\": 2", false },
        { GATED, "Lone", "", false },
        { EXPERTS, "Few", "", false },
        { EXPERTS ", \"name\": \"five (tokendrop)\"", "Few", "", true },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *skipped = NULL, *training = g_strdup_printf(BATCH ", \"framework\": \"%s\"", rows[i].framework);
        g_autoptr(MppRunJob) job = mpp_sample_run_job(rows[i].model, ON_12, training, rows[i].parallel, &skipped);
        g_assert_cmpstr(skipped, ==, NULL);
        g_assert_true(job->job.training.kernels.graphs == rows[i].graphs);
    }
}

/** A test of Megatron-LM without Transformer Engine keeps its scores, unless the record states the kernel or products are narrow. */
static void test_test_name(void)
{
    static const struct {
        const char *name, *attention;
        MppPrecision precision;
        bool scores, loss;
    } rows[] = {
        { "mcore_tp1", NULL, MPP_PRECISION_BF16, true, false },
        { "mcore_tp1", "flash", MPP_PRECISION_BF16, false, false },
        { "mcore_tp1", NULL, MPP_PRECISION_FP8, false, false },
        { "mcore_te_cross_entropy_loss_fusion", NULL, MPP_PRECISION_BF16, false, true },
        { "net_tp1_cross_entropy_loss_fusion", NULL, MPP_PRECISION_BF16, false, false },
    };
    g_autofree char *skipped = NULL;
    g_autoptr(MppJson) json = mpp_expect_json("{}");
    g_autoptr(MppRunJob) out = mpp_sample_run_job(GATED, ON_12, BATCH ", \"framework\": \"Plain\"", "", &skipped);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        MppRun run = { .json = json, .model.name = (char *)rows[i].name, .training.attention = (char *)rows[i].attention };
        out->job.training.precision = rows[i].precision;
        out->job.training.kernels = (MppKernels){ .attention = MPP_ATTENTION_FLASH2 };
        g_assert_true(mpp_run_fill_kernels(&run, &out->job, NULL));
        g_assert_true((out->job.training.kernels.attention == MPP_ATTENTION_FUSED_SOFTMAX) == rows[i].scores);
        g_assert_true(out->job.training.kernels.cross_entropy_fused == rows[i].loss);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/run-kernels/norms", test_norms);
    g_test_add_func("/run-kernels/states", test_states);
    g_test_add_func("/run-kernels/eager", test_eager);
    g_test_add_func("/run-kernels/attention", test_attention);
    g_test_add_func("/run-kernels/graphs", test_graphs);
    g_test_add_func("/run-kernels/test-name", test_test_name);
    return g_test_run();
}
