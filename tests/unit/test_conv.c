#include "planner/cost/compute.h"
#include "planner/cost/estimate.h"
#include "planner/ops/op.h"
#include "planner/spec/zoo.h"
#include "tests/support/expect.h"
#include "tests/support/plain_job.h"

/** One listed layer for what has 6 channels of 10 × 8 pixels. */
static MppInputs *job_of(const char *layer)
{
    g_autofree char *text = g_strdup_printf("{\"name\": \"net\", \"input\": {\"channels\": 6, \"height\": 10, \"width\": 8}, "
                                            "\"sequential\": [%s, {\"ops\": [{\"linear\": 7}]}]}", layer);
    g_autoptr(GError) error = NULL;
    g_autoptr(MppJson) json = mpp_expect_json(text);
    g_autoptr(MppModel) model = mpp_model_read(json, &error);
    g_assert_no_error(error);
    MppInputs *inputs = plain_job_new(8);
    mpp_model_clear(&inputs->model);
    inputs->model = *model;
    *model = (MppModel){ 0 };
    inputs->training.seq = 1;
    mpp_inputs_bind(inputs);
    return inputs;
}

static const char plain[] = "{\"ops\": [{\"conv\": 12, \"kernel\": 3, \"stride\": 2, \"norm\": \"batchnorm\", \"activation\": \"relu\"}]}";
static const char grouped[] = "{\"ops\": [{\"conv\": 12, \"kernel\": 3, \"groups\": 3}]}";
static const char pair[] = "{\"ops\": [{\"conv\": 12, \"kernel\": 1, \"activation\": \"gelu\"}, {\"conv\": 8, \"kernel\": 3}]}";
static const char normed[] = "{\"ops\": [{\"conv\": 12, \"kernel\": 1, \"norm\": \"layernorm\"}, {\"conv\": 8, \"kernel\": 1}]}";
static const char residual[] = "{\"residual\": true, \"activation\": \"relu\", \"ops\": [{\"conv\": 4, \"kernel\": 3, \"stride\": 2}]}";
static const char pooled[] = "{\"ops\": [{\"max_pool\": 2}, {\"average_pool\": 3, \"stride\": 1}]}";

/** Worked out by hand for 3 samples in bf16: the products' sizes, parameters and kept bytes of the layer. */
static const struct {
    const char *layer, *strategy, *names;
    double count, m, n, k, overlap, parameters, kept_bytes;
} rows[] = {
    { plain, "mbs=3", "convolution, norm, activation", 1, 3 * 5 * 4, 12, 54, 60 * 54 / (240.0 * 6), 54 * 12 + 24,
      2 * 60 * 12 * 2 }, /* the norm's input, the ReLU's output */
    { grouped, "mbs=3", "convolution", 3, 240, 4, 18, 9, 3 * 18 * 4 + 12, 240 * 12 * 2 },
    { pair, "mbs=3", "convolution, activation, convolution", 1, 240, 12, 6, 1, 6 * 12 + 12 + 108 * 8 + 8,
      (2 * 12 + 8) * 240 * 2 }, /* GELU keeps its input, too */
    { pair, "tp=2,mbs=3", "sum input gradients, convolution, activation, convolution, sum outputs", 1, 240, 6, 6, 1,
      6 * 6 + 6 + 54 * 8 + 8, (2 * 6 + 8) * 240 * 2 },
    { normed, "tp=2,mbs=3", "convolution, norm, convolution", 1, 240, 12, 6, 1, 6 * 12 + 24 + 12 * 8 + 8, (12 + 12 + 8) * 240 * 2 },
    { residual, "mbs=3", "convolution, shortcut, residual, activation", 1, 60, 4, 54, 60 * 54 / (240.0 * 6), 54 * 4 + 4 + 6 * 4 + 4,
      60 * 4 * 2 },
    { pooled, "mbs=3", "max pool, average pool", 0, 0, 0, 0, 0, 0, 60 * 6 * (2 + 8) + 3 * 3 * 2 * 6 * 2 },
};

static void test_layers(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppInputs) inputs = job_of(rows[i].layer);
        MppOps ops = plain_job_layer(inputs, rows[i].strategy, 0);
        g_autofree char *names = plain_job_names(&ops);
        g_assert_cmpstr(names, ==, rows[i].names);
        double parameters = 0, kept_bytes = 0;
        const MppOp *product = NULL;
        for (int k = 0; k < ops.n; k++) {
            parameters += ops.ops[k].parameters;
            kept_bytes += ops.ops[k].kept_bytes;
            product = !product && ops.ops[k].kind == MPP_OP_MATMUL ? &ops.ops[k] : product;
        }
        g_assert_cmpfloat(parameters, ==, rows[i].parameters);
        g_assert_cmpfloat(kept_bytes, ==, rows[i].kept_bytes);
        const double sizes[] = { rows[i].count, rows[i].m, rows[i].n, rows[i].k, rows[i].overlap };
        const double found[] = { product ? product->count : 0, product ? product->m : 0, product ? product->n : 0,
                                 product ? product->k : 0, product ? product->overlap : 0 };
        for (size_t k = 0; k < G_N_ELEMENTS(sizes); k++)
            g_assert_cmpfloat(found[k], ==, sizes[k]);
    }
}

/** What a rank of tp sums: the layer's input backwards, its output forwards. */
static void test_exchange(void)
{
    g_autoptr(MppInputs) inputs = job_of(pair);
    MppOps ops = plain_job_layer(inputs, "tp=2,mbs=3", 0);
    const MppOp *entry = &ops.ops[0], *leave = &ops.ops[ops.n - 1];
    g_assert_cmpfloat(entry->bytes, ==, 240 * 6 * 2);
    g_assert_true(entry->backward_times == 1 && entry->forward_times == 0);
    g_assert_cmpfloat(leave->bytes, ==, 240 * 8 * 2);
    g_assert_true(leave->forward_times == 1 && leave->backward_times == 0);
}

/** A stack that writes windows to memory moves nine times the input for a window of 3 × 3, and reads them as they are. */
static void test_written_windows(void)
{
    g_autoptr(MppInputs) inputs = job_of("{\"ops\": [{\"conv\": 12, \"kernel\": 3}]}");
    inputs->runtime.writes_windows = true;
    MppOps ops = plain_job_layer(inputs, "mbs=3", 0);
    g_assert_cmpint(ops.n, ==, 2);
    g_assert_cmpint(ops.ops[0].kind, ==, MPP_OP_MEMORY);
    g_assert_cmpfloat(ops.ops[0].forward_bytes, ==, 240 * 6 * (1 + 9) * 2);
    g_assert_cmpfloat(ops.ops[0].backward_bytes, ==, 2 * ops.ops[0].forward_bytes);
    g_assert_cmpfloat(ops.ops[1].overlap, ==, 1);
}

/** Fewer bytes are read where windows overlap, so products bound by memory are faster. */
static void test_overlap_is_faster(void)
{
    g_autoptr(MppInputs) inputs = job_of("{\"ops\": [{\"conv\": 12, \"kernel\": 3}]}");
    MppOps ops = plain_job_layer(inputs, "mbs=3", 0);
    MppOp *product = &ops.ops[0];
    MppOpTime gathered = mpp_compute_time(&inputs->job, product);
    product->overlap = 1;
    MppOpTime written = mpp_compute_time(&inputs->job, product);
    g_assert_cmpfloat(gathered.forward_s, <, written.forward_s);
    g_assert_cmpfloat(gathered.backward_input_s, <, written.backward_input_s);
    g_assert_cmpfloat(gathered.backward_weight_s, <, written.backward_weight_s);
}

/** What PyTorch 2.15 keeps for the backward pass of 2 samples in fp32 (tests/frameworks/check_listed_nets.py), up to a number a channel. */
static void test_activations(void)
{
    static const struct {
        const char *model;
        double kept_bytes;
    } nets[] = { { "resnet-18", 44398080 }, { "resnet-50", 172031488 }, { "vgg-16", 146378752 } };
    for (size_t i = 0; i < G_N_ELEMENTS(nets); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(MppInputs) inputs = plain_job_new(1);
        g_autoptr(MppModel) model = mpp_zoo_model(nets[i].model, &error);
        g_assert_no_error(error);
        MppJob job = inputs->job;
        job.model = model;
        job.training.seq = 1;
        job.training.precision = MPP_PRECISION_FP32;
        MppStrategy strategy = plain_job_strategy("mbs=2");
        g_autoptr(MppEstimate) estimate = mpp_estimate_new(&job, &strategy);
        double kept = estimate->stages[0].memory.bytes[MPP_MEMORY_ACTIVATIONS];
        g_test_message("%s: %.0f bytes kept, PyTorch %.0f", nets[i].model, kept, nets[i].kept_bytes);
        g_assert_cmpfloat(ABS(kept / nets[i].kept_bytes - 1), <, 2e-3);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/conv/layers", test_layers);
    g_test_add_func("/conv/exchange", test_exchange);
    g_test_add_func("/conv/written-windows", test_written_windows);
    g_test_add_func("/conv/overlap-is-faster", test_overlap_is_faster);
    g_test_add_func("/conv/activations", test_activations);
    return g_test_run();
}
