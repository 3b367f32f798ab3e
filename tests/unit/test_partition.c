#include "planner/cost/partition.h"

enum { MOST_CHUNKS = 8, MOST_LAYERS = 96 };

static void assert_layers(const int64_t *layers, const int64_t *expected, int64_t n)
{
    for (int64_t c = 0; c < n; c++)
        g_assert_cmpint(layers[c], ==, expected[c]);
}

static void test_even(void)
{
    static const struct {
        int64_t layers, chunks, expected[MOST_CHUNKS];
    } rows[] = {
        { 24, 4, { 6, 6, 6, 6 } },
        { 5, 1, { 5 } },
        { 23, 4, { 6, 6, 6, 5 } },                /* one lacking: the loss stands for a layer (LLaMA 405B: 126 on 16) */
        { 22, 4, { 5, 6, 6, 5 } },                /* two: the embedding too */
        { 126, 8, { 15, 16, 16, 16, 16, 16, 16, 15 } },
        { 21, 4, { 6, 5, 5, 5 } },                /* three: the earliest chunks take the remainder */
        { 13, 5, { 2, 3, 3, 3, 2 } },
        { 11, 5, { 3, 2, 2, 2, 2 } },
        { 3, 5, { 0, 1, 1, 1, 0 } },
        { 4, 5, { 1, 1, 1, 1, 0 } },
        { 3, 2, { 2, 1 } },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        int64_t layers[MOST_CHUNKS];
        mpp_partition_even(rows[i].layers, rows[i].chunks, layers);
        assert_layers(layers, rows[i].expected, rows[i].chunks);
    }
}

/** Of 24 and 32 layers as DeepSpeed cuts a pipeline of 29 and 37 modules. */
static void test_modules(void)
{
    static const struct {
        int64_t layers, chunks, expected[MOST_CHUNKS];
    } rows[] = {
        { 24, 2, { 12, 12 } },
        { 24, 4, { 5, 7, 7, 5 } },
        { 32, 4, { 7, 9, 9, 7 } },
        { 32, 8, { 2, 5, 5, 5, 5, 4, 4, 2 } },
        { 3, 4, { 0, 1, 2, 0 } },
        { 3, 8, { 0, 0, 0, 1, 1, 1, 0, 0 } },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        int64_t layers[MOST_CHUNKS];
        mpp_partition_modules(rows[i].layers, rows[i].chunks, layers);
        assert_layers(layers, rows[i].expected, rows[i].chunks);
    }
}

/** The first rows are models of The Ultra-Scale Playbook's benchmark, split as nanotron's build_model splits them. */
static void test_greedy(void)
{
    static const struct {
        int64_t n_layers, hidden, ffn, vocab, chunks, expected[MOST_CHUNKS];
    } rows[] = {
        { 16, 2048, 8192, 131072, 1, { 16 } },
        { 16, 2048, 8192, 131072, 2, { 10, 6 } }, /* ten layers are half of it */
        { 16, 2048, 8192, 131072, 4, { 5, 5, 5, 1 } },
        { 16, 2048, 8192, 131072, 8, { 3, 2, 3, 2, 3, 2, 1, 0 } },
        { 32, 4096, 14336, 131072, 4, { 9, 9, 8, 6 } },
        { 32, 4096, 14336, 131072, 2, { 18, 14 } },
        { 7, 384, 1024, 50, 3, { 3, 2, 2 } },
        { 3, 384, 1024, 50, 4, { 1, 1, 1, 0 } },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        double load[MOST_LAYERS];
        for (int64_t k = 0; k < rows[i].n_layers; k++)
            load[k] = (double)rows[i].hidden * (4 * rows[i].hidden + 3 * rows[i].ffn);
        MppChain chain = { rows[i].n_layers, load, 0, (double)rows[i].vocab * rows[i].hidden };
        int64_t layers[MOST_CHUNKS];
        mpp_partition_greedy(&chain, rows[i].chunks, layers);
        assert_layers(layers, rows[i].expected, rows[i].chunks);
    }
}

static void test_balanced(void)
{
    static const struct {
        int64_t n_layers;
        double load[9], first_load, last_load;
        int64_t chunks, most[MOST_CHUNKS], expected[MOST_CHUNKS]; /* most[0] 0: no caps */
    } rows[] = {
        { 8, { 1, 1, 1, 1, 1, 1, 1, 1 }, 0, 0, 4, { 0 }, { 2, 2, 2, 2 } },
        { 7, { 1, 1, 1, 1, 1, 1, 1 }, 0, 0.75, 4, { 0 }, { 2, 2, 2, 1 } }, /* the loss takes a layer's place */
        { 6, { 1, 1, 1, 1, 1, 1 }, 0.5, 0.75, 4, { 0 }, { 1, 2, 2, 1 } },
        { 9, { 1, 1, 1, 1, 1, 1, 1, 1, 1 }, 0, 0, 4, { 0 }, { 2, 2, 2, 3 } }, /* the longest chunk has 3 anyhow */
        { 5, { 2.5, 1, 1, 1, 1.25 }, 0, 0, 3, { 0 }, { 1, 2, 2 } },
        { 8, { 1, 1, 1, 1, 1, 1, 1, 1 }, 0, 0, 4, { 1, 2, 3, 4 }, { 1, 2, 3, 2 } },
        { 3, { 1.5, 2.5, 3.5 }, 10, 0, 3, { 0 }, { 1, 1, 1 } },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        MppChain chain = { rows[i].n_layers, rows[i].load, rows[i].first_load, rows[i].last_load };
        int64_t layers[MOST_CHUNKS];
        g_assert_true(mpp_partition_balanced(&chain, rows[i].chunks, rows[i].most[0] ? rows[i].most : NULL, layers));
        assert_layers(layers, rows[i].expected, rows[i].chunks);
    }
}

static void test_impossible(void)
{
    static const double load[] = { 1.5, 1, 2.5 };
    static const struct {
        int64_t chunks, most[4];
        bool capped;
    } rows[] = {
        { 4, { 0 }, false },      /* fewer layers than chunks */
        { 2, { 1, 1 }, true },    /* room for two of three */
        { 2, { 3, 0 }, true },
        { 3, { 1, 0, 2 }, true },
    };
    MppChain chain = { 3, load, 0, 0.5 };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        int64_t layers[4];
        g_assert_false(mpp_partition_balanced(&chain, rows[i].chunks, rows[i].capped ? rows[i].most : NULL, layers));
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/partition/even", test_even);
    g_test_add_func("/partition/modules", test_modules);
    g_test_add_func("/partition/greedy", test_greedy);
    g_test_add_func("/partition/balanced", test_balanced);
    g_test_add_func("/partition/impossible", test_impossible);
    return g_test_run();
}
