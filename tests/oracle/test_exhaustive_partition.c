/* Balanced partitions against all partitions of small chains. */
#include <math.h>

#include "planner/cost/partition.h"

enum { CHAINS = 3000, MOST_LAYERS = 11, MOST_CHUNKS = 6 };

static double longest_of(const MppChain *chain, int64_t n_chunks, const int64_t *layers)
{
    double longest = 0;
    int64_t at = 0;
    for (int64_t c = 0; c < n_chunks; c++) {
        double load = (c == 0 ? chain->first_load : 0) + (c == n_chunks - 1 ? chain->last_load : 0);
        for (int64_t i = 0; i < layers[c]; i++)
            load += chain->load[at++];
        longest = MAX(longest, load);
    }
    g_assert_cmpint(at, ==, chain->n_layers);
    return longest;
}

/** Least longest chunk over all ways to cut; INFINITY when there is none. */
static double best_of(const MppChain *chain, int64_t n_chunks, const int64_t *most, int64_t *layers, int64_t chunk, int64_t left)
{
    if (chunk == n_chunks)
        return left ? INFINITY : longest_of(chain, n_chunks, layers);
    double best = INFINITY;
    for (layers[chunk] = 1; layers[chunk] <= MIN(left, most[chunk]); layers[chunk]++)
        best = MIN(best, best_of(chain, n_chunks, most, layers, chunk + 1, left - layers[chunk]));
    return best;
}

/** Few distinct loads make ties, as equal layers do. */
static double random_load(GRand *rand, bool equal)
{
    static const double loads[] = { 0.5, 1.25, 1.25, 2.385 };
    return equal ? loads[g_rand_int_range(rand, 0, G_N_ELEMENTS(loads))] : g_rand_double_range(rand, 0.1, 3.7);
}

/** Returns: whether there was a way. */
static bool check_chain(GRand *rand)
{
    double load[MOST_LAYERS];
    int64_t n_layers = g_rand_int_range(rand, 1, MOST_LAYERS + 1), n_chunks = g_rand_int_range(rand, 1, MOST_CHUNKS + 1);
    int64_t most[MOST_CHUNKS], layers[MOST_CHUNKS], work[MOST_CHUNKS];
    bool equal = g_rand_boolean(rand), capped = g_rand_boolean(rand);
    for (int64_t i = 0; i < n_layers; i++)
        load[i] = random_load(rand, equal);
    for (int64_t c = 0; c < n_chunks; c++)
        most[c] = capped ? g_rand_int_range(rand, 0, 6) : n_layers;
    MppChain chain = { n_layers, load, g_rand_boolean(rand) * random_load(rand, equal),
                       g_rand_boolean(rand) * random_load(rand, equal) };

    double best = best_of(&chain, n_chunks, most, work, 0, n_layers);
    g_assert_true(mpp_partition_balanced(&chain, n_chunks, capped ? most : NULL, layers) == isfinite(best));
    if (isinf(best))
        return false;
    g_assert_cmpfloat_with_epsilon(longest_of(&chain, n_chunks, layers), best, 1e-12);
    for (int64_t c = 0; c < n_chunks; c++) {
        g_assert_cmpint(layers[c], >=, 1);
        g_assert_cmpint(layers[c], <=, most[c]);
    }
    return true;
}

static void test_exhaustive(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(5119);
    int n_possible = 0;
    for (int i = 0; i < CHAINS; i++)
        n_possible += check_chain(rand);
    g_assert_cmpint(n_possible, >, CHAINS / 3);
    g_assert_cmpint(n_possible, <, CHAINS);
}

/** Layers of one load and nothing at the ends: the counts differ by one at most. */
static void test_spread(void)
{
    double load[97];
    for (size_t i = 0; i < G_N_ELEMENTS(load); i++)
        load[i] = 2.385;
    for (int64_t n_layers = 1; n_layers <= (int64_t)G_N_ELEMENTS(load); n_layers++)
        for (int64_t n_chunks = 1; n_chunks <= MIN(n_layers, 24); n_chunks++) {
            int64_t layers[24];
            MppChain chain = { n_layers, load, 0, 0 };
            g_assert_true(mpp_partition_balanced(&chain, n_chunks, NULL, layers));
            for (int64_t c = 0; c < n_chunks; c++)
                g_assert_true(layers[c] == n_layers / n_chunks || layers[c] == (n_layers + n_chunks - 1) / n_chunks);
        }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/exhaustive-partition/balanced", test_exhaustive);
    g_test_add_func("/exhaustive-partition/spread", test_spread);
    return g_test_run();
}
