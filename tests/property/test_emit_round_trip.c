/* What is emitted, where it can be read back, reads back as the same strategy and the same training. */
#include <string.h>

#include "planner/emit/emit.h"
#include "planner/spec/mesh.h"
#include "planner/spec/model_params.h"
#include "planner/spec/rules.h"
#include "planner/spec/zoo.h"
#include "tests/support/random_job.h"

#define N G_GINT64_FORMAT

enum { JOBS = 600, PLANS_A_JOB = 20 };

/** Strategies that lay out, compute and exchange alike are written alike. */
static void normalise(const MppJob *job, MppStrategy *s)
{
    g_autoptr(MppEstimate) estimate = mpp_estimate_new(job, s);
    g_clear_pointer(&s->stage_layers, g_array_unref);
    int64_t most = 0;
    for (guint i = 0; i < estimate->chunk_layers->len; i++)
        most = MAX(most, g_array_index(estimate->chunk_layers, int64_t, i));
    if (s->pp > 1)
        s->stage_layers = g_array_copy(estimate->chunk_layers);
    else
        s->schedule = MPP_SCHEDULE_1F1B;
    s->stage_split = MPP_STAGE_SPLIT_EVEN;
    if (s->schedule_group == s->pp || s->vpp == 1)
        s->schedule_group = 0;
    if (s->recompute_layers >= most - (s->recompute == MPP_RECOMPUTE_OFFLOAD))
        s->recompute_layers = 0;
    if (s->dp * s->cp == 1 && s->offload != MPP_OFFLOAD_PARAMETERS) /* nothing to shard over */
        s->zero = 0;
    if (s->zero_ranks == s->dp * s->cp)
        s->zero_ranks = 0;
    if (s->cp == 1)
        s->cp_kind = MPP_CP_RING;
    for (int order = 0; order < MPP_N_ORDERS; order++) {
        MppStrategy other = *s;
        other.order = order;
        if ((s->cp == 1 || mpp_mesh_stride(s, MPP_AXIS_CP) == mpp_mesh_stride(&other, MPP_AXIS_CP)) &&
            (s->dp == 1 || mpp_mesh_stride(s, MPP_AXIS_DP) == mpp_mesh_stride(&other, MPP_AXIS_DP)) &&
            (s->pp == 1 || mpp_mesh_stride(s, MPP_AXIS_PP) == mpp_mesh_stride(&other, MPP_AXIS_PP))) {
            s->order = order;
            break;
        }
    }
}

static char *fields_text(const MppFields *fields, const void *value)
{
    g_autoptr(cJSON) root = mpp_fields_write(fields, value, false);
    return mpp_json_to_text(root);
}

static void assert_same_strategy(const MppJob *job, const MppStrategy *a, const MppStrategy *b, const char *text)
{
    MppStrategy one, two;
    mpp_fields_copy(&mpp_strategy_fields, a, &one);
    mpp_fields_copy(&mpp_strategy_fields, b, &two);
    normalise(job, &one);
    normalise(job, &two);
    g_autofree char *left = fields_text(&mpp_strategy_fields, &one), *right = fields_text(&mpp_strategy_fields, &two);
    if (strcmp(left, right) != 0)
        g_test_message("%s", text);
    g_assert_cmpstr(left, ==, right);
    mpp_strategy_clear(&one);
    mpp_strategy_clear(&two);
}

/** What plans that were read back have, so that none of it is refused throughout. */
enum { TP, PP, VPP, CP, EP, ETP, UNEVEN, ZERO1, ZERO2, ZERO3, GROUPS, SELECTIVE, FULL, PARTIAL,
       OFFLOAD_ACTIVATIONS, OFFLOAD_OPTIMIZER, OFFLOAD_PARAMETERS, N_FEATURES };
static const char *const feature_names[N_FEATURES] = { "tp",     "pp",        "vpp",   "cp",      "ep",
                                                       "etp",    "uneven",    "zero1", "zero2",   "zero3",
                                                       "groups", "selective", "full",  "partial", "offloaded activations",
                                                       "offloaded optimizer", "offloaded parameters" };

/** A target, what of the training its files carry, whether they carry the model, plans to try, features it has. */
typedef struct {
    const MppEmitTarget *target;
    unsigned carried;
    bool model;
    const char *limits;
    unsigned features;
} Case;

static unsigned features_of(const MppStrategy *s)
{
    bool uneven = false;
    for (guint i = 1; s->stage_layers && i < s->stage_layers->len; i++)
        uneven = uneven || g_array_index(s->stage_layers, int64_t, i) != g_array_index(s->stage_layers, int64_t, 0);
    const bool has[N_FEATURES] = { s->tp > 1,
                                   s->pp > 1,
                                   s->vpp > 1,
                                   s->cp > 1,
                                   s->ep > 1,
                                   s->etp > 1,
                                   uneven,
                                   s->zero == 1,
                                   s->zero == 2,
                                   s->zero == 3,
                                   s->zero_ranks && s->zero_ranks < s->dp * s->cp,
                                   s->recompute == MPP_RECOMPUTE_SELECTIVE,
                                   s->recompute == MPP_RECOMPUTE_FULL && !s->recompute_layers,
                                   s->recompute_layers > 0,
                                   s->recompute == MPP_RECOMPUTE_OFFLOAD,
                                   s->offload == MPP_OFFLOAD_OPTIMIZER,
                                   s->offload == MPP_OFFLOAD_PARAMETERS };
    unsigned features = 0;
    for (int i = 0; i < N_FEATURES; i++)
        features |= (unsigned)has[i] << i;
    return features;
}

enum { ALL = (MPP_LAUNCH_FUSIONS << 1) - 1 };

static void assert_same_model(const MppModel *a, const MppModel *b)
{
    g_assert_nonnull(a);
    g_assert_cmpfloat(mpp_model_parameters(a), ==, mpp_model_parameters(b));
    g_assert_cmpint(a->n_layers, ==, b->n_layers);
    for (int64_t i = 0; i < a->n_layers; i++) {
        const MppLayerKind *one = &a->kinds[a->kind_of_layer[i]], *two = &b->kinds[b->kind_of_layer[i]];
        g_assert_true(one->causal == two->causal && one->mixer == two->mixer && one->ffn == two->ffn &&
                      one->cross_attention == two->cross_attention && one->moe == two->moe &&
                      one->prediction == two->prediction && one->window == two->window);
    }
}

/** Returns: whether the target can express the plan. */
static bool check_plan(const Case *c, const MppInputs *inputs, const MppStrategy *strategy)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = mpp_emit_text(c->target, inputs, strategy, NULL, &error);
    if (!text) {
        g_assert_error(error, MPP_ERROR, MPP_ERROR_UNSUPPORTED);
        g_assert_true(g_str_has_prefix(error->message, c->target->name));
        return false;
    }
    const MppLaunchSource source = { "text", text, c->model ? NULL : &inputs->model, inputs->job.gpus };
    g_autoptr(MppLaunch) launch = mpp_emit_read(c->target, &source, &error);
    if (!launch)
        g_test_message("%s", text);
    g_assert_no_error(error);
    g_assert_cmpint(launch->gpus, ==, inputs->job.gpus);
    assert_same_strategy(&inputs->job, strategy, &launch->strategy, text);
    g_assert_cmphex(launch->stated & c->carried, ==, c->carried);
    MppTraining training = inputs->job.training;
    mpp_launch_apply(launch, &training);
    g_autofree char *left = fields_text(&mpp_training_fields, &inputs->job.training),
                    *right = fields_text(&mpp_training_fields, &training);
    g_assert_cmpstr(left, ==, right);
    if (c->model)
        assert_same_model(launch->model, &inputs->model);
    return true;
}

/** Layers by lot, so that stages are uneven and may be empty. */
static GArray *random_stages(GRand *rand, int64_t n_layers, int64_t chunks)
{
    GArray *layers = g_array_new(FALSE, TRUE, sizeof(int64_t));
    g_array_set_size(layers, (guint)chunks);
    for (int64_t i = 0; i < n_layers; i++)
        g_array_index(layers, int64_t, (guint)g_rand_int_range(rand, 0, (gint32)chunks))++;
    return layers;
}

/** What the plans of one target came to. */
typedef struct {
    int expressed;
    unsigned features;
} Tally;

static void check_members(GRand *rand, const Case *c, const MppInputs *inputs, Tally *tally)
{
    MppSpaceLimits limits = { .fixed = mpp_strategy_single() };
    g_assert_true(mpp_strategy_parse(c->limits, &limits.fixed, &limits.fields, NULL));
    g_autoptr(GArray) members = random_job_members(&inputs->job, &limits);
    for (int i = 0; members->len && i < PLANS_A_JOB; i++) {
        MppStrategy s = g_array_index(members, RandomMember, (guint)g_rand_int_range(rand, 0, (gint32)members->len)).strategy;
        if ((s.recompute == MPP_RECOMPUTE_FULL || s.recompute == MPP_RECOMPUTE_OFFLOAD) && g_rand_boolean(rand))
            s.recompute_layers = g_rand_int_range(rand, 1, 4);
        g_autoptr(GArray) stages = s.pp > 1 && g_rand_boolean(rand) ? random_stages(rand, inputs->model.n_layers, s.pp * s.vpp)
                                                                    : NULL;
        s.stage_layers = stages;
        if (s.vpp > 1 && g_rand_boolean(rand))
            s.schedule_group = mpp_strategy_micro_batches(&s, inputs->training.global_batch);
        if (s.zero && s.dp % 2 == 0 && g_rand_boolean(rand))
            s.zero_ranks = s.dp * s.cp / 2;
        s.order = g_rand_boolean(rand) ? s.order : (MppMeshOrder)g_rand_int_range(rand, 0, MPP_N_ORDERS);
        if (mpp_rules_first_broken(MPP_RULE_ILLEGAL, &inputs->job, &s) >= 0 || !check_plan(c, inputs, &s))
            continue;
        tally->expressed++;
        tally->features |= features_of(&s);
    }
}

static void check_tally(const Case *c, const Tally *tally)
{
    g_test_message("%d plans read back", tally->expressed);
    g_assert_cmpint(tally->expressed, >, JOBS / 4);
    for (int i = 0; i < N_FEATURES; i++)
        if ((c->features & ~tally->features) >> i & 1)
            g_error("%s: no plan with %s was read back", c->target->name, feature_names[i]);
}

/** Kernels and formats that some stack has, so that not every plan is refused for them. */
static void settle_training(GRand *rand, MppInputs *inputs)
{
    static const MppPrecision formats[] = { MPP_PRECISION_FP32, MPP_PRECISION_FP16,  MPP_PRECISION_BF16,  MPP_PRECISION_BF16, MPP_PRECISION_BF16,
                                            MPP_PRECISION_FP8,  MPP_PRECISION_MXFP8, MPP_PRECISION_NVFP4, MPP_PRECISION_TF32,
                                            MPP_PRECISION_FP8_ROWWISE };
    MppTraining *training = &inputs->training;
    bool fused = g_rand_boolean(rand), rotary = g_rand_int_range(rand, 0, 4) ? fused : !fused;
    training->precision = formats[g_rand_int_range(rand, 0, G_N_ELEMENTS(formats))];
    training->optimizer = g_rand_int_range(rand, 0, 3) ? MPP_OPTIMIZER_ADAM
                                                       : (MppOptimizer)g_rand_int_range(rand, 0, MPP_N_OPTIMIZERS);
    training->dropout = g_rand_boolean(rand);
    training->kernels = (MppKernels){ .attention = g_rand_int_range(rand, 0, MPP_N_ATTENTIONS),
                                      .norm_fused = g_rand_int_range(rand, 0, 8) > 0,
                                      .elementwise_fused = fused,
                                      .rotary_fused = rotary,
                                      .cross_entropy_fused = g_rand_boolean(rand) };
    inputs->runtime.overlap.gradients_frac = g_rand_boolean(rand);
    mpp_inputs_bind(inputs);
}

/** A random model as Megatron's GPT can be. */
static void settle_model(GRand *rand, MppInputs *inputs)
{
    const MppTraining *training = &inputs->training;
    inputs->model.max_seq = MAX(inputs->model.max_seq, training->seq);
    inputs->model.learned_positions = inputs->model.positions == MPP_POSITIONS_LEARNED ? inputs->model.max_seq : 0;
    inputs->model.norm_bias = true;
    if (g_rand_boolean(rand)) /* as Megatron has them, or none */
        inputs->model.qkv_bias = inputs->model.output_bias = inputs->model.mlp_bias = inputs->model.moe.expert_bias =
            inputs->model.moe.router_bias = g_rand_boolean(rand);
    if (inputs->model.pattern) { /* pretrain_mamba.py */
        inputs->model.ssm.kind = MPP_SSM_MAMBA2;
        inputs->model.ssm.conv = 4;
        inputs->model.ssm.chunk = 128;
        inputs->model.attention_gate = false;
    }
    bool dense = inputs->model.pattern && strchr(inputs->model.pattern, '-');
    if (inputs->model.moe.experts && inputs->model.moe.leading_dense_layers == 0 && inputs->model.moe.every == 1 && !dense)
        inputs->model.ffn = 0;
}

static void test_random_models(gconstpointer data)
{
    const Case *c = data;
    g_autoptr(GRand) rand = g_rand_new_with_seed(71993);
    Tally tally = { 0 };
    for (int i = 0; i < JOBS; i++) {
        g_autoptr(MppInputs) inputs = random_job_new(rand, 32);
        settle_training(rand, inputs);
        settle_model(rand, inputs);
        check_members(rand, c, inputs, &tally);
    }
    check_tally(c, &tally);
}

/** Models that torchtitan ships, on random clusters and stacks. */
static void test_shipped_models(gconstpointer data)
{
    static const char *const names[] = { "llama-3.1-8b", "qwen3-30b-a3b", "gpt-oss-20b", "deepseek-v2-lite", "qwen3-0.6b" };
    const Case *c = data;
    g_autoptr(GRand) rand = g_rand_new_with_seed(40507);
    Tally tally = { 0 };
    for (int i = 0; i < JOBS; i++) {
        g_autoptr(MppInputs) inputs = random_job_new(rand, 16);
        g_autoptr(MppModel) model = mpp_zoo_model(names[i % G_N_ELEMENTS(names)], NULL);
        mpp_model_clear(&inputs->model);
        inputs->model = *model;
        g_free(g_steal_pointer(&model));
        settle_training(rand, inputs);
        inputs->training.kernels.tensor_async = inputs->training.kernels.elementwise_fused && g_rand_boolean(rand);
        mpp_inputs_bind(inputs);
        inputs->runtime.selective = g_rand_boolean(rand) ? MPP_SELECTIVE_HALF_PRODUCTS : MPP_SELECTIVE_ATTENTION;
        inputs->runtime.most_zero = inputs->runtime.most_zero_with_pp = 3;
        check_members(rand, c, inputs, &tally);
    }
    check_tally(c, &tally);
}

int main(int argc, char **argv)
{
    const unsigned pipeline = 1u << TP | 1u << PP | 1u << VPP | 1u << CP | 1u << EP | 1u << UNEVEN;
    const unsigned mcore = pipeline | 1u << ETP | 1u << ZERO1 | 1u << ZERO2 | 1u << ZERO3 | 1u << GROUPS | 1u << SELECTIVE |
                           1u << FULL | 1u << PARTIAL | 1u << OFFLOAD_ACTIVATIONS | 1u << OFFLOAD_OPTIMIZER;
    const unsigned plain = MPP_LAUNCH_GLOBAL_BATCH | MPP_LAUNCH_PRECISION;
    const Case megatron = { &mpp_emit_megatron, ALL, true, "", mcore };
    const Case bridge = { &mpp_emit_megatron_bridge, ALL & ~(unsigned)MPP_LAUNCH_ATTENTION, false, "", mcore };
    const Case deepspeed = { &mpp_emit_deepspeed, plain | MPP_LAUNCH_OPTIMIZER, false, "pp=1,recompute=none,sp=0",
                             1u << TP | 1u << CP | 1u << EP | 1u << ZERO1 | 1u << ZERO2 | 1u << ZERO3 | 1u << OFFLOAD_OPTIMIZER | 1u << OFFLOAD_PARAMETERS };
    const Case titan = { &mpp_emit_torchtitan_toml, plain | MPP_LAUNCH_SEQ | MPP_LAUNCH_FUSIONS, true, "",
                         pipeline | 1u << ZERO2 | 1u << ZERO3 | 1u << GROUPS | 1u << SELECTIVE | 1u << FULL | 1u << OFFLOAD_PARAMETERS };
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/emit_round_trip/megatron", &megatron, test_random_models);
    g_test_add_data_func("/emit_round_trip/megatron_bridge", &bridge, test_random_models);
    g_test_add_data_func("/emit_round_trip/deepspeed", &deepspeed, test_random_models);
    g_test_add_data_func("/emit_round_trip/torchtitan_toml", &titan, test_shipped_models);
    return g_test_run();
}
