#include "planner/spec/rules_stack.h"

#include <math.h>

#define N G_GINT64_FORMAT
#define KEPT NULL

static char *zero_stage(const MppJob *job, const MppStrategy *s)
{
    int64_t most = s->pp > 1 ? MIN(job->runtime->most_zero, job->runtime->most_zero_with_pp) : job->runtime->most_zero;
    if (s->zero <= most)
        return KEPT;
    return g_strdup_printf("%s has ZeRO up to stage %" N "%s, not %" N, job->runtime->title, most,
                           s->pp > 1 ? " with pipeline stages" : "", s->zero);
}

static char *runtime_axes(const MppJob *job, const MppStrategy *s)
{
    const MppRuntime *runtime = job->runtime;
    const char *lacks = s->tp > 1 && !runtime->tensor_parallel   ? "tensor"
                        : s->pp > 1 && !runtime->schedules       ? "pipeline"
                        : s->cp > 1 && !runtime->context_kinds   ? "context"
                        : s->ep > 1 && !runtime->expert_parallel ? "expert"
                                                                 : NULL;
    return lacks ? g_strdup_printf("%s has no %s parallelism", runtime->title, lacks) : KEPT;
}

static char *runtime_context(const MppJob *job, const MppStrategy *s)
{
    if (s->cp == 1 || job->runtime->context_kinds & (int64_t)1 << s->cp_kind)
        return KEPT;
    return g_strdup_printf("%s has no %s context parallelism", job->runtime->title, mpp_names_get(&mpp_cp_names, s->cp_kind));
}

static char *runtime_node(const MppJob *job, const MppStrategy *s)
{
    (void)s;
    int64_t domain = mpp_cluster_domain(job->cluster, 0, job->gpus);
    if (!job->runtime->one_node || job->gpus <= domain)
        return KEPT;
    return g_strdup_printf("%s runs within a node, which has %" N " devices, not %" N, job->runtime->title, domain, job->gpus);
}

static char *runtime_recompute(const MppJob *job, const MppStrategy *s)
{
    if (s->recompute <= job->runtime->most_recompute || s->recompute == MPP_RECOMPUTE_OFFLOAD)
        return KEPT;
    return g_strdup_printf("%s has no %s recomputation", job->runtime->title, mpp_names_get(&mpp_recompute_names, s->recompute));
}

static bool has_dense_mlp(const MppModel *model)
{
    for (int64_t k = 0; k < model->n_kinds; k++)
        if (model->kinds[k].ffn && !model->kinds[k].moe && !model->kinds[k].listed)
            return !model->parallel_block;
    return false;
}

bool mpp_rules_has_module(const MppModel *model, MppModule module)
{
    bool latent = model->mla.kv_lora_rank > 0, experts = model->moe.experts > 0;
    switch (module) {
    case MPP_MODULE_CORE_ATTENTION: return model->heads > 0;
    case MPP_MODULE_NORMS: return latent || experts;
    case MPP_MODULE_EXPERT_ACTIVATION: return experts;
    case MPP_MODULE_LATENT_PROJECTIONS: return latent;
    case MPP_MODULE_MLP: return has_dense_mlp(model);
    case MPP_MODULE_MOE: return experts;
    case MPP_MODULE_SHARED_EXPERTS: return experts && (model->moe.shared_experts > 0 || model->moe.shared_ffn > 0);
    default: return false;
    }
}

bool mpp_rules_experts_beside(const MppJob *job, const MppStrategy *s)
{
    return s->ep > 1 && job->training.kernels.expert_async;
}

bool mpp_rules_keys_in_blocks(const MppJob *job, MppCpKind kind)
{
    bool gathered_in_blocks = job->runtime->ring_in_fp32 && !job->training.kernels.context_whole;
    return kind == MPP_CP_RING || (kind == MPP_CP_ALL_GATHER && gathered_in_blocks);
}

static char *recompute_modules(const MppJob *job, const MppStrategy *s)
{
    for (int i = 0; i < MPP_N_MODULES; i++) {
        const char *name = mpp_names_get(&mpp_module_names, i);
        if (!(s->recompute_modules >> i & 1))
            continue;
        if (s->recompute != MPP_RECOMPUTE_SELECTIVE)
            return g_strdup_printf("module %s is for selective recomputation", name);
        if (!(job->runtime->recompute_modules >> i & 1))
            return g_strdup_printf("%s cannot be told to recompute %s", job->runtime->title, name);
        if (!mpp_rules_has_module(job->model, i))
            return g_strdup_printf("%s has no %s to recompute by itself", job->model->name, name);
        if (i == MPP_MODULE_MOE && mpp_rules_experts_beside(job, s))
            return g_strdup("experts' exchange beside another micro-batch does not go with recomputing moe");
    }
    return KEPT;
}

static char *runtime_offload(const MppJob *job, const MppStrategy *s)
{
    const struct {
        bool wanted, without_stages;
        MppOffloaded what;
    } offloads[] = {
        { s->offload == MPP_OFFLOAD_OPTIMIZER, false, MPP_OFFLOADED_OPTIMIZER },
        { s->offload == MPP_OFFLOAD_PARAMETERS, true, MPP_OFFLOADED_PARAMETERS },
        { s->recompute == MPP_RECOMPUTE_OFFLOAD, true, MPP_OFFLOADED_ACTIVATIONS },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(offloads); i++) {
        const char *what = mpp_names_get(&mpp_offloaded_names, offloads[i].what);
        if (offloads[i].wanted && !mpp_runtime_offloads(job->runtime, offloads[i].what))
            return g_strdup_printf("%s does not offload %s", job->runtime->title, what);
        if (offloads[i].wanted && offloads[i].without_stages && s->pp > 1)
            return g_strdup_printf("%s go to the host without pipeline stages only", what);
    }
    if (s->offload == MPP_OFFLOAD_PARAMETERS && s->zero != 3)
        return g_strdup_printf("parameters are offloaded where they are sharded: with ZeRO-3, not %" N, s->zero);
    return KEPT;
}

static char *runtime_schedule(const MppJob *job, const MppStrategy *s)
{
    if (s->pp == 1 || job->runtime->schedules & (int64_t)1 << s->schedule)
        return KEPT;
    return g_strdup_printf("%s has no schedule %s", job->runtime->title, mpp_names_get(&mpp_schedule_names, s->schedule));
}

static char *runtime_micro_batches(const MppJob *job, const MppStrategy *s)
{
    int64_t fewer = job->runtime->fewer_micro_batches, m = mpp_strategy_micro_batches(s, job->training.global_batch);
    if (s->pp == 1 || fewer < 0 || m >= s->pp - fewer)
        return KEPT;
    return g_strdup_printf("%s needs at least pp - %" N " = %" N " micro-batches; there are %" N, job->runtime->title, fewer,
                           s->pp - fewer, m);
}

/** A greedy split counts the head as work of its own: the last stages may hold nothing but that. */
static int64_t stages_without_layers(const MppModel *model, const MppStrategy *s)
{
    double layers = model->n_layers * (4.0 * model->hidden + 3.0 * model->ffn), head = (double)model->vocab;
    int64_t filled = (int64_t)ceil(s->pp * layers / (layers + head));
    return s->pp - MIN(filled, model->n_layers);
}

static char *runtime_empty(const MppJob *job, const MppStrategy *s)
{
    int64_t most = job->runtime->most_empty_stages;
    if (s->pp == 1 || most < 0 || s->stage_layers || s->stage_split != MPP_STAGE_SPLIT_GREEDY)
        return KEPT;
    int64_t empty = stages_without_layers(job->model, s);
    return empty <= most ? KEPT : g_strdup_printf("%s leaves %" N " stages without a layer; it trains with at most %" N,
                                                  job->runtime->title, empty, most);
}

static char *runtime_sp(const MppJob *job, const MppStrategy *s)
{
    MppSequenceParallelRule rule = job->runtime->sequence_parallel;
    if (s->sequence_parallel && rule == MPP_SEQUENCE_PARALLEL_NEVER)
        return g_strdup_printf("%s has no sequence parallelism", job->runtime->title);
    if (s->tp > 1 && !s->sequence_parallel && rule == MPP_SEQUENCE_PARALLEL_ALWAYS)
        return g_strdup_printf("%s always uses sequence parallelism with tp > 1", job->runtime->title);
    return KEPT;
}

/** Passes of two micro-batches are told apart by their chunks, and a recomputed pass cannot be taken apart. */
static char *experts_async(const MppJob *job, const MppStrategy *s)
{
    if (!mpp_rules_experts_beside(job, s))
        return KEPT;
    if (s->recompute == MPP_RECOMPUTE_FULL)
        return g_strdup("experts' exchange beside another micro-batch does not go with full recomputation");
    return s->pp == 1 || s->vpp > 1 ? KEPT : g_strdup("experts' exchange beside another micro-batch needs vpp > 1 in a pipeline");
}

static char *precision(const MppJob *job, const MppStrategy *s)
{
    (void)s;
    const MppDevice *device = &job->cluster->device;
    if (device->peak_flop_per_s.by_precision[job->training.precision] > 0)
        return KEPT;
    return g_strdup_printf("the %s has no %s products", device->title, mpp_names_get(&mpp_precision_names, job->training.precision));
}

const MppRule mpp_stack_rules[] = {
    { "zero-stage", MPP_RULE_ILLEGAL, "DeepSpeed PipelineEngine: ZeRO below 2", zero_stage },
    { "runtime-axes", MPP_RULE_ILLEGAL, "the runtime profile", runtime_axes },
    { "runtime-context", MPP_RULE_ILLEGAL, "the runtime profile", runtime_context },
    { "runtime-node", MPP_RULE_ILLEGAL, "the runtime profile", runtime_node },
    { "runtime-recompute", MPP_RULE_ILLEGAL, "the runtime profile", runtime_recompute },
    { "recompute-modules", MPP_RULE_ILLEGAL, "Megatron transformer_config: recompute_modules", recompute_modules },
    { "runtime-offload", MPP_RULE_ILLEGAL, "the runtime profile; Megatron transformer_config: cpu_offloading needs pp = 1; DeepSpeed offload_param: stage 3", runtime_offload },
    { "runtime-schedule", MPP_RULE_ILLEGAL, "the runtime profile", runtime_schedule },
    { "runtime-micro-batches", MPP_RULE_ILLEGAL, "nanotron engine: micro-batches >= pp - 1", runtime_micro_batches },
    { "runtime-empty", MPP_RULE_ILLEGAL, "nanotron runs fail with three stages without layers", runtime_empty },
    { "runtime-sp", MPP_RULE_ILLEGAL, "the runtime profile", runtime_sp },
    { "experts-async", MPP_RULE_ILLEGAL, "Megatron arguments: overlap_moe_expert_parallel_comm", experts_async },
    { "precision", MPP_RULE_ILLEGAL, "the device profile", precision },
};
const int mpp_n_stack_rules = G_N_ELEMENTS(mpp_stack_rules);
