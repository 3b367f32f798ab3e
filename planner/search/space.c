#include "planner/search/space.h"

#include "planner/spec/rules.h"

/* sequences, or as many as have so many tokens where they are short */
enum { MOST_MICRO_BATCH = 64, MOST_TOKENS = 4096, MOST_VPP = 12 };

static bool is_fixed(const MppSpaceLimits *limits, const char *field)
{
    return limits->fields && (limits->fields & mpp_strategy_field(field));
}

static bool divides(int64_t divisor, int64_t number)
{
    return number % divisor == 0;
}

/** Whether the search tries @value for an integer field: the fixed one only, if it is fixed. */
static bool tries(const MppSpaceLimits *limits, const char *field, int64_t fixed, int64_t value)
{
    return !is_fixed(limits, field) || fixed == value;
}

typedef struct {
    const MppJob *job;
    const MppSpaceLimits *limits;
    GArray *families;
} Enumeration;

static bool crosses_nodes(const MppJob *job)
{
    return job->gpus > mpp_cluster_domain(job->cluster, 0, job->gpus);
}

/** Whether no order before it places the groups alike: on one node all do, without cp all but dp against pp. */
static bool places_anew(const MppJob *job, const MppStrategy *s)
{
    return s->order == MPP_ORDER_CP_DP_PP || (crosses_nodes(job) && (s->cp > 1 || s->order == MPP_ORDER_CP_PP_DP));
}

static void add_orders(Enumeration *at, MppStrategy s)
{
    for (s.order = 0; s.order < MPP_N_ORDERS; s.order++) {
        bool wanted = is_fixed(at->limits, "order") ? s.order == at->limits->fixed.order : places_anew(at->job, &s);
        bool pp_outermost = s.order == MPP_ORDER_CP_DP_PP || s.order == MPP_ORDER_DP_CP_PP;
        if (!wanted || (s.ep * s.etp > 1 && !pp_outermost))
            continue;
        MppFamily family = { .base = s, .index = (int)at->families->len };
        g_array_append_val(at->families, family);
    }
}

static int64_t most_micro_batch(const MppJob *job)
{
    return MIN(MAX(MOST_MICRO_BATCH, MOST_TOKENS / job->training.seq), job->training.global_batch);
}

/** Whether experts' exchange runs beside another micro-batch's pass. */
static bool experts_beside(const MppJob *job, const MppStrategy *s)
{
    return s->ep > 1 && job->training.kernels.expert_async;
}

/**
 * Sets of modules worth naming: what costs little beside what it frees (no product but small ones), and with it a layer's largest
 * part. The attention core alone is what selective recomputation means anyway.
 */
static int module_sets(const MppJob *job, const MppSpaceLimits *limits, const MppStrategy *s, int64_t *out)
{
    enum { CORE = 1 << MPP_MODULE_CORE_ATTENTION, ACTIVATION = 1 << MPP_MODULE_EXPERT_ACTIVATION };
    int64_t has = 0, large = 1 << MPP_MODULE_MLP | (experts_beside(job, s) ? 0 : 1 << MPP_MODULE_MOE);
    int64_t small = 1 << MPP_MODULE_NORMS | ACTIVATION | 1 << MPP_MODULE_LATENT_PROJECTIONS;
    small |= mpp_attention_is_unfused(job->training.kernels.attention) ? CORE : 0;
    for (int i = 0; i < MPP_N_MODULES; i++)
        has |= mpp_rules_has_module(job->model, i) ? job->runtime->recompute_modules & (int64_t)1 << i : 0;
    if (job->runtime->most_recompute < MPP_RECOMPUTE_SELECTIVE)
        has = 0;
    int n = 0;
    out[n++] = is_fixed(limits, "recompute") ? limits->fixed.recompute_modules : 0;
    if (!is_fixed(limits, "recompute") && (has & small & ~CORE))
        out[n++] = has & small;
    if (!is_fixed(limits, "recompute") && (has & large))
        out[n++] = has & (large >> MPP_MODULE_MOE & 1 ? (small & ~ACTIVATION) | large : small | large);
    return n;
}

static void add_modules(Enumeration *at, MppStrategy s)
{
    int64_t sets[3];
    int n = module_sets(at->job, at->limits, &s, sets);
    for (int i = 0; i < n; i++) {
        s.recompute_modules = sets[i];
        s.recompute = sets[i] ? MPP_RECOMPUTE_SELECTIVE : MPP_RECOMPUTE_NONE;
        add_orders(at, s);
    }
}

static void add_micro_batches(Enumeration *at, MppStrategy s)
{
    for (s.micro_batch = 1; s.micro_batch <= most_micro_batch(at->job); s.micro_batch++)
        if (divides(s.micro_batch, at->job->training.global_batch) &&
            tries(at->limits, "micro_batch", at->limits->fixed.micro_batch, s.micro_batch))
            add_modules(at, s);
}

static void add_experts(Enumeration *at, MppStrategy s)
{
    const MppMoe *moe = &at->job->model->moe;
    const MppStrategy *fixed = &at->limits->fixed;
    if (!moe->experts || !at->job->runtime->expert_parallel) {
        s.etp = moe->experts ? s.tp : 1;
        if (!moe->experts || divides(s.etp, moe->ffn))
            add_micro_batches(at, s);
        return;
    }
    int64_t ranks = at->job->gpus;
    for (s.ep = 1; s.ep <= MIN(moe->experts, ranks); s.ep++) {
        if (!divides(s.ep, moe->experts) || !tries(at->limits, "ep", fixed->ep, s.ep))
            continue;
        int64_t choices[2] = { 1, s.tp };
        for (int i = 0; i < (s.tp > 1 ? 2 : 1); i++) {
            s.etp = choices[i];
            bool legal = divides(s.etp, moe->ffn) && divides(s.ep * s.etp, ranks) && (s.ep == 1 || s.tp == 1 || s.sequence_parallel);
            if (legal && tries(at->limits, "etp", fixed->etp, s.etp))
                add_micro_batches(at, s);
        }
    }
}

static void add_sequence_parallel(Enumeration *at, MppStrategy s)
{
    MppSequenceParallelRule rule = at->job->runtime->sequence_parallel;
    bool splits = s.tp > 1 && divides(s.tp, at->job->training.seq / s.cp) && rule != MPP_SEQUENCE_PARALLEL_NEVER;
    for (int on = 0; on <= 1; on++) {
        s.sequence_parallel = on;
        bool legal = on ? splits : s.tp == 1 || rule != MPP_SEQUENCE_PARALLEL_ALWAYS;
        if (legal && tries(at->limits, "sequence_parallel", at->limits->fixed.sequence_parallel, on))
            add_experts(at, s);
    }
}

/** Whether the exchange of s.cp_kind suits the model: all-to-all splits heads, a ring has no windows. */
static bool context_legal(const MppModel *model, const MppStrategy *s)
{
    int64_t kv = model->mla.kv_lora_rank ? model->heads : model->kv_heads, groups = model->ssm.groups / s->tp;
    if (!divides(s->cp * s->tp, model->ssm.heads) || (!divides(s->cp, groups) && !divides(groups, s->cp)))
        return false;
    if (s->cp_kind == MPP_CP_ALL_TO_ALL)
        return !model->heads || (divides(s->cp * s->tp, model->heads) && divides(s->cp, MAX(kv / s->tp, 1)));
    return s->cp == 1 || !model->window;
}

static void add_context(Enumeration *at, MppStrategy s)
{
    const MppJob *job = at->job;
    bool usable = job->runtime->context_parallel && job->model->kind == MPP_MODEL_DECODER && !job->model->vision.image_size;
    for (s.cp = 1; s.tp * s.cp <= job->gpus && (s.cp == 1 || usable); s.cp++) {
        if (!divides(s.tp * s.cp, job->gpus) || (s.cp > 1 && !divides(2 * s.cp, job->training.seq)) ||
            !tries(at->limits, "cp", at->limits->fixed.cp, s.cp))
            continue;
        for (int kind = 0; kind < (s.cp > 1 ? MPP_N_CPS : 1); kind++) {
            s.cp_kind = kind;
            if (context_legal(job->model, &s) && tries(at->limits, "cp_kind", at->limits->fixed.cp_kind, kind))
                add_sequence_parallel(at, s);
        }
    }
}

static bool tensor_legal(const MppJob *job, int64_t tp)
{
    const MppModel *model = job->model;
    bool kv = model->mla.kv_lora_rank || divides(tp, model->kv_heads) || divides(model->kv_heads, tp);
    return divides(tp, job->gpus) && divides(tp, model->heads) && divides(tp, model->ffn) && kv && divides(tp, model->ssm.groups) &&
           !mpp_model_undivided(model, tp);
}

GArray *mpp_space_families(const MppJob *job, const MppSpaceLimits *limits)
{
    Enumeration at = { job, limits, g_array_new(FALSE, FALSE, sizeof(MppFamily)) };
    MppStrategy s = mpp_strategy_single();
    int64_t node = mpp_cluster_domain(job->cluster, 0, job->gpus);
    bool fixed = is_fixed(limits, "tp"), runs = !job->runtime->one_node || job->gpus <= node;
    int64_t most = fixed ? limits->fixed.tp : job->runtime->tensor_parallel ? node : 1;
    for (s.tp = fixed ? most : 1; runs && s.tp <= most; s.tp++)
        if (tensor_legal(job, s.tp))
            add_context(&at, s);
    return at.families;
}

/** Whether the layers of chunks that @s lists or recomputes suit its number of chunks. */
static bool suits_layers(const MppJob *job, const MppStrategy *s)
{
    int64_t n_layers = job->model->n_layers, chunks = s->pp * s->vpp, sum = 0;
    for (guint i = 0; s->stage_layers && i < s->stage_layers->len; i++)
        sum += g_array_index(s->stage_layers, int64_t, i);
    return (!s->stage_layers || (s->stage_layers->len == chunks && sum == n_layers)) &&
           s->recompute_layers <= (n_layers + chunks - 1) / chunks;
}

/** Without stages all kinds are one. */
static void add_schedules(const MppJob *job, const MppSpaceLimits *limits, MppStrategy s, GArray *shapes)
{
    int64_t m = mpp_strategy_micro_batches(&s, job->training.global_batch);
    for (int kind = 0; kind < MPP_N_SCHEDULES; kind++) {
        bool has = s.pp > 1 ? (job->runtime->schedules >> kind) & 1 : kind == MPP_SCHEDULE_1F1B;
        if (!has || !tries(limits, "schedule", limits->fixed.schedule, kind))
            continue;
        int64_t group = s.schedule_group ? s.schedule_group : s.pp;
        if ((s.schedule_group && !mpp_schedule_kind_shape(kind)->grouped) || !mpp_schedule_kind_allows(kind, s.pp, s.vpp, m, group))
            continue;
        s.schedule = kind;
        g_array_append_val(shapes, s);
    }
}

static void add_vpps(const MppJob *job, const MppSpaceLimits *limits, MppStrategy s, GArray *shapes)
{
    for (s.vpp = s.pp > 1 && experts_beside(job, &s) ? 2 : 1; s.vpp <= (s.pp > 1 ? MOST_VPP : 1) && s.pp * s.vpp <= job->model->n_layers; s.vpp++)
        if (tries(limits, "vpp", limits->fixed.vpp, s.vpp) && suits_layers(job, &s))
            add_schedules(job, limits, s, shapes);
}

GArray *mpp_space_shapes(const MppJob *job, const MppFamily *family, const MppSpaceLimits *limits)
{
    GArray *shapes = g_array_new(FALSE, FALSE, sizeof(MppStrategy));
    MppStrategy s = family->base;
    s.stage_layers = is_fixed(limits, "stage_layers") ? limits->fixed.stage_layers : NULL;
    s.schedule_group = is_fixed(limits, "schedule_group") ? limits->fixed.schedule_group : 0;
    s.recompute_layers = is_fixed(limits, "recompute") ? limits->fixed.recompute_layers : 0;
    int64_t ranks = job->gpus / (s.tp * s.cp);
    for (s.pp = 1; s.pp <= MIN(ranks, job->model->n_layers); s.pp++) {
        s.dp = ranks / s.pp;
        int64_t fewer = job->runtime->fewer_micro_batches;
        bool legal = divides(s.pp, ranks) && divides(s.dp * s.micro_batch, job->training.global_batch) &&
                     (s.pp == 1 || job->runtime->pipeline_parallel) &&
                     (!job->model->moe.experts || divides(s.ep * s.etp, s.tp * s.cp * s.dp)) &&
                     (s.pp == 1 || fewer < 0 || mpp_strategy_micro_batches(&s, job->training.global_batch) >= s.pp - fewer);
        if (legal && tries(limits, "pp", limits->fixed.pp, s.pp) && tries(limits, "dp", limits->fixed.dp, s.dp))
            add_vpps(job, limits, s, shapes);
    }
    return shapes;
}

int mpp_space_splits(const MppJob *job, const MppStrategy *shape, const MppSpaceLimits *limits, MppStageSplit *out)
{
    bool fixed = is_fixed(limits, "stage_split"), uneven = job->runtime->uneven_stages;
    int n = 0;
    if (shape->stage_layers) { /* nothing is left to split */
        out[n++] = job->runtime->stage_split;
        return n;
    }
    if (!uneven && !divides(shape->pp * shape->vpp, job->model->n_layers))
        return n;
    out[n++] = fixed ? limits->fixed.stage_split : job->runtime->stage_split;
    if (!fixed && uneven && shape->pp > 1 && out[0] != MPP_STAGE_SPLIT_BALANCED)
        out[n++] = MPP_STAGE_SPLIT_BALANCED;
    return n;
}

int mpp_space_recomputes(const MppJob *job, const MppStrategy *shape, const MppSpaceLimits *limits, MppRecompute *out)
{
    int n = 0;
    if (shape->recompute_modules) {
        out[n++] = MPP_RECOMPUTE_SELECTIVE;
        return n;
    }
    for (int i = 0; i <= (int)MIN(job->runtime->most_recompute, MPP_RECOMPUTE_FULL); i++) {
        /* a flash kernel keeps no scores: computing it again saves nothing (selective recompute) */
        bool pointless = i == MPP_RECOMPUTE_SELECTIVE &&
                         (!job->model->heads || (job->runtime->selective == MPP_SELECTIVE_ATTENTION &&
                                                 !mpp_attention_is_unfused(job->training.kernels.attention)));
        bool illegal = i == MPP_RECOMPUTE_FULL && experts_beside(job, shape);
        if (!illegal && (is_fixed(limits, "recompute") ? limits->fixed.recompute == (MppRecompute)i : !pointless))
            out[n++] = i;
    }
    if (mpp_runtime_offloads(job->runtime, MPP_OFFLOADED_ACTIVATIONS) && shape->pp == 1 && job->model->n_layers > 1 &&
        tries(limits, "recompute", limits->fixed.recompute, MPP_RECOMPUTE_OFFLOAD))
        out[n++] = MPP_RECOMPUTE_OFFLOAD;
    return n;
}

/** Ranks of a shard group kept within a node, or 0 when there is none between one and all. */
static int64_t node_shard(const MppJob *job, const MppStrategy *shape)
{
    int64_t replicas = shape->dp * shape->cp, inside = mpp_cluster_domain(job->cluster, 0, job->gpus) / shape->tp;
    return inside > 1 && inside < replicas && divides(inside, replicas) ? inside : 0;
}

/** A rank alone has nothing to shard: ZeRO 3 is for parameters that the host keeps. */
static bool offloads(const MppJob *job, const MppStrategy *shape, int64_t zero, MppOffload offload)
{
    bool parameters = offload == MPP_OFFLOAD_PARAMETERS;
    if ((parameters && (zero != 3 || shape->pp > 1)) || (shape->dp * shape->cp == 1 && (zero == 3) != parameters))
        return false;
    return !offload || mpp_runtime_offloads(job->runtime, parameters ? MPP_OFFLOADED_PARAMETERS : MPP_OFFLOADED_OPTIMIZER);
}

int mpp_space_shardings(const MppJob *job, const MppStrategy *shape, const MppSpaceLimits *limits, MppSharding *out)
{
    const MppStrategy *fixed = &limits->fixed;
    int64_t most = shape->pp > 1 ? MIN(job->runtime->most_zero, job->runtime->most_zero_with_pp) : job->runtime->most_zero;
    int64_t step = shape->dp * shape->cp > 1 ? 1 : 3;
    int n = 0;
    for (int64_t zero = 0; zero <= most; zero += step) {
        int64_t groups[2] = { 0, zero == 3 ? node_shard(job, shape) : 0 };
        for (int i = 0; i < (groups[1] ? 2 : 1); i++)
            for (MppOffload offload = MPP_OFFLOAD_NONE; offload < MPP_N_OFFLOADS; offload++)
                if (offloads(job, shape, zero, offload) && tries(limits, "zero", fixed->zero, zero) &&
                    tries(limits, "zero_ranks", fixed->zero_ranks, groups[i]) && tries(limits, "offload", fixed->offload, offload))
                    out[n++] = (MppSharding){ zero, groups[i], offload };
    }
    return n;
}

int64_t mpp_space_members(const MppJob *job, const MppStrategy *shape, const MppSpaceLimits *limits)
{
    MppStageSplit splits[MPP_SPACE_MOST_CHOICES];
    MppRecompute recomputes[MPP_SPACE_MOST_CHOICES];
    MppSharding shardings[MPP_SPACE_MOST_CHOICES];
    return (int64_t)mpp_space_splits(job, shape, limits, splits) * mpp_space_recomputes(job, shape, limits, recomputes) *
           mpp_space_shardings(job, shape, limits, shardings);
}

char *mpp_space_describe(const MppJob *job)
{
    return g_strdup_printf("tp up to a node (%" G_GINT64_FORMAT "), every cp, pp, dp%s that divide %" G_GINT64_FORMAT
                           " GPUs, vpp to %d, micro-batch to %" G_GINT64_FORMAT ", sequence parallelism, ZeRO 0-%" G_GINT64_FORMAT
                           " and hybrid sharding, recompute none/selective/full/the fewest layers that fit/small or large modules, even and balanced stages, the runtime's schedules, "
                           "offload of optimizer states, parameters or activations where the runtime has it, mesh orders",
                           mpp_cluster_domain(job->cluster, 0, job->gpus), job->model->moe.experts ? ", ep, etp" : "", job->gpus,
                           MOST_VPP, MAX(MOST_MICRO_BATCH, MOST_TOKENS / job->training.seq), job->runtime->most_zero);
}
