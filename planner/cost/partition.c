#include "planner/cost/partition.h"

#include <math.h>

void mpp_partition_even(int64_t n_layers, int64_t n_chunks, int64_t *layers)
{
    int64_t lacking = (n_chunks - n_layers % n_chunks) % n_chunks;
    bool ends = lacking <= 2 && n_chunks > lacking; /* the embedding and the loss stand for a layer each */
    for (int64_t c = 0; c < n_chunks; c++)
        layers[c] = n_layers / n_chunks + (ends ? lacking > 0 : c < n_layers % n_chunks);
    if (ends && lacking > 0)
        layers[n_chunks - 1]--;
    if (ends && lacking > 1)
        layers[0]--;
}

void mpp_partition_modules(int64_t n_layers, int64_t n_chunks, int64_t *layers)
{
    enum { BEFORE = 3, AFTER = 2 };
    int64_t modules = BEFORE + n_layers + AFTER, each = modules / n_chunks, begin = -BEFORE; /* 0: the first layer */
    for (int64_t c = 0; c < n_chunks; c++) {
        int64_t end = begin + each + (c < modules % n_chunks);
        layers[c] = CLAMP(end, 0, n_layers) - CLAMP(begin, 0, n_layers);
        begin = end;
    }
}

static double layer_load(const MppChain *chain, int64_t i)
{
    return chain->load[chain->uniform ? 0 : i];
}

void mpp_partition_greedy(const MppChain *chain, int64_t n_chunks, int64_t *layers)
{
    double total = chain->first_load + chain->last_load, placed = chain->first_load;
    for (int64_t i = 0; i < chain->n_layers; i++)
        total += layer_load(chain, i);
    for (int64_t c = 0; c < n_chunks; c++)
        layers[c] = 0;
    int64_t chunk = 0;
    for (int64_t i = 0; i < chain->n_layers; i++) {
        layers[chunk]++;
        placed += layer_load(chain, i);
        if (placed >= total * ((double)(chunk + 1) / n_chunks) && chunk + 1 < n_chunks)
            chunk++;
    }
}

static double own_load(const MppChain *chain, int64_t n_chunks, int64_t c)
{
    return (c == 0 ? chain->first_load : 0) + (c == n_chunks - 1 ? chain->last_load : 0);
}

/** Most layers of equal load on top of @own without passing @limit. */
static int64_t count_uniform(const MppChain *chain, double own, double limit)
{
    double one = chain->load[0];
    int64_t n = (int64_t)CLAMP((limit - own) / one, 0, chain->n_layers);
    while (n < chain->n_layers && own + (n + 1) * one <= limit)
        n++;
    while (n > 0 && own + n * one > limit)
        n--;
    return n;
}

/** The limit of a chunk's load, and how many layers of a uniform chain reach it in a chunk that carries nothing else. */
typedef struct {
    double load;
    int64_t n_bare;
} Limit;

static Limit make_limit(const MppChain *chain, double load)
{
    return (Limit){ load, chain->uniform ? count_uniform(chain, 0, load) : 0 };
}

/**
 * Most layers, up to @cap, that fit under @limit from layer @at on, forwards or backwards.
 * @load: in, what the chunk carries already; out, with the layers
 */
static int64_t take(const MppChain *chain, int64_t at, int step, const Limit *limit, int64_t cap, double *load)
{
    int64_t n = 0;
    if (chain->uniform) {
        n = *load > 0 ? count_uniform(chain, *load, limit->load) : limit->n_bare;
        n = CLAMP(n, 0, MAX(cap, 0));
        *load += n * chain->load[0];
        return n;
    }
    for (; n < cap && *load + chain->load[at] <= limit->load; n++, at += step)
        *load += chain->load[at];
    return n;
}

/**
 * Most layers each chunk can take in turn from the first on, none above @limit; every later chunk is left one.
 * @next_limit: out, the least load above @limit that some chunk would have had with one layer more
 *
 * Returns: whether all layers found a place.
 */
static bool fill(const MppChain *chain, int64_t n_chunks, const int64_t *most, const Limit *limit, int64_t *layers,
                 double *next_limit)
{
    int64_t at = 0;
    *next_limit = INFINITY;
    for (int64_t c = 0; c < n_chunks; c++) {
        int64_t left = chain->n_layers - (n_chunks - 1 - c) - at, cap = most ? MIN(most[c], left) : left;
        double load = own_load(chain, n_chunks, c);
        int64_t n = take(chain, at, 1, limit, cap, &load);
        at += n;
        double one_more = chain->uniform ? own_load(chain, n_chunks, c) + (n + 1) * chain->load[0] : n < cap ? load + chain->load[at] : 0;
        if (n < cap)
            *next_limit = MIN(*next_limit, one_more);
        layers[c] = n;
        if (n == 0)
            return false;
    }
    return at == chain->n_layers;
}

/** The least limit under which fill() succeeds: each failure tells the next one worth trying. 0 when there is none. */
static double least_limit(const MppChain *chain, int64_t n_chunks, const int64_t *most, int64_t *layers)
{
    double total = chain->first_load + chain->last_load, next;
    for (int64_t i = 0; i < chain->n_layers && !chain->uniform; i++)
        total += chain->load[i];
    total += chain->uniform ? chain->n_layers * chain->load[0] : 0;
    for (double load = total / n_chunks;; load = next) {
        Limit limit = make_limit(chain, load);
        if (fill(chain, n_chunks, most, &limit, layers, &next))
            return load;
        if (isinf(next))
            return 0;
    }
}

/**
 * fill() crowds the first chunks. Going back from the last one, each chunk takes an equal part of what is left, as
 * far as the limit lets it, and no less than the chunks before it could not hold.
 */
static void spread(const MppChain *chain, int64_t n_chunks, const int64_t *most, const Limit *limit, int64_t *layers)
{
    int64_t left = chain->n_layers, before = chain->n_layers; /* layers that the chunks before c hold at most */
    for (int64_t c = n_chunks - 1; c >= 0; c--) {
        before -= layers[c];
        int64_t wanted = MAX((left + c) / (c + 1), left - before);
        double load = own_load(chain, n_chunks, c);
        int64_t cap = MIN(most ? MIN(most[c], left - c) : left - c, wanted);
        int64_t n = take(chain, left - 1, -1, limit, cap, &load), needed = MIN(cap, left - before);
        layers[c] = MAX(n, needed);
        left -= layers[c];
    }
}

bool mpp_partition_balanced(const MppChain *chain, int64_t n_chunks, const int64_t *most, int64_t *layers)
{
    double load = least_limit(chain, n_chunks, most, layers);
    if (load <= 0)
        return false;
    Limit limit = make_limit(chain, load);
    spread(chain, n_chunks, most, &limit, layers);
    return true;
}
