#include "planner/cost/shard_cost.h"

#include "tests/support/plain_job.h"

static MppShardCost *shard_of(const MppInputs *inputs, const char *strategy)
{
    MppStrategy s = plain_job_strategy(strategy);
    MppMesh mesh = mpp_mesh_new(&s, &inputs->cluster, inputs->gpus);
    MppBlockPlace place = mpp_block_place(&s, &mesh);
    MppShardCost *shard = g_new(MppShardCost, 1);
    mpp_shard_cost(&inputs->job, &place, shard);
    return shard;
}

/** Messages are scattered over tp; logits are of the padded vocabulary, split or not. */
static void test_bytes(void)
{
    static const struct {
        const char *strategy;
        bool split;
        double message_bytes, head_bytes;
    } rows[] = {
        { "dp=8,mbs=3", true, 3072 * 512 * 2, 3072 * 51200 * 6.0 },
        { "dp=2,tp=4,mbs=3", true, 768 * 512 * 2, 3072 * 12800 * 6.0 },
        { "dp=2,tp=4,mbs=3,sp", false, 768 * 512 * 2, 3072 * 51200 * 6.0 },
        { "dp=1,tp=4,cp=2,mbs=3,sp", true, 384 * 512 * 2, 1536 * 12800 * 6.0 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppInputs) inputs = plain_job_new(8);
        inputs->runtime.memory.logits_split = rows[i].split;
        g_autofree MppShardCost *shard = shard_of(inputs, rows[i].strategy);
        g_assert_cmpfloat(shard->message_bytes, ==, rows[i].message_bytes);
        g_assert_cmpfloat(shard->head_bytes, ==, rows[i].head_bytes);
        g_assert_true(shard->job == &inputs->job);
    }
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    inputs->model.head = MPP_HEAD_POOLER;
    g_autofree MppShardCost *shard = shard_of(inputs, "dp=8,mbs=3");
    g_assert_cmpfloat(shard->head_bytes, ==, 0);
}

static void test_blocks(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    g_autofree MppShardCost *shard = shard_of(inputs, "dp=4,tp=2");
    double weights = 3 * 512 * 512 + 512 * 512 + 2 * 512 * 2048;
    g_assert_cmpfloat(shard->kinds[0].parameters, ==, weights / 2 + 2 * 512);
    g_assert_cmpfloat(shard->embedding.parameters, ==, 25600 * 512);
    g_assert_cmpfloat(shard->head.parameters, ==, 25600 * 512 + 512);
    g_assert_cmpfloat(shard->kinds[0].forward_flop, ==, 1024 * weights + 2.0 * 2 * 1024 * 512 * 256);
    g_assert_cmpfloat(shard->head.by_recompute[MPP_RECOMPUTE_FULL].backward_s, ==,
                      shard->head.by_recompute[MPP_RECOMPUTE_NONE].backward_s);
}

/** Every second layer has a window, the first of four is dense. */
static void test_counts(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    inputs->model.layers = 9;
    inputs->model.window = 256;
    inputs->model.full_attention_every = 2;
    inputs->model.moe = (MppMoe){ .experts = 8, .topk = 2, .ffn = 512, .every = 1, .leading_dense_layers = 4 };
    plain_job_finish(inputs);
    g_assert_cmpint(inputs->model.n_kinds, ==, 4);
    static const struct {
        int64_t first, count;
        int16_t expected[4]; /* dense windowed, dense full, experts windowed, experts full */
    } rows[] = {
        { 0, 9, { 2, 2, 3, 2 } }, { 0, 0, { 0 } }, { 3, 3, { 0, 1, 1, 1 } }, { 8, 1, { 0, 0, 1, 0 } },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        MppKindCounts counts = mpp_shard_cost_count(&inputs->model, rows[i].first, rows[i].count);
        for (int k = 0; k < 4; k++)
            g_assert_cmpint(counts.n[k], ==, rows[i].expected[k]);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/shard-cost/bytes", test_bytes);
    g_test_add_func("/shard-cost/blocks", test_blocks);
    g_test_add_func("/shard-cost/counts", test_counts);
    return g_test_run();
}
