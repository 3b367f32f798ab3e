#include "planner/calibrate/sample_fit.h"

#include "planner/spec/zoo.h"
#include "tests/support/expect.h"

static void add(GPtrArray *samples, const MppCluster *truth, const MppRuntime *runtime, MppSample sample)
{
    sample.median_s = mpp_sample_predict_s(truth, runtime, &sample);
    g_ptr_array_add(samples, g_memdup2(&sample, sizeof sample));
}

static void sample_free(gpointer data)
{
    mpp_fields_clear(&mpp_sample_fields, data);
    g_free(data);
}

static void add_products(GPtrArray *samples, const MppCluster *truth, const MppRuntime *runtime, int64_t busy)
{
    static const int64_t shapes[][3] = {
        { 24, 64, 48 }, { 131, 257, 190 }, { 512, 130, 1000 }, { 77, 900, 6 }, { 640, 640, 640 }
    };
    for (size_t i = 0; i < G_N_ELEMENTS(shapes); i++) {
        MppSample s = mpp_samples_blank(MPP_SAMPLE_MATMUL, "product");
        s.m = shapes[i][0], s.n = shapes[i][1], s.k = shapes[i][2], s.busy_ranks = busy;
        add(samples, truth, runtime, s);
    }
}

static void add_streams(GPtrArray *samples, const MppCluster *truth, const MppRuntime *runtime)
{
    for (int kind = 0; kind < MPP_N_STREAMINGS; kind++)
        for (double bytes = 3e4; bytes < 1e8; bytes *= 7) {
            MppSample s = mpp_samples_blank(MPP_SAMPLE_MEMORY, mpp_names_get(&mpp_streaming_names, kind));
            s.streaming = kind, s.bytes = bytes;
            add(samples, truth, runtime, s);
        }
}

static const MppSampleParameter *find(const MppSampleFit *fit, const char *end)
{
    for (guint i = 0; i < fit->parameters->len; i++)
        if (g_str_has_suffix(g_array_index(fit->parameters, MppSampleParameter, i).name, end))
            return &g_array_index(fit->parameters, MppSampleParameter, i);
    return NULL;
}

typedef struct {
    MppCluster *truth, *guess;
    MppRuntime *runtime;
    GPtrArray *samples;
} Fixture;

/** A host unlike the guess that the fit starts from. */
static void set_up(Fixture *f, gconstpointer data)
{
    (void)data;
    g_autoptr(GError) error = NULL;
    f->truth = mpp_zoo_cluster("cpu-hosts", &error);
    f->guess = mpp_zoo_cluster("cpu-hosts", &error);
    f->runtime = mpp_zoo_runtime("mpplan-run", &error);
    g_assert_no_error(error);
    f->truth->device.matmul_frac.by_precision[MPP_PRECISION_FP32] = 0.237;
    f->truth->device.matmul_depth = 31;
    f->truth->device.memory_bytes_per_s = 2.71e10;
    f->truth->device.streaming_frac.by_streaming[MPP_STREAMING_NORM] = 0.31;
    f->truth->device.streaming_frac.by_streaming[MPP_STREAMING_LOSS] = 0.077;
    f->truth->host_capacity = 1.37;
    f->samples = g_ptr_array_new_with_free_func(sample_free);
}

static void tear_down(Fixture *f, gconstpointer data)
{
    (void)data;
    mpp_cluster_free(f->truth);
    mpp_cluster_free(f->guess);
    mpp_runtime_free(f->runtime);
    g_ptr_array_unref(f->samples);
}

/** Samples of a known host give its numbers back. */
static void test_recovers(Fixture *f, gconstpointer data)
{
    (void)data;
    g_autoptr(GError) error = NULL;
    for (int64_t busy = 1; busy <= 3; busy++)
        add_products(f->samples, f->truth, f->runtime, busy);
    add_streams(f->samples, f->truth, f->runtime);
    g_autoptr(MppSampleFit) fit = mpp_sample_fit(f->guess, f->runtime, f->samples, &error);
    g_assert_no_error(error);
    static const struct {
        const char *end;
        double value;
    } expected[] = { { "matmul_frac/fp32", 0.237 },  { "streaming_frac/norm", 0.31 }, { "streaming_frac/loss", 0.077 },
                     { "streaming_frac/rotary", 1 }, { "host_capacity", 1.37 },       { "memory_bytes_per_s", 2.71e10 } };
    for (size_t i = 0; i < G_N_ELEMENTS(expected); i++) {
        const MppSampleParameter *p = find(fit, expected[i].end);
        g_assert_nonnull(p);
        g_assert_cmpfloat_with_epsilon(p->value / expected[i].value, 1, 0.03);
        g_assert_true(p->determined);
    }
    g_assert_cmpfloat(fit->median_error, <, 0.01);
    g_assert_cmpfloat(fit->unseen_error, >=, fit->median_error);
    g_assert_cmpint(fit->n_samples, ==, f->samples->len);
}

/** What one rank measures says nothing of how ranks share a host. */
static void test_undetermined(Fixture *f, gconstpointer data)
{
    (void)data;
    g_autoptr(GError) error = NULL;
    add_products(f->samples, f->truth, f->runtime, 1);
    g_autoptr(MppSampleFit) fit = mpp_sample_fit(f->guess, f->runtime, f->samples, &error);
    g_assert_no_error(error);
    const MppSampleParameter *capacity = find(fit, "host_capacity");
    g_assert_false(capacity->determined);
    g_assert_cmpint(capacity->n_samples, ==, 0);
    g_assert_cmpfloat_with_epsilon(capacity->value, capacity->before, 1e-6);
    g_assert_true(find(fit, "matmul_frac/fp32")->determined);
    g_assert_null(find(fit, "streaming_frac/norm"));
}

static void test_refused(Fixture *f, gconstpointer data)
{
    (void)data;
    g_autoptr(GError) error = NULL;
    g_assert_null(mpp_sample_fit(f->guess, f->runtime, f->samples, &error));
    mpp_expect_error(&error, MPP_ERROR, MPP_ERROR_INVALID, "there are no samples to fit");
    MppSample s = mpp_samples_blank(MPP_SAMPLE_MATMUL, "product");
    s.m = s.n = s.k = 64, s.precision = MPP_PRECISION_FP8, s.median_s = 1e-3;
    g_ptr_array_add(f->samples, g_memdup2(&s, sizeof s));
    g_assert_null(mpp_sample_fit(f->guess, f->runtime, f->samples, &error));
    mpp_expect_error(&error, MPP_ERROR, MPP_ERROR_INVALID, "CPU rank has no rate for fp8, which samples are in");
    MppSample *first = f->samples->pdata[0], second = mpp_samples_blank(MPP_SAMPLE_COLLECTIVE, "gather");
    first->precision = MPP_PRECISION_FP32, first->kind = MPP_SAMPLE_COLLECTIVE, first->bytes = 64, first->ranks = 3;
    second.bytes = 128, second.ranks = 6, second.nodes = 3, second.median_s = 2e-3;
    g_ptr_array_add(f->samples, g_memdup2(&second, sizeof second));
    g_assert_null(mpp_sample_fit(f->guess, f->runtime, f->samples, &error));
    mpp_expect_error(&error, MPP_ERROR, MPP_ERROR_INVALID,
                     "cpu-hosts: one tier of links, and samples within nodes and between them (--cluster)");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/sample-fit/recovers", Fixture, NULL, set_up, test_recovers, tear_down);
    g_test_add("/sample-fit/undetermined", Fixture, NULL, set_up, test_undetermined, tear_down);
    g_test_add("/sample-fit/refused", Fixture, NULL, set_up, test_refused, tear_down);
    return g_test_run();
}
