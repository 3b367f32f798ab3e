#include "planner/spec/run_match.h"

#include "tests/support/expect.h"
#include "tests/support/sample.h"

/** A cluster of nodes of 8 (or @node) with a network of 100 Gb/s a device. */
static MppCluster *cluster_of(const char *name, const char *device, const char *usual, const char *sources, const char *words,
                              int node)
{
    g_autofree char *text = g_strdup_printf(
        "{\"name\": \"%s\", \"title\": \"T\", \"device\": \"%s\", \"run_sources\": [%s], \"internode_words\": [%s], \"tiers\":"
        " [{\"name\": \"in\", \"devices\": %d, \"bytes_per_s\": 3e11}, {\"name\": \"out\", \"bytes_per_s\": 1.25e10, "
        "\"shared_by\": 2}]}",
        name, device, sources, words, node);
    g_autoptr(MppJson) json = mpp_expect_json(text);
    g_autoptr(GError) error = NULL;
    MppCluster *cluster = mpp_cluster_read(json, &error);
    g_assert_no_error(error);
    mpp_fields_default(&mpp_device_fields, &cluster->device);
    cluster->device.name = g_strdup(device);
    cluster->device.cluster = g_strdup(usual);
    cluster->device.aliases = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(cluster->device.aliases, g_strconcat(device, "-alias", NULL));
    return cluster;
}

static GPtrArray *sample_clusters(void)
{
    GPtrArray *clusters = g_ptr_array_new_with_free_func((GDestroyNotify)mpp_cluster_free);
    g_ptr_array_add(clusters, cluster_of("first", "chip", "usual", "", "", 8));
    g_ptr_array_add(clusters, cluster_of("usual", "chip", "usual", "", "", 8));
    g_ptr_array_add(clusters, cluster_of("worded", "chip", "usual", "\"src-b\"", "\"EFA v2\", \"roce\"", 8));
    g_ptr_array_add(clusters, cluster_of("sourced", "chip", "usual", "\"src-a\"", "\"NDR\"", 8));
    g_ptr_array_add(clusters, cluster_of("other", "chop", "nowhere", "\"src-c\"", "\"RoCE\"", 72));
    MppCluster *narrow = cluster_of("narrow", "chip", "usual", "\"src-a\", \"src-d\"", "", 8);
    narrow->run_words = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(narrow->run_words, g_strdup("_one"));
    g_ptr_array_add(clusters, narrow);
    return clusters;
}

/** The network's rate a device each way: 1.25e10 where the words' rate is not taken. */
static const struct {
    const char *source, *gpu, *internode;
    int64_t gpus_per_node;
    const char *cluster;
    int64_t node;
    double bytes_per_s;
    int64_t shared_by;
    const char *model;
} cluster_rows[] = {
    { "x", "chip", NULL, 0, "usual", 8, 1.25e10, 2 },
    { "x", "chip-alias", NULL, 0, "usual", 8, 1.25e10, 2 },
    { "x", "chip", "some network", 4, "usual", 4, 1.25e10, 2 },
    { "x", "chip", "1600 Gbps RoCE", 0, "worded", 8, 1.25e10, 2 },
    { "x", "chip", "efa V2, 8x100 Gb/s", 0, "worded", 8, 1.25e10, 2 },
    { "src-a", "chip", "EFA v2", 4, "sourced", 4, 1.25e10, 2 },
    { "src-c", "chip", NULL, 0, "usual", 8, 1.25e10, 2 },  /* of another device */
    { "src-c", "chop", NULL, 4, "other", 72, 1.25e10, 2 }, /* a rack-wide domain keeps its size */
    { "x", "chop", NULL, 0, "other", 72, 1.25e10, 2 },     /* not its usual one, but the only one */
    { "x", "chip", "8x200 Gb/s HDR", 0, "usual", 8, 2.5e10, 1 },
    { "x", "chip", "4 x 200 Gb/s", 0, "usual", 8, 1.25e10, 1 },
    { "x", "chip", "InfiniBand 4x100 Gb/s", 4, "usual", 4, 1.25e10, 1 },
    { "x", "chip", "800 Gb/s per node", 0, "usual", 8, 1.25e10, 1 },
    { "x", "chip", "Ethernet, 25.6 Gb/s per node", 4, "usual", 4, 8e8, 1 },
    { "x", "chip", "400 Gb/s per GPU", 0, "usual", 8, 5e10, 1 },
    { "x", "chip", "IB 400 Gb/s per GPU", 5, "usual", 5, 5e10, 1 },
    { "x", "chip", "400 Gb/s", 0, "usual", 8, 1.25e10, 2 },   /* of what is not said */
    { "x", "chip", "8x200 GB/s", 0, "usual", 8, 1.25e10, 2 }, /* bytes are not bits */
    { "x", "chip", "-8x200 Gb/s", 0, "usual", 8, 2.5e10, 1 }, /* a dash, not a sign */
    { "x", "chip", "0x200 Gb/s", 0, "usual", 8, 1.25e10, 2 },
    { "x", "chip", "", 0, "usual", 8, 1.25e10, 2 },
    { "src-a", "chip", NULL, 0, "narrow", 8, 1.25e10, 2, "net_one" },
    { "src-a", "chip", NULL, 0, "sourced", 8, 1.25e10, 2, "net" },
    { "src-d", "chip", NULL, 0, "usual", 8, 1.25e10, 2, "net" },
    { "x", "chip", NULL, 0, "usual", 8, 1.25e10, 2, "net_one" },
};

static void test_cluster(void)
{
    g_autoptr(GPtrArray) clusters = sample_clusters();
    const MppProfiles profiles = { .clusters = clusters };
    for (size_t i = 0; i < G_N_ELEMENTS(cluster_rows); i++) {
        MppRun run = { .source = (char *)cluster_rows[i].source,
                       .model.name = (char *)cluster_rows[i].model,
                       .hardware = { .gpu = (char *)cluster_rows[i].gpu,
                                     .internode = (char *)cluster_rows[i].internode,
                                     .gpus_per_node = cluster_rows[i].gpus_per_node } };
        g_autoptr(MppCluster) cluster = mpp_profiles_cluster(&profiles, &run);
        g_assert_cmpstr(cluster->name, ==, cluster_rows[i].cluster);
        g_assert_cmpint(mpp_cluster_tier(cluster, 0)->devices, ==, cluster_rows[i].node);
        g_assert_cmpfloat_with_epsilon(mpp_cluster_tier(cluster, 1)->bytes_per_s, cluster_rows[i].bytes_per_s, 1);
        g_assert_cmpint(mpp_cluster_tier(cluster, 1)->shared_by, ==, cluster_rows[i].shared_by);
    }
    MppRun run = { .source = (char *)"x", .hardware = { .gpu = (char *)"CHIP" } };
    g_assert_null(mpp_profiles_cluster(&profiles, &run));
    const MppCluster *usual = clusters->pdata[1];
    g_assert_cmpint(mpp_cluster_tier(usual, 0)->devices, ==, 8); /* the profiles are left alone */
}

static void add_runtime(GPtrArray *runtimes, const char *name, const char *words)
{
    g_autofree char *text = g_strdup_printf("{\"name\": \"%s\", \"title\": \"T\", \"frameworks\": [%s]}", name, words);
    g_autoptr(MppJson) json = mpp_expect_json(text);
    g_autoptr(GError) error = NULL;
    g_ptr_array_add(runtimes, mpp_runtime_read(json, &error));
    g_assert_no_error(error);
}

static void test_runtime(void)
{
    static const struct {
        const char *source, *framework, *runtime;
    } rows[] = {
        { "x", NULL, "megatron-core" },
        { "x", "unheard of", "megatron-core" },
        { "x", "FSDP in PyTorch", "fsdp" },
        { "x", "DeepSpeed", "deepspeed" },
        { "x", "megatron-deepspeed fork", "both" },     /* of words that begin there, the longest */
        { "x", "Megatron with DeepSpeed", "megatron" }, /* the first words */
        { "x", "pytorch, then deepspeed", "fsdp" },
        { "coll", "DeepSpeed", "fsdp" }, /* a collection of runs by its name */
        { "COLL", "DeepSpeed", "deepspeed" },
    };
    g_autoptr(GPtrArray) runtimes = g_ptr_array_new_with_free_func((GDestroyNotify)mpp_runtime_free);
    add_runtime(runtimes, "fsdp", "\"coll\", \"PyTorch\", \"FSDP\"");
    add_runtime(runtimes, "deepspeed", "\"DeepSpeed\"");
    add_runtime(runtimes, "megatron", "\"Megatron\"");
    add_runtime(runtimes, "both", "\"Megatron-DeepSpeed\"");
    add_runtime(runtimes, "megatron-core", "");
    const MppProfiles profiles = { .runtimes = runtimes };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        MppRun run = { .source = (char *)rows[i].source, .training.framework = (char *)rows[i].framework };
        g_autoptr(MppRuntime) runtime = mpp_profiles_runtime(&profiles, &run);
        g_assert_cmpstr(runtime->name, ==, rows[i].runtime);
        const MppRuntime before = { .successor = (char *)rows[i].runtime }, last = { 0 };
        g_autoptr(MppRuntime) same = mpp_profiles_successor(&profiles, &before);
        g_assert_cmpstr(same->name, ==, rows[i].runtime);
        g_assert_null(mpp_profiles_successor(&profiles, &last));
    }
}

/** A general name is the older stack's on devices of its time alone. */
static void test_runtime_of_its_time(void)
{
    static const struct {
        const char *gpu, *framework, *runtime;
    } rows[] = {
        { "chip", "Megatron", "megatron-2021" },
        { "chop", "Megatron", "megatron-core" },
        { "chop-alias", "a fork of Megatron", "megatron-core" },
        { "chop", "a planner on Megatron", "megatron-2021" }, /* by a name of its own */
        { "unheard of", "Megatron", "megatron-2021" },
    };
    g_autoptr(GPtrArray) clusters = sample_clusters(), runtimes = g_ptr_array_new_with_free_func((GDestroyNotify)mpp_runtime_free);
    MppCluster *other = clusters->pdata[4];
    other->device.peak_flop_per_s.by_precision[MPP_PRECISION_FP8] = 2e15;
    add_runtime(runtimes, "megatron-2021", "\"planner\"], \"frameworks_before_8_bit\": [\"Megatron\"");
    add_runtime(runtimes, "megatron-core", "");
    const MppProfiles profiles = { .clusters = clusters, .runtimes = runtimes };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        MppRun run = { .source = (char *)"x", .hardware.gpu = (char *)rows[i].gpu, .training.framework = (char *)rows[i].framework };
        g_autoptr(MppRuntime) runtime = mpp_profiles_runtime(&profiles, &run);
        g_assert_cmpstr(runtime->name, ==, rows[i].runtime);
    }
}

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
        { "Triton", true, MPP_ATTENTION_FLASH1 },
        { "flash1", true, MPP_ATTENTION_FLASH1 },
        { "flash2", true, MPP_ATTENTION_FLASH2 },
        { "flash3", true, MPP_ATTENTION_FLASH3 },
        { "flash3", false, MPP_ATTENTION_FLASH2 }, /* the device has none */
        { "cuDNN fused", true, MPP_ATTENTION_FLASH3 },
        { "FlashAttention", true, MPP_ATTENTION_FLASH2 },
        { "fused", true, MPP_ATTENTION_FLASH3 },
        { "fused", false, MPP_ATTENTION_FLASH2 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        MppDevice device = { .flash1.forward_frac = 0.4,
                             .flash2.forward_frac = 0.5,
                             .flash3.forward_frac = rows[i].has_flash3 ? 0.6 : 0 };
        g_assert_cmpint(mpp_run_match_attention(rows[i].words, &device, MPP_ATTENTION_UNFUSED), ==, rows[i].kernel);
    }
}

/** A stack's releases of a time had another attention; what follows the word is another release. */
static void test_usual_attention(void)
{
    static const struct {
        const char *framework;
        MppAttentionKernel kernel;
    } rows[] = {
        { NULL, MPP_ATTENTION_FLASH3 },          { "Stack", MPP_ATTENTION_FLASH3 },
        { "Stack 24.09", MPP_ATTENTION_FLASH3 }, { "stack 24.03 (container)", MPP_ATTENTION_FLASH1 },
        { "Stack 23.11", MPP_ATTENTION_FLASH1 },
    };
    g_autoptr(MppJson) json = mpp_expect_json("{\"name\": \"stack\", \"title\": \"T\", \"frameworks\": [\"Stack\"], "
                                              "\"older_frameworks\": [\"Stack 23.\", \"Stack 24.03\"], "
                                              "\"older_attention\": \"flash1\"}");
    g_autoptr(GError) error = NULL;
    g_autoptr(MppRuntime) runtime = mpp_runtime_read(json, &error);
    g_assert_no_error(error);
    g_autoptr(MppRuntime) copy = mpp_runtime_copy(runtime);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        MppRun run = { .training.framework = (char *)rows[i].framework };
        g_assert_cmpint(mpp_run_match_usual_attention(&run, copy, MPP_ATTENTION_FLASH3), ==, rows[i].kernel);
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

/** A test of Megatron-LM without Transformer Engine keeps its scores, unless the record states the kernel or products are narrow. */
static void test_context(void)
{
    static const struct {
        const char *words;
        int64_t kinds;
        MppCpKind kind;
    } rows[] = {
        { NULL, 3, MPP_CP_RING },
        { NULL, 2, MPP_CP_ALL_TO_ALL }, /* the stack has no other */
        { "ring", 2, MPP_CP_RING },
        { "DeepSpeed Ulysses", 3, MPP_CP_ALL_TO_ALL },
        { "all-to-all of heads", 3, MPP_CP_ALL_TO_ALL },
        { "A2A", 1, MPP_CP_ALL_TO_ALL },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        g_assert_cmpint(mpp_run_match_context(rows[i].words, rows[i].kinds), ==, rows[i].kind);
}

static void test_test_name(void)
{
    static const struct {
        const char *name;
        bool stated;
        MppPrecision precision;
        bool local, fused;
    } rows[] = {
        { "gpt3_mcore_tp1_pp2", false, MPP_PRECISION_BF16, true, false },
        { "gpt3_mcore_tp1_pp2", true, MPP_PRECISION_BF16, false, false },
        { "gpt3_weekly_mcore_tp2", false, MPP_PRECISION_FP8, false, false },
        { "gpt3_mcore_te_tp2_pp2_cross_entropy_loss_fusion", false, MPP_PRECISION_BF16, false, true },
        { "gpt3 cross_entropy_loss_fusion", false, MPP_PRECISION_BF16, false, false },
        { NULL, false, MPP_PRECISION_BF16, false, false },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        MppTraining training = { .precision = rows[i].precision, .kernels.attention = MPP_ATTENTION_FLASH3 };
        mpp_run_match_test_name(rows[i].name, rows[i].stated, &training);
        g_assert_true((training.kernels.attention == MPP_ATTENTION_FUSED_SOFTMAX) == rows[i].local);
        g_assert_true(training.kernels.cross_entropy_fused == rows[i].fused);
    }
}

/** Where the order of sums is free, cuBLAS has less to work in: 8.125 MiB a thread of two, not 32; not on devices that always have 32. */
static void test_test_workspaces(void)
{
    static const struct {
        const char *name, *attention;
        double fp8, bytes;
    } rows[] = {
        { "gpt3_mcore_te_tp2_nondeterministic", NULL, 0, -47.75 * (1 << 20) },
        { "gpt3_mcore_te_tp2_cp2", "flash", 0, -47.75 * (1 << 20) },
        { "gpt3_mcore_te_tp2_cp2", "flash", 1e15, 0 },
        { "gpt3_mcore_tp4_reshard_8x1xNone", "unfused", 0, -47.75 * (1 << 20) },
        { "gpt3_mcore_tp4", "unfused", 0, 0 },
        { "net nondeterministic", NULL, 0, 0 },
        { NULL, "flash", 0, 0 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        MppRun run = { .model.name = (char *)rows[i].name, .training.attention = (char *)rows[i].attention };
        MppDevice device = { .peak_flop_per_s.by_precision[MPP_PRECISION_FP8] = rows[i].fp8 };
        g_assert_cmpfloat(mpp_run_match_test_workspaces(&run, &device), ==, rows[i].bytes);
    }
    g_assert_cmpint(mpp_run_match_test_instances("gpt3_mcore_te_tp2_multi_dist_optimizer_instances"), ==, 2);
    g_assert_cmpint(mpp_run_match_test_instances("gpt3_mcore_te_tp2"), ==, 1);
    g_assert_cmpint(mpp_run_match_test_instances(NULL), ==, 1);
}

static void test_test_etp(void)
{
    static const struct {
        const char *name;
        int64_t etp;
    } rows[] = { { "gpt3_mcore_tp4_ep2_etp2_pp2", 2 }, { "gpt3_mcore_te_8experts_etp1", 1 }, { "gpt3_mcore_tp2_ep2", 0 }, { "net_etp2", 0 }, { NULL, 0 } };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        g_assert_cmpint(mpp_run_match_test_etp(rows[i].name), ==, rows[i].etp);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/run-match/cluster", test_cluster);
    g_test_add_func("/run-match/test-etp", test_test_etp);
    g_test_add_func("/run-match/test-workspaces", test_test_workspaces);
    g_test_add_func("/run-match/runtime", test_runtime);
    g_test_add_func("/run-match/runtime-of-its-time", test_runtime_of_its_time);
    g_test_add_func("/run-match/figure", test_figure);
    g_test_add_func("/run-match/precision", test_precision);
    g_test_add_func("/run-match/optimizer", test_optimizer);
    g_test_add_func("/run-match/attention", test_attention);
    g_test_add_func("/run-match/usual-attention", test_usual_attention);
    g_test_add_func("/run-match/recompute", test_recompute);
    g_test_add_func("/run-match/schedule", test_schedule);
    g_test_add_func("/run-match/context", test_context);
    g_test_add_func("/run-match/test-name", test_test_name);
    return g_test_run();
}
