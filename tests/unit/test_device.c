#include "planner/spec/device.h"

#include <string.h>

#include "planner/spec/zoo.h"

static bool read_text(const char *text, MppDevice *device, GError **error)
{
    g_autoptr(MppJson) json = mpp_json_parse("d.json", text, strlen(text), 1, error);
    return json && mpp_device_read(json, device, error);
}

static char *write_text(const MppDevice *device, bool brief)
{
    g_autoptr(cJSON) root = mpp_fields_write(&mpp_device_fields, device, brief);
    return mpp_json_to_text(root);
}

static void load(const char *name, MppDevice *device)
{
    g_autoptr(GError) error = NULL;
    bool read = mpp_zoo_device(name, device, &error);
    g_assert_no_error(error);
    g_assert_true(read);
}

static void test_fields(void)
{
    static const char text[] =
        "{\"name\": \"odd\", \"title\": \"Odd 7\", \"vendor\": \"V\", \"aliases\": [\"o7\"],\n"
        " \"memory_bytes\": 2.385e9, \"memory_bytes_per_s\": 7.31e10, \"cores\": 13,\n"
        " \"peak_flop_per_s\": {\"fp32\": 3.17e12, \"mxfp8\": 9.1e12},\n"
        " \"matmul_frac\": {\"fp32\": 0.61, \"mxfp8\": 0.47},\n"
        " \"flash1\": {\"forward_frac\": 0.11, \"backward_frac\": 0.13},\n"
        " \"flash2\": {\"forward_frac\": 0.23, \"backward_frac\": 0.29},\n"
        " \"flash3\": {\"forward_frac\": 0.31, \"backward_frac\": 0.37}}";
    g_autoptr(GError) error = NULL;
    MppDevice device;
    bool read = read_text(text, &device, &error);
    g_assert_no_error(error);
    g_assert_true(read);
    g_assert_cmpint(device.cores, ==, 13);
    g_assert_cmpfloat(device.peak_flop_per_s.by_precision[MPP_PRECISION_FP32], ==, 3.17e12);
    g_assert_cmpfloat(device.peak_flop_per_s.by_precision[MPP_PRECISION_MXFP8], ==, 9.1e12);
    g_assert_cmpfloat(device.matmul_frac.by_precision[MPP_PRECISION_MXFP8], ==, 0.47);
    g_assert_cmpfloat(device.peak_flop_per_s.by_precision[MPP_PRECISION_BF16], ==, 0);
    g_assert_cmpfloat(device.memory_frac, ==, 0.8);
    g_assert_null(device.cluster);
    mpp_device_clear(&device);
    g_assert_null(device.name);
}

static void test_attention(void)
{
    static const struct {
        MppAttentionKernel kernel;
        bool unfused;
        double backward_frac; /* 0: no rate */
    } rows[] = {
        { MPP_ATTENTION_UNFUSED, true, 0 },         { MPP_ATTENTION_FUSED_SOFTMAX, true, 0 },
        { MPP_ATTENTION_FLASH1, false, 0.13 },      { MPP_ATTENTION_FLASH1_TRITON, false, 0.13 },
        { MPP_ATTENTION_FLASH2, false, 0.29 },      { MPP_ATTENTION_FLASH3, false, 0.37 },
    };
    MppDevice device = { .flash1 = { 0.11, 0.13 }, .flash2 = { 0.23, 0.29 }, .flash3 = { 0.31, 0.37 } };
    G_STATIC_ASSERT(G_N_ELEMENTS(rows) == MPP_N_ATTENTIONS);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const MppAttentionRate *rate = mpp_device_attention(&device, rows[i].kernel);
        g_assert_cmpint(mpp_attention_is_unfused(rows[i].kernel), ==, rows[i].unfused);
        g_assert_cmpfloat(rate ? rate->backward_frac : 0, ==, rows[i].backward_frac);
    }
}

#define HEAD "{\"name\": \"d\", \"title\": \"D\", "
#define SIZES "\"memory_bytes\": 2.385e9, \"memory_bytes_per_s\": 7.31e10, \"cores\": 13"
#define RATES "\"peak_flop_per_s\": {\"bf16\": 3.17e12}, \"matmul_frac\": {\"bf16\": 0.61}"

static const struct {
    const char *text;
    int code;
    const char *message;
} error_rows[] = {
    { HEAD SIZES ",\n\"peak_flop_per_s\": {\"fp32\": 1e12, \"tf32\": 2e12},\n\"matmul_frac\": {\"fp32\": 0.7}}",
      MPP_ERROR_INVALID,
      "d.json:3:16: /matmul_frac: tf32 has a peak rate but no matmul_frac\n"
      "    3 | \"matmul_frac\": {\"fp32\": 0.7}}\n"
      "      |                ^" },
    { HEAD SIZES ",\n\"peak_flop_per_s\": {\"fp8\": 1e12},\n\"matmul_frac\": {\"fp8\": 0}}", MPP_ERROR_INVALID,
      "d.json:3:16: /matmul_frac: fp8 has a peak rate but no matmul_frac\n"
      "    3 | \"matmul_frac\": {\"fp8\": 0}}\n"
      "      |                ^" },
    { HEAD SIZES ", " RATES ",\n\"flash2\": {\"forward_frac\": 0.3}}", MPP_ERROR_INVALID,
      "d.json:2:11: /flash2: flash2 has a rate in one direction alone\n"
      "    2 | \"flash2\": {\"forward_frac\": 0.3}}\n"
      "      |           ^" },
    { HEAD SIZES ", " RATES ",\n\"flash2\": {\"backward_frac\": 0.3}}", MPP_ERROR_INVALID,
      "d.json:2:11: /flash2: flash2 has a rate in one direction alone\n"
      "    2 | \"flash2\": {\"backward_frac\": 0.3}}\n"
      "      |           ^" },
    { HEAD SIZES ", " RATES ",\n\"flash2\": {\"forward\": 0.3}}", MPP_ERROR_SCHEMA,
      "d.json:2:23: /flash2/forward: unknown attention rates field \"forward\"; known: "
      "forward_frac, backward_frac\n"
      "    2 | \"flash2\": {\"forward\": 0.3}}\n"
      "      |                       ^" },
    { HEAD SIZES ",\n\"peak_flop_per_s\": {\"fp12\": 1e12}}", MPP_ERROR_SCHEMA,
      "d.json:2:29: /peak_flop_per_s/fp12: unknown peak rates, FLOP per s field \"fp12\"; known: "
      "fp32, fp16, fp8, tf32, bf16, mxfp8, nvfp4, fp8-rowwise\n"
      "    2 | \"peak_flop_per_s\": {\"fp12\": 1e12}}\n"
      "      |                             ^" },
    { HEAD SIZES ", " RATES ",\n\"memory_frac\": 1.7}", MPP_ERROR_SCHEMA,
      "d.json:2:16: /memory_frac: expected a number from 0.05 to 1, got 1.7\n"
      "    2 | \"memory_frac\": 1.7}\n"
      "      |                ^" },
    { HEAD SIZES ", " RATES ",\n\"flash2\": {\"forward_frac\": -0.3}}", MPP_ERROR_SCHEMA,
      "d.json:2:28: /flash2/forward_frac: expected a number from 0 to 1, got -0.3\n"
      "    2 | \"flash2\": {\"forward_frac\": -0.3}}\n"
      "      |                            ^" },
    { HEAD SIZES ", " RATES ",\n\"aliases\": [\"x\", 7]}", MPP_ERROR_SCHEMA,
      "d.json:2:18: /aliases/1: expected a string, got 7\n"
      "    2 | \"aliases\": [\"x\", 7]}\n"
      "      |                  ^" },
    { HEAD "\"memory_bytes\": 2.385e9, " RATES ",\n\"memory_bytes_per_s\": 0}", MPP_ERROR_SCHEMA,
      "d.json:2:23: /memory_bytes_per_s: expected a number from 1000000 to 1e+15, got 0\n"
      "    2 | \"memory_bytes_per_s\": 0}\n"
      "      |                       ^" },
    { HEAD "\"cores\": 13.5}", MPP_ERROR_SCHEMA,
      "d.json:1:38: /cores: expected an integer from 1 to 65536, got 13.5\n"
      "    1 | {\"name\": \"d\", \"title\": \"D\", \"cores\": 13.5}\n"
      "      |                                      ^" },
    { HEAD SIZES "}", MPP_ERROR_SCHEMA,
      "d.json:1:1: /: the device field \"peak_flop_per_s\" is missing (dense peak rates)\n"
      "    1 | {\"name\": \"d\", \"title\": \"D\", \"memory_bytes\": 2.385e9, \"memory_bytes_per_s\": 7.31e10, \"cores\": 13}\n"
      "      | ^" },
    { "[]", MPP_ERROR_SCHEMA,
      "d.json:1:1: /: expected an object (device), got an array\n"
      "    1 | []\n"
      "      | ^" },
};

static void test_errors(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(error_rows); i++) {
        g_autoptr(GError) error = NULL;
        MppDevice device;
        g_assert_false(read_text(error_rows[i].text, &device, &error));
        g_assert_error(error, MPP_ERROR, error_rows[i].code);
        g_assert_cmpstr(error->message, ==, error_rows[i].message);
    }
}

/** Members that are no quantity and need no source. */
static bool is_label(const char *name)
{
    static const char *const labels[] = { "name", "title", "vendor", "aliases", "cluster", "sources" };
    for (size_t i = 0; i < G_N_ELEMENTS(labels); i++)
        if (strcmp(labels[i], name) == 0)
            return true;
    return false;
}

/** "cores", or a part of what has parts: "matmul_frac.fp8". */
static bool is_there(const MppJson *json, const char *name)
{
    g_auto(GStrv) parts = g_strsplit(name, ".", 2);
    const cJSON *field = is_label(parts[0]) ? NULL : mpp_json_get(json->root, parts[0]);
    return field && (!parts[1] || mpp_json_get(field, parts[1]));
}

static void check_sources(const MppJson *json)
{
    const cJSON *sources = mpp_json_get(json->root, "sources"), *member;
    cJSON_ArrayForEach(member, json->root) {
        const cJSON *source = mpp_json_get(sources, member->string);
        if (!is_label(member->string) && (!cJSON_IsString(source) || !*source->valuestring))
            g_error("%s: no source for %s", json->name, member->string);
    }
    cJSON_ArrayForEach(member, sources)
        if (!is_there(json, member->string))
            g_error("%s: a source for %s, which is not there", json->name, member->string);
}

static void test_zoo_sources(void)
{
    g_autoptr(GPtrArray) names = mpp_zoo_list(MPP_ZOO_DEVICES);
    g_assert_cmpint(names->len, >=, 29);
    for (guint i = 0; i < names->len; i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(MppJson) json = mpp_zoo_open(MPP_ZOO_DEVICES, names->pdata[i], &error);
        g_assert_no_error(error);
        check_sources(json);
    }
}

static void check_rates(const MppDevice *device)
{
    const double *peak = device->peak_flop_per_s.by_precision, *frac = device->matmul_frac.by_precision;
    for (int i = 0; i < MPP_N_PRECISIONS; i++)
        g_assert_true((peak[i] > 0) == (frac[i] > 0));
    g_assert_cmpfloat(peak[MPP_PRECISION_FP32], >, 0);
    for (int i = 0; i < MPP_N_ATTENTIONS; i++) {
        const MppAttentionRate *rate = mpp_device_attention(device, i);
        if (rate && peak[MPP_PRECISION_BF16] > 0)
            g_assert_true(rate->forward_frac > 0 && rate->backward_frac > 0);
    }
}

static void test_zoo(void)
{
    g_autoptr(GPtrArray) names = mpp_zoo_list(MPP_ZOO_DEVICES);
    for (guint i = 0; i < names->len; i++) {
        MppDevice device;
        load(names->pdata[i], &device);
        g_assert_cmpstr(device.name, ==, names->pdata[i]);
        g_assert_nonnull(device.cluster);
        g_assert_cmpfloat(device.power_w, >, 0);
        check_rates(&device);
        mpp_device_clear(&device);
    }
}

/** A name or alias, folded as the zoo folds names, belongs to one device, and to a cluster never. */
static void test_zoo_aliases(void)
{
    g_autoptr(GPtrArray) names = mpp_zoo_list(MPP_ZOO_DEVICES), clusters = mpp_zoo_list(MPP_ZOO_CLUSTERS);
    MppNames known_clusters = { "cluster", (const char *const *)clusters->pdata, (int)clusters->len };
    g_autoptr(GHashTable) taken = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0; i < names->len; i++) {
        MppDevice device;
        load(names->pdata[i], &device);
        for (guint j = 0; j <= (device.aliases ? device.aliases->len : 0); j++) {
            const char *name = j ? device.aliases->pdata[j - 1] : device.name;
            char *folded = g_strdelimit(g_ascii_strdown(name, -1), "_", '-');
            g_assert_cmpint(mpp_names_find(&known_clusters, name), ==, -1);
            if (!g_hash_table_add(taken, folded))
                g_error("two devices are called %s", name);
            MppDevice found;
            load(name, &found);
            g_assert_cmpstr(found.name, ==, device.name);
            mpp_device_clear(&found);
        }
        mpp_device_clear(&device);
    }
}

static void test_zoo_round_trip(void)
{
    g_autoptr(GPtrArray) names = mpp_zoo_list(MPP_ZOO_DEVICES);
    for (guint i = 0; i < 2 * names->len; i++) {
        g_autoptr(GError) error = NULL;
        MppDevice device, again;
        load(names->pdata[i / 2], &device);
        g_autofree char *text = write_text(&device, i % 2), *all = write_text(&device, false);
        g_assert_true(read_text(text, &again, &error));
        g_autofree char *all_again = write_text(&again, false);
        g_assert_cmpstr(all_again, ==, all);
        mpp_device_clear(&device);
        mpp_device_clear(&again);
    }
}

/** Datasheet figures, held apart from the profiles. */
static void test_zoo_datasheets(void)
{
    static const struct {
        const char *name;
        double bf16_flop_per_s, memory_gb, memory_bytes_per_s, power_w;
    } rows[] = {
        { "a100", 3.12e14, 80, 2.039e12, 400 },     { "a100-40gb", 3.12e14, 40, 1.555e12, 400 },
        { "h100", 9.894e14, 80, 3.35e12, 700 },     { "h200", 9.894e14, 141, 4.8e12, 700 },
        { "h20", 1.48e14, 96, 4.0e12, 400 },        { "b200", 2.25e15, 180, 8e12, 1000 },
        { "gb200", 2.5e15, 186, 8e12, 1200 },       { "mi300x", 1.3074e15, 192, 5.3e12, 750 },
        { "mi355x", 2.5166e15, 288, 8e12, 1400 },   { "l4", 1.21e14, 24, 3e11, 72 },
        { "v100", 0, 32, 9e11, 300 },               { "l40s", 3.6205e14, 48, 8.64e11, 350 },
        { "mi250x", 1.915e14, 64, 1.638e12, 280 },  { "rtx-5090", 2.095e14, 32, 1.792e12, 575 },
        { "mi350x", 2.3069e15, 288, 8e12, 1000 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        MppDevice device;
        load(rows[i].name, &device);
        g_assert_cmpfloat(device.peak_flop_per_s.by_precision[MPP_PRECISION_BF16], ==, rows[i].bf16_flop_per_s);
        g_assert_cmpfloat(device.memory_bytes_per_s, ==, rows[i].memory_bytes_per_s);
        g_assert_cmpfloat(device.power_w, ==, rows[i].power_w);
        g_assert_cmpfloat_with_epsilon(device.memory_bytes / (rows[i].memory_gb * 1e9), 1.03, 0.06);
        mpp_device_clear(&device);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/device/fields", test_fields);
    g_test_add_func("/device/attention", test_attention);
    g_test_add_func("/device/errors", test_errors);
    g_test_add_func("/device/zoo", test_zoo);
    g_test_add_func("/device/zoo/sources", test_zoo_sources);
    g_test_add_func("/device/zoo/aliases", test_zoo_aliases);
    g_test_add_func("/device/zoo/round-trip", test_zoo_round_trip);
    g_test_add_func("/device/zoo/datasheets", test_zoo_datasheets);
    return g_test_run();
}
