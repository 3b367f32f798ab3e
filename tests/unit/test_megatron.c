#include "planner/emit/emit.h"

#include "tests/support/expect.h"

#define MODEL "--num-layers 12 --hidden-size 210 --num-attention-heads 30 --seq-length 96 --micro-batch-size 3 "

static MppLaunch *read_launch(const char *text, int64_t gpus, GError **error)
{
    const MppLaunchSource source = { "the launch", text, NULL, gpus };
    return mpp_emit_read(&mpp_emit_megatron, &source, error);
}

/** What arguments mean, defaults included. */
static void test_strategies(void)
{
    static const struct {
        const char *arguments, *strategy;
    } rows[] = {
        { MODEL, "dp=24,tp=1,pp=1,mbs=3" },
        { MODEL "--tensor-model-parallel-size=2 --sequence-parallel", "dp=12,tp=2,pp=1,mbs=3,sp" },
        { MODEL "--sequence-parallel", "dp=24,tp=1,pp=1,mbs=3" }, /* Megatron drops it without tp */
        { MODEL "--pipeline-model-parallel-size 4", "dp=6,tp=1,pp=4,mbs=3,stages=3/3/3/3" },
        { MODEL "--pipeline-model-parallel-size 2 --num-layers-per-virtual-pipeline-stage 2",
          "dp=12,tp=1,pp=2,vpp=3,mbs=3,schedule=interleaved,stages=2/2/2/2/2/2" },
        { MODEL "--pipeline-model-parallel-size 2 --num-virtual-stages-per-pipeline-rank 2",
          "dp=12,tp=1,pp=2,vpp=2,mbs=3,schedule=interleaved,stages=3/3/3/3" },
        { MODEL "--pipeline-model-parallel-size 4 --decoder-first-pipeline-num-layers 1 --decoder-last-pipeline-num-layers 5",
          "dp=6,tp=1,pp=4,mbs=3,stages=1/3/3/5" },
        { MODEL "--pipeline-model-parallel-size 3 --decoder-last-pipeline-num-layers 2", "dp=8,tp=1,pp=3,mbs=3,stages=5/5/2" },
        { MODEL "--pipeline-model-parallel-size 2 --account-for-embedding-in-pipeline-split --account-for-loss-in-pipeline-split",
          "dp=12,tp=1,pp=2,mbs=3,stages=6/6" },
        { MODEL "--num-layers 10 --pipeline-model-parallel-size 4 --account-for-embedding-in-pipeline-split "
                "--account-for-loss-in-pipeline-split",
          "dp=6,tp=1,pp=4,mbs=3,stages=2/3/3/2" },
        { MODEL "--pipeline-model-parallel-size 2 --pipeline-model-parallel-layout 'Et*5|t*7L'",
          "dp=12,tp=1,pp=2,mbs=3,stages=5/7" },
        { MODEL "--use-distributed-optimizer --num-distributed-optimizer-instances 3",
          "dp=24,tp=1,pp=1,mbs=3,zero=1,zero_ranks=8" },
        { MODEL "--use-megatron-fsdp", "dp=24,tp=1,pp=1,mbs=3,zero=3" },
        { MODEL "--use-megatron-fsdp --data-parallel-sharding-strategy optim_grads", "dp=24,tp=1,pp=1,mbs=3,zero=2" },
        { MODEL "--recompute-granularity selective --recompute-modules core_attn", "dp=24,tp=1,pp=1,mbs=3,recompute=selective" },
        { MODEL "--recompute-granularity selective --recompute-modules mlp core_attn",
          "dp=24,tp=1,pp=1,mbs=3,recompute=selective:core_attn+mlp" },
        { MODEL "--recompute-activations", "dp=24,tp=1,pp=1,mbs=3,recompute=selective" },
        { MODEL "--recompute-granularity full --recompute-method block --recompute-num-layers 5",
          "dp=24,tp=1,pp=1,mbs=3,recompute=full:5" },
        { MODEL "--recompute-granularity full --recompute-method block --recompute-num-layers 12",
          "dp=24,tp=1,pp=1,mbs=3,recompute=full" },
        { MODEL "--context-parallel-size 4 --cp-comm-type a2a a2a", "dp=6,tp=1,pp=1,cp=4,mbs=3,cp_kind=all-to-all" },
        { MODEL "--context-parallel-size 4 --cp-comm-type p2p", "dp=6,tp=1,pp=1,cp=4,mbs=3" },
        { MODEL "--context-parallel-size 4 --cp-comm-type all_gather", "dp=6,tp=1,pp=1,cp=4,mbs=3,cp_kind=all-gather" },
        { MODEL "--context-parallel-size 4 --cp-comm-type allgather", "dp=6,tp=1,pp=1,cp=4,mbs=3,cp_kind=all-gather" },
        { MODEL "--num-experts 8 --tensor-model-parallel-size 2 --expert-model-parallel-size 4",
          "dp=12,tp=2,pp=1,ep=4,etp=2,mbs=3" },
        { MODEL "--use-tp-pp-dp-mapping", "dp=24,tp=1,pp=1,mbs=3,order=tp-cp-pp-dp" },
        { "TP=3\nGPT_ARGS=( \\\n --tensor-model-parallel-size $TP # a comment\n )\ntorchrun --nproc_per_node 8 --nnodes=3 "
          "pretrain_gpt.py " MODEL "${GPT_ARGS[@]} --lr 1e-4 --data-path a b c",
          "dp=8,tp=3,pp=1,mbs=3" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(MppLaunch) launch = read_launch(rows[i].arguments, 24, &error);
        g_assert_no_error(error);
        g_autofree char *text = mpp_strategy_to_text(&launch->strategy);
        g_assert_cmpstr(text, ==, rows[i].strategy);
    }
}

static void test_training(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MppLaunch)
        launch = read_launch(MODEL "--global-batch-size 144 --bf16 --fp8-format hybrid --fp8-recipe mxfp8 --optimizer sgd "
                                   "--hidden-dropout 0 --attention-dropout 0.0 --attention-backend fused --no-rope-fusion --tp-comm-overlap "
                                   "--moe-token-dispatcher-type flex --overlap-moe-expert-parallel-comm "
                                   "--lr 3e-4 --data-path a b",
                             24, &error);
    g_assert_no_error(error);
    g_assert_cmpint(launch->training.global_batch, ==, 144);
    g_assert_cmpint(launch->training.seq, ==, 96);
    g_assert_cmpint(launch->training.precision, ==, MPP_PRECISION_MXFP8);
    g_assert_cmpint(launch->training.optimizer, ==, MPP_OPTIMIZER_SGD);
    g_assert_false(launch->training.dropout);
    g_assert_cmpint(launch->training.kernels.attention, ==, MPP_ATTENTION_FLASH3);
    g_assert_false(launch->training.kernels.rotary_fused);
    g_assert_true(launch->training.kernels.elementwise_fused);
    g_assert_true(launch->training.kernels.tensor_async);
    g_assert_true(launch->training.kernels.dispatch_once && launch->training.kernels.expert_async);
    g_assert_cmpuint(launch->passed_over->len, ==, 2);
    g_assert_cmpstr(launch->passed_over->pdata[1], ==, "--data-path a b");
    g_assert_cmpuint(launch->assumed->len, ==, 1); /* the vocabulary */
    g_assert_cmpint(launch->model->ffn, ==, 840);
    g_assert_true(launch->model->tied_embeddings);
}

static const struct {
    const char *arguments, *message;
    MppError code;
    int64_t gpus;
} errors[] = {
    { "", "the launch does not state the model (--num-layers, --hidden-size, --num-attention-heads, --seq-length): give --model",
      MPP_ERROR_USAGE, 24 },
    { MODEL, "the launch does not state the number of devices: give --gpus", MPP_ERROR_USAGE, 0 },
    { "--nproc-per-node 8 " MODEL, "the launch is for 8 devices, but --gpus is 24", MPP_ERROR_INVALID, 24 },
    { "--nproc-per-node gpu " MODEL,
      "the launch: --nproc-per-node: expected a whole number, got \"gpu\"; give --gpus and leave it out", MPP_ERROR_SCHEMA, 24 },
    { MODEL "--tensor-model-parallel-size 5", "the launch: tp * pp * cp = 5 does not divide the 24 devices", MPP_ERROR_INVALID,
      24 },
    { MODEL "--tensor-model-parallel-size $TP",
      "the launch: --tensor-model-parallel-size: expected a whole number from 1 to 1048576, got \"$TP\"", MPP_ERROR_SCHEMA, 24 },
    { MODEL "--tensor-model-parallel-size", "the launch: --tensor-model-parallel-size: a value is missing", MPP_ERROR_SCHEMA,
      24 },
    { MODEL "--use-torch-fsdp2", "the launch: --use-torch-fsdp2 is not modelled", MPP_ERROR_UNSUPPORTED, 24 },
    { MODEL "--cpu-offloading-num-layers 24", "the launch: --cpu-offloading-num-layers: expected a whole number from 0 to 11, got \"24\"", MPP_ERROR_SCHEMA, 24 },
    { MODEL "--cpu-offloading-num-layers 3 --recompute-granularity full --recompute-method uniform",
      "the launch: --cpu-offloading-num-layers: activations are offloaded or recomputed, not both", MPP_ERROR_SCHEMA, 24 },
    { MODEL "--context-parallel-size 2 --cp-comm-type a2a+p2p", "the launch: --cp-comm-type: a2a+p2p is not modelled",
      MPP_ERROR_UNSUPPORTED, 24 },
    { MODEL "--recompute-granularity selective --recompute-modules core_attn gdn_qkv",
      "the launch: --recompute-modules: gdn_qkv is not modelled", MPP_ERROR_UNSUPPORTED, 24 },
    { MODEL "--recompute-granularity half", "the launch: --recompute-granularity: expected full or selective, got \"half\"",
      MPP_ERROR_SCHEMA, 24 },
    { MODEL "--use-megatron-fsdp --data-parallel-sharding-strategy all",
      "the launch: --data-parallel-sharding-strategy: expected no_shard, optim, optim_grads or optim_grads_params, got "
      "\"all\"",
      MPP_ERROR_SCHEMA, 24 },
    { MODEL "--use-distributed-optimizer --num-distributed-optimizer-instances 5",
      "the launch: --num-distributed-optimizer-instances: 5 does not divide dp * cp = 24", MPP_ERROR_INVALID, 24 },
    { MODEL "--pipeline-model-parallel-size 8",
      "the launch: --pipeline-model-parallel-size: layers to share and the chunks that share them: 12 is not a multiple of 8",
      MPP_ERROR_INVALID, 24 },
    { MODEL "--pipeline-model-parallel-size 2 --decoder-first-pipeline-num-layers 9 --decoder-last-pipeline-num-layers 1",
      "the launch: --pipeline-model-parallel-size: the first and last stage do not leave the others their layers",
      MPP_ERROR_INVALID, 24 },
    { MODEL "--pipeline-model-parallel-size 2 --num-layers-per-virtual-pipeline-stage 5",
      "the launch: --num-layers-per-virtual-pipeline-stage: layers and those of all virtual stages: 12 is not a multiple of "
      "10",
      MPP_ERROR_INVALID, 24 },
    { MODEL "--pipeline-model-parallel-size 2 --pipeline-model-parallel-layout 'Et|tL'",
      "the launch: --pipeline-model-parallel-layout: stage layout \"Et|tL\": another number of layers; expected E first, L "
      "last, each once, and 12 layers",
      MPP_ERROR_INVALID, 24 },
    { MODEL "--optimizer adafactor", "the launch: --optimizer: adafactor is not modelled", MPP_ERROR_UNSUPPORTED, 24 },
    { MODEL "--attention-backend best",
      "the launch: --attention-backend: expected flash, fused, unfused, local or auto, got \"best\"", MPP_ERROR_SCHEMA, 24 },
    { MODEL "--position-embedding-type relative", "the launch: --position-embedding-type: relative is not modelled",
      MPP_ERROR_UNSUPPORTED, 24 },
    { MODEL "--window-size x", "the launch: --window-size: expected tokens to the left and right, like 4095,0, got \"x\"",
      MPP_ERROR_SCHEMA, 24 },
    { MODEL "--num-experts 8 --moe-layer-freq [1]*5", "the launch: --moe-layer-freq: \"[1]*5\" is for 5 layers, there are 12",
      MPP_ERROR_INVALID, 24 },
    { "--num-layers 12 --hidden-size 210 --num-attention-heads 30 --seq-length 96", "the launch: --micro-batch-size: is missing",
      MPP_ERROR_SCHEMA, 24 },
    { MODEL "'", "the launch: a quote does not end", MPP_ERROR_SYNTAX, 24 },
};

static void test_errors(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(errors); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(read_launch(errors[i].arguments, errors[i].gpus, &error));
        mpp_expect_error(&error, MPP_ERROR, errors[i].code, errors[i].message);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/megatron/strategies", test_strategies);
    g_test_add_func("/megatron/training", test_training);
    g_test_add_func("/megatron/errors", test_errors);
    return g_test_run();
}
