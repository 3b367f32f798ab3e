#include "planner/emit/emit.h"

#include <string.h>

#include "planner/spec/rules.h"
#include "tests/support/expect.h"
#include "tests/support/sample.h"

static MppStrategy strategy_of(const char *text)
{
    g_autoptr(GError) error = NULL;
    MppStrategy strategy = mpp_strategy_single();
    g_assert_true(mpp_strategy_parse(text, &strategy, NULL, &error));
    return strategy;
}

/** A decoder of the sample's sizes that Megatron has too. */
static MppInputs *sample(const char *stack)
{
    MppInputs *inputs = mpp_sample_new(24);
    inputs->training.kernels = (MppKernels){ MPP_ATTENTION_FLASH2, true, true, true, true };
    inputs->runtime.schedules = ((int64_t)1 << MPP_N_SCHEDULES) - 1;
    inputs->runtime.selective = strcmp(stack, "half") == 0 ? MPP_SELECTIVE_HALF_PRODUCTS : MPP_SELECTIVE_ATTENTION;
    mpp_inputs_bind(inputs);
    return inputs;
}

/** What a target cannot say is named, all of it at once. */
static void test_refusals(void)
{
    static const struct {
        const MppEmitTarget *target;
        const char *strategy, *stack, *message;
    } rows[] = {
        { &mpp_emit_megatron, "dp=12,pp=2,schedule=gpipe", "", "megatron cannot express: the gpipe schedule" },
        { &mpp_emit_megatron, "dp=12,pp=2,schedule=zb-h1", "", "megatron cannot express: the zb-h1 schedule" },
        { &mpp_emit_megatron, "dp=6,tp=2,cp=2,order=tp-dp-cp-pp", "", "megatron cannot express: ranks in the order tp-dp-cp-pp" },
        { &mpp_emit_megatron, "dp=12,pp=2,zero=2", "", "megatron cannot express: ZeRO-2 with pipeline stages" },
        { &mpp_emit_megatron, "dp=24,offload", "", "megatron cannot express: an offloaded optimizer with ZeRO-0" },
        { &mpp_emit_megatron, "dp=24,recompute=selective", "half",
          "megatron cannot express: selective recomputation of half-products" },
        { &mpp_emit_megatron_bridge, "dp=12,pp=2,schedule=gpipe,zero=3", "",
          "megatron-bridge cannot express: the gpipe schedule; ZeRO-3 with pipeline stages" },
        { &mpp_emit_deepspeed, "dp=12,pp=2", "",
          "deepspeed cannot express: 2 pipeline stages (the training script builds them)" },
        { &mpp_emit_deepspeed, "dp=12,tp=2,sp", "", "deepspeed cannot express: sequence parallelism of the norms" },
        { &mpp_emit_deepspeed, "dp=12,cp=2", "", "deepspeed cannot express: context parallelism by ring" },
        { &mpp_emit_deepspeed, "dp=12,cp=2,cp_kind=all-gather", "", "deepspeed cannot express: context parallelism by all-gather" },
        { &mpp_emit_accelerate, "dp=12,cp=2,zero=3,cp_kind=all-to-all", "", "accelerate cannot express: context parallelism by all-to-all" },
        { &mpp_emit_deepspeed, "dp=4,cp=3,tp=2,cp_kind=all-to-all", "",
          "deepspeed cannot express: context and tensor parallelism together" },
        { &mpp_emit_deepspeed, "dp=24,zero=3,zero_ranks=6,recompute=full", "",
          "deepspeed cannot express: full recomputation (the training script calls it); shard groups of 6 ranks" },
        { &mpp_emit_deepspeed, "dp=24,offload", "", "deepspeed cannot express: an offloaded optimizer without ZeRO" },
        { &mpp_emit_torchtitan_toml, "dp=12,tp=2,zero=1", "",
          "torchtitan-toml cannot express: ZeRO-1; the model sample; tensor parallelism without sequence parallelism" },
        { &mpp_emit_torchtitan_toml, "dp=12,pp=2,schedule=zb-h2", "",
          "torchtitan-toml cannot express: the zb-h2 schedule; the model sample; replicas without sharding beside other "
          "parallelism" },
        { &mpp_emit_torchtitan_toml, "dp=12,cp=2,zero=3,zero_ranks=3,cp_kind=all-to-all", "",
          "torchtitan-toml cannot express: shard groups of 3 ranks, a part of the 2 context-parallel ones; context parallelism "
          "by "
          "all-to-all; the model sample" },
        { &mpp_emit_torchtitan, "dp=24,zero=3,offload,recompute=selective", "",
          "torchtitan cannot express: an offloaded optimizer without its parameters; selective recomputation of attention; the "
          "model sample" },
        { &mpp_emit_torchtitan, "dp=12,cp=2,zero=3", "", "torchtitan cannot express: context parallelism by ring; the model sample" },
        { &mpp_emit_torchtitan, "dp=12,cp=2,zero=3,cp_kind=all-gather", "", "torchtitan cannot express: the model sample" },
        { &mpp_emit_torchtitan_toml, "dp=12,cp=2,zero=3", "", "torchtitan-toml cannot express: the model sample" },
        { &mpp_emit_torchtitan, "dp=24,zero=3,recompute=full:2", "",
          "torchtitan cannot express: recomputation of a part of the layers; the model sample" },
        { &mpp_emit_pytorch, "dp=24,zero=1,recompute=selective", "", "pytorch cannot express: ZeRO-1; selective recomputation" },
        { &mpp_emit_pytorch, "dp=12,pp=2,schedule=zb-h2", "", "pytorch cannot express: the zb-h2 schedule" },
        { &mpp_emit_pytorch_csv, "dp=24", "", "pytorch-csv cannot express: a plan without pipeline stages" },
        { &mpp_emit_accelerate, "dp=12,pp=2,zero=3,recompute=full:1", "",
          "accelerate cannot express: 2 pipeline stages; recomputation of a part of the layers" },
        { &mpp_emit_accelerate, "dp=12,tp=2,sp", "",
          "accelerate cannot express: sequence parallelism of the norms; replicas without sharding beside other parallelism" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppInputs) inputs = sample(rows[i].stack);
        g_autoptr(GError) error = NULL;
        MppStrategy strategy = strategy_of(rows[i].strategy);
        g_assert_cmpint(mpp_rules_first_broken(MPP_RULE_ILLEGAL, &inputs->job, &strategy), ==, -1);
        g_assert_null(mpp_emit_text(rows[i].target, inputs, &strategy, NULL, &error));
        mpp_expect_error(&error, MPP_ERROR, MPP_ERROR_UNSUPPORTED, rows[i].message);
    }
}

/** Each part of the training that a target has no word for. */
static void test_training_refusals(void)
{
    static const struct {
        const MppEmitTarget *target;
        MppTraining training;
        const char *message;
    } rows[] = {
        { &mpp_emit_megatron,
          { 96, 120, MPP_PRECISION_TF32, MPP_OPTIMIZER_ADAM, false, { MPP_ATTENTION_FLASH2, true, true, true, true } },
          "megatron cannot express: tf32 products" },
        { &mpp_emit_megatron,
          { .seq = 96, .global_batch = 120, .precision = MPP_PRECISION_BF16, .narrow_states = true,
            .kernels = { MPP_ATTENTION_FLASH2, true, true, true, true } },
          "megatron cannot express: states of 16 bits alone" },
        { &mpp_emit_megatron,
          { 96, 120, MPP_PRECISION_BF16, MPP_OPTIMIZER_LAMB, false, { MPP_ATTENTION_FLASH1, false, true, true, true } },
          "megatron cannot express: the lamb optimizer; flash1 attention; norms in several kernels" },
        { &mpp_emit_deepspeed,
          { 96, 120, MPP_PRECISION_FP8, MPP_OPTIMIZER_SGD, false, { 0 } },
          "deepspeed cannot express: fp8 products; the sgd optimizer" },
        { &mpp_emit_pytorch,
          { 96, 120, MPP_PRECISION_NVFP4, MPP_OPTIMIZER_ADAM, false, { 0 } },
          "pytorch cannot express: nvfp4 products" },
        { &mpp_emit_accelerate,
          { 96, 120, MPP_PRECISION_MXFP8, MPP_OPTIMIZER_ADAM, false, { 0 } },
          "accelerate cannot express: mxfp8 products" },
        { &mpp_emit_torchtitan_toml,
          { 96, 120, MPP_PRECISION_FP16, MPP_OPTIMIZER_MUON, false, { MPP_ATTENTION_FLASH2, true, true, false, true } },
          "torchtitan-toml cannot express: the muon optimizer; the model sample; fp16 products; kernels that are fused in part" },
        { &mpp_emit_torchtitan_toml,
          { 96, 120, MPP_PRECISION_BF16, MPP_OPTIMIZER_ADAM, false, { MPP_ATTENTION_FLASH2, true, .tensor_async = true } },
          "torchtitan-toml cannot express: the model sample; asynchronous tensor parallelism without torch.compile" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppInputs) inputs = sample("");
        inputs->training = rows[i].training;
        inputs->cluster.device.flash1 = inputs->cluster.device.flash2;
        for (int k = 0; k < MPP_N_PRECISIONS; k++) {
            inputs->cluster.device.peak_flop_per_s.by_precision[k] = 1.27e14;
            inputs->cluster.device.matmul_frac.by_precision[k] = 0.73;
        }
        mpp_inputs_bind(inputs);
        g_autoptr(GError) error = NULL;
        MppStrategy strategy = strategy_of("dp=24");
        g_assert_null(mpp_emit_text(rows[i].target, inputs, &strategy, NULL, &error));
        mpp_expect_error(&error, MPP_ERROR, MPP_ERROR_UNSUPPORTED, rows[i].message);
    }
}

/** What Megatron's GPT is not. */
static void test_model_refusals(void)
{
    g_autoptr(MppInputs) inputs = sample("");
    MppModel *m = &inputs->model;
    m->parallel_block = m->embedding_norm = m->mlp_bias = true;
    m->norms_per_layer = 1;
    m->qk_norm_dim = -1;
    m->head_bias = true;
    g_autoptr(GError) error = NULL;
    MppStrategy strategy = strategy_of("dp=24");
    g_assert_null(mpp_emit_text(&mpp_emit_megatron, inputs, &strategy, NULL, &error));
    mpp_expect_error(
        &error, MPP_ERROR, MPP_ERROR_UNSUPPORTED,
        "megatron cannot express: a head other than a projection to the vocabulary; a norm after the embedding; attention "
        "and MLP side by side; another number of norms a layer than 2; a norm over all queries; biases of a part of the "
        "projections");
}

/** Megatron overlaps tensor parallelism where the sequence is split; torchtitan where torch.compile takes the model. */
static void test_tensor_async(void)
{
    static const struct {
        const MppEmitTarget *target;
        const char *strategy, *part;
        bool there;
    } rows[] = {
        { &mpp_emit_megatron, "dp=12,tp=2,sp", "--tp-comm-overlap", true },
        { &mpp_emit_megatron, "dp=12,tp=2", "--tp-comm-overlap", false },
        { &mpp_emit_megatron, "dp=24", "--tp-comm-overlap", false },
        { &mpp_emit_megatron_bridge, "dp=12,tp=2,sp", "\nmodel.tp_comm_overlap=true\n", true },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppInputs) inputs = sample("");
        g_autoptr(GError) error = NULL;
        inputs->training.kernels.tensor_async = true;
        mpp_inputs_bind(inputs);
        MppStrategy strategy = strategy_of(rows[i].strategy);
        g_autofree char *text = mpp_emit_text(rows[i].target, inputs, &strategy, NULL, &error);
        g_assert_no_error(error);
        g_assert_true((strstr(text, rows[i].part) != NULL) == rows[i].there);
    }
}

/** How experts' tokens are sent, and beside what. */
static void test_experts(void)
{
    static const struct {
        const MppEmitTarget *target;
        bool once, async;
        const char *part;
    } rows[] = {
        { &mpp_emit_megatron, false, false, "--moe-token-dispatcher-type alltoall" },
        { &mpp_emit_megatron, true, false, "--moe-token-dispatcher-type flex" },
        { &mpp_emit_megatron, true, false, "--moe-flex-dispatcher-backend deepep" },
        { &mpp_emit_megatron, false, true, "--overlap-moe-expert-parallel-comm" },
        { &mpp_emit_megatron_bridge, true, true, "\nmodel.overlap_moe_expert_parallel_comm=true\n" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppInputs) inputs = sample("");
        g_autoptr(GError) error = NULL;
        mpp_sample_add_experts(inputs);
        inputs->training.kernels.dispatch_once = rows[i].once;
        inputs->training.kernels.expert_async = rows[i].async;
        mpp_inputs_bind(inputs);
        MppStrategy strategy = strategy_of("dp=24,ep=4");
        g_autofree char *text = mpp_emit_text(rows[i].target, inputs, &strategy, NULL, &error);
        g_assert_no_error(error);
        g_assert_nonnull(strstr(text, rows[i].part));
        g_assert_true(rows[i].async || !strstr(text, "overlap-moe"));
    }
}

/** Every target writes a plan that all of them can say, and says which mpplan wrote it where it has comments. */
static void test_written(void)
{
    static const struct {
        const MppEmitTarget *target;
        const char *first_line, *part;
    } rows[] = {
        { &mpp_emit_megatron, "#!/bin/sh", "    --global-batch-size 120 \\\n" },
        { &mpp_emit_megatron_bridge, "# Written by mpplan " MPP_VERSION ".", "\ntrain.global_batch_size=120\n" },
        { &mpp_emit_deepspeed, "{", "\"train_batch_size\": 120" },
        { &mpp_emit_pytorch, "# Written by mpplan " MPP_VERSION ".", "\nRESHARD_AFTER_FORWARD = True\n" },
        { &mpp_emit_accelerate, "# Written by mpplan " MPP_VERSION ".", "  parallelism_config_dp_shard_size: 24\n" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppInputs) inputs = sample("");
        g_autoptr(GError) error = NULL;
        MppStrategy strategy = strategy_of("dp=24,mbs=5,zero=3");
        g_autofree char *text = mpp_emit_text(rows[i].target, inputs, &strategy, NULL, &error);
        g_assert_no_error(error);
        g_auto(GStrv) lines = g_strsplit(text, "\n", 2);
        g_assert_cmpstr(lines[0], ==, rows[i].first_line);
        g_assert_nonnull(strstr(text, rows[i].part));
    }
}

static void test_find(void)
{
    g_autoptr(GError) error = NULL;
    g_assert_true(mpp_emit_find("Megatron_Bridge", &error) == &mpp_emit_megatron_bridge);
    g_assert_null(mpp_emit_find("deepsped", &error));
    mpp_expect_error(&error, MPP_ERROR, MPP_ERROR_USAGE,
                     "unknown target \"deepsped\"; known: deepspeed, megatron, pytorch, accelerate, torchtitan, pytorch-csv, "
                     "megatron-bridge, torchtitan-toml");
    const MppLaunchSource source = { "t.py", "", NULL, 8 };
    g_assert_null(mpp_emit_read(&mpp_emit_pytorch, &source, &error));
    mpp_expect_error(&error, MPP_ERROR, MPP_ERROR_UNSUPPORTED, "what is written for pytorch cannot be read back");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/emit/refusals", test_refusals);
    g_test_add_func("/emit/training_refusals", test_training_refusals);
    g_test_add_func("/emit/model_refusals", test_model_refusals);
    g_test_add_func("/emit/tensor-async", test_tensor_async);
    g_test_add_func("/emit/experts", test_experts);
    g_test_add_func("/emit/written", test_written);
    g_test_add_func("/emit/find", test_find);
    return g_test_run();
}
