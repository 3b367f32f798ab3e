#include "planner/calibrate/sample_import.h"

#include <string.h>

#include "planner/base/error.h"
#include "tests/support/expect.h"

#define RANK(n, host) "#  Rank  " n " Group  0 Pid 4711 on " host " device  0 [0x8f] NVIDIA H200\n"
#define HEAD RANK("0", "a") RANK("1", "a") RANK("2", "b") RANK("3", "b")

static void test_nccl_tests(void)
{
    static const struct {
        const char *text, *name;
        double bytes, median_s;
        int64_t ranks, nodes, repeats;
    } rows[] = {
        { "# nThread 1 nGpus 1 warmup iters: 5 iters: 20 agg iters: 1 validation: 1 graph: 0\n" HEAD
          "#  size count type redop root time algbw busbw #wrong\n"
          "  67108864  16777216  float  sum  -1  324.7  206.67  310.01  0  324.7  206.67  310.01  0\n# Avg bus bandwidth : 1\n",
          "all-reduce", 67108864, 324.7e-6, 4, 2, 20 },
        { HEAD "  67108864  16777216  float  sum  -1  324.7  206.67  155.00  0\n", "reduce-scatter", 67108864, 324.7e-6, 4, 2, 1 },
        { "# Collective test starting: alltoall_perf\n" HEAD "  1048576  65536  bfloat16  none  -1  31.5  33.3  25.0  0\n", "all-to-all", 1048576,
          31.5e-6, 4, 2, 1 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(MppSamples) samples = mpp_nccl_tests_parse("out.txt", rows[i].text, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(samples->samples->len, ==, 1);
        const MppSample *sample = mpp_samples_get(samples, 0);
        g_assert_cmpstr(samples->device, ==, "NVIDIA H200");
        g_assert_cmpstr(sample->name, ==, rows[i].name);
        g_assert_cmpfloat(sample->bytes, ==, rows[i].bytes);
        g_assert_cmpfloat_with_epsilon(sample->median_s, rows[i].median_s, 1e-12);
        g_assert_cmpint(sample->ranks, ==, rows[i].ranks);
        g_assert_cmpint(sample->nodes, ==, rows[i].nodes);
        g_assert_cmpint(sample->repeats, ==, rows[i].repeats);
    }
}

static void test_nccl_errors(void)
{
    static const struct {
        const char *text, *message;
        MppError code;
    } rows[] = {
        { "hello\n",
          "out.txt: expected nccl-tests' list of at least two ranks and rows of sizes and times, got 0 ranks and 0 rows",
          MPP_ERROR_SYNTAX },
        { HEAD " 8 2 float none -1 13.6 1.0 0.75 0\n",
          "out.txt: expected all_reduce, all_gather, reduce_scatter, alltoall or sendrecv, got a table that does not say which "
          "collective it is of",
          MPP_ERROR_UNSUPPORTED },
        { RANK("0", "a") RANK("1", "a") RANK("2", "b") " 8 2 float sum -1 13.6 1.0 1.5 0\n",
          "out.txt: 3 ranks do not lie evenly on 2 nodes", MPP_ERROR_INVALID },
        { HEAD " 8 2 float sum -1 13.6 1.0 1.5 0\n 16 4 float\n",
          "out.txt:6: expected a size, a count, a type, a reduction, a root, a time and bandwidths, got \"16 4 float\"",
          MPP_ERROR_SYNTAX },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(mpp_nccl_tests_parse("out.txt", rows[i].text, &error));
        mpp_expect_error(&error, MPP_ERROR, rows[i].code, rows[i].message);
    }
}

static MppSamples *read_trace(const char *text, GError **error)
{
    g_autoptr(MppJson) json = mpp_json_parse("trace.json", text, strlen(text), 1, error);
    return json ? mpp_kineto_read(json, error) : NULL;
}

static void test_kineto(void)
{
    static const char text[] =
        "{\"deviceProperties\": [{\"name\": \"A100\"}, {}], \"traceEvents\": ["
        "{\"cat\": \"kernel\", \"dur\": 900, \"args\": {\"Collective name\": \"allreduce\", \"In msg nelems\": 1000, \"Out msg nelems\": 1000, "
        "\"Group size\": 4, \"dtype\": \"Float\", \"Process Group Ranks\": \"[0, 1, 2, 3]\"}},"
        "{\"cat\": \"kernel\", \"dur\": 700, \"args\": {\"Collective name\": \"allreduce\", \"In msg nelems\": 1000, \"Out msg nelems\": 1000, "
        "\"Group size\": 4, \"dtype\": \"Float\", \"Process Group Ranks\": \"[0, 1, 2, 3]\"}},"
        "{\"cat\": \"cpu_op\", \"name\": \"aten::mm\", \"dur\": 5, \"args\": {\"External id\": 7, \"Input Dims\": [[64, 32], [32, 48]], "
        "\"Input type\": [\"c10::BFloat16\", \"c10::BFloat16\"]}},"
        "{\"cat\": \"kernel\", \"dur\": 30, \"args\": {\"External id\": 7}}, {\"cat\": \"kernel\", \"dur\": 12, \"args\": {\"External id\": 7}}]}";
    g_autoptr(GError) error = NULL;
    g_autoptr(MppSamples) samples = read_trace(text, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(samples->samples->len, ==, 2);
    const MppSample *collective = mpp_samples_get(samples, 0), *product = mpp_samples_get(samples, 1);
    g_assert_cmpfloat_with_epsilon(collective->median_s, 700e-6, 1e-12);
    g_assert_cmpfloat(collective->bytes, ==, 4000);
    g_assert_cmpint(collective->nodes, ==, 2);
    g_assert_cmpint(collective->repeats, ==, 2);
    g_assert_cmpfloat_with_epsilon(product->median_s, 42e-6, 1e-12);
    g_assert_cmpint(product->m, ==, 64);
    g_assert_cmpint(product->n, ==, 48);
    g_assert_cmpint(product->k, ==, 32);
    g_assert_cmpint(product->precision, ==, MPP_PRECISION_BF16);
}

static void test_kineto_error(void)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(read_trace("{\"traceEvents\": []}", &error));
    mpp_expect_error(&error, MPP_ERROR, MPP_ERROR_SYNTAX,
                     "trace.json:1:17: /traceEvents: expected collectives' kernels with sizes, or aten::mm with shapes (record_shapes=True), found none\n"
                     "    1 | {\"traceEvents\": []}\n      |                 ^");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sample_import/nccl_tests", test_nccl_tests);
    g_test_add_func("/sample_import/nccl_errors", test_nccl_errors);
    g_test_add_func("/sample_import/kineto", test_kineto);
    g_test_add_func("/sample_import/kineto_error", test_kineto_error);
    return g_test_run();
}
