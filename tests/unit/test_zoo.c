#include "planner/spec/zoo.h"

#include <glib/gstdio.h>

#include "tests/support/expect.h"

static void test_lists(void)
{
    for (MppZooKind kind = 0; kind < MPP_N_ZOOS; kind++) {
        g_autoptr(GPtrArray) names = mpp_zoo_list(kind);
        g_assert_cmpuint(names->len, >, 5);
        for (guint i = 0; i < names->len; i++) {
            g_assert_false(g_str_has_suffix(names->pdata[i], ".json"));
            if (i)
                g_assert_cmpstr(names->pdata[i - 1], <, names->pdata[i]);
        }
    }
}

/** Every built-in entry loads, and calls itself what its file is called. */
static void test_all_load(void)
{
    for (MppZooKind kind = 0; kind < MPP_N_ZOOS; kind++) {
        g_autoptr(GPtrArray) names = mpp_zoo_list(kind);
        for (guint i = 0; i < names->len; i++) {
            g_autoptr(GError) error = NULL;
            const char *name = names->pdata[i];
            MppDevice device = { 0 };
            g_autoptr(MppModel) model = kind == MPP_ZOO_MODELS ? mpp_zoo_model(name, &error) : NULL;
            g_autoptr(MppRuntime) runtime = kind == MPP_ZOO_RUNTIMES ? mpp_zoo_runtime(name, &error) : NULL;
            g_autoptr(MppCluster) cluster = kind == MPP_ZOO_CLUSTERS ? mpp_zoo_cluster(name, &error) : NULL;
            bool read = kind == MPP_ZOO_DEVICES ? mpp_zoo_device(name, &device, &error) : model || runtime || cluster;
            g_assert_no_error(error);
            g_assert_true(read);
            const char *own = device.name ? device.name : runtime ? runtime->name : cluster ? cluster->name : name;
            g_assert_cmpstr(own, ==, name);
            mpp_device_clear(&device);
        }
    }
}

/** A runtime's successor and a device's cluster are there. */
static void test_references(void)
{
    g_autoptr(GPtrArray) devices = mpp_zoo_list(MPP_ZOO_DEVICES), runtimes = mpp_zoo_list(MPP_ZOO_RUNTIMES);
    for (guint i = 0; i < devices->len; i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(MppCluster) cluster = mpp_zoo_cluster(devices->pdata[i], &error);
        g_assert_no_error(error);
        g_assert_cmpstr(cluster->device.name, ==, devices->pdata[i]);
    }
    for (guint i = 0; i < runtimes->len; i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(MppRuntime) runtime = mpp_zoo_runtime(runtimes->pdata[i], &error);
        for (int steps = 0; runtime->successor; steps++) {
            g_autofree char *next = g_strdup(runtime->successor);
            g_assert_cmpint(steps, <, 5);
            g_clear_pointer(&runtime, mpp_runtime_free);
            runtime = mpp_zoo_runtime(next, &error);
            g_assert_no_error(error);
        }
    }
}

static void test_names(void)
{
    static const struct {
        MppZooKind kind;
        const char *name, *entry;
    } rows[] = {
        { MPP_ZOO_MODELS, "gpt3-13b", "models/gpt3-13b.json" },
        { MPP_ZOO_MODELS, "GPT3_13B.json", "models/gpt3-13b.json" },
        { MPP_ZOO_MODELS, "Llama-3.1-70B", "models/llama-3.1-70b.json" },
        { MPP_ZOO_MODELS, "llama3-8b", "models/llama-3-8b.json" },
        { MPP_ZOO_MODELS, "meta-llama/Llama 3.1 8B", "models/llama-3.1-8b.json" },
        { MPP_ZOO_DEVICES, "A100_SXM4_80gb", "hwprofiles/devices/a100-sxm4-80gb.json" },
        { MPP_ZOO_CLUSTERS, "dgx_A100", "hwprofiles/clusters/dgx-a100.json" },
        { MPP_ZOO_RUNTIMES, "NanoTron.json", "hwprofiles/runtimes/nanotron.json" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(MppJson) json = mpp_zoo_open(rows[i].kind, rows[i].name, &error);
        g_assert_no_error(error);
        g_assert_cmpstr(json->name, ==, rows[i].entry);
    }
}

static void test_aliases(void)
{
    static const struct {
        const char *name, *device, *cluster;
    } rows[] = {
        { "h100", "h100-sxm5-80gb", "dgx-h100" },           { "H100_SXM", "h100-sxm5-80gb", "dgx-h100" },
        { "A100-80GB", "a100-sxm4-80gb", "dgx-a100" },      { "a100_sxm4-80gb", "a100-sxm4-80gb", "dgx-a100" },
        { "V100-16gb", "v100-sxm2-16gb", "dgx-v100-16gb" }, { "A100 40GB", "a100-sxm4-40gb", "dgx-a100-40gb" },
        { "RTX 4090", "rtx-4090", "rtx-4090-box" },         { "NVIDIA GeForce RTX 4090", "rtx-4090", "rtx-4090-box" },
        { "Tesla V100-SXM2-32GB", "v100-sxm2-32gb", "dgx-v100" },
        { "NVIDIA H100 80GB HBM3", "h100-sxm5-80gb", "dgx-h100" },
        { "AMD Instinct MI300X OAM", "mi300x", "mi300x-node" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        MppDevice device;
        g_assert_true(mpp_zoo_device(rows[i].name, &device, &error));
        g_assert_cmpstr(device.name, ==, rows[i].device);
        g_autoptr(MppCluster) cluster = mpp_zoo_cluster(rows[i].name, &error);
        g_assert_cmpstr(cluster->name, ==, rows[i].cluster);
        g_assert_cmpstr(cluster->device.name, ==, rows[i].device);
        mpp_device_clear(&device);
    }
}

/** A framework that has no profile of its name is read by the profile that lists it. */
static void test_frameworks(void)
{
    static const char *const rows[][2] = { { "fsdp", "pytorch-fsdp" }, { "FSDP2", "torchtitan" }, { "NeMo", "megatron-bridge" },
                                           { "Megatron", "megatron-core" }, { "deepspeed", "deepspeed" } };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(MppRuntime) runtime = mpp_zoo_runtime(rows[i][0], &error);
        g_assert_no_error(error);
        g_assert_cmpstr(runtime->name, ==, rows[i][1]);
    }
}

/** "no file and no built-in KIND is called …" with the nearest of all names. */
static void test_unknown(void)
{
    static const struct {
        MppZooKind kind;
        const char *name, *first;
    } rows[] = {
        { MPP_ZOO_MODELS, "gtp3-13b", "gpt3-13b, " },
        { MPP_ZOO_DEVICES, "h100-sxm5-81gb", "h100-sxm5-80gb, " },
        { MPP_ZOO_CLUSTERS, "dgx-h1000", "dgx-h100, " },
        { MPP_ZOO_RUNTIMES, "nanotorn", "nanotron, " },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GPtrArray) known = mpp_zoo_list(rows[i].kind);
        g_autofree char *nearest = mpp_names_suggest((const char *const *)known->pdata, (int)known->len, rows[i].name);
        g_assert_true(g_str_has_prefix(nearest, rows[i].first));
        const char *kind = mpp_names_get(&mpp_zoo_kind_names, (int)rows[i].kind);
        g_autofree char *message = g_strdup_printf("no file and no built-in %s is called \"%s\"; known: %s", kind, rows[i].name,
                                                   nearest);
        g_autoptr(GError) error = NULL;
        MppDevice device;
        bool found = rows[i].kind == MPP_ZOO_MODELS     ? mpp_zoo_model(rows[i].name, &error) != NULL
                     : rows[i].kind == MPP_ZOO_DEVICES  ? mpp_zoo_device(rows[i].name, &device, &error)
                     : rows[i].kind == MPP_ZOO_CLUSTERS ? mpp_zoo_cluster(rows[i].name, &error) != NULL
                                                        : mpp_zoo_runtime(rows[i].name, &error) != NULL;
        g_assert_false(found);
        mpp_expect_error(&error, MPP_ERROR, MPP_ERROR_USAGE, message);
    }
    g_autoptr(GError) error = NULL;
    static const char *const paths[] = { "no/such/file.json", "no/llama-3-8b.json", "a/b/llama-3-8b", "/llama-3-8b" };
    for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_autofree char *message = g_strdup_printf("there is no file \"%s\"", paths[i]);
        g_assert_null(mpp_zoo_model(paths[i], &error));
        mpp_expect_error(&error, MPP_ERROR, MPP_ERROR_USAGE, message);
    }
}

#define OWN_CLUSTER                                                                                                              \
    "{\"name\": \"own\", \"title\": \"Own\", \"device\": \"%s\", \"tiers\": [{\"name\": \"l\", \"bytes_per_s\": 1e9}]}"

/** A file is taken before a built-in entry of its name; a cluster's device may lie beside it. */
static void test_files(void)
{
    static const char model[] =
        "{\"name\": \"mine\", \"layers\": 3, \"hidden\": 66, \"heads\": 3, \"ffn\": 131, \"vocab\": 1009, "
        "\"max_seq\": 64}";
    static const char own_device[] = "{\"name\": \"chip\", \"title\": \"Chip 7\", \"vendor\": \"v\", \"memory_bytes\": 1.7e10,"
                                     "\"memory_bytes_per_s\": 9.1e11, \"peak_flop_per_s\": {\"bf16\": 1.27e14},"
                                     "\"matmul_frac\": {\"bf16\": 0.73}, \"cores\": 57}";
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = mpp_expect_folder(), *own = g_strdup_printf(OWN_CLUSTER, "chip");
    g_autofree char *lost_text = g_strdup_printf(OWN_CLUSTER, "chop"), *known_text = g_strdup_printf(OWN_CLUSTER, "t4");
    g_autofree char *at = mpp_expect_file(folder, "gpt3-13b", model), *chip = mpp_expect_file(folder, "chip.json", own_device);
    g_autofree char *cluster_path = mpp_expect_file(folder, "own.json", own),
                    *lost = mpp_expect_file(folder, "lost.json", lost_text);
    g_autofree char *known = mpp_expect_file(folder, "known.json", known_text), *was = g_get_current_dir();

    g_assert_cmpint(g_chdir(folder), ==, 0);
    g_autoptr(MppModel) mine = mpp_zoo_model("gpt3-13b", &error), built_in = mpp_zoo_model("gpt3-13b.json", &error);
    g_assert_cmpint(g_chdir(was), ==, 0);
    g_assert_cmpint(mine->layers, ==, 3);
    g_assert_cmpint(built_in->layers, ==, 40);

    g_autoptr(MppCluster) cluster = mpp_zoo_cluster(cluster_path, &error), with_t4 = mpp_zoo_cluster(known, &error);
    g_assert_cmpstr(cluster->device.title, ==, "Chip 7");
    g_assert_cmpstr(with_t4->device.name, ==, "t4-16gb");
    MppDevice device;
    g_assert_true(mpp_zoo_device(chip, &device, &error));
    g_assert_cmpint(device.cores, ==, 57);
    mpp_device_clear(&device);
    g_assert_null(mpp_zoo_cluster(lost, &error));
    g_autofree char *start = g_strdup_printf("%s:1:43: /device: no file and no built-in device is called \"chop\"; known: ",
                                             lost);
    g_assert_true(g_str_has_prefix(error->message, start));
    g_assert_true(g_error_matches(error, MPP_ERROR, MPP_ERROR_INVALID));
    mpp_expect_no_folder(folder);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/zoo/lists", test_lists);
    g_test_add_func("/zoo/all-load", test_all_load);
    g_test_add_func("/zoo/references", test_references);
    g_test_add_func("/zoo/names", test_names);
    g_test_add_func("/zoo/aliases", test_aliases);
    g_test_add_func("/zoo/frameworks", test_frameworks);
    g_test_add_func("/zoo/unknown", test_unknown);
    g_test_add_func("/zoo/files", test_files);
    return g_test_run();
}
