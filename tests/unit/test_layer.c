#include "planner/ops/op.h"

#include "tests/support/plain_job.h"

static double kept_bytes(const MppOps *ops, bool selective)
{
    double bytes = 0;
    for (int i = 0; i < ops->n; i++)
        bytes += ops->ops[i].kept_bytes * (selective ? 1 - ops->ops[i].dropped_frac : 1);
    return bytes;
}

/**
 * Activations of a layer of GPT with dropout and fused softmax, per byte of s b h (arXiv:2205.05198, table 2); a is the
 * number of heads and s the sequence.
 */
static void test_published_activations(void)
{
    static const struct {
        const char *strategy;
        double whole, split, scores; /* whole + split / t + scores a s / (h t) */
        bool selective;
    } rows[] = {
        { "mbs=4", 34, 0, 5, false },
        { "tp=4,mbs=4", 10, 24, 5, false },
        { "tp=4,mbs=4,sp", 0, 34, 5, false },
        { "tp=2,mbs=4", 10, 24, 0, true },
        { "tp=4,mbs=4,sp", 0, 34, 0, true },
    };
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    inputs->training.dropout = true;
    inputs->training.kernels.attention = MPP_ATTENTION_FUSED_SOFTMAX;
    inputs->model.norm = MPP_NORM_LAYER;
    plain_job_finish(inputs);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        MppStrategy s = plain_job_strategy(rows[i].strategy);
        MppOps ops = plain_job_layer(inputs, rows[i].strategy, 0);
        double sbh = 1024.0 * 4 * 512, scores = rows[i].scores * 4 * 1024 / 512;
        plain_job_expect(rows[i].strategy, kept_bytes(&ops, rows[i].selective),
                         sbh * (rows[i].whole + (rows[i].split + scores) / s.tp));
    }
}

#define ATTENTION "qkv projection, attention core, output projection, "
#define MLP "mlp up projection, activation, mlp down projection, "

static void test_order(void)
{
    static const struct {
        const char *strategy;
        bool parallel;
        int64_t norms;
        const char *names;
    } rows[] = {
        { "mbs=1", false, 2, "attention norm, " ATTENTION "attention residual, mlp norm, " MLP "mlp residual" },
        { "mbs=1", true, 1, "attention norm, " ATTENTION MLP "residual" },
        { "mbs=1", true, 2, "attention norm, mlp norm, " ATTENTION MLP "residual" },
        { "mbs=1", false, 4,
          "attention norm, " ATTENTION "attention residual, mlp norm, norm after block, norm after block, " MLP "mlp residual" },
        { "tp=2", false, 2,
          "attention norm, sum input gradients, " ATTENTION "sum outputs, attention residual, mlp norm, sum input gradients, " MLP
          "sum outputs, mlp residual" },
        { "tp=2", true, 1, "attention norm, sum input gradients, " ATTENTION MLP "sum outputs, residual" },
        { "tp=2,sp", true, 1,
          "attention norm, gather sequence, scatter input gradients, " ATTENTION MLP
          "scatter outputs, gather output gradients, residual" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppInputs) inputs = plain_job_new(8);
        inputs->model.parallel_block = rows[i].parallel;
        inputs->model.norms_per_layer = rows[i].norms;
        MppOps ops = plain_job_layer(inputs, rows[i].strategy, 0);
        g_autofree char *names = plain_job_names(&ops);
        g_assert_cmpstr(names, ==, rows[i].names);
    }
}

/** With sequence parallelism four gathers and four scatters, and two gathers more for the weights' gradients. */
static void test_tensor_parallel_traffic(void)
{
    static const struct {
        const char *strategy;
        int forward[MPP_N_COLLECTIVES], backward[MPP_N_COLLECTIVES];
    } rows[] = {
        { "mbs=3", { 0 }, { 0 } },
        { "tp=4,mbs=3", { [MPP_COLLECTIVE_ALL_REDUCE] = 2 }, { [MPP_COLLECTIVE_ALL_REDUCE] = 2 } },
        { "tp=4,mbs=3,sp",
          { [MPP_COLLECTIVE_ALL_GATHER] = 2, [MPP_COLLECTIVE_REDUCE_SCATTER] = 2 },
          { [MPP_COLLECTIVE_ALL_GATHER] = 4, [MPP_COLLECTIVE_REDUCE_SCATTER] = 2 } },
    };
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        MppOps ops = plain_job_layer(inputs, rows[i].strategy, 0);
        int forward[MPP_N_COLLECTIVES] = { 0 }, backward[MPP_N_COLLECTIVES] = { 0 };
        for (int k = 0; k < ops.n; k++) {
            const MppOp *op = &ops.ops[k];
            if (op->kind != MPP_OP_COLLECTIVE)
                continue;
            g_assert_cmpint(op->axis, ==, MPP_AXIS_TP);
            g_assert_cmpfloat(op->bytes, ==, 3072 * 512 * 2);
            forward[op->collective] += op->forward_times;
            backward[op->collective] += op->backward_times;
        }
        g_assert_cmpmem(forward, sizeof(forward), rows[i].forward, sizeof(forward));
        g_assert_cmpmem(backward, sizeof(backward), rows[i].backward, sizeof(backward));
    }
}

/** In 8 bits a layer's inputs are gathered in 8 where the stack does that; what is summed, and the ends, stay at 16. */
static void test_narrow_gathers(void)
{
    static const struct {
        bool narrow;
        MppPrecision precision;
        double gathered; /* bytes an element */
    } rows[] = {
        { true, MPP_PRECISION_FP8, 1 }, { true, MPP_PRECISION_FP8_ROWWISE, 2 }, { true, MPP_PRECISION_BF16, 2 }, { false, MPP_PRECISION_FP8, 2 }
    };
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        inputs->runtime.narrow_gathers = rows[i].narrow;
        inputs->job.training.precision = rows[i].precision;
        MppOps ops = plain_job_layer(inputs, "tp=4,sp", 0), head;
        for (int k = 0; k < ops.n; k++)
            if (ops.ops[k].kind == MPP_OP_COLLECTIVE) {
                bool gather = ops.ops[k].collective == MPP_COLLECTIVE_ALL_GATHER;
                g_assert_cmpfloat(ops.ops[k].bytes, ==, 1024 * 512 * (gather ? rows[i].gathered : 2));
            }
        MppStrategy s = plain_job_strategy("tp=4,sp");
        MppShard shard = mpp_shard_of(&s);
        mpp_ops_head(&inputs->job, &shard, &head);
        g_assert_cmpfloat(plain_job_find(&head, "gather sequence")->bytes, ==, 1024 * 512 * 2);
    }
}

static void test_cross_attention(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    inputs->model.kind = MPP_MODEL_ENCODER_DECODER;
    inputs->model.encoder_layers = 3;
    plain_job_finish(inputs);
    MppOps ops = plain_job_layer(inputs, "mbs=1", 1);
    g_autofree char *names = plain_job_names(&ops);
    g_assert_cmpstr(names, ==,
                    "attention norm, " ATTENTION "attention residual, cross attention norm, query projection, "
                    "key-value projection, attention core, output projection, cross attention residual, mlp norm, " MLP
                    "mlp residual");
}

static void test_prediction(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    inputs->model.prediction_layers = 1;
    plain_job_finish(inputs);
    MppOps ops = plain_job_layer(inputs, "mbs=1", 1);
    g_autofree char *names = plain_job_names(&ops);
    g_assert_cmpstr(names, ==,
                    "prediction norms, prediction projection, attention norm, " ATTENTION "attention residual, mlp norm, " MLP
                    "mlp residual, prediction output norm");
    const MppOp *projection = plain_job_find(&ops, "prediction projection");
    g_assert_cmpfloat(projection->n, ==, 512);
    g_assert_cmpfloat(projection->k, ==, 1024);
}

/** Bytes of a residual sum, in moves of its elements: two read and one written, and as much for a bias or dropout. */
static void test_residual(void)
{
    static const struct {
        bool fused, bias, inside, dropout;
        double forward, backward;
    } rows[] = {
        { true, true, false, false, 3, 1 },
        { false, false, false, false, 3, 3 },
        { false, true, false, false, 6, 6 },
        { false, true, true, false, 3, 4 }, /* the bias' gradient is summed */
        { false, true, true, true, 6, 7 },
    };
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        inputs->job.training.kernels.elementwise_fused = rows[i].fused;
        inputs->job.training.dropout = rows[i].dropout;
        inputs->model.output_bias = rows[i].bias;
        inputs->runtime.bias_in_products = rows[i].inside;
        MppOps ops = plain_job_layer(inputs, "mbs=1", 0);
        const MppOp *sum = plain_job_find(&ops, "mlp residual");
        double elements = 2.0 * inputs->job.training.seq * inputs->model.hidden;
        g_assert_cmpfloat(sum->forward_bytes, ==, rows[i].forward * elements);
        g_assert_cmpfloat(sum->backward_bytes, ==, rows[i].backward * elements);
    }
}

/** Names of what is computed again, joined. */
static char *again_names(const MppOps *ops)
{
    MppOps again = { 0 };
    for (int i = 0; i < ops->n; i++)
        if (ops->ops[i].again_frac > 0)
            again.ops[again.n++] = ops->ops[i];
    return plain_job_names(&again);
}

/**
 * What naming modules frees of 1024 tokens 512 wide, in elements of 2 bytes: a norm its output, the gated activation of 3 experts a
 * token its output, latent attention's up part queries, keys and values of 4 heads 64, 64 and 48 wide and two norms, an MLP all but
 * its input.
 */
static void test_modules(void)
{
    static const struct {
        const char *modules, *again;
        bool experts, latent;
        double dropped;
    } rows[] = {
        { "core_attn", "attention core", true, false, 4 * 2 },
        { "layernorm", "mlp norm", true, false, 512 },
        { "layernorm", "", false, false, 0 },
        { "layernorm", "attention norm", false, true, 512 },
        { "layernorm+moe_act", "mlp norm, activation", true, false, 512 + 3 * 768 },
        { "mlp", "mlp up projection, activation, mlp down projection", false, false, 4 * 2048 },
        { "mlp", "", true, false, 0 },
        { "moe", "router, routing, permute tokens, mlp up projection, activation, mlp down projection, unpermute tokens", true, false,
          24 * 4 + 3 * 512 + 3 * 4 * 768 + 3 * 512 },
        { "mla_up_proj", "query norm, key-value norm, query up projection, key-value up projection", false, true,
          192 + 96 + 4 * 64 + 4 * (64 + 48) },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppInputs) inputs = plain_job_new(8);
        inputs->model.gated_mlp = true;
        if (rows[i].experts)
            inputs->model.moe = (MppMoe){ .experts = 24, .topk = 3, .ffn = 768, .every = 1 };
        if (rows[i].latent)
            inputs->model.mla = (MppMla){ 192, 96, 40, 24, 48 };
        plain_job_finish(inputs);
        g_autofree char *strategy = g_strdup_printf("mbs=1,recompute=selective:%s", rows[i].modules);
        MppOps ops = plain_job_layer(inputs, strategy, 0);
        g_autofree char *again = again_names(&ops);
        g_assert_cmpstr(again, ==, rows[i].again);
        plain_job_expect(rows[i].modules, kept_bytes(&ops, false) - kept_bytes(&ops, true), 1024 * 2 * rows[i].dropped);
    }
}

/** Computed again are two norms' outputs and the activation's, 2 + 2 + 8 of 34 bytes; and nothing of the attention core. */
static void test_streams_again(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    inputs->runtime.selective = MPP_SELECTIVE_STREAMS;
    inputs->training.dropout = true;
    inputs->training.kernels.attention = MPP_ATTENTION_FUSED_SOFTMAX;
    inputs->model.norm = MPP_NORM_LAYER;
    plain_job_finish(inputs);
    MppOps ops = plain_job_layer(inputs, "mbs=4", 0);
    double sbh = 1024.0 * 4 * 512, scores = 5 * 4 * 1024 / 512.0;
    plain_job_expect("kept", kept_bytes(&ops, false), sbh * (34 + scores));
    plain_job_expect("selective", kept_bytes(&ops, true), sbh * (22 + scores));
    const MppOp *norm = plain_job_find(&ops, "mlp norm"), *core = plain_job_find(&ops, "softmax");
    g_assert_true(norm->again_frac == 1 && core->again_frac == 0);
}

/** Where ranks of tp keep what they gathered, each layer's two inputs are kept whole; selective recomputation gathers them again. */
static void test_keeps_gathered(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    inputs->runtime.selective = MPP_SELECTIVE_HALF_PRODUCTS;
    double kept[2][2];
    for (int keeps = 0; keeps < 2; keeps++) {
        inputs->runtime.keeps_gathered = keeps;
        MppOps ops = plain_job_layer(inputs, "dp=2,tp=4,sp", 0);
        for (int selective = 0; selective < 2; selective++)
            kept[keeps][selective] = kept_bytes(&ops, selective);
    }
    plain_job_expect("kept", kept[1][0] - kept[0][0], 2 * 1024 * 512 * 2.0);
    plain_job_expect("selective", kept[1][1], kept[0][1]);
}

/** Every second product's output is kept; that of a gated MLP's last one only where no compiler sees that nothing reads it. */
static void test_eager_output(void)
{
    static const struct {
        MppSelective selective;
        bool gated;
        double more; /* numbers of a token that eager code keeps */
    } rows[] = { { MPP_SELECTIVE_HALF_PRODUCTS, true, 512 }, { MPP_SELECTIVE_HALF_PRODUCTS, false, 0 }, { MPP_SELECTIVE_ATTENTION, true, 0 } };
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        inputs->runtime.selective = rows[i].selective;
        inputs->model.gated_mlp = rows[i].gated;
        double kept[2];
        for (int fused = 0; fused < 2; fused++) {
            inputs->job.training.kernels.elementwise_fused = fused;
            MppOps ops = plain_job_layer(inputs, "dp=8", 0);
            const MppOp *activation = plain_job_find(&ops, "activation");
            kept[fused] = activation->kept_bytes * (1 - activation->dropped_frac);
        }
        plain_job_expect("kept", kept[0], kept[1] + 1024 * 2 * rows[i].more);
    }
}

/** Products in 4 bits are not on the list: of a layer its input and attention's output are kept. */
static void test_listed_products(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    inputs->runtime.selective = MPP_SELECTIVE_HALF_PRODUCTS;
    inputs->model.gated_mlp = true;
    double narrow[MPP_N_PRECISIONS] = { 0 };
    const MppPrecision precisions[] = { MPP_PRECISION_BF16, MPP_PRECISION_MXFP8, MPP_PRECISION_NVFP4 };
    for (size_t i = 0; i < G_N_ELEMENTS(precisions); i++) {
        inputs->job.training.precision = precisions[i];
        MppOps ops = plain_job_layer(inputs, "dp=8", 0);
        narrow[precisions[i]] = kept_bytes(&ops, true);
        const MppOp *up = plain_job_find(&ops, "mlp up projection");
        g_assert_cmpfloat(up->again_frac, ==, precisions[i] == MPP_PRECISION_NVFP4 ? 1 : 0.5);
    }
    plain_job_expect("8 bits", narrow[MPP_PRECISION_MXFP8], narrow[MPP_PRECISION_BF16]);
    plain_job_expect("4 bits", narrow[MPP_PRECISION_NVFP4], narrow[MPP_PRECISION_BF16] - 1024 * 2 * (2 * 512 + 2048.0));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/layer/published-activations", test_published_activations);
    g_test_add_func("/layer/order", test_order);
    g_test_add_func("/layer/tensor-parallel-traffic", test_tensor_parallel_traffic);
    g_test_add_func("/layer/narrow-gathers", test_narrow_gathers);
    g_test_add_func("/layer/streams-again", test_streams_again);
    g_test_add_func("/layer/keeps-gathered", test_keeps_gathered);
    g_test_add_func("/layer/eager-output", test_eager_output);
    g_test_add_func("/layer/listed-products", test_listed_products);
    g_test_add_func("/layer/cross-attention", test_cross_attention);
    g_test_add_func("/layer/prediction", test_prediction);
    g_test_add_func("/layer/residual", test_residual);
    g_test_add_func("/layer/modules", test_modules);
    return g_test_run();
}
