#include "planner/ops/parts.h"

#include "tests/support/plain_job.h"

/** The plain job with 12 heads of 40 in 4 groups, states of 24 rows, chunks of 64 of the 1024 tokens. */
static MppInputs *job_with(MppSsmKind kind)
{
    MppInputs *inputs = plain_job_new(8);
    inputs->model.pattern = g_strdup("M*-M");
    inputs->model.ssm = (MppSsm){ .kind = kind, .heads = 12, .head_dim = 40, .groups = 4, .state = 24, .conv = 3, .chunk = 64 };
    plain_job_finish(inputs);
    return inputs;
}

static void check_product(const MppOps *ops, const char *name, double count, double m, double n, double k)
{
    const MppOp *op = plain_job_find(ops, name);
    g_assert_cmpint(op->kind, ==, MPP_OP_MATMUL);
    g_assert_cmpfloat(op->count, ==, count);
    g_assert_cmpfloat(op->m, ==, m);
    g_assert_cmpfloat(op->n, ==, n);
    g_assert_cmpfloat(op->k, ==, k);
}

/** Layers of one part have one norm and one residual sum. */
static void test_parts(void)
{
    static const char *const names[] = {
        "ssm norm, ssm input projection, convolution, steps and decays, scores of chunks, states of chunks, state passing, "
        "outputs of chunks, outputs of states, gated norm, ssm output projection, ssm residual",
        "attention norm, qkv projection, attention core, output projection, attention residual",
        "mlp norm, mlp up projection, activation, mlp down projection, mlp residual",
    };
    g_autoptr(MppInputs) inputs = job_with(MPP_SSM_MAMBA2);
    g_assert_cmpint(inputs->model.n_kinds, ==, G_N_ELEMENTS(names));
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        MppOps ops = plain_job_layer(inputs, "", (int64_t)i);
        g_autofree char *found = plain_job_names(&ops);
        g_assert_cmpstr(found, ==, names[i]);
    }
}

/** Three sequences: 48 chunks a rank; tp 2 leaves 6 heads in 2 groups. */
static void test_mamba2(void)
{
    g_autoptr(MppInputs) inputs = job_with(MPP_SSM_MAMBA2);
    MppOps ops = plain_job_layer(inputs, "tp=2,mbs=3", 0);
    double tokens = 3072, inner = 6 * 40, outer = 2 * 2 * 24, projected = 2 * inner + outer + 6;
    check_product(&ops, "ssm input projection", 1, tokens, projected, 512);
    check_product(&ops, "scores of chunks", 48 * 2, 64, 64, 24);
    check_product(&ops, "states of chunks", 48 * 6, 24, 40, 64);
    check_product(&ops, "outputs of chunks", 48 * 6, 64, 40, 64);
    check_product(&ops, "outputs of states", 48 * 6, 64, 40, 24);
    check_product(&ops, "ssm output projection", 1, tokens, 512, inner);
    g_assert_cmpfloat(plain_job_find(&ops, "states of chunks")->overlap, ==, 3); /* heads of a group share what it holds */
    g_assert_cmpfloat(plain_job_find(&ops, "state passing")->forward_bytes, ==, 48 * 6 * 24 * 40 * 8.0);
    g_assert_cmpfloat(plain_job_find(&ops, "convolution")->forward_bytes, ==, 2 * tokens * (inner + outer) * 2);
    g_assert_cmpfloat(plain_job_find(&ops, "convolution")->parameters, ==, (inner + outer) * 4);
    g_assert_cmpfloat(plain_job_find(&ops, "gated norm")->parameters, ==, inner);
    g_assert_cmpfloat(plain_job_find(&ops, "steps and decays")->parameters, ==, 3 * 6);

    double kept = 0; /* what came in, was projected, read, gated and normed; no state, no score */
    for (int i = 0; i < ops.n; i++)
        kept += ops.ops[i].kept_bytes;
    plain_job_expect("kept", kept, tokens * 2 * (2 * 512 + projected + 3 * inner));
}

static void test_gated_delta(void)
{
    g_autoptr(MppInputs) inputs = job_with(MPP_SSM_GATED_DELTA);
    MppOps ops = plain_job_layer(inputs, "tp=2,mbs=3", 0);
    double tokens = 3072, inner = 6 * 40, outer = 2 * 2 * 24, projected = 2 * inner + outer + 2 * 6;
    check_product(&ops, "ssm input projection", 1, tokens, projected, 512);
    check_product(&ops, "scores of chunks", 48 * 6, 128, 64, 24);
    check_product(&ops, "inverses of chunks", 48 * 6, 64, 64, 64 / 3.0);
    check_product(&ops, "changes of chunks", 48 * 6, 64, 24 + 40, 64);
    check_product(&ops, "states of chunks", 48 * 6, 24, 40, 64);
    check_product(&ops, "outputs of states", 48 * 6, 128, 40, 24);
    check_product(&ops, "outputs of chunks", 48 * 6, 64, 40, 64);
    g_assert_cmpfloat(plain_job_find(&ops, "convolution")->parameters, ==, (inner + outer) * 3);
    g_assert_cmpfloat(plain_job_find(&ops, "gated norm")->parameters, ==, 40);

    double kept = 0, keys = 2 * 6 * 24; /* also the convolution's input, keys and queries of all heads, values, inverses */
    for (int i = 0; i < ops.n; i++)
        kept += ops.ops[i].kept_bytes;
    plain_job_expect("kept", kept, tokens * 2 * (2 * 512 + projected + inner + outer + keys + inner + 6 * 64 + 2 * inner));
}

/** A sequence of 1024 over 4 ranks; of the 2 groups that tp leaves each rank has a copy of one, so 4 are sent. */
static void test_context_parallel(void)
{
    g_autoptr(MppInputs) inputs = job_with(MPP_SSM_MAMBA2);
    inputs->model.ssm.heads = 16;
    plain_job_finish(inputs);
    MppOps ops = plain_job_layer(inputs, "tp=2,cp=4,mbs=3", 0);
    double tokens = 768, inner = 8 * 40, sent = 2 * inner + 2 * 4 * 24 + 8;
    const MppOp *heads = plain_job_find(&ops, "heads exchange"), *sequence = plain_job_find(&ops, "sequence exchange");
    g_assert_cmpint(heads->collective, ==, MPP_COLLECTIVE_ALL_TO_ALL);
    g_assert_cmpint(heads->axis, ==, MPP_AXIS_CP);
    plain_job_expect("sent", heads->bytes * heads->forward_times, tokens * sent * 2);
    plain_job_expect("sent back", sequence->bytes * sequence->backward_times, tokens * inner * 2);
    check_product(&ops, "ssm input projection", 1, tokens, 2 * inner + 2 * 2 * 24 + 8, 512);
    check_product(&ops, "scores of chunks", 12 * 4, 64, 64, 24);
    check_product(&ops, "states of chunks", 12 * 8, 24, 40, 64);
    g_assert_cmpfloat(plain_job_find(&ops, "convolution")->parameters, ==, (inner + 2 * 2 * 24) * 4);
}

/** A sequence shorter than a chunk is one. */
static void test_short_sequence(void)
{
    g_autoptr(MppInputs) inputs = job_with(MPP_SSM_MAMBA2);
    inputs->model.ssm.chunk = 4096;
    plain_job_finish(inputs);
    MppOps ops = plain_job_layer(inputs, "mbs=3", 0);
    check_product(&ops, "outputs of chunks", 3 * 12, 1024, 40, 1024);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ssm/parts", test_parts);
    g_test_add_func("/ssm/mamba2", test_mamba2);
    g_test_add_func("/ssm/gated-delta", test_gated_delta);
    g_test_add_func("/ssm/context-parallel", test_context_parallel);
    g_test_add_func("/ssm/short-sequence", test_short_sequence);
    return g_test_run();
}
