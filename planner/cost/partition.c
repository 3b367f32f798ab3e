#include "planner/cost/partition.h"

#include <math.h>

void mpp_partition_even(int64_t n_layers, int64_t n_chunks, int64_t *layers)
{
    for (int64_t c = 0; c < n_chunks; c++)
        layers[c] = n_layers / n_chunks + (c < n_layers % n_chunks);
}

void mpp_partition_greedy(const MppChain *chain, int64_t n_chunks, int64_t *layers)
{
    double total = chain->first_load + chain->last_load, placed = chain->first_load;
    for (int64_t i = 0; i < chain->n_layers; i++)
        total += chain->load[i];
    for (int64_t c = 0; c < n_chunks; c++)
        layers[c] = 0;
    int64_t chunk = 0;
    for (int64_t i = 0; i < chain->n_layers; i++) {
        layers[chunk]++;
        placed += chain->load[i];
        if (placed >= total * (chunk + 1) / n_chunks && chunk + 1 < n_chunks)
            chunk++;
    }
}

/**
 * Whether no chunk needs more than @limit. Filling from the last chunk backwards gives late chunks as many layers
 * as they take and early ones the rest.
 */
static bool fill(const MppChain *chain, int64_t n_chunks, const int64_t *most, double limit, int64_t *layers)
{
    int64_t left = chain->n_layers;
    for (int64_t c = n_chunks - 1; c >= 0; c--) {
        double load = (c == n_chunks - 1 ? chain->last_load : 0) + (c == 0 ? chain->first_load : 0);
        int64_t cap = most ? most[c] : left;
        layers[c] = 0;
        while (layers[c] < cap && left > c && load + chain->load[left - 1] <= limit) {
            load += chain->load[--left];
            layers[c]++;
        }
        if (layers[c] == 0 || load > limit)
            return false;
    }
    return left == 0;
}

/** Longest chunk of a partition that fill() found. */
static double longest(const MppChain *chain, int64_t n_chunks, const int64_t *layers)
{
    double result = 0;
    int64_t at = 0;
    for (int64_t c = 0; c < n_chunks; c++) {
        double load = (c == 0 ? chain->first_load : 0) + (c == n_chunks - 1 ? chain->last_load : 0);
        for (int64_t i = 0; i < layers[c]; i++)
            load += chain->load[at++];
        result = MAX(result, load);
    }
    return result;
}

/** Bisection over the limit; each success lowers it to a load that a chunk really has, so the end is exact. */
bool mpp_partition_balanced(const MppChain *chain, int64_t n_chunks, const int64_t *most, int64_t *layers)
{
    double high = chain->first_load + chain->last_load, low = 0;
    for (int64_t i = 0; i < chain->n_layers; i++)
        high += chain->load[i];
    high *= 1 + 1e-9;
    if (!fill(chain, n_chunks, most, high, layers))
        return false;
    g_autofree int64_t *trial = g_new(int64_t, n_chunks);
    high = longest(chain, n_chunks, layers);
    while (high - low > 1e-9 * high) {
        double middle = (low + high) / 2;
        if (fill(chain, n_chunks, most, middle, trial)) {
            high = longest(chain, n_chunks, trial);
            for (int64_t c = 0; c < n_chunks; c++)
                layers[c] = trial[c];
        } else {
            low = middle;
        }
    }
    return true;
}
