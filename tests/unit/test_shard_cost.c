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
        g_assert_cmpfloat(mpp_shard_cost_message_bytes(shard, 1), ==, rows[i].message_bytes);
        g_assert_cmpfloat(shard->head_bytes, ==, rows[i].head_bytes);
        g_assert_true(shard->job == &inputs->job);
    }
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    inputs->runtime.memory.fused_logit_bytes = 10;
    for (int fused = 0; fused < 2; fused++) {
        inputs->job.training.kernels.cross_entropy_fused = fused;
        g_autofree MppShardCost *loss = shard_of(inputs, "dp=8,mbs=3");
        g_assert_cmpfloat(loss->head_bytes, ==, 3072 * 51200 * (fused ? 10.0 : 6.0));
    }
    inputs->runtime.memory.split_logit_bytes = 1.5; /* of a loss that is not fused alone, and over several ranks */
    inputs->runtime.memory.kept_logit_bytes = 2.5;
    for (int fused = 0; fused < 2; fused++) {
        inputs->job.training.kernels.cross_entropy_fused = fused;
        g_autofree MppShardCost *whole = shard_of(inputs, "dp=8,mbs=3"), *split = shard_of(inputs, "dp=2,tp=4,mbs=3");
        g_assert_cmpfloat(whole->head_bytes, ==, 3072 * 51200 * (fused ? 10.0 : 6.0));
        g_assert_cmpfloat(split->head_bytes, ==, 3072 * 12800 * (fused ? 10.0 : 7.5));
        g_assert_cmpfloat(split->output_bytes, ==, 3072 * 12800 * (fused ? 0 : 2.5));
    }
    inputs->runtime.memory.split_unfused = true;
    g_autofree MppShardCost *whole = shard_of(inputs, "dp=8,mbs=3"), *split = shard_of(inputs, "dp=2,tp=4,mbs=3");
    g_assert_cmpfloat(whole->head_bytes, ==, 3072 * 51200 * 10.0);
    g_assert_cmpfloat(split->head_bytes, ==, 3072 * 12800 * 7.5);
    inputs->model.head = MPP_HEAD_POOLER;
    g_autofree MppShardCost *shard = shard_of(inputs, "dp=8,mbs=3");
    g_assert_cmpfloat(shard->head_bytes, ==, 0);
}

/** In pieces the loss takes the hidden states' gradient, pieces' logits in 16 and 32 bits, and the head's gradient. */
static void test_pieces(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    inputs->job.training.kernels.loss_in_pieces = true;
    g_autofree MppShardCost *shard = shard_of(inputs, "dp=8,mbs=3");
    plain_job_expect("loss", shard->head_bytes, 3072 * 512 * (2.0 + 4 + 2) + shard->head.parameters * 2);
    g_assert_cmpfloat(shard->head.parameters, >=, 51200 * 512);
}

/** In a given number of pieces: one's logits, and the hidden states' gradient in fp32 and in 16 bits. */
static void test_counted_pieces(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    inputs->job.training.kernels.loss_in_pieces = true;
    inputs->runtime.memory.loss_pieces = 6;
    g_autofree MppShardCost *shard = shard_of(inputs, "dp=8,mbs=3");
    plain_job_expect("loss", shard->head_bytes, 512 * 51200 * 6.0 + 3072 * 512 * (4.0 + 2) + shard->head.parameters * 2);
}

/** In 16 bits the loss has the logits, their gradient and, unless it is fused, the softmax. */
static void test_narrow_loss(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    inputs->job.training.kernels.loss_narrow = true;
    for (int fused = 0; fused < 2; fused++) {
        inputs->job.training.kernels.cross_entropy_fused = fused;
        g_autofree MppShardCost *shard = shard_of(inputs, "dp=8,mbs=3");
        plain_job_expect("loss", shard->head_bytes, 3072 * 51200.0 * (fused ? 4 : 6));
    }
    inputs->job.training.kernels.logits_gathered = true; /* those gathered by rank, too */
    g_autofree MppShardCost *one = shard_of(inputs, "dp=8,mbs=3"), *four = shard_of(inputs, "dp=2,tp=4,mbs=3");
    plain_job_expect("one rank", one->head_bytes, 3072 * 51200.0 * 4);
    plain_job_expect("gathered", four->head_bytes, 3072 * 51200.0 * 6);
}

/** Where padding is left out: the work of 640 tokens of 1024, what is kept of all of them, the loss of a quarter. */
static void test_lengths(void)
{
    g_autoptr(MppInputs) full = plain_job_new(8), mean = plain_job_new(8), shorter = plain_job_new(8);
    mean->job.training.mean_seq = 640;
    mean->job.training.loss_tokens = 160;
    shorter->job.training.seq = 640;
    g_autofree MppShardCost *of_full = shard_of(full, "dp=8,mbs=3"), *of_mean = shard_of(mean, "dp=8,mbs=3");
    for (int recompute = 0; recompute <= MPP_RECOMPUTE_FULL; recompute++)
        g_assert_cmpfloat(of_mean->kinds[0].by_recompute[recompute].kept_bytes, ==, of_full->kinds[0].by_recompute[recompute].kept_bytes);
    g_assert_cmpfloat(of_mean->head_bytes, ==, of_full->head_bytes / 4);
    double attention = 2.0 * 2 * 3 * 640 * 512; /* by keys seen: 320 in sequences of 640, 416 in these */
    MppOps mean_ops = plain_job_layer(mean, "dp=8,mbs=3", 0), shorter_ops = plain_job_layer(shorter, "dp=8,mbs=3", 0);
    plain_job_expect("flop", plain_job_flop(&mean_ops), plain_job_flop(&shorter_ops) + attention * (416 - 320));
}

static void test_blocks(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    g_autofree MppShardCost *shard = shard_of(inputs, "dp=4,tp=2");
    double weights = 3 * 512 * 512 + 512 * 512 + 2 * 512 * 2048;
    g_assert_cmpfloat(shard->kinds[0].parameters, ==, weights / 2 + 2 * 512);
    g_assert_cmpfloat(shard->embedding.parameters, ==, 25600 * 512);
    g_assert_cmpfloat(shard->head.parameters, ==, 25600 * 512 + 512);
    MppOps ops = plain_job_layer(inputs, "dp=4,tp=2", 0);
    g_assert_cmpfloat(plain_job_flop(&ops), ==, 1024 * weights + 2.0 * 2 * 1024 * 512 * 256);
    g_assert_cmpfloat(shard->head.by_recompute[MPP_RECOMPUTE_FULL].backward_s, ==,
                      shard->head.by_recompute[MPP_RECOMPUTE_NONE].backward_s);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/shard-cost/pieces", test_pieces);
    g_test_add_func("/shard-cost/counted-pieces", test_counted_pieces);
    g_test_add_func("/shard-cost/narrow-loss", test_narrow_loss);
    g_test_add_func("/shard-cost/bytes", test_bytes);
    g_test_add_func("/shard-cost/blocks", test_blocks);
    g_test_add_func("/shard-cost/lengths", test_lengths);
    return g_test_run();
}
