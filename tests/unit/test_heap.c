#include "sim/heap.h"

#include <gsl/gsl_rng.h>

/** Random times with many ties: events leave by time, equal ones in the order they came. */
static void test_order(void)
{
    g_autoptr(MppHeap) heap = mpp_heap_new();
    gsl_rng *random = gsl_rng_alloc(gsl_rng_mt19937);
    enum { N = 5003 };
    for (int i = 0; i < N; i++)
        mpp_heap_push(heap, (double)gsl_rng_uniform_int(random, 97), 3, i, 7);
    gsl_rng_free(random);
    MppEvent last = { .time_s = -1 }, event;
    int n = 0;
    for (; mpp_heap_pop(heap, &event); n++) {
        g_assert_true(event.time_s > last.time_s || (event.time_s == last.time_s && event.subject > last.subject));
        g_assert_cmpuint(event.kind, ==, 3);
        g_assert_cmpuint(event.version, ==, 7);
        last = event;
    }
    g_assert_cmpint(n, ==, N);
}

static void test_mixed(void)
{
    g_autoptr(MppHeap) heap = mpp_heap_new();
    MppEvent event;
    g_assert_false(mpp_heap_pop(heap, &event));
    mpp_heap_push(heap, 2.5, 0, 1, 0);
    mpp_heap_push(heap, 1.5, 0, 2, 0);
    g_assert_true(mpp_heap_pop(heap, &event));
    g_assert_cmpint(event.subject, ==, 2);
    mpp_heap_push(heap, 0.5, 0, 3, 0);
    mpp_heap_push(heap, 2.5, 0, 4, 0);
    const int64_t rest[] = { 3, 1, 4 };
    for (gsize i = 0; i < G_N_ELEMENTS(rest); i++) {
        g_assert_true(mpp_heap_pop(heap, &event));
        g_assert_cmpint(event.subject, ==, rest[i]);
    }
    g_assert_false(mpp_heap_pop(heap, &event));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/heap/order", test_order);
    g_test_add_func("/heap/mixed", test_mixed);
    return g_test_run();
}
