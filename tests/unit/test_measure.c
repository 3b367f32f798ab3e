/**
 * What measurements of a device say whose times are known.
 */
#include "validate/worker/measure.h"

#include "planner/calibrate/sample_fit.h"
#include "planner/spec/zoo.h"
#include "tests/support/known_device.h"

static const KnownTimes plain = { .launch_s = 3e-6,
                                  .f32_flop_per_s = 1.7e9,
                                  .bytes_per_s = 2.3e10,
                                  .host_bytes_per_s = 1.9e9,
                                  .latency_s = 7e-6,
                                  .link_bytes_per_s = 1.3e9,
                                  .ranks = 6 };

static MppSamples *measured(const KnownTimes *times, int64_t rounds)
{
    g_autoptr(GError) error = NULL;
    MppSamples *samples = mpp_samples_new(NULL, NULL);
    MppRank *rank = known_device_new(times);
    g_assert_true(mpp_measure_run(rank, rounds, NULL, samples, &error));
    g_assert_no_error(error);
    known_device_free(rank);
    return samples;
}

/** Seconds that the device takes for what the sample says it is; 0: of kernels that read unlike tensors. */
static double known_s(const KnownTimes *t, const MppSample *s)
{
    static const char *const once[] = { "sum", "gelu", "rotary embedding", "rows taken", "layer norm" };
    double flop = 2.0 * (double)s->count * (double)s->m * (double)s->n * (double)s->k;
    double flop_per_s = s->precision == MPP_PRECISION_BF16 ? t->bf16_flop_per_s : t->f32_flop_per_s;
    switch (s->kind) {
    case MPP_SAMPLE_LAUNCH: return t->launch_s + 4 / t->bytes_per_s;
    case MPP_SAMPLE_MATMUL: return t->launch_s + flop / flop_per_s;
    case MPP_SAMPLE_ATTENTION: return t->launch_s + (s->backward ? 5 : 2) * flop / flop_per_s;
    case MPP_SAMPLE_COPY: return s->bytes / t->host_bytes_per_s;
    case MPP_SAMPLE_COLLECTIVE: return t->latency_s + s->bytes / t->link_bytes_per_s;
    case MPP_SAMPLE_MEMORY:
        for (size_t i = 0; i < G_N_ELEMENTS(once); i++)
            if (g_str_equal(s->name, once[i]))
                return t->launch_s + s->bytes / (i == 0 ? 3 : 2) / t->bytes_per_s;
        return 0;
    default: return 0;
    }
}

static int count(const MppSamples *samples, MppSampleKind kind, MppPrecision precision)
{
    int n = 0;
    for (guint i = 0; i < samples->samples->len; i++)
        n += mpp_samples_get(samples, i)->kind == kind && mpp_samples_get(samples, i)->precision == precision;
    return n;
}

static void expect_known(const KnownTimes *times, const MppSamples *samples)
{
    for (guint i = 0; i < samples->samples->len; i++) {
        const MppSample *s = mpp_samples_get(samples, i);
        double seconds = known_s(times, s), tolerance = s->kind == MPP_SAMPLE_ATTENTION ? 0.02 : 1e-6; /* half a key in 32 */
        if (seconds > 0)
            g_assert_cmpfloat_with_epsilon(s->median_s / seconds, 1, tolerance);
        g_assert_cmpint(s->busy_ranks, ==, times->ranks);
        g_assert_cmpint(s->nodes, ==, 1);
        g_assert_cmpint(s->repeats, ==, 2);
    }
}

static void test_known_times(void)
{
    g_autoptr(MppSamples) samples = measured(&plain, 2);
    expect_known(&plain, samples);
    g_assert_cmpint(count(samples, MPP_SAMPLE_LAUNCH, MPP_PRECISION_FP32), ==, 1);
    g_assert_cmpint(count(samples, MPP_SAMPLE_COPY, MPP_PRECISION_FP32), ==, 2 * 3);
    g_assert_cmpint(count(samples, MPP_SAMPLE_COLLECTIVE, MPP_PRECISION_FP32), ==, 3 * 6 * 5); /* groups of 2, 3 and 6 */
    g_assert_cmpint(count(samples, MPP_SAMPLE_MATMUL, MPP_PRECISION_BF16), ==, 0);
}

/** What layers do in bf16 is measured beside fp32; its sums and the optimizer stay fp32. */
static void test_formats(void)
{
    KnownTimes both = plain;
    both.ranks = 1;
    both.computes_bf16 = true;
    both.bf16_flop_per_s = 9.1e9;
    g_autoptr(MppSamples) samples = measured(&both, 2);
    expect_known(&both, samples);
    g_assert_cmpint(count(samples, MPP_SAMPLE_MATMUL, MPP_PRECISION_BF16), >,
                    count(samples, MPP_SAMPLE_MATMUL, MPP_PRECISION_FP32));
    g_assert_cmpint(count(samples, MPP_SAMPLE_MEMORY, MPP_PRECISION_FP32), ==, 4 * 12);
    g_assert_cmpint(count(samples, MPP_SAMPLE_MEMORY, MPP_PRECISION_BF16), ==, 4 * 11);
    g_assert_cmpint(count(samples, MPP_SAMPLE_ATTENTION, MPP_PRECISION_BF16) % 2, ==, 0);
    g_assert_cmpint(count(samples, MPP_SAMPLE_COLLECTIVE, MPP_PRECISION_FP32), ==, 0);
}

/** Only the first of a kind is measured whatever it takes: the others must be short by the best rate so far. */
static void test_too_long(void)
{
    static const double rates[] = { 1e6, 1.7e8, 1.7e9, 2.9e10 };
    int last = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(rates); i++) {
        KnownTimes times = plain;
        times.ranks = 1;
        times.f32_flop_per_s = rates[i];
        g_autoptr(MppSamples) samples = measured(&times, 1);
        int n = count(samples, MPP_SAMPLE_MATMUL, MPP_PRECISION_FP32), seen = 0;
        g_assert_cmpint(n % 3, ==, 0);
        g_assert_cmpint(n, >, last);
        last = n;
        for (guint k = 0; k < samples->samples->len; k++) {
            const MppSample *s = mpp_samples_get(samples, k);
            if (s->kind == MPP_SAMPLE_MATMUL && seen++ >= 3)
                g_assert_cmpfloat(s->median_s, <=, MPP_MEASURE_LONGEST_S);
        }
    }
}

/** From what is measured on it, calibration finds the device's rates in both formats again. */
static void test_calibrated(void)
{
    g_autoptr(GError) error = NULL;
    KnownTimes fast = plain;
    fast.ranks = 1;
    fast.computes_bf16 = true;
    fast.launch_s = 1e-9;
    fast.bf16_flop_per_s = 8e9;
    g_autoptr(MppSamples) samples = measured(&fast, 1);
    g_autoptr(GPtrArray) products = g_ptr_array_new();
    for (guint i = 0; i < samples->samples->len; i++)
        if (mpp_samples_get(samples, i)->kind == MPP_SAMPLE_MATMUL)
            g_ptr_array_add(products, (gpointer)mpp_samples_get(samples, i));
    MppCluster *cluster = mpp_zoo_cluster("cpu-hosts", &error);
    MppRuntime *runtime = mpp_zoo_runtime("mpplan-run-cuda", &error);
    g_assert_no_error(error);
    double *peaks = cluster->device.peak_flop_per_s.by_precision, *shares = cluster->device.matmul_frac.by_precision;
    peaks[MPP_PRECISION_FP32] = 2e9;
    peaks[MPP_PRECISION_BF16] = 1e10;
    shares[MPP_PRECISION_BF16] = 0.5;
    g_autoptr(MppSampleFit) fit = mpp_sample_fit(cluster, runtime, products, &error);
    g_assert_no_error(error);
    g_assert_cmpfloat_with_epsilon(shares[MPP_PRECISION_FP32], 0.85, 0.04);
    g_assert_cmpfloat_with_epsilon(shares[MPP_PRECISION_BF16], 0.8, 0.04);
    g_assert_cmpfloat(fit->median_error, <, 0.03);
    mpp_cluster_free(cluster);
    mpp_runtime_free(runtime);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/measure/known-times", test_known_times);
    g_test_add_func("/measure/formats", test_formats);
    g_test_add_func("/measure/too-long", test_too_long);
    g_test_add_func("/measure/calibrated", test_calibrated);
    return g_test_run();
}
