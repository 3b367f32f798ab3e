#include "planner/search/space.h"

#include <string.h>

#include "planner/spec/rules.h"

/* sequences, or as many as have so many tokens where they are short: images and BERT's are trained by hundreds */
enum { MOST_MICRO_BATCH = 64, MOST_TOKENS = 131072 };

static bool divides(int64_t divisor, int64_t number)
{
    return number % divisor == 0;
}

bool mpp_space_fixes(const MppSpaceLimits *limits, const char *field)
{
    return limits->fields && (limits->fields & mpp_strategy_field(field));
}

bool mpp_space_allows(const MppSpaceLimits *limits, const char *field, const MppStrategy *strategy)
{
    if (!mpp_space_fixes(limits, field))
        return true;
    const MppField *row = mpp_fields_find(&mpp_strategy_fields, field);
    const char *fixed = (const char *)&limits->fixed + row->offset, *tried = (const char *)strategy + row->offset;
    size_t width = row->type == MPP_FIELD_TYPE_BOOL   ? sizeof(bool)
                   : row->type == MPP_FIELD_TYPE_ENUM ? sizeof(int)
                                                      : sizeof(int64_t);
    return memcmp(fixed, tried, width) == 0;
}

bool mpp_space_bars(const MppSpaceLimits *limits, const MppStrategy *strategy)
{
    return limits->without && (limits->without & mpp_techniques_of(strategy));
}

typedef struct {
    const MppJob *job;
    const MppSpaceLimits *limits;
    GArray *families;
} Enumeration;

static int64_t most_micro_batch(const MppJob *job)
{
    return MIN(MAX(MOST_MICRO_BATCH, MOST_TOKENS / job->training.seq), job->training.global_batch);
}

static int64_t common_divisor(int64_t a, int64_t b)
{
    return b ? common_divisor(b, a % b) : a;
}

bool mpp_space_spreads_idly(const MppSpaceLimits *limits, const MppStrategy *s)
{
    bool asked = mpp_space_fixes(limits, "cp") || mpp_space_fixes(limits, "micro_batch") || mpp_space_fixes(limits, "dp");
    return !asked && common_divisor(s->cp, s->micro_batch) > 1;
}

static void add_micro_batches(Enumeration *at, MppStrategy s)
{
    for (s.micro_batch = 1; s.micro_batch <= most_micro_batch(at->job); s.micro_batch++)
        if (divides(s.micro_batch, at->job->training.global_batch) && mpp_space_allows(at->limits, "micro_batch", &s) &&
            !mpp_space_spreads_idly(at->limits, &s) && !mpp_space_bars(at->limits, &s)) {
            MppFamily family = { .base = s, .index = (int)at->families->len };
            g_array_append_val(at->families, family);
        }
}

static void add_experts(Enumeration *at, MppStrategy s)
{
    const MppMoe *moe = &at->job->model->moe;
    if (!moe->experts || !at->job->runtime->expert_parallel) {
        s.etp = moe->experts ? s.tp : 1;
        if (!moe->experts || divides(s.etp, moe->ffn))
            add_micro_batches(at, s);
        return;
    }
    int64_t ranks = at->job->gpus;
    for (s.ep = 1; s.ep <= MIN(moe->experts, ranks); s.ep++) {
        if (!divides(s.ep, moe->experts) || !mpp_space_allows(at->limits, "ep", &s))
            continue;
        int64_t choices[2] = { 1, s.tp };
        for (int i = 0; i < (s.tp > 1 ? 2 : 1); i++) {
            s.etp = choices[i];
            bool legal = divides(s.etp, moe->ffn) && divides(s.ep * s.etp, ranks) &&
                         (s.ep == 1 || s.tp == 1 || s.sequence_parallel);
            if (legal && mpp_space_allows(at->limits, "etp", &s))
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
        if (legal && mpp_space_allows(at->limits, "sequence_parallel", &s))
            add_experts(at, s);
    }
}

static void add_context(Enumeration *at, MppStrategy s)
{
    const MppJob *job = at->job;
    for (s.cp = 1; s.tp * s.cp <= job->gpus && (s.cp == 1 || job->runtime->context_kinds); s.cp++) {
        if (!divides(s.tp * s.cp, job->gpus) || !mpp_space_allows(at->limits, "cp", &s))
            continue;
        for (int kind = 0; kind < (s.cp > 1 ? MPP_N_CPS : 1); kind++) {
            s.cp_kind = kind;
            if (mpp_rules_context_legal(job, &s) && mpp_space_allows(at->limits, "cp_kind", &s))
                add_sequence_parallel(at, s);
        }
    }
}

static bool tensor_legal(const MppJob *job, int64_t tp)
{
    const MppModel *model = job->model;
    bool kv = model->mla.kv_lora_rank || divides(tp, model->kv_heads) || divides(model->kv_heads, tp);
    return divides(tp, job->gpus) && divides(tp, model->heads) && divides(tp, model->ffn) && kv &&
           divides(tp, model->ssm.groups) && !mpp_model_undivided(model, tp);
}

GArray *mpp_space_families(const MppJob *job, const MppSpaceLimits *limits)
{
    Enumeration at = { job, limits, g_array_new(FALSE, FALSE, sizeof(MppFamily)) };
    MppStrategy s = mpp_strategy_single();
    int64_t node = mpp_cluster_domain(job->cluster, 0, job->gpus);
    bool fixed = mpp_space_fixes(limits, "tp"), runs = !job->runtime->one_node || job->gpus <= node;
    int64_t most = fixed ? limits->fixed.tp : job->runtime->tensor_parallel ? node : 1;
    for (s.tp = fixed ? most : 1; runs && s.tp <= most; s.tp++)
        if (tensor_legal(job, s.tp))
            add_context(&at, s);
    return at.families;
}

char *mpp_space_describe(const MppJob *job)
{
    return g_strdup_printf("tp up to a node (%" G_GINT64_FORMAT "), every cp, pp, dp%s that divide %" G_GINT64_FORMAT
                           " GPUs, vpp to %d, micro-batch to %" G_GINT64_FORMAT " without a divisor in common with cp, sequence parallelism, ZeRO 0-%" G_GINT64_FORMAT
                           " and hybrid sharding, recompute none/selective/full/the fewest layers that fit/small or large "
                           "modules, even and balanced stages, the runtime's schedules, "
                           "offload of optimizer states, parameters or activations where the runtime has it, mesh orders",
                           mpp_cluster_domain(job->cluster, 0, job->gpus), job->model->moe.experts ? ", ep, etp" : "", job->gpus,
                           MPP_SPACE_MOST_VPP, MAX(MOST_MICRO_BATCH, MOST_TOKENS / job->training.seq), job->runtime->most_zero);
}
