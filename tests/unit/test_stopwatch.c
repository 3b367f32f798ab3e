#include "validate/worker/stopwatch.h"

#include "tests/support/known_device.h"

static const KnownTimes times = {
    .launch_s = 1e-3, .bytes_per_s = 1e30, .host_bytes_per_s = 1e30, .latency_s = 1e-30, .link_bytes_per_s = 1e30, .ranks = 1
};

static void start_small(const MppRank *rank, gpointer data)
{
    mpp_run(rank, fill, ((MppBuffer *)data)->tensor, 0);
}

typedef struct {
    MppRank *rank;
    MppBuffer *one;
    MppSamples *samples;
    MppStopwatch *watch;
} Fixture;

static void set_up(Fixture *f, gconstpointer known)
{
    f->rank = known_device_new(known);
    f->one = mpp_buffer_new(f->rank, MPP_ELEMENT_F32, 1, 1);
    f->samples = mpp_samples_new(NULL, NULL);
    f->watch = mpp_stopwatch_new(f->rank, f->samples, NULL);
}

static void tear_down(Fixture *f, gconstpointer known)
{
    (void)known;
    mpp_stopwatch_free(f->watch);
    mpp_samples_free(f->samples);
    mpp_buffer_drop(f->one);
    known_device_free(f->rank);
}

static double take(Fixture *f, const char *name)
{
    return mpp_stopwatch_take(f->watch, mpp_samples_blank(MPP_SAMPLE_LAUNCH, name), start_small, f->one);
}

/** Calls enough for 12 ms, after one to warm up and one to tell how long it takes; later rounds need neither. */
static void test_calls(Fixture *f, gconstpointer known)
{
    (void)known;
    g_assert_cmpfloat_with_epsilon(take(f, "short"), 1e-3, 1e-12);
    g_assert_cmpint(known_device_calls(f->rank), ==, 1 + 1 + 12);
    known_device_slow(f->rank, 700);
    g_assert_cmpfloat_with_epsilon(take(f, "long"), 0.7, 1e-9);
    g_assert_cmpint(known_device_calls(f->rank), ==, 14 + 1 + 1 + 1);
    known_device_slow(f->rank, 1e-6);
    g_assert_cmpfloat_with_epsilon(take(f, "tiny"), 1e-9, 1e-15);
    g_assert_cmpint(known_device_calls(f->rank), ==, 17 + 1 + 1 + 20000);
    mpp_stopwatch_rewind(f->watch);
    known_device_slow(f->rank, 1);
    take(f, "short");
    g_assert_cmpint(known_device_calls(f->rank), ==, 20019 + 12);
}

/** A slow round spoils one time of each; what the first round took decides what is measured in all. */
static void test_rounds(Fixture *f, gconstpointer known)
{
    (void)known;
    static const double factors[] = { 1.1, 9, 1, 1.3, 1.2, 1.4, 0.5, 1.5, 1.6, 1.7, 1.8 };
    for (size_t i = 0; i < G_N_ELEMENTS(factors); i++) {
        mpp_stopwatch_rewind(f->watch);
        known_device_slow(f->rank, factors[i]);
        g_assert_cmpfloat_with_epsilon(take(f, "one"), 1.1e-3, 1e-9);
        known_device_slow(f->rank, 2);
        g_assert_cmpfloat_with_epsilon(take(f, "two"), 2e-3, 1e-9);
    }
    mpp_stopwatch_finish(f->watch);
    g_assert_cmpuint(f->samples->samples->len, ==, 2);
    const MppSample *one = mpp_samples_get(f->samples, 0), *two = mpp_samples_get(f->samples, 1);
    g_assert_cmpint(one->repeats, ==, 11);
    g_assert_cmpstr(one->name, ==, "one");
    g_assert_cmpfloat_with_epsilon(one->median_s, 1.4e-3, 1e-9);
    g_assert_cmpfloat_with_epsilon(one->p10_s, 1e-3, 1e-9);
    g_assert_cmpfloat_with_epsilon(one->p90_s, 1.8e-3, 1e-9);
    g_assert_cmpfloat_with_epsilon(two->p10_s, 2e-3, 1e-9);
    g_assert_cmpfloat_with_epsilon(two->p90_s, 2e-3, 1e-9);
}

static void test_busy_ranks(Fixture *f, gconstpointer known)
{
    take(f, "one");
    g_assert_cmpint(mpp_samples_get(f->samples, 0)->busy_ranks, ==, ((const KnownTimes *)known)->ranks);
}

static void test_nodes(void)
{
    static const struct {
        int32_t hosts[6];
        int64_t ranks, n, nodes;
    } rows[] = {
        { { 0, 0, 0, 0, 0, 0 }, 6, 3, 1 }, { { 0, 1, 2, 3, 4, 5 }, 6, 3, 3 }, { { 0, 0, 0, 3, 3, 3 }, 6, 6, 2 },
        { { 0, 0, 0, 3, 3, 3 }, 6, 3, 1 }, { { 0, 0, 0, 3, 3, 3 }, 6, 2, 0 }, { { 0, 0, 0, 0, 4, 4 }, 6, 6, 0 },
        { { 0, 0, 0, 0, 4, 4 }, 6, 2, 1 }, { { 0, 1, 0, 1, 0, 1 }, 6, 2, 2 }, { { 0, 0, 2, 3 }, 4, 2, 0 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        g_assert_cmpint(mpp_stopwatch_nodes(rows[i].hosts, rows[i].ranks, rows[i].n), ==, rows[i].nodes);
}

int main(int argc, char **argv)
{
    KnownTimes three = times;
    three.ranks = 3;
    g_test_init(&argc, &argv, NULL);
    g_test_add("/stopwatch/calls", Fixture, &times, set_up, test_calls, tear_down);
    g_test_add("/stopwatch/rounds", Fixture, &times, set_up, test_rounds, tear_down);
    g_test_add("/stopwatch/busy-ranks", Fixture, &three, set_up, test_busy_ranks, tear_down);
    g_test_add_func("/stopwatch/nodes", test_nodes);
    return g_test_run();
}
