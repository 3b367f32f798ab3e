#include "planner/ops/op.h"

#include "tests/support/plain_job.h"

static void test_names(void)
{
    g_assert_cmpint(mpp_op_kind_names.n_names, ==, MPP_N_OP_KINDS);
    g_assert_cmpstr(mpp_names_get(&mpp_op_kind_names, MPP_OP_MEMORY), ==, "memory");
    g_assert_cmpint(mpp_collective_names.n_names, ==, MPP_N_COLLECTIVES);
    g_assert_cmpstr(mpp_names_get(&mpp_collective_names, MPP_COLLECTIVE_REDUCE_SCATTER), ==, "reduce-scatter");
    g_assert_cmpint(mpp_names_find(&mpp_collective_names, "all-to-all"), ==, MPP_COLLECTIVE_ALL_TO_ALL);
}

static void test_add(void)
{
    MppOps ops = { 0 };
    for (int i = 0; i < MPP_OPS_MOST; i++) {
        MppOp *op = mpp_ops_add(&ops, MPP_OP_MATMUL, "product");
        g_assert_true(op == &ops.ops[i]);
        g_assert_cmpfloat(op->parameters, ==, 0);
        op->parameters = i;
    }
    g_assert_cmpint(ops.n, ==, MPP_OPS_MOST);
}

static void test_shard(void)
{
    MppStrategy s = plain_job_strategy("dp=3,tp=5,cp=2,ep=6,etp=7,mbs=11,sp,cp_kind=all-to-all");
    MppShard shard = mpp_shard_of(&s);
    g_assert_cmpint(shard.tp, ==, 5);
    g_assert_cmpint(shard.cp, ==, 2);
    g_assert_cmpint(shard.ep, ==, 6);
    g_assert_cmpint(shard.etp, ==, 7);
    g_assert_cmpint(shard.micro_batch, ==, 11);
    g_assert_true(shard.sequence_parallel);
    g_assert_cmpint(shard.cp_kind, ==, MPP_CP_ALL_TO_ALL);
}

static void test_context(void)
{
    static const struct {
        const char *strategy;
        MppPrecision precision;
        double tokens, norm_tokens, element;
    } rows[] = {
        { "mbs=3", MPP_PRECISION_BF16, 3072, 3072, 2 },
        { "tp=4,mbs=3", MPP_PRECISION_FP16, 3072, 3072, 2 },
        { "tp=4,mbs=3,sp", MPP_PRECISION_FP8, 3072, 768, 2 },
        { "tp=4,cp=2,mbs=5,sp", MPP_PRECISION_FP32, 2560, 640, 4 },
    };
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        MppStrategy s = plain_job_strategy(rows[i].strategy);
        MppShard shard = mpp_shard_of(&s);
        MppJob job = inputs->job;
        job.training.precision = rows[i].precision;
        MppOpContext at = mpp_op_context(&job, &shard, &inputs->model.kinds[0]);
        g_assert_cmpfloat(at.tokens, ==, rows[i].tokens);
        g_assert_cmpfloat(at.norm_tokens, ==, rows[i].norm_tokens);
        g_assert_cmpfloat(at.element, ==, rows[i].element);
        g_assert_cmpfloat(at.tp, ==, s.tp);
    }
}

static void test_padded_vocab(void)
{
    static const struct {
        int64_t vocab, multiple, tp, padded;
    } rows[] = {
        { 50257, 1, 1, 50257 },  { 50257, 128, 1, 50304 }, /* GPT-2's vocabulary, as Megatron pads it */
        { 50257, 128, 8, 51200 }, { 51200, 128, 8, 51200 }, { 50257, 1, 3, 50259 },
        { 50257, 0, 1, 50257 },  { 50257, 0, 8, 50256 }, /* as vTrain cuts it */
    };
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        inputs->model.vocab = rows[i].vocab;
        inputs->runtime.vocab_multiple = rows[i].multiple;
        g_assert_cmpint(mpp_ops_padded_vocab(&inputs->job, rows[i].tp), ==, rows[i].padded);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/op/names", test_names);
    g_test_add_func("/op/add", test_add);
    g_test_add_func("/op/shard", test_shard);
    g_test_add_func("/op/context", test_context);
    g_test_add_func("/op/padded-vocab", test_padded_vocab);
    return g_test_run();
}
