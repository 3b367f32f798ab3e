#include <string.h>

#include "tests/support/expect.h"
#include "tests/support/tiny_job.h"
#include "validate/net/net.h"

static void refuse_heads(MppInputs *inputs)
{
    inputs->model.head = MPP_HEAD_POOLER;
}

static void refuse_positions(MppInputs *inputs)
{
    inputs->model.positions = MPP_POSITIONS_LEARNED;
    inputs->model.learned_positions = 15;
}

static void refuse_optimizer(MppInputs *inputs)
{
    inputs->training.optimizer = MPP_OPTIMIZER_LAMB;
}

static void refuse_dropout(MppInputs *inputs)
{
    inputs->training.dropout = true;
}

static void refuse_narrow(MppInputs *inputs)
{
    inputs->training.narrow_states = true;
}

static void refuse_ssm(MppInputs *inputs)
{
    inputs->model.pattern = g_strnfill((gsize)inputs->model.layers, 'M');
    inputs->model.ssm = (MppSsm){ .heads = 4, .head_dim = 8, .groups = 2, .state = 4, .conv = 4, .chunk = 8 };
    g_assert_true(mpp_model_finish(&inputs->model, NULL, NULL, NULL));
}

static void refuse_parts(MppInputs *inputs)
{
    inputs->model.pattern = g_strnfill((gsize)inputs->model.layers, '*');
    g_assert_true(mpp_model_finish(&inputs->model, NULL, NULL, NULL));
}

static void refuse_gate(MppInputs *inputs)
{
    inputs->model.attention_gate = true;
}

static void nothing(MppInputs *inputs)
{
    (void)inputs;
}

static const struct {
    const char *model, *strategy;
    void (*change)(MppInputs *inputs);
    const char *message; /* NULL: computed */
} cases[] = {
    { "llama", "mbs=2", nothing, NULL },
    { "experts", "tp=2,sp,mbs=2", nothing, NULL },
    { "llama", "mbs=2", refuse_heads, "llama: the executor does not compute heads other than a language model's" },
    { "llama", "mbs=2", refuse_positions, "llama: the executor does not compute sequences longer than the table of positions" },
    { "llama", "mbs=2", refuse_ssm, "llama: the executor does not compute state-space layers" },
    { "llama", "mbs=2", refuse_parts, "llama: the executor does not compute layers of one part" },
    { "llama", "mbs=2", refuse_gate, "llama: the executor does not compute gates of attention" },
    { "gpt", "mbs=2", refuse_optimizer, "training: the executor does not compute optimizers other than Adam" },
    { "gpt", "mbs=2", refuse_narrow, "training: the executor does not compute states of 16 bits alone" },
    { "gpt", "mbs=2", refuse_dropout, "training: the executor does not compute dropout" },
    { "llama", "cp=2,cp_kind=all-to-all,mbs=2", nothing,
      "strategy: the executor does not compute context parallelism by all-to-all" },
    { "experts", "dp=2,mbs=2,recompute=selective:moe+mlp", nothing, NULL },
    { "experts", "dp=2,mbs=2,recompute=selective:moe+layernorm", nothing,
      "strategy: the executor does not compute recomputation of modules but core_attn, mlp, moe and shared_experts" },
    { "routed", "tp=2,etp=2,mbs=2", nothing,
      "strategy: the executor does not compute experts under tp without sequence parallelism" },
};

static void test_check(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(MppInputs) inputs = tiny_job_new(cases[i].model, strstr(cases[i].strategy, "=2,") ? 2 : 1);
        MppStrategy strategy = tiny_job_strategy(inputs, cases[i].strategy);
        cases[i].change(inputs);
        mpp_inputs_bind(inputs);
        g_assert_true(mpp_net_check(&inputs->job, &strategy, &error) == !cases[i].message);
        if (cases[i].message)
            mpp_expect_error(&error, MPP_ERROR, MPP_ERROR_UNSUPPORTED, cases[i].message);
        mpp_strategy_clear(&strategy);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/net-check/refusals", test_check);
    return g_test_run();
}
