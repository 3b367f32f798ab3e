#include "planner/runs/run_match.h"

#include "tests/support/expect.h"
#include "tests/support/sample.h"

/** By the record's own words, its collection, the stack's habit. */
static void test_figure(void)
{
    static const struct {
        const char *source, *kind;
        MppMemoryFigure figure;
    } rows[] = {
        { "here", NULL, MPP_FIGURE_RESERVED },
        { "there", NULL, MPP_FIGURE_DEVICE },
        { "there", "torch max_memory_allocated, last rank", MPP_FIGURE_ALLOCATED },
        { "here", "nvidia-smi GB", MPP_FIGURE_DEVICE },
        { "here", "used share of the device's memory", MPP_FIGURE_DEVICE },
        { "here", "allocated, of the fullest device", MPP_FIGURE_ALLOCATED },
        { "there", "reserved (inferred)", MPP_FIGURE_RESERVED },
        { "here", "whatever", MPP_FIGURE_RESERVED },
    };
    g_autoptr(GPtrArray) collections = g_ptr_array_new();
    g_ptr_array_add(collections, (void *)"there");
    MppRuntime runtime = { .memory = { .figure = MPP_FIGURE_RESERVED, .device_figures = collections } };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        MppRun run = { .source = (char *)rows[i].source, .measured.memory_kind = (char *)rows[i].kind };
        g_assert_cmpint(mpp_run_match_figure(&run, &runtime), ==, rows[i].figure);
    }
}

static void test_precision(void)
{
    static const struct {
        const char *words;
        MppPrecision precision;
    } rows[] = {
        { NULL, MPP_PRECISION_TF32 },
        { "half", MPP_PRECISION_TF32 },
        { "fp16", MPP_PRECISION_FP16 },
        { "BF16", MPP_PRECISION_BF16 },
        { "bf16 with fp32 sums", MPP_PRECISION_BF16 },
        { "fp8 (bf16 rest)", MPP_PRECISION_FP8 },
        { "fp8-rowwise", MPP_PRECISION_FP8_ROWWISE },
        { "MXFP8", MPP_PRECISION_MXFP8 },
        { "nvfp4, bf16", MPP_PRECISION_NVFP4 },
        { "fp32", MPP_PRECISION_FP32 },
        { "tf32/fp32", MPP_PRECISION_TF32 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        g_assert_cmpint(mpp_run_match_precision(rows[i].words, MPP_PRECISION_TF32), ==, rows[i].precision);
}

static void test_optimizer(void)
{
    static const struct {
        const char *words;
        MppOptimizer optimizer;
    } rows[] = {
        { NULL, MPP_OPTIMIZER_ADAM },     { "adafactor", MPP_OPTIMIZER_ADAM },    { "AdamW", MPP_OPTIMIZER_ADAM },
        { "NVLAMB", MPP_OPTIMIZER_LAMB }, { "SGD, momentum", MPP_OPTIMIZER_SGD }, { "Muon", MPP_OPTIMIZER_MUON },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        g_assert_cmpint(mpp_run_match_optimizer(rows[i].words), ==, rows[i].optimizer);
}

static void test_attention(void)
{
    static const struct {
        const char *words;
        bool has_flash3;
        MppAttentionKernel kernel;
    } rows[] = {
        { NULL, true, MPP_ATTENTION_UNFUSED },
        { "whatever", true, MPP_ATTENTION_UNFUSED },
        { "unfused (torch)", true, MPP_ATTENTION_UNFUSED },
        { "fused softmax", true, MPP_ATTENTION_FUSED_SOFTMAX },
        { "Unfused kernels", true, MPP_ATTENTION_FUSED_SOFTMAX },
        { "flash (Triton)", true, MPP_ATTENTION_FLASH1_TRITON },
        { "flash1", true, MPP_ATTENTION_FLASH1 },
        { "flash2", true, MPP_ATTENTION_FLASH2 },
        { "flash3", true, MPP_ATTENTION_FLASH3 },
        { "flash3", false, MPP_ATTENTION_FLASH2 }, /* the device has none */
        { "flash4", true, MPP_ATTENTION_FLASH3 },  /* the newest kernel of a device */
        { "cuDNN fused", true, MPP_ATTENTION_FLASH3 },
        { "FlashAttention", true, MPP_ATTENTION_FLASH2 },
        { "fused", true, MPP_ATTENTION_FLASH3 },
        { "fused", false, MPP_ATTENTION_FLASH2 },
        { "FlexAttention", true, MPP_ATTENTION_FLASH2 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        MppDevice device = { .flash1.forward_frac = 0.4,
                             .flash2.forward_frac = 0.5,
                             .flash3.forward_frac = rows[i].has_flash3 ? 0.6 : 0 };
        g_assert_cmpint(mpp_run_match_attention(rows[i].words, &device, MPP_ATTENTION_UNFUSED), ==, rows[i].kernel);
    }
}

static void test_recompute(void)
{
    static const struct {
        const char *words;
        MppRecompute recompute;
    } rows[] = {
        { NULL, MPP_RECOMPUTE_SELECTIVE },
        { "none", MPP_RECOMPUTE_NONE },
        { "Full, uniform", MPP_RECOMPUTE_FULL },
        { "selective", MPP_RECOMPUTE_SELECTIVE },
        { "core attention", MPP_RECOMPUTE_SELECTIVE },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        g_assert_cmpint(mpp_run_match_recompute(rows[i].words, MPP_RECOMPUTE_SELECTIVE), ==, rows[i].recompute);
}

/** Modules by whole words, of those that the stack has. */
static void test_modules(void)
{
    enum {
        NORM = 1 << MPP_MODULE_NORMS,
        ACT = 1 << MPP_MODULE_EXPERT_ACTIVATION,
        MOE = 1 << MPP_MODULE_MOE,
        MLP = 1 << MPP_MODULE_MLP,
        PROJECTION = 1 << MPP_MODULE_LATENT_PROJECTIONS
    };
    static const struct {
        const char *words;
        int64_t modules;
    } rows[] = {
        { NULL, 0 },
        { "selective", 0 },
        { "selective (moe_act)", ACT },
        { "selective (moe_act, layernorm)", ACT | NORM },
        { "selective: mlp mla_up_proj", MLP | PROJECTION },
        { "selective moe+layernorm", MOE | NORM },
        { "moe_act then MOE", ACT | MOE },
        { "selective: moes, mlp2", 0 },
        { "core_attn", 0 }, /* not of this stack */
    };
    MppRuntime runtime = { .recompute_modules = NORM | ACT | MOE | MLP | PROJECTION };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        g_assert_cmpint(mpp_run_match_modules(rows[i].words, &runtime), ==, rows[i].modules);
}

static void test_schedule(void)
{
    static const struct {
        const char *words;
        int64_t vpp;
        int kind;
    } rows[] = {
        { NULL, 1, MPP_SCHEDULE_1F1B },
        { NULL, 3, MPP_SCHEDULE_INTERLEAVED },
        { "1F1B", 1, MPP_SCHEDULE_1F1B },
        { "1f1b", 2, MPP_SCHEDULE_INTERLEAVED },
        { "interleaved 1f1b", 4, MPP_SCHEDULE_INTERLEAVED },
        { "interleaved-1f1b", 1, MPP_SCHEDULE_1F1B }, /* as some records of one chunk have it */
        { "GPipe", 1, MPP_SCHEDULE_GPIPE },
        { "ZB-1p", 1, MPP_SCHEDULE_ZB_H1 },
        { "zb-2p", 1, MPP_SCHEDULE_ZB_H2 },
        { "zbv-formatted", 2, MPP_SCHEDULE_ZB_V },
        { "v-half", 2, MPP_SCHEDULE_V_HALF },
        { "pipeoffload-half", 2, -1 },
        { "zero-bubble", 1, -1 },
        { "", 1, -1 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        g_assert_cmpint(mpp_run_match_schedule(rows[i].words, rows[i].vpp), ==, rows[i].kind);
}

static void test_context(void)
{
    static const struct {
        const char *words;
        MppCpKind usual, kind;
    } rows[] = {
        { NULL, MPP_CP_RING, MPP_CP_RING },
        { NULL, MPP_CP_ALL_GATHER, MPP_CP_ALL_GATHER },
        { "zigzag", MPP_CP_ALL_TO_ALL, MPP_CP_ALL_TO_ALL },
        { "ring", MPP_CP_ALL_TO_ALL, MPP_CP_RING },
        { "p2p", MPP_CP_ALL_GATHER, MPP_CP_RING },
        { "DeepSpeed Ulysses", MPP_CP_RING, MPP_CP_ALL_TO_ALL },
        { "all-to-all of heads", MPP_CP_RING, MPP_CP_ALL_TO_ALL },
        { "A2A", MPP_CP_RING, MPP_CP_ALL_TO_ALL },
        { "all_gather of keys", MPP_CP_RING, MPP_CP_ALL_GATHER },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        g_assert_cmpint(mpp_run_match_context(rows[i].words, rows[i].usual), ==, rows[i].kind);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/run-match/figure", test_figure);
    g_test_add_func("/run-match/precision", test_precision);
    g_test_add_func("/run-match/optimizer", test_optimizer);
    g_test_add_func("/run-match/attention", test_attention);
    g_test_add_func("/run-match/recompute", test_recompute);
    g_test_add_func("/run-match/modules", test_modules);
    g_test_add_func("/run-match/schedule", test_schedule);
    g_test_add_func("/run-match/context", test_context);
    return g_test_run();
}
