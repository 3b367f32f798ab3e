#include "planner/ops/parts.h"

#include "tests/support/plain_job.h"

/** The attention of the first kind of layer under @strategy. */
static MppOps attention_of(const MppInputs *inputs, const char *strategy, bool cross)
{
    MppOps ops = { 0 };
    MppStrategy s = plain_job_strategy(strategy);
    MppShard shard = mpp_shard_of(&s);
    MppOpContext at = mpp_op_context(&inputs->job, &shard, &inputs->model.kinds[0]);
    mpp_ops_add_attention(&at, &ops, cross);
    return ops;
}

static void check_product(const MppOps *ops, const char *name, double m, double n, double k, double parameters)
{
    const MppOp *op = plain_job_find(ops, name);
    g_assert_cmpint(op->kind, ==, MPP_OP_MATMUL);
    g_assert_cmpfloat(op->m, ==, m);
    g_assert_cmpfloat(op->n, ==, n);
    g_assert_cmpfloat(op->k, ==, k);
    g_assert_cmpfloat(op->parameters, ==, parameters);
}

static void test_plain(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    MppOps ops = attention_of(inputs, "mbs=3", false);
    g_autofree char *names = plain_job_names(&ops);
    g_assert_cmpstr(names, ==, "qkv projection, attention core, output projection");
    check_product(&ops, "qkv projection", 3072, 1536, 512, 1536 * 512);
    check_product(&ops, "output projection", 3072, 512, 512, 512 * 512);

    const MppOp *core = plain_job_find(&ops, "attention core");
    g_assert_cmpint(core->kind, ==, MPP_OP_ATTENTION);
    g_assert_true(core->attention_core);
    g_assert_cmpfloat(core->count, ==, 12); /* heads of the micro-batch */
    g_assert_cmpfloat(core->m, ==, 1024);
    g_assert_cmpfloat(core->n, ==, 512);
    g_assert_cmpfloat(core->kept_bytes, ==, 3072 * 4 * 4);
}

static void test_grouped(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    inputs->model.heads = 12;
    inputs->model.kv_heads = 2;
    inputs->model.qkv_bias = inputs->model.output_bias = true;
    MppOps ops = attention_of(inputs, "tp=2", false);
    check_product(&ops, "qkv projection", 1024, (6 + 2) * 128, 512, 1024 * 512 + 1024);
    check_product(&ops, "output projection", 1024, 512, 768, 768 * 512 + 512);
    ops = attention_of(inputs, "tp=6", false); /* two heads a rank, the one of keys and values three times */
    check_product(&ops, "qkv projection", 1024, (2 + 2) * 128, 512, 512 * 512 + 512);
    check_product(&ops, "output projection", 1024, 512, 256, 256 * 512 + 512);
}

static void test_keys_seen(void)
{
    static const struct {
        MppModelKind kind;
        int64_t window;
        bool cross;
        double keys;
    } rows[] = {
        { MPP_MODEL_DECODER, 0, false, 512 },
        { MPP_MODEL_DECODER, 256, false, 256 - 256 * 256 / 2048.0 }, /* the first 256 queries see fewer */
        { MPP_MODEL_DECODER, 1024, false, 512 },
        { MPP_MODEL_DECODER, 4096, false, 512 },
        { MPP_MODEL_ENCODER, 0, false, 1024 },
        { MPP_MODEL_DECODER, 0, true, 1024 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppInputs) inputs = plain_job_new(8);
        inputs->model.kind = rows[i].kind;
        inputs->model.window = rows[i].window;
        plain_job_finish(inputs);
        MppOps ops = attention_of(inputs, "mbs=1", rows[i].cross);
        g_assert_cmpfloat(plain_job_find(&ops, "attention core")->n, ==, rows[i].keys);
    }
}

/** Scores in memory: 5 a s² b bytes with dropout (arXiv:2205.05198 §4.1), 2 a s² b without. */
static void test_unfused(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    double scores = 2 * 4 * 1024.0 * 1024; /* two heads a rank, four sequences */
    for (int dropout = 0; dropout <= 1; dropout++) {
        inputs->job.training.kernels.attention = MPP_ATTENTION_FUSED_SOFTMAX;
        inputs->job.training.dropout = dropout;
        MppOps ops = attention_of(inputs, "tp=2,mbs=4", false);
        g_autofree char *names = plain_job_names(&ops);
        g_assert_cmpstr(names, ==, dropout ? "qkv projection, scores, softmax, attention dropout, weighted values, output projection"
                                              : "qkv projection, scores, softmax, weighted values, output projection");
        const MppOp *softmax = plain_job_find(&ops, "softmax");
        g_assert_cmpfloat(softmax->kept_bytes, ==, scores * 2);
        g_assert_cmpfloat(softmax->forward_bytes, ==, scores * 4);
        g_assert_cmpfloat(softmax->backward_bytes, ==, scores * 6);
        if (dropout) {
            g_assert_cmpfloat(plain_job_find(&ops, "attention dropout")->kept_bytes, ==, scores * 3);
            g_assert_cmpfloat(plain_job_find(&ops, "attention dropout")->forward_bytes, ==, scores * 5);
        }
        g_assert_cmpfloat(plain_job_find(&ops, "scores")->count, ==, 8);
        g_assert_cmpfloat(plain_job_find(&ops, "scores")->n, ==, 1024);
        g_assert_cmpfloat(plain_job_find(&ops, "weighted values")->k, ==, 1024);
        g_assert_cmpfloat(plain_job_find(&ops, "scores")->parameters, ==, 0);
        inputs->job.training.kernels.attention = MPP_ATTENTION_UNFUSED;
        MppOps apart = attention_of(inputs, "tp=2,mbs=4", false);
        g_assert_cmpfloat(plain_job_find(&apart, "softmax")->forward_bytes, ==, scores * 36);
        g_assert_cmpfloat(plain_job_find(&apart, "softmax")->backward_bytes, ==, scores * 40);
    }
}

/** The fused softmax takes score matrices by fours: two heads a rank go without it. */
static void test_softmax_by_fours(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    for (int fused = 0; fused <= 1; fused++) {
        inputs->job.training.kernels.attention = fused ? MPP_ATTENTION_FUSED_SOFTMAX : MPP_ATTENTION_UNFUSED;
        MppOps two = attention_of(inputs, "tp=2,mbs=1", false), four = attention_of(inputs, "tp=2,mbs=2", false);
        g_assert_cmpint(plain_job_find(&two, "softmax")->forward_kernels, ==, 5);
        g_assert_cmpint(plain_job_find(&four, "softmax")->forward_kernels, ==, fused ? 1 : 5);
    }
}

/** It takes 16-bit scores: fp32 ones go without it and without casts, and only what the softmax returned is kept. */
static void test_softmax_in_fp32(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    inputs->job.training.precision = MPP_PRECISION_TF32;
    inputs->job.training.kernels.attention = MPP_ATTENTION_FUSED_SOFTMAX;
    double scores = 2 * 4 * 1024.0 * 1024;
    MppOps ops = attention_of(inputs, "tp=2,mbs=4", false);
    const MppOp *softmax = plain_job_find(&ops, "softmax");
    g_assert_cmpint(softmax->forward_kernels, ==, 5);
    g_assert_cmpfloat(softmax->forward_bytes, ==, scores * 24);
    g_assert_cmpfloat(softmax->backward_bytes, ==, scores * 28);
    g_assert_cmpfloat(softmax->kept_bytes, ==, scores * 4);
    inputs->job.training.precision = MPP_PRECISION_BF16;
    ops = attention_of(inputs, "tp=2,mbs=1", false);
    g_assert_cmpfloat(plain_job_find(&ops, "softmax")->kept_bytes, ==, scores / 4 * (4 + 2)); /* and its 16-bit copy */
}

/** DeepSeek-V2's: queries over 192, keys and values over 96, 40 + 24 wide, values 48. */
static void test_latent(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    inputs->model.mla = (MppMla){ 192, 96, 40, 24, 48 };
    MppOps ops = attention_of(inputs, "tp=2", false);
    g_autofree char *names = plain_job_names(&ops);
    g_assert_cmpstr(names, ==,
                    "query down projection, key-value down projection, query norm, key-value norm, query up projection, "
                    "key-value up projection, attention core, output projection");
    check_product(&ops, "query down projection", 1024, 192, 512, 192 * 512); /* on every rank */
    check_product(&ops, "key-value down projection", 1024, 120, 512, 120 * 512);
    check_product(&ops, "query up projection", 1024, 2 * 64, 192, 2 * 64 * 192);
    check_product(&ops, "key-value up projection", 1024, 2 * 88, 96, 2 * 88 * 96);
    check_product(&ops, "output projection", 1024, 512, 96, 96 * 512);
    g_assert_cmpfloat(plain_job_find(&ops, "attention core")->k, ==, 64);
    g_assert_cmpfloat(plain_job_find(&ops, "attention core")->v, ==, 48);
}

static void test_extras(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    inputs->model.positions = MPP_POSITIONS_ROTARY;
    inputs->model.qk_norm_dim = 128;
    inputs->model.attention_sinks = true;
    MppOps ops = attention_of(inputs, "tp=2", false);
    g_autofree char *names = plain_job_names(&ops);
    g_assert_cmpstr(names, ==, "qkv projection, query and key norms, rotary embedding, attention core, output projection");
    g_assert_cmpfloat(plain_job_find(&ops, "query and key norms")->parameters, ==, 256);
    g_assert_cmpfloat(plain_job_find(&ops, "attention core")->parameters, ==, 2);
    MppOps cross = attention_of(inputs, "tp=2", true);
    g_autofree char *cross_names = plain_job_names(&cross);
    g_assert_cmpstr(cross_names, ==, "query projection, key-value projection, attention core, output projection");
}

/** One kernel reads and writes each number of queries and keys once; written out it takes five times as many bytes, and six back. */
static void test_rotary(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    inputs->model.positions = MPP_POSITIONS_ROTARY;
    MppOps fused = attention_of(inputs, "tp=2", false);
    double forward = plain_job_find(&fused, "rotary embedding")->forward_bytes;
    g_assert_cmpfloat(plain_job_find(&fused, "rotary embedding")->backward_bytes, ==, forward);
    inputs->job.training.kernels.rotary_fused = false;
    MppOps plain = attention_of(inputs, "tp=2", false);
    g_assert_cmpfloat(plain_job_find(&plain, "rotary embedding")->forward_bytes, ==, 5 * forward);
    g_assert_cmpfloat(plain_job_find(&plain, "rotary embedding")->backward_bytes, ==, 6 * forward);
}

/** Softmax in memory: scores of 640 queries and 832 keys on average; kept are those of the longest, 1024 and 1024. */
static void test_unfused_lengths(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    inputs->job.training.kernels.attention = MPP_ATTENTION_FUSED_SOFTMAX;
    inputs->job.training.mean_seq = 640;
    MppOps ops = plain_job_layer(inputs, "mbs=3", 0);
    const MppOp *scores = plain_job_find(&ops, "scores"), *softmax = plain_job_find(&ops, "softmax");
    plain_job_expect("scores", scores->count * scores->m * scores->n, 12.0 * 640 * 832);
    g_assert_cmpfloat(scores->n, ==, 1024); /* as aligned as the longest */
    plain_job_expect("read and written", softmax->forward_bytes, 12.0 * 640 * 832 * 2 * 2);
    plain_job_expect("kept", softmax->kept_bytes, 12.0 * 1024 * 1024 * 2);
}

/** Packed documents: of long sequences a query sees a document's 192 keys on average, of short ones nearly half of the sequence. */
static void test_documents(void)
{
    static const struct {
        int64_t documents;
        double keys;
    } rows[] = { { 0, 512 }, { 192, 156.1738061998 }, { 1000000, 511.8252821107 } }; /* d - d^2 / 1024 (1 - exp(-1024 / d)) */
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppInputs) inputs = plain_job_new(8);
        inputs->job.training.document_tokens = rows[i].documents;
        MppOps ops = plain_job_layer(inputs, "mbs=3", 0);
        plain_job_expect("keys", plain_job_find(&ops, "attention core")->n, rows[i].keys);
    }
}

/** A decoder's 192 tokens beside an encoder's 1024: queries are the decoder's; keys too, but of cross attention the encoder's. */
static void test_decoder(void)
{
    for (int unfused = 0; unfused <= 1; unfused++) {
        g_autoptr(MppInputs) inputs = plain_job_new(8);
        inputs->model.kind = MPP_MODEL_ENCODER_DECODER;
        inputs->model.encoder_layers = 2;
        inputs->training.target_seq = 192;
        if (unfused)
            inputs->training.kernels.attention = MPP_ATTENTION_FUSED_SOFTMAX;
        plain_job_finish(inputs);
        const MppModel *model = &inputs->model;
        MppStrategy s = plain_job_strategy("mbs=3");
        MppShard shard = mpp_shard_of(&s);
        MppOpContext at = mpp_op_context(&inputs->job, &shard, &model->kinds[model->kind_of_layer[model->n_layers - 1]]);
        for (int cross = 0; cross <= 1; cross++) {
            MppOps ops = { .n = 0 };
            mpp_ops_add_attention(&at, &ops, cross);
            const MppOp *core = plain_job_find(&ops, unfused ? "scores" : "attention core");
            g_assert_cmpfloat(core->m, ==, 192);
            g_assert_cmpfloat(core->n, ==, cross ? 1024 : unfused ? 192 : 96);
            g_assert_cmpfloat(core->count, ==, 12);
            g_assert_cmpfloat(plain_job_find(&ops, cross ? "query projection" : "qkv projection")->m, ==, 3 * 192);
            g_assert_cmpfloat(plain_job_find(&ops, "output projection")->m, ==, 3 * 192);
            if (cross)
                g_assert_cmpfloat(plain_job_find(&ops, "key-value projection")->m, ==, 3 * 1024);
        }
        at = mpp_op_context(&inputs->job, &shard, &model->kinds[model->kind_of_layer[0]]);
        MppOps ops = { .n = 0 };
        mpp_ops_add_attention(&at, &ops, false);
        const MppOp *core = plain_job_find(&ops, unfused ? "scores" : "attention core");
        g_assert_cmpfloat(core->m, ==, 1024);
        g_assert_cmpfloat(core->n, ==, 1024);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/attention/plain", test_plain);
    g_test_add_func("/attention/grouped", test_grouped);
    g_test_add_func("/attention/keys-seen", test_keys_seen);
    g_test_add_func("/attention/unfused", test_unfused);
    g_test_add_func("/attention/softmax-by-fours", test_softmax_by_fours);
    g_test_add_func("/attention/softmax-in-fp32", test_softmax_in_fp32);
    g_test_add_func("/attention/latent", test_latent);
    g_test_add_func("/attention/extras", test_extras);
    g_test_add_func("/attention/rotary", test_rotary);
    g_test_add_func("/attention/unfused-lengths", test_unfused_lengths);
    g_test_add_func("/attention/documents", test_documents);
    g_test_add_func("/attention/decoder", test_decoder);
    return g_test_run();
}
