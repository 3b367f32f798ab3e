#include "planner/runs/run_profiles.h"

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
    g_autoptr(GPtrArray) assumed = g_ptr_array_new_with_free_func(g_free);
    for (size_t i = 0; i < G_N_ELEMENTS(cluster_rows); i++) {
        MppRun run = { .source = (char *)cluster_rows[i].source,
                       .model.name = (char *)cluster_rows[i].model,
                       .hardware = { .gpu = (char *)cluster_rows[i].gpu,
                                     .internode = (char *)cluster_rows[i].internode,
                                     .gpus_per_node = cluster_rows[i].gpus_per_node } };
        g_autoptr(MppCluster) cluster = mpp_profiles_cluster(&profiles, &run, assumed);
        g_assert_cmpstr(cluster->name, ==, cluster_rows[i].cluster);
        g_assert_cmpint(mpp_cluster_tier(cluster, 0)->devices, ==, cluster_rows[i].node);
        g_assert_cmpfloat_with_epsilon(mpp_cluster_tier(cluster, 1)->bytes_per_s, cluster_rows[i].bytes_per_s, 1);
        g_assert_cmpint(mpp_cluster_tier(cluster, 1)->shared_by, ==, cluster_rows[i].shared_by);
    }
    MppRun run = { .source = (char *)"x", .hardware = { .gpu = (char *)"CHIP" } };
    g_assert_null(mpp_profiles_cluster(&profiles, &run, assumed));
    const MppCluster *usual = clusters->pdata[1];
    g_assert_cmpint(mpp_cluster_tier(usual, 0)->devices, ==, 8); /* the profiles are left alone */
}

/** What is not known of the network, where a run has one. */
static void test_network(void)
{
    static const struct {
        const char *source, *internode;
        int64_t gpus;
        const char *assumed;
    } rows[] = {
        { "x", NULL, 9, "network of usual" },
        { "x", NULL, 8, NULL },
        { "x", "some network", 9, "network of usual" },
        { "x", "8x200 Gb/s HDR", 9, NULL },
        { "x", "1600 Gbps RoCE", 9, NULL },
        { "src-a", NULL, 9, NULL },
    };
    g_autoptr(GPtrArray) clusters = sample_clusters();
    const MppProfiles profiles = { .clusters = clusters };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        MppRun run = { .source = (char *)rows[i].source, .hardware = { .gpu = (char *)"chip", .internode = (char *)rows[i].internode, .gpus = rows[i].gpus } };
        g_autoptr(GPtrArray) assumed = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(MppCluster) cluster = mpp_profiles_cluster(&profiles, &run, assumed);
        g_assert_cmpstr(assumed->len ? assumed->pdata[0] : NULL, ==, rows[i].assumed);
    }
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
        const char *source, *framework, *runtime, *assumed;
    } rows[] = {
        { "x", NULL, "megatron-core", "stack megatron-core for one that is not stated" },
        { "x", "unheard of", "megatron-core", "stack megatron-core for unheard of" },
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
        g_autoptr(GPtrArray) assumed = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(MppRuntime) runtime = mpp_profiles_runtime(&profiles, &run, assumed);
        g_assert_cmpstr(runtime->name, ==, rows[i].runtime);
        g_assert_cmpstr(assumed->len ? assumed->pdata[0] : NULL, ==, rows[i].assumed);
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
        { "chip", "a Trainer", "deepspeed-2021" },
        { "chop", "a Trainer", "deepspeed" },
    };
    g_autoptr(GPtrArray) clusters = sample_clusters(), runtimes = g_ptr_array_new_with_free_func((GDestroyNotify)mpp_runtime_free);
    MppCluster *other = clusters->pdata[4];
    other->device.peak_flop_per_s.by_precision[MPP_PRECISION_FP8] = 2e15;
    other->device.peak_flop_per_s.by_precision[MPP_PRECISION_BF16] = 1e15;
    add_runtime(runtimes, "megatron-2021", "\"planner\"], \"frameworks_before_8_bit\": [\"Megatron\"");
    add_runtime(runtimes, "deepspeed", "\"Trainer\"");
    add_runtime(runtimes, "deepspeed-2021", "\"DeepSpeed 0.3\"], \"frameworks_before_bf16\": [\"a Trainer\"");
    add_runtime(runtimes, "megatron-core", "");
    const MppProfiles profiles = { .clusters = clusters, .runtimes = runtimes };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        MppRun run = { .source = (char *)"x", .hardware.gpu = (char *)rows[i].gpu, .training.framework = (char *)rows[i].framework };
        g_autoptr(GPtrArray) assumed = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(MppRuntime) runtime = mpp_profiles_runtime(&profiles, &run, assumed);
        g_assert_cmpstr(runtime->name, ==, rows[i].runtime);
    }
}

/** Names that users give to the stacks that are built in. */
static void test_runtime_built_in(void)
{
    static const struct {
        const char *gpu, *framework, *runtime;
    } rows[] = {
        { "h100", "Megatron-LM", "megatron-core" },
        { "h100", "Megatron-LM (dev)", "megatron-core" },
        { "h100", "Megatron-LM (dev container)", "megatron-core-tests" },
        { "h100", "Megatron-LM (lts container)", "megatron-core-tests" },
        { "h100", "Megatron-LM, Megatron-FSDP", "megatron-core" },
        { "h100", "PyTorch FSDP", "pytorch-fsdp" },
        { "h100", "XTuner", "deepspeed" },
        { "a100", "picotron", "nanotron" },
        { "v100", "FastMoE", "megatron-lm-2021" },
        { "v100", "Varuna", "megatron-lm-2021" },
        { "v100", "HF Trainer + DeepSpeed ZeRO", "deepspeed-2021" },
        { "a100", "HF Trainer + DeepSpeed ZeRO", "deepspeed" },
        { "a100", "DeepSpeed 0.3.16", "deepspeed-2021" },
    };
    g_autoptr(GError) error = NULL;
    g_autoptr(MppProfiles) profiles = mpp_profiles_load(&error);
    g_assert_no_error(error);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        MppRun run = { .source = (char *)"x", .hardware.gpu = (char *)rows[i].gpu, .training.framework = (char *)rows[i].framework };
        g_autoptr(GPtrArray) assumed = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(MppRuntime) runtime = mpp_profiles_runtime(profiles, &run, assumed);
        g_assert_cmpstr(runtime->name, ==, rows[i].runtime);
        g_assert_cmpuint(assumed->len, ==, 0);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/run-profiles/cluster", test_cluster);
    g_test_add_func("/run-profiles/network", test_network);
    g_test_add_func("/run-profiles/runtime", test_runtime);
    g_test_add_func("/run-profiles/runtime-of-its-time", test_runtime_of_its_time);
    g_test_add_func("/run-profiles/runtime-built-in", test_runtime_built_in);
    return g_test_run();
}
