#include "planner/emit/emit.h"

#include <string.h>

#include "tests/support/expect.h"
#include "tests/support/sample.h"

#define PATTERN "M*-M-MM-*M-M"

/** The sample of layers by pattern that pretrain_mamba.py can make. */
static MppInputs *sample(const char *pattern)
{
    MppInputs *inputs = mpp_sample_new(24);
    inputs->training.kernels = (MppKernels){ MPP_ATTENTION_FLASH2, true, true, true, true };
    inputs->model.pattern = g_strdup(pattern);
    inputs->model.ssm = (MppSsm){ .heads = 12, .head_dim = 40, .groups = 4, .state = 24, .conv = 4, .chunk = 128 };
    g_assert_true(mpp_model_finish(&inputs->model, NULL, NULL, NULL));
    mpp_inputs_bind(inputs);
    return inputs;
}

static char *emitted(const MppInputs *inputs, const char *strategy, GError **error)
{
    MppStrategy s = mpp_strategy_single();
    g_assert_true(mpp_strategy_parse(strategy, &s, NULL, NULL));
    char *text = mpp_emit_text(&mpp_emit_megatron, inputs, &s, NULL, error);
    mpp_strategy_clear(&s);
    return text;
}

static void test_written(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MppInputs) inputs = sample(PATTERN);
    g_autofree char *text = emitted(inputs, "dp=12,tp=2", &error);
    g_assert_no_error(error);
    g_assert_nonnull(strstr(text, " pretrain_mamba.py \\\n"));
    g_assert_nonnull(strstr(text, "    --is-hybrid-model \\\n"
                                  "    --hybrid-override-pattern '" PATTERN "' \\\n"
                                  "    --mamba-num-heads 12 \\\n"
                                  "    --mamba-head-dim 40 \\\n"
                                  "    --mamba-num-groups 4 \\\n"
                                  "    --mamba-state-dim 24 \\\n"
                                  "    --spec megatron.core.models.mamba.mamba_layer_specs mamba_stack_spec \\\n"));
}

static void delta_rule(MppInputs *in)
{
    in->model.ssm.kind = MPP_SSM_GATED_DELTA;
    in->model.attention_gate = true;
}

static void no_pattern(MppInputs *in)
{
    g_clear_pointer(&in->model.pattern, g_free);
    g_assert_true(mpp_model_finish(&in->model, NULL, NULL, NULL));
}

static void other_constants(MppInputs *in)
{
    in->model.ssm.conv = 3;
    in->model.ssm.chunk = 64;
}

static void windows(MppInputs *in)
{
    in->model.window = 33;
}

static void test_refusals(void)
{
    static const struct {
        void (*change)(MppInputs *inputs);
        const char *strategy, *message;
    } rows[] = {
        { delta_rule, "dp=24", "megatron cannot express: layers of the gated delta rule; gates of attention" },
        { no_pattern, "dp=24", "megatron cannot express: layers of a state space and an MLP" },
        { other_constants, "dp=24",
          "megatron cannot express: a convolution over another number of tokens than 4; chunks of another number of tokens than "
          "128" },
        { windows, "dp=24", "megatron cannot express: windows beside a pattern of layers" },
        { NULL, "dp=12,pp=2,vpp=2,schedule=interleaved", "megatron cannot express: virtual stages of a pattern of layers" },
        { NULL, "dp=12,pp=2,stages=5/7", "megatron cannot express: uneven stages of a pattern of layers" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(MppInputs) inputs = sample(PATTERN);
        if (rows[i].change)
            rows[i].change(inputs);
        mpp_inputs_bind(inputs);
        g_assert_null(emitted(inputs, rows[i].strategy, &error));
        mpp_expect_error(&error, MPP_ERROR, MPP_ERROR_UNSUPPORTED, rows[i].message);
    }
}

#define SIZES "--num-layers 12 --hidden-size 480 --num-attention-heads 30 --seq-length 96 --micro-batch-size 3 "

static MppLaunch *read_launch(const char *text, GError **error)
{
    const MppLaunchSource source = { "the launch", text, NULL, 24 };
    return mpp_emit_read(&mpp_emit_megatron, &source, error);
}

/** Sizes that are not given are Megatron's: heads of 64, twice as wide as the layers together. */
static void test_read(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MppLaunch) launch = read_launch(
        SIZES "--is-hybrid-model --hybrid-override-pattern " PATTERN " --mamba-head-dim 48 --mamba-num-groups 4", &error);
    g_assert_no_error(error);
    const MppSsm *ssm = &launch->model->ssm;
    g_assert_cmpstr(launch->model->pattern, ==, PATTERN);
    g_assert_cmpint(ssm->heads, ==, 20);
    g_assert_cmpint(ssm->head_dim, ==, 48);
    g_assert_cmpint(ssm->groups, ==, 4);
    g_assert_cmpint(ssm->state, ==, 128);
}

static void test_errors(void)
{
    static const struct {
        const char *arguments, *message;
        MppError code;
    } rows[] = {
        { SIZES "--is-hybrid-model", "the launch: --is-hybrid-model: is not modelled without a pattern of layers",
          MPP_ERROR_UNSUPPORTED },
        { SIZES "--hybrid-attention-ratio 0.1", "the launch: --hybrid-attention-ratio is not modelled", MPP_ERROR_UNSUPPORTED },
        { SIZES "--hybrid-override-pattern M*- --mamba-num-heads 16", "model field pattern: expected a character for each layer",
          MPP_ERROR_INVALID },
        { SIZES "--hybrid-override-pattern M*- --mamba-state-dim many",
          "the launch: --mamba-state-dim: expected a whole number from 1 to 1048576, got \"many\"", MPP_ERROR_SCHEMA },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(read_launch(rows[i].arguments, &error));
        mpp_expect_error(&error, MPP_ERROR, rows[i].code, rows[i].message);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/megatron-hybrid/written", test_written);
    g_test_add_func("/megatron-hybrid/refusals", test_refusals);
    g_test_add_func("/megatron-hybrid/read", test_read);
    g_test_add_func("/megatron-hybrid/errors", test_errors);
    return g_test_run();
}
