#include "planner/emit/megatron_forms.h"

#include "planner/emit/stage_layout.h"

#define N G_GINT64_FORMAT

/** Whether all chunks hold as many layers, not counting the prediction layers of the last one. */
static bool even_chunks(const MppEmission *e)
{
    const int64_t *layers = (const int64_t *)e->chunk_layers->data;
    guint n = e->chunk_layers->len;
    for (guint i = 0; i < n; i++)
        if (layers[i] - (i + 1 == n ? e->job->model->prediction_layers : 0) != layers[0])
            return false;
    return true;
}

static void write_stages(MppEmission *e, MppKnobs *knobs)
{
    const MppStrategy *s = e->strategy;
    int64_t prediction = e->job->model->prediction_layers;
    mpp_knobs_set(knobs, MPP_KNOB_PP, "%" N, s->pp);
    if (s->pp == 1)
        return;
    if (s->schedule != MPP_SCHEDULE_1F1B && s->schedule != MPP_SCHEDULE_INTERLEAVED)
        mpp_emission_refuse(e, "the %s schedule", mpp_names_get(&mpp_schedule_names, s->schedule));
    if (g_array_index(e->chunk_layers, int64_t, e->chunk_layers->len - 1) < prediction) {
        mpp_emission_refuse(e, "prediction layers spread over stages");
        return;
    }
    if (s->vpp > 1 && s->schedule_group && s->schedule_group != s->pp)
        mpp_knobs_set(knobs, MPP_KNOB_GROUP, "%" N, s->schedule_group);
    bool even = even_chunks(e);
    if (e->job->model->pattern && (s->vpp > 1 || !even)) /* megatron/core/ssm/mamba_block.py */
        mpp_emission_refuse(e, "%s of a pattern of layers", s->vpp > 1 ? "virtual stages" : "uneven stages");
    if (even) {
        if (s->vpp > 1)
            mpp_knobs_set(knobs, MPP_KNOB_VPP, "%" N, s->vpp);
        return;
    }
    g_autofree char *layout = mpp_stage_layout_text(e->chunk_layers, prediction);
    mpp_knobs_set(knobs, MPP_KNOB_LAYOUT, "%s", layout);
}

static void write_degrees(MppEmission *e, MppKnobs *knobs)
{
    const MppStrategy *s = e->strategy;
    mpp_knobs_set(knobs, MPP_KNOB_TP, "%" N, s->tp);
    if (s->sequence_parallel)
        mpp_knobs_set(knobs, MPP_KNOB_SEQUENCE_PARALLEL, "%s", "");
    if (s->cp > 1) {
        mpp_knobs_set(knobs, MPP_KNOB_CP, "%" N, s->cp);
        mpp_knobs_set(knobs, MPP_KNOB_CP_COMM, "%s", mpp_knob_cp_comms[s->cp_kind]);
    }
    if (e->job->model->moe.experts) {
        mpp_knobs_set(knobs, MPP_KNOB_EP, "%" N, s->ep);
        mpp_knobs_set(knobs, MPP_KNOB_ETP, "%" N, s->etp);
    }
    if (mpp_emission_has_order(e, MPP_ORDER_CP_DP_PP))
        return;
    /* arguments.py: "context_parallel and expert_model_parallel can't be used with tp-pp-dp mapping", nor can FSDP */
    if (mpp_emission_has_order(e, MPP_ORDER_CP_PP_DP) && s->cp == 1 && s->ep == 1 && s->zero < 2)
        mpp_knobs_set(knobs, MPP_KNOB_MAPPING, "%s", "");
    else
        mpp_emission_refuse(e, "ranks in the order %s", mpp_names_get(&mpp_order_names, s->order));
}

/** Overlap as the runtime profile has it, where the optimizer allows it. */
static void write_overlap(MppEmission *e, MppKnobs *knobs)
{
    const MppStrategy *s = e->strategy;
    const MppOverlap *overlap = &e->job->runtime->overlap;
    if (e->job->training.optimizer == MPP_OPTIMIZER_MUON || !(overlap->gradients_frac > 0))
        return;
    mpp_knobs_set(knobs, MPP_KNOB_OVERLAP_GRADIENTS, "%s", "");
    if (s->zero && overlap->parameters_frac > 0)
        mpp_knobs_set(knobs, MPP_KNOB_OVERLAP_PARAMETERS, "%s", "");
}

static void write_zero(MppEmission *e, MppKnobs *knobs)
{
    const MppStrategy *s = e->strategy;
    int64_t replicas = s->dp * s->cp / mpp_strategy_shard_ranks(s);
    if (s->zero) {
        mpp_knobs_set(knobs, MPP_KNOB_ZERO1, "%s", "");
        mpp_knobs_set(knobs, MPP_KNOB_ZERO1_OF_OPTIMIZER, "%s", "");
    }
    if (s->zero >= 2) {
        mpp_knobs_set(knobs, MPP_KNOB_FSDP, "%s", "");
        mpp_knobs_set(knobs, MPP_KNOB_SHARDING, "%s", s->zero == 2 ? "optim_grads" : "optim_grads_params");
        mpp_knobs_set(knobs, MPP_KNOB_CHECKPOINT, "fsdp_dtensor");
        if (s->pp > 1)
            mpp_emission_refuse(e, "ZeRO-%" N " with pipeline stages", s->zero);
    }
    if (s->zero_ranks && replicas > 1)
        mpp_knobs_set(knobs, MPP_KNOB_INSTANCES, "%" N, replicas);
    if (s->offload == MPP_OFFLOAD_PARAMETERS)
        mpp_emission_refuse(e, "offloaded parameters");
    if (!s->offload)
        return;
    mpp_knobs_set(knobs, MPP_KNOB_OFFLOAD, "%s", "");
    mpp_knobs_set(knobs, MPP_KNOB_OFFLOAD_SHARE, "1.0");
    mpp_knobs_set(knobs, MPP_KNOB_PRECISION_AWARE, "%s", "");
    if (s->zero != 1) /* the precision-aware optimizer is the distributed one */
        mpp_emission_refuse(e, "an offloaded optimizer with ZeRO-%" N, s->zero);
}

static void write_recompute(MppEmission *e, MppKnobs *knobs)
{
    const MppStrategy *s = e->strategy;
    if (s->recompute == MPP_RECOMPUTE_NONE)
        return;
    if (s->recompute == MPP_RECOMPUTE_OFFLOAD) {
        mpp_knobs_set(knobs, MPP_KNOB_ACTIVATION_OFFLOAD, "%s", "");
        mpp_knobs_set(knobs, MPP_KNOB_ACTIVATION_OFFLOAD_LAYERS, "%" N, mpp_strategy_recomputed(s, e->job->model->n_layers));
        return;
    }
    bool full = s->recompute == MPP_RECOMPUTE_FULL;
    mpp_knobs_set(knobs, MPP_KNOB_RECOMPUTE, "%s", full ? "full" : "selective");
    if (full) {
        mpp_knobs_set(knobs, MPP_KNOB_RECOMPUTE_METHOD, "%s", s->recompute_layers ? "block" : "uniform");
        mpp_knobs_set(knobs, MPP_KNOB_RECOMPUTE_LAYERS, "%" N, s->recompute_layers ? s->recompute_layers : 1);
    } else if (s->recompute_modules || e->job->runtime->selective == MPP_SELECTIVE_ATTENTION) {
        g_autofree char *modules = mpp_strategy_modules(s, " ");
        mpp_knobs_set(knobs, MPP_KNOB_RECOMPUTE_MODULES, "%s", *modules ? modules : "core_attn");
    } else {
        mpp_emission_refuse(e, "selective recomputation of %s", mpp_names_get(&mpp_selective_names, e->job->runtime->selective));
    }
}

void mpp_megatron_write_strategy(MppEmission *e, MppKnobs *knobs)
{
    write_degrees(e, knobs);
    write_stages(e, knobs);
    write_zero(e, knobs);
    write_overlap(e, knobs);
    write_recompute(e, knobs);
    mpp_knobs_set(knobs, MPP_KNOB_MICRO_BATCH, "%" N, e->strategy->micro_batch);
}

static void write_optimizer(MppEmission *e, MppKnobs *knobs)
{
    MppOptimizer optimizer = e->job->training.optimizer;
    const char *name = mpp_names_get(&mpp_optimizer_names, optimizer);
    if (optimizer == MPP_OPTIMIZER_LAMB)
        mpp_emission_refuse(e, "the %s optimizer", name);
    if (optimizer == MPP_OPTIMIZER_MUON && e->strategy->zero)
        mpp_emission_refuse(e, "the %s optimizer with ZeRO", name);
    mpp_knobs_set(knobs, MPP_KNOB_OPTIMIZER, "%s", name);
}

static void write_precision(MppEmission *e, MppKnobs *knobs)
{
    static const struct {
        bool bf16, fp16;
        const char *fp8_recipe, *fp4_recipe, *mixed;
    } forms[MPP_N_PRECISIONS] = {
        [MPP_PRECISION_FP32] = { .mixed = "null" },
        [MPP_PRECISION_FP16] = { .fp16 = true, .mixed = "fp16_mixed" },
        [MPP_PRECISION_BF16] = { .bf16 = true, .mixed = "bf16_mixed" },
        [MPP_PRECISION_FP8] = { .bf16 = true, .fp8_recipe = "tensorwise", .mixed = "bf16_with_fp8_current_scaling_mixed" },
        [MPP_PRECISION_MXFP8] = { .bf16 = true, .fp8_recipe = "mxfp8", .mixed = "bf16_with_mxfp8_mixed" },
        [MPP_PRECISION_NVFP4] = { .bf16 = true, .fp4_recipe = "nvfp4", .mixed = "bf16_with_nvfp4_mixed" },
    };
    MppPrecision precision = e->job->training.precision;
    if (precision == MPP_PRECISION_TF32 || precision == MPP_PRECISION_FP8_ROWWISE)
        mpp_emission_refuse(e, "%s products", mpp_names_get(&mpp_precision_names, precision));
    if (forms[precision].bf16)
        mpp_knobs_set(knobs, MPP_KNOB_BF16, "%s", "");
    if (forms[precision].fp16)
        mpp_knobs_set(knobs, MPP_KNOB_FP16, "%s", "");
    if (forms[precision].mixed)
        mpp_knobs_set(knobs, MPP_KNOB_MIXED_PRECISION, "%s", forms[precision].mixed);
    if (forms[precision].fp8_recipe) {
        mpp_knobs_set(knobs, MPP_KNOB_FP8, "hybrid");
        mpp_knobs_set(knobs, MPP_KNOB_FP8_RECIPE, "%s", forms[precision].fp8_recipe);
    }
    if (forms[precision].fp4_recipe) {
        mpp_knobs_set(knobs, MPP_KNOB_FP4, "e2m1");
        mpp_knobs_set(knobs, MPP_KNOB_FP4_RECIPE, "%s", forms[precision].fp4_recipe);
    }
}

static void write_attention(MppEmission *e, MppKnobs *knobs)
{
    static const char *const backends[MPP_N_ATTENTIONS] = {
        [MPP_ATTENTION_UNFUSED] = "local",
        [MPP_ATTENTION_FUSED_SOFTMAX] = "local",
        [MPP_ATTENTION_FLASH2] = "flash",
        [MPP_ATTENTION_FLASH3] = "fused",
    };
    MppAttentionKernel kernel = e->job->training.kernels.attention;
    if (backends[kernel])
        mpp_knobs_set(knobs, MPP_KNOB_ATTENTION_BACKEND, "%s", backends[kernel]);
    else
        mpp_emission_refuse(e, "%s attention", mpp_names_get(&mpp_attention_names, kernel));
    if (kernel == MPP_ATTENTION_UNFUSED)
        mpp_knobs_set(knobs, MPP_KNOB_NO_SOFTMAX_FUSION, "%s", "");
}

static void write_fusions(MppEmission *e, MppKnobs *knobs)
{
    const MppKernels *kernels = &e->job->training.kernels;
    if (!kernels->norm_fused)
        mpp_emission_refuse(e, "norms in several kernels");
    if (!kernels->rotary_fused)
        mpp_knobs_set(knobs, MPP_KNOB_NO_ROPE_FUSION, "%s", "");
    if (kernels->cross_entropy_fused)
        mpp_knobs_set(knobs, MPP_KNOB_CROSS_ENTROPY_FUSION, "%s", "");
    if (kernels->tensor_async && e->strategy->tp > 1 && e->strategy->sequence_parallel)
        mpp_knobs_set(knobs, MPP_KNOB_OVERLAP_TENSOR, "%s", "");
    if (e->job->model->moe.experts)
        mpp_knobs_set(knobs, MPP_KNOB_DISPATCHER, "%s", kernels->dispatch_once ? "flex" : "alltoall");
    if (e->job->model->moe.experts && kernels->dispatch_once)
        mpp_knobs_set(knobs, MPP_KNOB_FLEX_BACKEND, "deepep");
    if (kernels->expert_async && e->strategy->ep > 1)
        mpp_knobs_set(knobs, MPP_KNOB_OVERLAP_EXPERTS, "%s", "");
    if (kernels->elementwise_fused)
        return;
    mpp_knobs_set(knobs, e->job->model->gated_mlp ? MPP_KNOB_NO_SWIGLU_FUSION : MPP_KNOB_NO_GELU_FUSION, "%s", "");
    mpp_knobs_set(knobs, MPP_KNOB_NO_ACTIVATION_FUSION, "%s", "");
    mpp_knobs_set(knobs, MPP_KNOB_NO_DROPOUT_FUSION, "%s", "");
}

void mpp_megatron_write_training(MppEmission *e, MppKnobs *knobs)
{
    const MppTraining *training = &e->job->training;
    mpp_knobs_set(knobs, MPP_KNOB_GLOBAL_BATCH, "%" N, training->global_batch);
    mpp_knobs_set(knobs, MPP_KNOB_SEQ, "%" N, training->seq);
    mpp_knobs_set(knobs, MPP_KNOB_SEQ_OF_DATA, "%" N, training->seq);
    mpp_knobs_set(knobs, MPP_KNOB_ATTENTION_DROPOUT, "%s", training->dropout ? "0.1" : "0.0");
    mpp_knobs_set(knobs, MPP_KNOB_HIDDEN_DROPOUT, "%s", training->dropout ? "0.1" : "0.0");
    write_optimizer(e, knobs);
    write_precision(e, knobs);
    write_attention(e, knobs);
    write_fusions(e, knobs);
}
