#include "planner/search/space.h"

#include "planner/spec/rules.h"

enum { MOST_SETS = 3 };

static bool divides(int64_t divisor, int64_t number)
{
    return number % divisor == 0;
}

static bool crosses_nodes(const MppJob *job)
{
    return job->gpus > mpp_cluster_domain(job->cluster, 0, job->gpus);
}

/** Whether no order before it places the groups alike: on one node all do, without cp all but dp against pp. */
static bool places_anew(const MppJob *job, const MppStrategy *s)
{
    return s->order == MPP_ORDER_CP_DP_PP || (crosses_nodes(job) && (s->cp > 1 || s->order == MPP_ORDER_CP_PP_DP));
}

static bool order_wanted(const MppJob *job, const MppSpaceLimits *limits, const MppStrategy *s)
{
    bool pp_outermost = s->order == MPP_ORDER_CP_DP_PP || s->order == MPP_ORDER_DP_CP_PP;
    bool wanted = mpp_space_fixes(limits, "order") ? s->order == limits->fixed.order : places_anew(job, s);
    return wanted && (s->ep * s->etp == 1 || pp_outermost) && !mpp_space_bars(limits, s);
}

/**
 * Sets of modules worth naming: what costs little beside what it frees (no product but small ones), and with it a layer's largest
 * part. The attention core alone is what selective recomputation means anyway.
 */
static int module_sets(const MppJob *job, const MppSpaceLimits *limits, const MppStrategy *s, int64_t *out)
{
    enum { CORE = 1 << MPP_MODULE_CORE_ATTENTION, ACTIVATION = 1 << MPP_MODULE_EXPERT_ACTIVATION };
    int64_t has = 0, large = 1 << MPP_MODULE_MLP | (mpp_rules_experts_beside(job, s) ? 0 : 1 << MPP_MODULE_MOE);
    int64_t small = 1 << MPP_MODULE_NORMS | ACTIVATION | 1 << MPP_MODULE_LATENT_PROJECTIONS;
    small |= mpp_attention_is_unfused(job->training.kernels.attention) ? CORE : 0;
    for (int i = 0; i < MPP_N_MODULES; i++)
        has |= mpp_rules_has_module(job->model, i) ? job->runtime->recompute_modules & (int64_t)1 << i : 0;
    if (job->runtime->most_recompute < MPP_RECOMPUTE_SELECTIVE)
        has = 0;
    int n = 0;
    out[n++] = mpp_space_fixes(limits, "recompute") ? limits->fixed.recompute_modules : 0;
    if (!mpp_space_fixes(limits, "recompute") && (has & small & ~CORE))
        out[n++] = has & small;
    if (!mpp_space_fixes(limits, "recompute") && (has & large))
        out[n++] = has & (large >> MPP_MODULE_MOE & 1 ? (small & ~ACTIVATION) | large : small | large);
    return n;
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
        s.schedule = kind;
        if (!has || !mpp_space_allows(limits, "schedule", &s))
            continue;
        int64_t group = s.schedule_group ? s.schedule_group : s.pp;
        if ((s.schedule_group && !mpp_schedule_kind_shape(kind)->grouped) ||
            !mpp_schedule_kind_allows(kind, s.pp, s.vpp, m, group))
            continue;
        if (!mpp_space_bars(limits, &s))
            g_array_append_val(shapes, s);
    }
}

/** An even split may leave embedding and head chunks of their own, as Llama 3's 126 layers in 128 chunks (arXiv:2407.21783). */
static int64_t most_chunks(const MppJob *job)
{
    bool ends_alone = job->runtime->stage_split == MPP_STAGE_SPLIT_EVEN && job->model->vocab;
    return job->model->n_layers + (ends_alone ? 2 : 0);
}

static void add_vpps(const MppJob *job, const MppSpaceLimits *limits, MppStrategy s, GArray *shapes)
{
    int64_t least = s.pp > 1 && mpp_rules_experts_beside(job, &s) ? 2 : 1, most = s.pp > 1 ? MPP_SPACE_MOST_VPP : 1;
    for (s.vpp = least; s.vpp <= most && s.pp * s.vpp <= most_chunks(job); s.vpp++)
        if (mpp_space_allows(limits, "vpp", &s) && suits_layers(job, &s))
            add_schedules(job, limits, s, shapes);
}

static void add_pipelines(const MppJob *job, const MppSpaceLimits *limits, MppStrategy s, GArray *shapes)
{
    int64_t ranks = job->gpus / (s.tp * s.cp), fewer = job->runtime->fewer_micro_batches;
    for (s.pp = 1; s.pp <= MIN(ranks, job->model->n_layers); s.pp++) {
        s.dp = ranks / s.pp;
        bool legal = divides(s.pp, ranks) && divides(s.dp * s.micro_batch, job->training.global_batch) &&
                     (!job->model->moe.experts || divides(s.ep * s.etp, s.tp * s.cp * s.dp)) &&
                     (s.pp == 1 || fewer < 0 || mpp_strategy_micro_batches(&s, job->training.global_batch) >= s.pp - fewer);
        if (legal && mpp_space_allows(limits, "pp", &s) && mpp_space_allows(limits, "dp", &s))
            add_vpps(job, limits, s, shapes);
    }
}

GArray *mpp_space_shapes(const MppJob *job, const MppFamily *family, const MppSpaceLimits *limits)
{
    GArray *shapes = g_array_new(FALSE, FALSE, sizeof(MppStrategy));
    MppStrategy s = family->base;
    s.stage_layers = mpp_space_fixes(limits, "stage_layers") ? limits->fixed.stage_layers : NULL;
    s.schedule_group = mpp_space_fixes(limits, "schedule_group") ? limits->fixed.schedule_group : 0;
    s.recompute_layers = mpp_space_fixes(limits, "recompute") ? limits->fixed.recompute_layers : 0;
    int64_t sets[MOST_SETS];
    int n = module_sets(job, limits, &s, sets);
    for (int i = 0; i < n; i++) {
        s.recompute_modules = sets[i];
        s.recompute = sets[i] ? MPP_RECOMPUTE_SELECTIVE : MPP_RECOMPUTE_NONE;
        for (s.order = 0; s.order < MPP_N_ORDERS; s.order++)
            if (order_wanted(job, limits, &s))
                add_pipelines(job, limits, s, shapes);
    }
    return shapes;
}

int mpp_space_splits(const MppJob *job, const MppStrategy *shape, const MppSpaceLimits *limits, MppStageSplit *out)
{
    bool fixed = mpp_space_fixes(limits, "stage_split");
    int n = 0;
    if (shape->stage_layers) { /* nothing is left to split */
        out[n++] = job->runtime->stage_split;
        return n;
    }
    bool balances = shape->pp > 1 && shape->pp * shape->vpp <= job->model->n_layers; /* a layer each */
    out[n++] = fixed ? limits->fixed.stage_split : job->runtime->stage_split;
    if (!fixed && balances && out[0] != MPP_STAGE_SPLIT_BALANCED)
        out[n++] = MPP_STAGE_SPLIT_BALANCED;
    return n;
}

static bool allows_recompute(const MppSpaceLimits *limits, MppStrategy s, MppRecompute recompute)
{
    s.recompute = recompute;
    return mpp_space_allows(limits, "recompute", &s) && !mpp_space_bars(limits, &s);
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
        bool legal = i != MPP_RECOMPUTE_FULL || !mpp_rules_experts_beside(job, shape);
        if (legal && allows_recompute(limits, *shape, i) && (mpp_space_fixes(limits, "recompute") || !pointless))
            out[n++] = i;
    }
    if (mpp_runtime_offloads(job->runtime, MPP_OFFLOADED_ACTIVATIONS) && shape->pp == 1 && job->model->n_layers > 1 &&
        allows_recompute(limits, *shape, MPP_RECOMPUTE_OFFLOAD))
        out[n++] = MPP_RECOMPUTE_OFFLOAD;
    return n;
}

/** Ranks of a shard group kept within a node, or 0 when there is none between one and all. */
static int64_t node_shard(const MppJob *job, const MppStrategy *shape)
{
    int64_t replicas = shape->dp * shape->cp, inside = mpp_cluster_domain(job->cluster, 0, job->gpus) / shape->tp;
    return inside > 1 && inside < replicas && divides(inside, replicas) ? inside : 0;
}

static bool allows_sharding(const MppSpaceLimits *limits, MppStrategy s, const MppSharding *sharding)
{
    s.zero = sharding->zero;
    s.zero_ranks = sharding->zero_ranks;
    s.offload = sharding->offload;
    return mpp_space_allows(limits, "zero", &s) && mpp_space_allows(limits, "zero_ranks", &s) &&
           mpp_space_allows(limits, "offload", &s) && !mpp_space_bars(limits, &s);
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
    int64_t most = shape->pp > 1 ? MIN(job->runtime->most_zero, job->runtime->most_zero_with_pp) : job->runtime->most_zero;
    int64_t step = shape->dp * shape->cp > 1 ? 1 : 3;
    int n = 0;
    for (int64_t zero = 0; zero <= most; zero += step) {
        int64_t groups[2] = { 0, zero == 3 ? node_shard(job, shape) : 0 };
        for (int i = 0; i < (groups[1] ? 2 : 1); i++)
            for (MppOffload offload = MPP_OFFLOAD_NONE; offload < MPP_N_OFFLOADS; offload++) {
                out[n] = (MppSharding){ zero, groups[i], offload };
                n += offloads(job, shape, zero, offload) && allows_sharding(limits, *shape, &out[n]);
            }
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
