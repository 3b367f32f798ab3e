#include "planner/spec/rules.h"

#include "tests/support/expect.h"
#include "tests/support/sample.h"

typedef void (*Change)(MppInputs *inputs);

static void odd_ffn(MppInputs *in)
{
    in->model.ffn = 421;
}

static void ssm(MppInputs *in)
{
    in->model.ssm = (MppSsm){ .heads = 30, .head_dim = 8, .groups = 5, .state = 16, .conv = 4, .chunk = 32 };
}

static void encoder(MppInputs *in)
{
    in->model.kind = MPP_MODEL_ENCODER;
}

static void images(MppInputs *in)
{
    in->model.vision.image_size = 182;
}

static void greedy_stages(MppInputs *in)
{
    in->runtime.stage_split = MPP_STAGE_SPLIT_GREEDY;
}

static void zero_one(MppInputs *in)
{
    in->runtime.most_zero = 1;
}

static void zero_one_with_pp(MppInputs *in)
{
    in->runtime.most_zero_with_pp = 1;
}

static void no_tp(MppInputs *in)
{
    in->runtime.tensor_parallel = false;
}

static void no_pp(MppInputs *in)
{
    in->runtime.schedules = 0;
}

static void no_cp(MppInputs *in)
{
    in->runtime.context_kinds = 0;
}

static void ring_only(MppInputs *in)
{
    in->runtime.context_kinds = 1 << MPP_CP_RING;
}

static void repeats_keys(MppInputs *in)
{
    in->model.kv_heads = 2;
    in->runtime.context_repeats_keys = true;
}

static void zero_bubble_v(MppInputs *in)
{
    in->runtime.schedules = 1 << MPP_SCHEDULE_1F1B | 1 << MPP_SCHEDULE_ZB_V;
}

static void no_ep(MppInputs *in)
{
    mpp_sample_add_experts(in);
    in->runtime.expert_parallel = false;
}

static void one_node(MppInputs *in)
{
    in->runtime.one_node = true;
}

static void no_full(MppInputs *in)
{
    in->runtime.most_recompute = MPP_RECOMPUTE_SELECTIVE;
}

static void all_offloads(MppInputs *in)
{
    in->runtime.offloads = (1 << MPP_N_OFFLOADED) - 1;
}

static void all_modules(MppInputs *in)
{
    in->runtime.recompute_modules = (1 << MPP_N_MODULES) - 1;
}

static void modules_beside(MppInputs *in)
{
    all_modules(in);
    mpp_sample_add_experts(in);
    in->training.kernels.expert_async = true;
}

static void one_fewer(MppInputs *in)
{
    in->runtime.fewer_micro_batches = 1;
}

static void eight_empty(MppInputs *in)
{
    greedy_stages(in);
    in->runtime.most_empty_stages = 7;
}

static void never_sp(MppInputs *in)
{
    in->runtime.sequence_parallel = MPP_SEQUENCE_PARALLEL_NEVER;
}

static void always_sp(MppInputs *in)
{
    in->runtime.sequence_parallel = MPP_SEQUENCE_PARALLEL_ALWAYS;
}

static void fp8(MppInputs *in)
{
    in->training.precision = MPP_PRECISION_FP8;
}

static void two_kv_heads(MppInputs *in)
{
    in->model.kv_heads = 2;
}

static void windowed(MppInputs *in)
{
    in->model.window = 33;
}

static void windowed_blocks(MppInputs *in)
{
    windowed(in);
    in->runtime.ring_in_fp32 = true;
}

static void targets(MppInputs *in)
{
    in->training.target_seq = 11;
}

static void latent(MppInputs *in)
{
    in->model.mla.kv_lora_rank = 33;
}

/** A net that lists one layer: two products with 30 channels between them. */
static void listed(MppInputs *in)
{
    static const char text[] = "{\"name\": \"net\", \"input\": {\"channels\": 7}, \"sequential\": "
                               "[{\"repeat\": 4, \"ops\": [{\"linear\": 30}, {\"linear\": 7}]}]}";
    g_autoptr(GError) error = NULL;
    g_autoptr(MppJson) json = mpp_expect_json(text);
    MppModel *model = mpp_model_read(json, &error);
    g_assert_no_error(error);
    mpp_model_clear(&in->model);
    in->model = *model;
    in->training.seq = 1;
    g_free(model);
}

static void experts_beside(MppInputs *in)
{
    mpp_sample_add_experts(in);
    in->training.kernels.expert_async = true;
}

#define EXPERTS mpp_sample_add_experts
#define HUGE_SPLIT "dp=1048576,tp=30,pp=1048576,cp=1048576"

static const struct {
    const char *id;
    Change change;
    int64_t gpus;
    const char *strategy, *message;
} rows[] = {
    { "tp-heads", NULL, 4, "tp=4", "30 attention heads are not divisible by tp 4" },
    { "tp-kv-heads", NULL, 15, "tp=15", "of 6 key-value heads and tp 15 neither divides the other" },
    { "tp-ffn", odd_ffn, 2, "tp=2", "the MLP's width 421 is not divisible by tp 2" },
    { "tp-ffn", EXPERTS, 3, "dp=3,etp=3", "an expert's width 56 is not divisible by etp 3" },
    { "tp-channels", listed, 4, "tp=4", "30 channels between two products are not divisible by tp 4" },
    { "batch", listed, 9, "dp=9", "the global batch of 120 samples is not a multiple of dp * micro-batch = 9 * 1" },
    { "cp-decoder", listed, 2, "cp=2,cp_kind=all-to-all", "context parallelism is for decoder-only models of tokens" },
    { "sp-sequence", listed, 2, "tp=2,sp", "sequence parallelism splits 1 tokens of a rank, not divisible by tp 2" },
    { "experts", listed, 2, "dp=2,ep=2", "expert parallelism needs a model with experts" },
    { "recompute-selective", listed, 1, "recompute=selective", "selective recomputation is of attention, which net does not have" },
    { "gpus-product", NULL, 12, "dp=5,tp=2", "dp * tp * pp * cp = 10 but there are 12 GPUs" },
    { "gpus-product", NULL, 12, HUGE_SPLIT, "dp * tp * pp * cp = 34587645138205409280 but there are 12 GPUs" },
    { "expert-grid", EXPERTS, 6, "dp=6,ep=4", "ep * etp = 4 does not divide tp * cp * dp = 6" },
    { "expert-grid", EXPERTS, 12, "dp=6,tp=2,ep=20,etp=2", "ep * etp = 40 does not divide tp * cp * dp = 12" },
    { "batch", NULL, 9, "dp=9", "the global batch of 120 sequences is not a multiple of dp * micro-batch = 9 * 1" },
    { "batch", NULL, 5, "dp=5,mbs=7", "the global batch of 120 sequences is not a multiple of dp * micro-batch = 5 * 7" },
    { "cp-sequence", NULL, 5, "cp=5", "the sequence of 96 tokens is not divisible by 2 * cp = 10" },
    { "tp-ssm", ssm, 3, "tp=3", "5 groups of a state-space layer are not divisible by tp 3" },
    { "cp-ssm", ssm, 4, "cp=4",
      "context parallelism splits a state-space layer by heads: of 30 heads in 5 groups, of which tp 1 leaves a rank 5, cp 4 "
      "makes no equal parts" },
    { "cp-ssm", ssm, 6, "cp=6",
      "context parallelism splits a state-space layer by heads: of 30 heads in 5 groups, of which tp 1 leaves a rank 5, cp 6 "
      "makes no equal parts" },
    { "cp-heads", NULL, 4, "cp=4,cp_kind=all-to-all",
      "all-to-all context parallelism splits heads: 30 are not divisible by cp * tp = 4" },
    { "cp-heads", two_kv_heads, 3, "cp=3,cp_kind=all-to-all",
      "all-to-all context parallelism splits key-value heads: 2 of a rank are not divisible by cp 3" },
    { "cp-heads", repeats_keys, 3, "cp=3,cp_kind=all-to-all",
      "all-to-all context parallelism splits key-value heads: 2 of a rank are not divisible by cp 3" },
    { "cp-heads", two_kv_heads, 6, "tp=2,cp=3,cp_kind=all-to-all",
      "all-to-all context parallelism splits key-value heads: 1 of a rank are not divisible by cp 3" },
    { "cp-window", windowed, 2, "cp=2",
      "ring context parallelism has no window: layers see 33 tokens; try cp_kind=all-to-all" },
    { "cp-window", windowed_blocks, 2, "cp=2,cp_kind=all-gather",
      "all-gather context parallelism has no window: layers see 33 tokens; try cp_kind=all-to-all" },
    { "target-seq", targets, 1, "", "sample has no decoder beside an encoder, whose 11 tokens are stated" },
    { "cp-decoder", encoder, 2, "cp=2", "context parallelism is for decoder-only models of tokens" },
    { "cp-decoder", images, 2, "cp=2", "context parallelism is for decoder-only models of tokens" },
    { "sp-needs-tp", NULL, 1, "sp", "sequence parallelism needs tp > 1" },
    { "sp-sequence", NULL, 30, "tp=30,sp", "sequence parallelism splits 96 tokens of a rank, not divisible by tp 30" },
    { "stages-layers", NULL, 15, "pp=15", "pp * vpp = 15 stages for 12 layers" },
    { "stages-sum", NULL, 2, "pp=2,stages=5/6", "stages lists 2 chunks of 11 layers; pp * vpp = 2 chunks of 12 are needed" },
    { "stages-sum", NULL, 3, "pp=3,stages=5/7", "stages lists 2 chunks of 12 layers; pp * vpp = 3 chunks of 12 are needed" },
    { "schedule", NULL, 3, "pp=3,vpp=2", "schedule 1f1b needs vpp 1, not 2" },
    { "schedule", NULL, 3, "pp=3,schedule=interleaved", "schedule interleaved needs vpp of at least 2, not 1" },
    { "schedule", NULL, 1, "vpp=2,schedule=interleaved", "schedule interleaved needs pp of at least 2, not 1" },
    { "schedule", NULL, 7, "pp=7,vpp=2,schedule=interleaved",
      "schedule interleaved takes micro-batches in groups of 7: 120 are not a multiple of it" },
    { "schedule", NULL, 7, "pp=7,vpp=2,schedule=interleaved,group=9",
      "schedule interleaved takes micro-batches in groups of 9: 120 are not a multiple of it" },
    { "schedule", NULL, 7, "pp=7,group=9", "schedule 1f1b has no groups to choose" },
    { "runtime-schedule", NULL, 3, "pp=3,schedule=zb-h1", "Stack 3 has no schedule zb-h1" },
    { "runtime-schedule", zero_bubble_v, 3, "pp=3,vpp=2,schedule=interleaved", "Stack 3 has no schedule interleaved" },
    { "experts", NULL, 2, "dp=2,ep=2", "expert parallelism needs a model with experts" },
    { "experts", NULL, 2, "tp=2,etp=2", "expert parallelism needs a model with experts" },
    { "experts", EXPERTS, 3, "dp=3,ep=3", "20 experts are not divisible by ep 3" },
    { "experts-sp", EXPERTS, 4, "dp=2,tp=2,ep=2", "ep > 1 with tp > 1 needs sequence parallelism" },
    { "experts-order", EXPERTS, 4, "dp=2,pp=2,ep=2,order=tp-cp-pp-dp",
      "with experts split, pp must be the outermost mesh dimension" },
    { "experts-async", experts_beside, 4, "dp=2,pp=2,ep=2", "experts' exchange beside another micro-batch needs vpp > 1 in a pipeline" },
    { "experts-async", experts_beside, 2, "dp=2,ep=2,recompute=full",
      "experts' exchange beside another micro-batch does not go with full recomputation" },
    { "zero-stage", zero_one, 2, "dp=2,zero=2", "Stack 3 has ZeRO up to stage 1, not 2" },
    { "zero-stage", zero_one_with_pp, 2, "pp=2,zero=3", "Stack 3 has ZeRO up to stage 1 with pipeline stages, not 3" },
    { "zero-ranks", NULL, 4, "dp=4,zero=1,zero_ranks=3", "hybrid sharding needs ZeRO and zero_ranks 3 to divide dp * cp = 4" },
    { "zero-ranks", NULL, 4, "dp=4,zero_ranks=2", "hybrid sharding needs ZeRO and zero_ranks 2 to divide dp * cp = 4" },
    { "recompute-layers", NULL, 1, "recompute=selective:2",
      "recompute_layers 2 is for full recompute or offload and at most 12 layers of a chunk" },
    { "recompute-layers", all_offloads, 1, "recompute=offload:12",
      "recompute_layers 12 is for full recompute or offload and at most 11 layers of a chunk" },
    { "recompute-layers", NULL, 5, "pp=5,recompute=full:4",
      "recompute_layers 4 is for full recompute or offload and at most 3 layers of a chunk" },
    { "runtime-axes", no_tp, 2, "tp=2", "Stack 3 has no tensor parallelism" },
    { "runtime-axes", no_pp, 2, "pp=2", "Stack 3 has no pipeline parallelism" },
    { "runtime-axes", no_cp, 2, "cp=2", "Stack 3 has no context parallelism" },
    { "runtime-context", ring_only, 2, "cp=2,cp_kind=all-to-all", "Stack 3 has no all-to-all context parallelism" },
    { "runtime-context", ring_only, 2, "cp=2,cp_kind=all-gather", "Stack 3 has no all-gather context parallelism" },
    { "runtime-axes", no_ep, 2, "dp=2,ep=2", "Stack 3 has no expert parallelism" },
    { "runtime-node", one_node, 12, "dp=12", "Stack 3 runs within a node, which has 6 devices, not 12" },
    { "runtime-recompute", no_full, 1, "recompute=full", "Stack 3 has no full recomputation" },
    { "recompute-modules", NULL, 1, "recompute=selective:mlp", "Stack 3 cannot be told to recompute mlp" },
    { "recompute-modules", all_modules, 1, "recompute=full:mlp", "module mlp is for selective recomputation" },
    { "recompute-modules", all_modules, 1, "recompute=selective:moe_act", "sample has no moe_act to recompute by itself" },
    { "recompute-modules", modules_beside, 2, "dp=2,ep=2,recompute=selective:moe",
      "experts' exchange beside another micro-batch does not go with recomputing moe" },
    { "runtime-offload", NULL, 1, "recompute=offload", "Stack 3 does not offload activations" },
    { "runtime-offload", all_offloads, 2, "pp=2,recompute=offload", "activations go to the host without pipeline stages only" },
    { "runtime-offload", all_offloads, 2, "dp=2,zero=2,offload=parameters",
      "parameters are offloaded where they are sharded: with ZeRO-3, not 2" },
    { "runtime-micro-batches", one_fewer, 3, "pp=3,mbs=120", "Stack 3 needs at least pp - 1 = 2 micro-batches; there are 1" },
    { "runtime-empty", eight_empty, 20, "pp=20,split=greedy", "Stack 3 leaves 8 stages without a layer; it trains with at most 7" },
    { "runtime-sp", never_sp, 2, "tp=2,sp", "Stack 3 has no sequence parallelism" },
    { "runtime-sp", always_sp, 2, "tp=2", "Stack 3 always uses sequence parallelism with tp > 1" },
    { "precision", fp8, 1, "", "the Chip 7 has no fp8 products" },
    { "tp-node", NULL, 30, "tp=30", "tp 30 is larger than the 6 devices of a node: its exchanges would cross the slow links" },
};

static MppInputs *question(Change change, int64_t gpus, const char *text, MppStrategy *strategy)
{
    g_autoptr(GError) error = NULL;
    MppInputs *inputs = mpp_sample_new(gpus);
    if (change)
        change(inputs);
    mpp_inputs_bind(inputs);
    *strategy = mpp_strategy_single();
    g_assert_true(mpp_strategy_parse(text, strategy, NULL, &error));
    return inputs;
}

static void test_broken(gconstpointer data)
{
    size_t i = GPOINTER_TO_SIZE(data);
    MppStrategy strategy;
    g_autoptr(MppInputs) inputs = question(rows[i].change, rows[i].gpus, rows[i].strategy, &strategy);
    bool advice = g_str_equal(rows[i].id, "tp-node");
    int index = mpp_rules_first_broken(advice ? MPP_RULE_ADVICE : MPP_RULE_ILLEGAL, &inputs->job, &strategy);
    g_assert_cmpint(index, >=, 0);
    const MppRule *rule = mpp_rules_get(index);
    g_assert_cmpstr(rule->id, ==, rows[i].id);
    g_autofree char *message = rule->broken(&inputs->job, &strategy);
    g_assert_cmpstr(message, ==, rows[i].message);

    g_autoptr(GError) error = NULL;
    g_assert_cmpint(mpp_rules_check(&inputs->job, &strategy, &error), ==, advice);
    if (!advice) {
        g_autofree char *whole = g_strdup_printf("%s [%s]", rows[i].message, rows[i].id);
        mpp_expect_error(&error, MPP_ERROR, MPP_ERROR_INVALID, whole);
    }
    mpp_strategy_clear(&strategy);
}

static const struct {
    Change change;
    int64_t gpus;
    const char *strategy;
} kept[] = {
    { repeats_keys, 6, "cp=6,cp_kind=all-to-all" },
    { two_kv_heads, 4, "cp=4,cp_kind=all-gather" },
    { windowed, 2, "cp=2,cp_kind=all-gather" },
    { NULL, 1, "" },
    { EXPERTS, 60,
      "dp=3,tp=2,cp=2,pp=5,vpp=2,sp,mbs=1,ep=4,zero=3,zero_ranks=3,schedule=interleaved,recompute=full:2,order=tp-dp-cp-pp,"
      "stages=2/1/1/1/1/1/1/1/1/2" },
    { NULL, 6, "tp=3,cp=2,cp_kind=all-to-all" },
    { NULL, 14, "pp=14" },          /* embedding and head may have stages of their own */
    { greedy_stages, 20, "pp=20" }, /* a stack that fills stages may leave some empty */
    { eight_empty, 19, "pp=19,split=greedy" },
    { latent, 15, "tp=15" },        /* with latent attention, keys and values are per head */
    { EXPERTS, 4, "dp=2,pp=2,ep=2,order=tp-dp-cp-pp" },
    { one_fewer, 3, "pp=3,mbs=60" },
    { zero_one_with_pp, 2, "dp=2,zero=3" },
    { never_sp, 2, "tp=2" },
    { always_sp, 2, "tp=2,sp" },
    { always_sp, 2, "dp=2" },
};

static void test_kept(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(kept); i++) {
        g_autoptr(GError) error = NULL;
        MppStrategy strategy;
        g_autoptr(MppInputs) inputs = question(kept[i].change, kept[i].gpus, kept[i].strategy, &strategy);
        bool legal = mpp_rules_check(&inputs->job, &strategy, &error);
        g_assert_no_error(error);
        g_assert_true(legal);
        if (i < 2)
            g_assert_cmpint(mpp_rules_first_broken(MPP_RULE_ADVICE, &inputs->job, &strategy), ==, -1);
        mpp_strategy_clear(&strategy);
    }
}

/** Each rule has an id of its own, a source, and a row above. */
static void test_all_covered(void)
{
    for (int i = 0; i < mpp_rules_count(); i++) {
        const MppRule *rule = mpp_rules_get(i);
        bool covered = false;
        for (size_t k = 0; k < G_N_ELEMENTS(rows); k++)
            covered = covered || g_str_equal(rows[k].id, rule->id);
        if (!covered)
            g_error("no row breaks %s", rule->id);
        g_assert_cmpint(*rule->origin, !=, '\0');
        for (int k = 0; k < i; k++)
            g_assert_cmpstr(mpp_rules_get(k)->id, !=, rule->id);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strdup_printf("/rules/%s/%zu", rows[i].id, i);
        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_broken);
    }
    g_test_add_func("/rules/kept", test_kept);
    g_test_add_func("/rules/all-covered", test_all_covered);
    return g_test_run();
}
