#include "planner/calibrate/samples.h"

#include "tests/support/expect.h"

#define FILE_OF(samples) "{\"format_version\": 1, \"samples\": [" samples "]}"

static MppSamples *load_text(const char *text, GError **error)
{
    g_autofree char *folder = mpp_expect_folder(), *path = mpp_expect_file(folder, "samples.json", text);
    MppSamples *samples = mpp_samples_load(path, error);
    mpp_expect_no_folder(folder);
    return samples;
}

static void test_round_trip(void)
{
    g_autoptr(MppSamples) samples = mpp_samples_new("a test", "no device");
    samples->host_cores = 3;
    MppSample matmul = mpp_samples_blank(MPP_SAMPLE_MATMUL, "qkv");
    matmul.m = 131, matmul.n = 515, matmul.k = 77, matmul.count = 5, matmul.layout = MPP_LAYOUT_TN, matmul.accumulates = true;
    matmul.precision = MPP_PRECISION_BF16, matmul.repeats = 9, matmul.p10_s = 0.0021, matmul.median_s = 0.0023,
    matmul.p90_s = 0.0031;
    mpp_samples_add(samples, matmul);
    MppSample gather = mpp_samples_blank(MPP_SAMPLE_COLLECTIVE, "all-gather");
    gather.collective = MPP_COLLECTIVE_ALL_GATHER, gather.bytes = 12345, gather.ranks = 6, gather.nodes = 3,
    gather.median_s = 1.5e-5;
    mpp_samples_add(samples, gather);

    g_autofree char *folder = mpp_expect_folder(), *path = g_build_filename(folder, "samples.json", NULL);
    g_autoptr(GError) error = NULL;
    g_assert_true(mpp_samples_write(samples, path, &error));
    g_autoptr(MppSamples) back = mpp_samples_load(path, &error);
    g_assert_no_error(error);
    mpp_expect_no_folder(folder);
    g_assert_cmpstr(back->source, ==, "a test");
    g_assert_cmpint(back->host_cores, ==, 3);
    g_assert_cmpuint(back->samples->len, ==, 2);
    g_autoptr(cJSON) before = mpp_fields_write(&mpp_samples_fields, samples, false);
    g_autoptr(cJSON) after = mpp_fields_write(&mpp_samples_fields, back, false);
    g_assert_true(cJSON_Compare(before, after, true));
}

static void test_defaults(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MppSamples) samples = load_text(
        FILE_OF("{\"kind\": \"matmul\", \"name\": \"x\", \"m\": 3, \"n\": 5, \"k\": 7, \"median_s\": 0.25}"), &error);
    g_assert_no_error(error);
    const MppSample *sample = mpp_samples_get(samples, 0);
    g_assert_cmpint(sample->count, ==, 1);
    g_assert_cmpint(sample->kernels, ==, 1);
    g_assert_cmpint(sample->busy_ranks, ==, 1);
    g_assert_cmpint(sample->layout, ==, MPP_LAYOUT_NN);
    g_assert_cmpint(sample->precision, ==, MPP_PRECISION_FP32);
    g_assert_null(samples->device);
}

static void test_refused(void)
{
    static const struct {
        const char *text, *says;
        int code;
    } cases[] = {
        { FILE_OF("{\"kind\": \"matmul\", \"name\": \"x\", \"m\": 3, \"n\": 5, \"median_s\": 1}"),
          "1:35: /samples/0: a sample of kind \"matmul\" needs m, n and k", MPP_ERROR_INVALID },
        { FILE_OF("{\"kind\": \"memory\", \"name\": \"x\", \"median_s\": 1}"),
          "1:35: /samples/0: a sample of kind \"memory\" needs bytes", MPP_ERROR_INVALID },
        { FILE_OF("{\"kind\": \"collective\", \"name\": \"x\", \"bytes\": 7, \"median_s\": 1}"),
          "1:35: /samples/0: a sample of kind \"collective\" needs at least 2 ranks", MPP_ERROR_INVALID },
        { FILE_OF("{\"kind\": \"launch\", \"name\": \"x\", \"ranks\": 5, \"nodes\": 2, \"median_s\": 1}"),
          "1:88: /samples/0/nodes: 5 ranks do not lie evenly on 2 nodes", MPP_ERROR_INVALID },
        { FILE_OF("{\"kind\": \"launch\", \"name\": \"x\", \"median_s\": 1, \"p10_s\": 2, \"p90_s\": 3}"),
          "1:79: /samples/0/median_s: expected p10_s, median_s and p90_s in rising order", MPP_ERROR_INVALID },
        { FILE_OF("{\"kind\": \"launch\", \"name\": \"x\", \"median_s\": 0}"),
          "1:79: /samples/0/median_s: expected a number from", MPP_ERROR_SCHEMA },
        { "{\"format_version\": 2, \"samples\": []}", "1:20: /format_version: expected format version 1", MPP_ERROR_UNSUPPORTED },
        { "{\"format_version\": 1}", "1:1: /: the samples field \"samples\" is missing", MPP_ERROR_SCHEMA },
        { "{\"traceEvents\": []}", "1:17: /traceEvents: expected collectives' kernels with sizes", MPP_ERROR_SYNTAX },
        { " # nothing\n", " expected nccl-tests' list of at least two ranks", MPP_ERROR_SYNTAX },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(load_text(cases[i].text, &error));
        g_assert_error(error, MPP_ERROR, cases[i].code);
        const char *place = strstr(error->message, "samples.json:");
        g_assert_nonnull(place);
        g_test_message("%s", place);
        g_assert_true(g_str_has_prefix(place + strlen("samples.json:"), cases[i].says));
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/samples/round-trip", test_round_trip);
    g_test_add_func("/samples/defaults", test_defaults);
    g_test_add_func("/samples/refused", test_refused);
    return g_test_run();
}
