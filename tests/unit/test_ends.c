#include "planner/ops/op.h"

#include "tests/support/plain_job.h"

typedef void (*Ends)(const MppJob *job, const MppShard *shard, MppOps *ops);

static MppOps ends_of(const MppInputs *inputs, Ends ends, const char *strategy)
{
    MppOps ops;
    MppStrategy s = plain_job_strategy(strategy);
    MppShard shard = mpp_shard_of(&s);
    ends(&inputs->job, &shard, &ops);
    return ops;
}

static double parameters(const MppOps *ops)
{
    double sum = 0;
    for (int i = 0; i < ops->n; i++)
        sum += ops->ops[i].parameters;
    return sum;
}

static void test_embedding(void)
{
    static const struct {
        const char *strategy;
        MppPositions positions;
        int64_t embedding_dim, multiple;
        bool norm, dropout;
        const char *names;
        double parameters;
    } rows[] = {
        { "mbs=3", MPP_POSITIONS_ROTARY, 0, 1, false, false, "token embedding", 51200 * 512 },
        { "mbs=3", MPP_POSITIONS_LEARNED, 0, 1, false, true, "token embedding, position embedding, embedding dropout",
          (51200 + 1024) * 512 },
        { "tp=4", MPP_POSITIONS_NONE, 0, 1, false, false, "token embedding, sum outputs", 12800 * 512 },
        { "tp=4,sp", MPP_POSITIONS_NONE, 0, 128, true, false,
          "token embedding, scatter outputs, gather output gradients, embedding norm", 12800 * 512 + 512 },
        { "tp=4", MPP_POSITIONS_NONE, 0, 384, false, false, "token embedding, sum outputs", 13056 * 512 }, /* 34 * 1536 over 4 */
        { "mbs=1", MPP_POSITIONS_NONE, 192, 1, false, false, "token embedding, embedding projection", 51200 * 192 + 192 * 512 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppInputs) inputs = plain_job_new(8);
        inputs->model.positions = rows[i].positions;
        inputs->model.embedding_dim = rows[i].embedding_dim;
        inputs->model.embedding_norm = rows[i].norm;
        inputs->training.dropout = rows[i].dropout;
        inputs->runtime.vocab_multiple = rows[i].multiple;
        plain_job_finish(inputs);
        MppOps ops = ends_of(inputs, mpp_ops_embedding, rows[i].strategy);
        g_autofree char *names = plain_job_names(&ops);
        g_assert_cmpstr(names, ==, rows[i].names);
        g_assert_cmpfloat(parameters(&ops), ==, rows[i].parameters);
    }
}

static void test_patches(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    inputs->model.vision = (MppVision){ 224, 16, 3, true };
    inputs->job.training.seq = 197;
    MppOps ops = ends_of(inputs, mpp_ops_embedding, "mbs=2");
    g_autofree char *names = plain_job_names(&ops);
    g_assert_cmpstr(names, ==, "patch embedding");
    g_assert_cmpfloat(ops.ops[0].m, ==, 394);
    g_assert_cmpfloat(ops.ops[0].k, ==, 768);
    g_assert_cmpfloat(parameters(&ops), ==, 768 * 512 + 512 + 512);
}

static void test_head(void)
{
    static const struct {
        const char *strategy;
        MppHeadKind head;
        bool tied, bias;
        const char *names;
        double parameters;
    } rows[] = {
        { "mbs=3", MPP_HEAD_LM, false, false, "final norm, vocabulary projection, cross entropy", 512 + 51200 * 512 },
        { "mbs=3", MPP_HEAD_LM, true, false, "final norm, vocabulary projection, cross entropy", 512 },
        { "mbs=3", MPP_HEAD_LM, true, true, "final norm, vocabulary projection, cross entropy", 512 + 51200 },
        { "mbs=3", MPP_HEAD_MASKED_LM, true, false,
          "final norm, head transform, head norm, vocabulary projection, cross entropy", 512 + 512 * 512 + 512 + 512 + 51200 },
        { "tp=4", MPP_HEAD_LM, false, true, "final norm, sum input gradients, vocabulary projection, cross entropy, loss sums",
          512 + 12800 * 512 + 12800 },
        { "tp=4,sp", MPP_HEAD_LM, false, false,
          "final norm, gather sequence, scatter input gradients, vocabulary projection, cross entropy, loss sums",
          512 + 12800 * 512 },
        { "mbs=3", MPP_HEAD_POOLER, false, false, "final norm, pooler", 512 + 512 * 512 + 512 },
        { "mbs=3", MPP_HEAD_CLASSIFIER, false, false, "final norm, classifier", 512 + 513 * 10 },
        { "mbs=3", MPP_HEAD_NONE, false, false, "final norm", 512 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppInputs) inputs = plain_job_new(8);
        inputs->model.head = rows[i].head;
        inputs->model.head_bias = rows[i].bias;
        inputs->model.tied_embeddings = rows[i].tied;
        inputs->model.classes = 10;
        plain_job_finish(inputs);
        MppOps ops = ends_of(inputs, mpp_ops_head, rows[i].strategy);
        g_autofree char *names = plain_job_names(&ops);
        g_assert_cmpstr(names, ==, rows[i].names);
        g_assert_cmpfloat(parameters(&ops), ==, rows[i].parameters);
    }
}

/** The loss moves what the stack says per logit; the projection stays in bf16 under fp8. */
static void test_loss(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    inputs->runtime.loss_traffic_bytes = 23;
    inputs->job.training.precision = MPP_PRECISION_FP8;
    MppOps ops = ends_of(inputs, mpp_ops_head, "tp=4,mbs=3");
    const MppOp *loss = plain_job_find(&ops, "cross entropy"), *sums = plain_job_find(&ops, "loss sums");
    g_assert_cmpfloat(loss->forward_bytes + loss->backward_bytes, ==, 23.0 * 3072 * 12800);
    g_assert_cmpint(plain_job_find(&ops, "vocabulary projection")->precision, ==, MPP_PRECISION_BF16);
    g_assert_cmpint(sums->forward_times, ==, 3);
    g_assert_cmpfloat(sums->bytes, ==, 3072 * 4);
}

/** Fused unlike the stack's own, the loss moves less; a stack whose own is fused says what that one moves. */
static void test_fused_loss(void)
{
    static const struct {
        bool own, fused;
        double bytes;
    } rows[] = { { false, false, 23 }, { false, true, 8 }, { true, true, 23 } };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppInputs) inputs = plain_job_new(8);
        inputs->runtime.loss_traffic_bytes = 23;
        inputs->runtime.kernels.cross_entropy_fused = rows[i].own;
        inputs->job.training.kernels.cross_entropy_fused = rows[i].fused;
        MppOps ops = ends_of(inputs, mpp_ops_head, "tp=4,mbs=3");
        const MppOp *loss = plain_job_find(&ops, "cross entropy");
        g_assert_cmpfloat(loss->forward_bytes + loss->backward_bytes, ==, rows[i].bytes * 3072 * 12800);
    }
}

/** Where logits are gathered, each rank gathers all of them and computes the whole loss. */
static void test_whole_loss(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    inputs->runtime.loss_traffic_bytes = 20;
    inputs->job.training.kernels.logits_gathered = true;
    MppOps one = ends_of(inputs, mpp_ops_head, "mbs=2"), four = ends_of(inputs, mpp_ops_head, "tp=4,mbs=2");
    g_autofree char *names = plain_job_names(&four);
    g_assert_cmpstr(names, ==, "final norm, sum input gradients, vocabulary projection, gather logits, cross entropy");
    g_assert_cmpfloat(plain_job_find(&four, "gather logits")->bytes, ==, 2048.0 * 51200 * 2);
    g_assert_cmpfloat(plain_job_find(&four, "cross entropy")->forward_bytes, ==, 2048.0 * 51200 * 10);
    g_assert_cmpfloat(plain_job_find(&one, "cross entropy")->forward_bytes, ==, 2048.0 * 51200 * 10);
}

/** Of 640 of 1024 tokens on average 160 are masked; what is kept is that of the longest, and the final norm is of all. */
static void test_masked(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    inputs->model.head = MPP_HEAD_MASKED_LM;
    inputs->runtime.loss_traffic_bytes = 20;
    inputs->training.mean_seq = 640;
    inputs->training.loss_tokens = 160;
    plain_job_finish(inputs);
    MppOps ops = ends_of(inputs, mpp_ops_head, "mbs=3");
    g_assert_cmpfloat(plain_job_find(&ops, "final norm")->forward_bytes, ==, 3 * 640 * 512 * 2 * 2);
    g_assert_cmpfloat(plain_job_find(&ops, "final norm")->kept_bytes, ==, 3 * 1024 * 512 * 2 * 2);
    g_assert_cmpfloat(plain_job_find(&ops, "head transform")->m, ==, 3 * 160);
    g_assert_cmpfloat(plain_job_find(&ops, "head norm")->kept_bytes, ==, 3 * 256 * 512 * 2 * 2);
    g_assert_cmpfloat(plain_job_find(&ops, "vocabulary projection")->m, ==, 3 * 160);
    g_assert_cmpfloat(plain_job_find(&ops, "cross entropy")->forward_bytes, ==, 3.0 * 160 * 51200 * 10);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ends/embedding", test_embedding);
    g_test_add_func("/ends/patches", test_patches);
    g_test_add_func("/ends/head", test_head);
    g_test_add_func("/ends/loss", test_loss);
    g_test_add_func("/ends/fused-loss", test_fused_loss);
    g_test_add_func("/ends/whole-loss", test_whole_loss);
    g_test_add_func("/ends/masked", test_masked);
    return g_test_run();
}
