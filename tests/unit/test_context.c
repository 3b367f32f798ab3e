#include "planner/ops/parts.h"

#include <string.h>

#include "tests/support/plain_job.h"

/** Ring: keys and values of 2 x 512 bytes a token go on cp - 1 times, backward with their gradients. */
static void test_exchange(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    MppOps ops = plain_job_layer(inputs, "tp=2,cp=4,mbs=3", 0);
    const MppOp *exchange = plain_job_find(&ops, "context exchange");
    g_assert_cmpint(exchange->collective, ==, MPP_COLLECTIVE_EXCHANGE);
    g_assert_cmpint(exchange->axis, ==, MPP_AXIS_CP);
    g_assert_cmpfloat(exchange->bytes, ==, 768 * 2 * 256 * 2);
    g_assert_cmpint(exchange->forward_times, ==, 3);
    g_assert_cmpint(exchange->backward_times, ==, 6);
    const MppOp *core = plain_job_find(&ops, "attention core"), *sums = plain_job_find(&ops, "sums of blocks");
    g_assert_cmpfloat(core->m, ==, 256);
    g_assert_cmpfloat(core->n, ==, 512);
    g_assert_cmpfloat(core->blocks, ==, 4);
    g_assert_cmpint(core->forward_kernels, ==, 4);
    g_assert_cmpint(core->backward_kernels, ==, 12);
    g_assert_cmpfloat(sums->forward_bytes, ==, 4 * 768 * 256 * 6); /* both read, one written, for each of four blocks */
    g_assert_cmpfloat(sums->backward_bytes, ==, 4 * 768 * 256 * 6);
    g_assert_cmpint(sums->forward_kernels, ==, 4);

    ops = plain_job_layer(inputs, "tp=2,cp=2,mbs=3,cp_kind=all-to-all", 0);
    exchange = plain_job_find(&ops, "context exchange");
    g_assert_cmpint(exchange->collective, ==, MPP_COLLECTIVE_ALL_TO_ALL);
    g_assert_cmpfloat(exchange->bytes, ==, 1536 * 4 * 256 * 2); /* queries, keys, values, and the output back */
    g_assert_cmpint(exchange->forward_times, ==, 1);
    g_assert_cmpint(exchange->backward_times, ==, 1);
    g_assert_cmpfloat(plain_job_find(&ops, "attention core")->blocks, ==, 1);

    inputs->model.kv_heads = 1;
    for (int repeats = 0; repeats <= 1; repeats++) { /* four heads: one pair of keys and values, or one for each rank */
        inputs->runtime.context_repeats_keys = repeats;
        ops = plain_job_layer(inputs, "cp=4,mbs=3,cp_kind=all-to-all", 0);
        g_assert_cmpfloat(plain_job_find(&ops, "context exchange")->bytes, ==, 768 * (2 * 512 + 2 * (repeats ? 4 : 1) * 128) * 2);
    }
}

/** In eager code of torch: each head's own keys and values, gradients of twice the bytes, sums of every block in fp32. */
static void test_ring_in_fp32(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    inputs->model.kv_heads = 2;
    inputs->runtime.ring_in_fp32 = true;
    MppOps ops = plain_job_layer(inputs, "tp=2,cp=4,mbs=3", 0);
    const MppOp *exchange = plain_job_find(&ops, "context exchange"), *sums = plain_job_find(&ops, "sums of blocks");
    g_assert_cmpfloat(exchange->bytes, ==, 768 * 2 * 256 * 2); /* two heads a rank, not one */
    g_assert_cmpint(exchange->backward_times, ==, 9);
    g_assert_cmpfloat(sums->forward_bytes, ==, 4 * 768 * 256 * 40);
    g_assert_cmpfloat(sums->backward_bytes, ==, 4 * 768 * 256 * 54);
    g_assert_cmpint(sums->forward_kernels, ==, 16);
    g_assert_cmpint(sums->backward_kernels, ==, 24);
    static const char *const without[] = { "tp=2,cp=1", "tp=2,cp=2,cp_kind=all-to-all" };
    for (size_t i = 0; i < G_N_ELEMENTS(without); i++) {
        ops = plain_job_layer(inputs, without[i], 0);
        g_autofree char *names = plain_job_names(&ops);
        g_assert_null(strstr(names, "sums of blocks"));
    }
}

/**
 * Keys and values of 2 x 2 x 128 numbers a token of all 4 x 768 tokens, gathered in both passes and their gradients scattered: the core
 * takes them at once, in two runs of queries. In eager code of torch they are taken in blocks, of all heads, gradients round the ring.
 */
static void test_gathered_keys(void)
{
    static const struct {
        const char *strategy;
        bool eager, whole;
        double bytes, working_bytes, sums_bytes, order_bytes, blocks;
        MppCollective sums;
        int sums_times, kernels;
    } rows[] = {
        { "cp=4,mbs=3,cp_kind=all-gather", false, false, 3072 * 1024, 3 * 3072 * 1024, 3072 * 1024, 8 * 3072 * 1024, 1,
          MPP_COLLECTIVE_REDUCE_SCATTER, 1, 2 },
        { "cp=4,mbs=3,cp_kind=all-gather", true, true, 3072 * 1024, 3 * 3072 * 1024, 3072 * 1024, 8 * 3072 * 1024, 1,
          MPP_COLLECTIVE_REDUCE_SCATTER, 1, 2 },
        { "cp=4,mbs=3,cp_kind=all-gather", true, false, 3072 * 2048, 3072 * 2048, 768 * 2048, 0, 4, MPP_COLLECTIVE_EXCHANGE, 6, 4 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppInputs) inputs = plain_job_new(8);
        inputs->model.kv_heads = 2;
        inputs->runtime.ring_in_fp32 = rows[i].eager;
        inputs->job.training.kernels.context_whole = rows[i].whole;
        MppOps ops = plain_job_layer(inputs, rows[i].strategy, 0);
        const MppOp *gather = plain_job_find(&ops, "context gather"), *sums = plain_job_find(&ops, "context gradients");
        g_assert_cmpint(gather->collective, ==, MPP_COLLECTIVE_ALL_GATHER);
        g_assert_cmpint(gather->axis, ==, MPP_AXIS_CP);
        g_assert_cmpfloat(gather->bytes, ==, rows[i].bytes);
        g_assert_cmpint(gather->forward_times, ==, 1);
        g_assert_cmpint(gather->backward_times, ==, 1);
        g_assert_cmpfloat(gather->working_bytes, ==, rows[i].working_bytes);
        g_assert_cmpint(sums->collective, ==, rows[i].sums);
        g_assert_cmpfloat(sums->bytes, ==, rows[i].sums_bytes);
        g_assert_cmpint(sums->forward_times, ==, 0);
        g_assert_cmpint(sums->backward_times, ==, rows[i].sums_times);
        const MppOp *core = plain_job_find(&ops, "attention core");
        g_assert_cmpfloat(core->blocks, ==, rows[i].blocks);
        g_assert_cmpint(core->forward_kernels, ==, rows[i].kernels);
        g_autofree char *names = plain_job_names(&ops);
        g_assert_true(!strstr(names, "order of gathered keys") == !rows[i].order_bytes);
        g_assert_true(!strstr(names, "sums of blocks") == !!rows[i].order_bytes);
        if (rows[i].order_bytes)
            g_assert_cmpfloat(plain_job_find(&ops, "order of gathered keys")->backward_bytes, ==, rows[i].order_bytes);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/context/exchange", test_exchange);
    g_test_add_func("/context/ring-in-fp32", test_ring_in_fp32);
    g_test_add_func("/context/gathered-keys", test_gathered_keys);
    return g_test_run();
}
