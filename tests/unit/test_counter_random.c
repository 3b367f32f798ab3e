#include "validate/net/counter_random.h"

#include <glib.h>
#include <math.h>

/** Numbers follow from name, seed and index alone, and are uniform. */
static void test_streams(void)
{
    enum { N = 20000 };
    uint64_t stream = mpp_counter_random_stream("layers.0.qkv.weight", 7);
    g_assert_cmpuint(stream, ==, mpp_counter_random_stream("layers.0.qkv.weight", 7));
    g_assert_cmpuint(stream, !=, mpp_counter_random_stream("layers.0.qkv.weight", 8));
    g_assert_cmpuint(stream, !=, mpp_counter_random_stream("layers.1.qkv.weight", 7));
    double sum = 0, squares = 0;
    for (uint64_t i = 0; i < N; i++) {
        double x = mpp_counter_random_signed(stream, i);
        g_assert_true(x >= -1 && x < 1);
        sum += x;
        squares += x * x;
    }
    g_assert_cmpfloat(fabs(sum / N), <, 4 / sqrt(3.0 * N)); /* four standard deviations */
    g_assert_cmpfloat_with_epsilon(squares / N, 1.0 / 3, 0.01);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/counter-random/streams", test_streams);
    return g_test_run();
}
