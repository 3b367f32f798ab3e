#include "planner/emit/megatron_forms.h"

#include <string.h>

#define N G_GINT64_FORMAT

enum { MOST_RANKS = 1 << 20, MOST_BATCH = 1 << 20 };

/** Values of an option that takes several are one and the same, and it is in @known. */
static bool same_words(const char *words, const char *known)
{
    g_auto(GStrv) each = g_strsplit(words, " ", -1);
    for (int i = 0; each[i]; i++)
        if (strcmp(each[i], known) != 0)
            return false;
    return true;
}

static bool read_degrees(const MppKnobReader *r, const MppModel *model, MppStrategy *s, GError **error)
{
    if (!mpp_knob_int(r, MPP_KNOB_TP, 1, MOST_RANKS, &s->tp, error) ||
        !mpp_knob_int(r, MPP_KNOB_CP, 1, MOST_RANKS, &s->cp, error) ||
        !mpp_knob_int(r, MPP_KNOB_EP, 1, MOST_RANKS, &s->ep, error))
        return false;
    s->etp = model->moe.experts ? s->tp : 1;
    if (!mpp_knob_int(r, MPP_KNOB_ETP, 1, MOST_RANKS, &s->etp, error))
        return false;
    s->sequence_parallel = s->tp > 1 && mpp_knob_given(r, MPP_KNOB_SEQUENCE_PARALLEL);
    s->order = mpp_knob_given(r, MPP_KNOB_MAPPING) ? MPP_ORDER_CP_PP_DP : MPP_ORDER_CP_DP_PP;
    const char *comm = r->knobs->values[MPP_KNOB_CP_COMM];
    if (s->cp == 1 || !comm)
        return true;
    const char *words = same_words(comm, "allgather") ? "all_gather" : comm; /* as --help spells it */
    for (int kind = 0; kind < MPP_N_CPS; kind++)
        if (same_words(words, mpp_knob_cp_comms[kind])) {
            s->cp_kind = kind;
            return true;
        }
    return mpp_knob_error(r, MPP_KNOB_CP_COMM, MPP_ERROR_UNSUPPORTED, error, "%s is not modelled", comm);
}

static bool read_instances(const MppKnobReader *r, MppStrategy *s, GError **error)
{
    int64_t instances = 1;
    if (!mpp_knob_int(r, MPP_KNOB_INSTANCES, 1, MOST_RANKS, &instances, error))
        return false;
    if (instances > 1 && s->dp * s->cp % instances)
        return mpp_knob_error(r, MPP_KNOB_INSTANCES, MPP_ERROR_INVALID, error, "%" N " does not divide dp * cp = %" N, instances,
                              s->dp * s->cp);
    s->zero_ranks = instances > 1 ? s->dp * s->cp / instances : 0;
    return true;
}

static bool read_zero(const MppKnobReader *r, MppStrategy *s, GError **error)
{
    static const char *const strategies[] = { "no_shard", "optim", "optim_grads", "optim_grads_params" };
    static const MppNames names = MPP_NAMES("sharding strategy", strategies);
    const char *sharding = r->knobs->values[MPP_KNOB_SHARDING];
    s->zero = mpp_knob_given(r, MPP_KNOB_ZERO1) || mpp_knob_given(r, MPP_KNOB_ZERO1_OF_OPTIMIZER);
    if (mpp_knob_given(r, MPP_KNOB_FSDP)) {
        int stage = sharding ? mpp_names_find(&names, sharding) : 3;
        if (stage < 0)
            return mpp_knob_error(r, MPP_KNOB_SHARDING, MPP_ERROR_SCHEMA, error,
                                  "expected no_shard, optim, optim_grads or optim_grads_params, got \"%s\"", sharding);
        s->zero = stage;
    }
    s->offload = mpp_knob_given(r, MPP_KNOB_OFFLOAD) ? MPP_OFFLOAD_OPTIMIZER : MPP_OFFLOAD_NONE;
    const char *share = r->knobs->values[MPP_KNOB_OFFLOAD_SHARE];
    if (s->offload && share && g_ascii_strtod(share, NULL) != 1)
        return mpp_knob_error(r, MPP_KNOB_OFFLOAD_SHARE, MPP_ERROR_UNSUPPORTED, error, "a part of the optimizer is not modelled");
    return read_instances(r, s, error);
}

static int64_t largest_chunk(const MppModel *model, const MppStrategy *s)
{
    int64_t largest = s->stage_layers ? 0 : model->n_layers;
    for (guint i = 0; s->stage_layers && i < s->stage_layers->len; i++)
        largest = MAX(largest, g_array_index(s->stage_layers, int64_t, i));
    return largest;
}

static bool read_full_recompute(const MppKnobReader *r, const MppModel *model, MppLaunch *launch, GError **error)
{
    MppStrategy *s = &launch->strategy;
    int64_t layers = 1;
    s->recompute = MPP_RECOMPUTE_FULL;
    if (!mpp_knob_int(r, MPP_KNOB_RECOMPUTE_LAYERS, 1, MPP_MODEL_MOST_LAYERS, &layers, error))
        return false;
    if (mpp_knob_is(r, MPP_KNOB_RECOMPUTE_METHOD, "block"))
        s->recompute_layers = layers < largest_chunk(model, s) ? layers : 0;
    else if (layers > 1)
        mpp_launch_assume(launch, "layers are recomputed one by one, not %" N " at a time", layers);
    return true;
}

/** Not beside recomputation, and all layers but the last at most: Megatron transformer_config. */
static bool read_activation_offload(const MppKnobReader *r, const MppModel *model, MppLaunch *launch, GError **error)
{
    MppStrategy *s = &launch->strategy;
    int64_t layers = 0;
    if (!mpp_knob_int(r, MPP_KNOB_ACTIVATION_OFFLOAD_LAYERS, 0, model->n_layers - 1, &layers, error))
        return false;
    if (layers == 0)
        return true;
    if (s->recompute != MPP_RECOMPUTE_NONE)
        return mpp_knob_error(r, MPP_KNOB_ACTIVATION_OFFLOAD_LAYERS, MPP_ERROR_SCHEMA, error, "activations are offloaded or recomputed, not both");
    if (mpp_knob_given(r, MPP_KNOB_WEIGHT_OFFLOAD))
        mpp_launch_assume(launch, "the weights of offloaded layers stay on the device");
    s->recompute = MPP_RECOMPUTE_OFFLOAD;
    s->recompute_layers = layers < model->n_layers - 1 ? layers : 0;
    return true;
}

/** As words of a command line, or a list of Python's or YAML's. */
static bool read_modules(const MppKnobReader *r, MppStrategy *s, GError **error)
{
    const char *modules = r->knobs->values[MPP_KNOB_RECOMPUTE_MODULES];
    g_auto(GStrv) words = g_strsplit_set(modules ? modules : "", " ,'\"", -1);
    for (int i = 0; words[i]; i++) {
        int module = *words[i] ? mpp_names_find(&mpp_module_names, words[i]) : MPP_MODULE_CORE_ATTENTION;
        if (module < 0)
            return mpp_knob_error(r, MPP_KNOB_RECOMPUTE_MODULES, MPP_ERROR_UNSUPPORTED, error, "%s is not modelled", words[i]);
        s->recompute_modules |= *words[i] ? (int64_t)1 << module : 0;
    }
    if (s->recompute_modules == 1 << MPP_MODULE_CORE_ATTENTION) /* what selective means when nothing is said */
        s->recompute_modules = 0;
    return true;
}

static bool read_recompute(const MppKnobReader *r, const MppModel *model, MppLaunch *launch, GError **error)
{
    if (mpp_knob_is(r, MPP_KNOB_RECOMPUTE, "full"))
        return read_full_recompute(r, model, launch, error);
    if (!mpp_knob_is(r, MPP_KNOB_RECOMPUTE, "selective") && !mpp_knob_given(r, MPP_KNOB_RECOMPUTE_ACTIVATIONS))
        return !mpp_knob_given(r, MPP_KNOB_RECOMPUTE) ||
               mpp_knob_error(r, MPP_KNOB_RECOMPUTE, MPP_ERROR_SCHEMA, error, "expected full or selective, got \"%s\"",
                              r->knobs->values[MPP_KNOB_RECOMPUTE]);
    launch->strategy.recompute = MPP_RECOMPUTE_SELECTIVE;
    return read_modules(r, &launch->strategy, error);
}

static bool read_batch(const MppKnobReader *r, MppLaunch *launch, GError **error)
{
    MppStrategy *s = &launch->strategy;
    MppTraining *training = &launch->training;
    if (!mpp_knob_given(r, MPP_KNOB_MICRO_BATCH))
        return mpp_knob_error(r, MPP_KNOB_MICRO_BATCH, MPP_ERROR_SCHEMA, error, "is missing");
    if (!mpp_knob_int(r, MPP_KNOB_MICRO_BATCH, 1, MOST_BATCH, &s->micro_batch, error))
        return false;
    training->global_batch = s->micro_batch * s->dp;
    launch->stated |= MPP_LAUNCH_GLOBAL_BATCH | (mpp_knob_given(r, MPP_KNOB_SEQ) ? MPP_LAUNCH_SEQ : 0);
    return mpp_knob_int(r, MPP_KNOB_GLOBAL_BATCH, 1, 1 << 26, &training->global_batch, error) &&
           mpp_knob_int(r, MPP_KNOB_SEQ, 1, 1 << 26, &training->seq, error);
}

static bool read_optimizer(const MppKnobReader *r, MppLaunch *launch, GError **error)
{
    const char *name = r->knobs->values[MPP_KNOB_OPTIMIZER];
    int optimizer = !name                            ? MPP_OPTIMIZER_ADAM
                    : strcmp(name, "dist_muon") == 0 ? MPP_OPTIMIZER_MUON
                                                     : mpp_names_find(&mpp_optimizer_names, name);
    if (optimizer < 0)
        return mpp_knob_error(r, MPP_KNOB_OPTIMIZER, MPP_ERROR_UNSUPPORTED, error, "%s is not modelled", name);
    launch->training.optimizer = optimizer;
    launch->stated |= MPP_LAUNCH_OPTIMIZER;
    return true;
}

static MppPrecision precision_of(const MppKnobReader *r)
{
    const char *mixed = r->knobs->values[MPP_KNOB_MIXED_PRECISION];
    if (mixed ? strstr(mixed, "nvfp4") != NULL : mpp_knob_given(r, MPP_KNOB_FP4))
        return MPP_PRECISION_NVFP4;
    if (mixed ? strstr(mixed, "mxfp8") != NULL : mpp_knob_given(r, MPP_KNOB_FP8) && mpp_knob_is(r, MPP_KNOB_FP8_RECIPE, "mxfp8"))
        return MPP_PRECISION_MXFP8;
    if (mixed ? strstr(mixed, "fp8") != NULL : mpp_knob_given(r, MPP_KNOB_FP8))
        return MPP_PRECISION_FP8;
    if (mixed ? strstr(mixed, "bf16") != NULL : mpp_knob_given(r, MPP_KNOB_BF16))
        return MPP_PRECISION_BF16;
    if (mixed ? strstr(mixed, "fp16") != NULL : mpp_knob_given(r, MPP_KNOB_FP16))
        return MPP_PRECISION_FP16;
    return MPP_PRECISION_FP32;
}

static double dropout_of(const MppKnobReader *r, MppKnob knob)
{
    const char *given = r->knobs->values[knob];
    return g_ascii_strtod(given ? given : mpp_knob_rows[knob].otherwise, NULL);
}

static bool read_attention(const MppKnobReader *r, MppLaunch *launch, GError **error)
{
    const char *backend = r->knobs->values[MPP_KNOB_ATTENTION_BACKEND];
    MppAttentionKernel *kernel = &launch->training.kernels.attention;
    if (!backend && mpp_knob_given(r, MPP_KNOB_FLASH_ATTENTION))
        backend = "flash";
    if (!backend || strcmp(backend, "auto") == 0)
        return true;
    launch->stated |= MPP_LAUNCH_ATTENTION;
    if (strcmp(backend, "flash") == 0)
        *kernel = MPP_ATTENTION_FLASH2;
    else if (strcmp(backend, "fused") == 0)
        *kernel = MPP_ATTENTION_FLASH3;
    else if (strcmp(backend, "local") == 0 || strcmp(backend, "unfused") == 0)
        *kernel = mpp_knob_given(r, MPP_KNOB_NO_SOFTMAX_FUSION) ? MPP_ATTENTION_UNFUSED : MPP_ATTENTION_FUSED_SOFTMAX;
    else
        return mpp_knob_error(r, MPP_KNOB_ATTENTION_BACKEND, MPP_ERROR_SCHEMA, error,
                              "expected flash, fused, unfused, local or auto, got \"%s\"", backend);
    return true;
}

static void read_fusions(const MppKnobReader *r, const MppModel *model, MppLaunch *launch)
{
    MppKernels *kernels = &launch->training.kernels;
    MppKnob activation = r->fields          ? MPP_KNOB_NO_ACTIVATION_FUSION
                         : model->gated_mlp ? MPP_KNOB_NO_SWIGLU_FUSION
                                            : MPP_KNOB_NO_GELU_FUSION;
    kernels->norm_fused = true;
    kernels->rotary_fused = !mpp_knob_given(r, MPP_KNOB_NO_ROPE_FUSION);
    kernels->elementwise_fused = !mpp_knob_given(r, activation) && !mpp_knob_given(r, MPP_KNOB_NO_DROPOUT_FUSION);
    kernels->cross_entropy_fused = mpp_knob_given(r, MPP_KNOB_CROSS_ENTROPY_FUSION);
    bool by_recipe = r->fields && !r->knobs->seen[MPP_KNOB_OVERLAP_TENSOR]; /* Megatron-Bridge's have it on */
    kernels->tensor_async = by_recipe || mpp_knob_given(r, MPP_KNOB_OVERLAP_TENSOR);
    kernels->expert_async = mpp_knob_given(r, MPP_KNOB_OVERLAP_EXPERTS);
    const char *dispatcher = r->knobs->values[MPP_KNOB_DISPATCHER];
    bool flex_by_recipe = r->fields && model->moe.experts && !dispatcher;
    kernels->dispatch_once = flex_by_recipe || (dispatcher && strcmp(dispatcher, "flex") == 0);
    if (!r->fields || r->knobs->seen[MPP_KNOB_CROSS_ENTROPY_FUSION])
        launch->stated |= MPP_LAUNCH_FUSIONS;
}

static bool read_training(const MppKnobReader *r, const MppModel *model, MppLaunch *launch, GError **error)
{
    MppTraining *training = &launch->training;
    if (!r->fields || r->knobs->seen[MPP_KNOB_MIXED_PRECISION]) {
        training->precision = precision_of(r);
        launch->stated |= MPP_LAUNCH_PRECISION;
    }
    if (!r->fields || r->knobs->seen[MPP_KNOB_HIDDEN_DROPOUT]) {
        training->dropout = dropout_of(r, MPP_KNOB_HIDDEN_DROPOUT) > 0 || dropout_of(r, MPP_KNOB_ATTENTION_DROPOUT) > 0;
        launch->stated |= MPP_LAUNCH_DROPOUT;
    }
    read_fusions(r, model, launch);
    return read_batch(r, launch, error) && read_optimizer(r, launch, error) && read_attention(r, launch, error);
}

bool mpp_megatron_read_launch(const MppKnobReader *r, const MppModel *model, MppLaunch *launch, GError **error)
{
    MppStrategy *s = &launch->strategy;
    return read_degrees(r, model, s, error) && mpp_megatron_read_stages(r, model, s, error) &&
           mpp_launch_set_dp(launch, r->name, error) && read_zero(r, s, error) && read_recompute(r, model, launch, error) &&
           read_activation_offload(r, model, launch, error) &&
           read_training(r, model, launch, error);
}
