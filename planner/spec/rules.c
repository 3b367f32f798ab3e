#include "planner/spec/rules.h"

#include "planner/spec/rules_stack.h"

#define N G_GINT64_FORMAT
#define KEPT NULL

static bool divides(int64_t divisor, int64_t number)
{
    return number % divisor == 0;
}

static char *gpus_product(const MppJob *job, const MppStrategy *s)
{
    double product = (double)s->dp * (double)s->tp * (double)s->pp * (double)s->cp; /* of four degrees: more than 64 bits */
    return product == (double)job->gpus
               ? KEPT
               : g_strdup_printf("dp * tp * pp * cp = %.0f but there are %" N " GPUs", product, job->gpus);
}

static char *expert_grid(const MppJob *job, const MppStrategy *s)
{
    if (!job->model->moe.experts || divides(s->ep * s->etp, s->tp * s->cp * s->dp))
        return KEPT;
    return g_strdup_printf("ep * etp = %" N " does not divide tp * cp * dp = %" N, s->ep * s->etp, s->tp * s->cp * s->dp);
}

static char *batch(const MppJob *job, const MppStrategy *s)
{
    if (divides(s->dp * s->micro_batch, job->training.global_batch))
        return KEPT;
    return g_strdup_printf("the global batch of %" N " %s is not a multiple of dp * micro-batch = %" N " * %" N,
                           job->training.global_batch, job->model->sequential ? "samples" : "sequences", s->dp, s->micro_batch);
}

static char *target_seq(const MppJob *job, const MppStrategy *s)
{
    (void)s;
    if (!job->training.target_seq || job->model->kind == MPP_MODEL_ENCODER_DECODER)
        return KEPT;
    return g_strdup_printf("%s has no decoder beside an encoder, whose %" N " tokens are stated", job->model->name, job->training.target_seq);
}

static char *tp_heads(const MppJob *job, const MppStrategy *s)
{
    const MppModel *model = job->model;
    return divides(s->tp, model->heads) ? KEPT
                                        : g_strdup_printf("%" N " attention heads are not divisible by tp %" N, model->heads, s->tp);
}

static char *tp_kv_heads(const MppJob *job, const MppStrategy *s)
{
    int64_t kv = job->model->kv_heads;
    if (job->model->mla.kv_lora_rank || divides(s->tp, kv) || divides(kv, s->tp))
        return KEPT;
    return g_strdup_printf("of %" N " key-value heads and tp %" N " neither divides the other", kv, s->tp);
}

static char *tp_ffn(const MppJob *job, const MppStrategy *s)
{
    const MppModel *model = job->model;
    if (!divides(s->tp, model->ffn))
        return g_strdup_printf("the MLP's width %" N " is not divisible by tp %" N, model->ffn, s->tp);
    if (model->moe.experts && !divides(s->etp, model->moe.ffn))
        return g_strdup_printf("an expert's width %" N " is not divisible by etp %" N, model->moe.ffn, s->etp);
    return KEPT;
}

static char *tp_channels(const MppJob *job, const MppStrategy *s)
{
    int64_t undivided = mpp_model_undivided(job->model, s->tp);
    return undivided ? g_strdup_printf("%" N " channels between two products are not divisible by tp %" N, undivided, s->tp) : KEPT;
}

static char *tp_ssm(const MppJob *job, const MppStrategy *s)
{
    int64_t groups = job->model->ssm.groups;
    return divides(s->tp, groups) ? KEPT
                                  : g_strdup_printf("%" N " groups of a state-space layer are not divisible by tp %" N, groups, s->tp);
}

static char *cp_ssm(const MppJob *job, const MppStrategy *s)
{
    const MppSsm *ssm = &job->model->ssm;
    int64_t groups = ssm->groups / s->tp;
    if (divides(s->cp * s->tp, ssm->heads) && (divides(s->cp, groups) || divides(groups, s->cp)))
        return KEPT;
    return g_strdup_printf("context parallelism splits a state-space layer by heads: of %" N " heads in %" N
                           " groups, of which tp %" N " leaves a rank %" N ", cp %" N " makes no equal parts",
                           ssm->heads, ssm->groups, s->tp, groups, s->cp);
}

static char *cp_sequence(const MppJob *job, const MppStrategy *s)
{
    if (s->cp == 1 || divides(2 * s->cp, job->training.seq))
        return KEPT;
    return g_strdup_printf("the sequence of %" N " tokens is not divisible by 2 * cp = %" N, job->training.seq, 2 * s->cp);
}

static char *cp_heads(const MppJob *job, const MppStrategy *s)
{
    const MppModel *model = job->model;
    if (s->cp == 1 || s->cp_kind != MPP_CP_ALL_TO_ALL)
        return KEPT;
    if (!divides(s->cp * s->tp, model->heads))
        return g_strdup_printf("all-to-all context parallelism splits heads: %" N " are not divisible by cp * tp = %" N,
                               model->heads, s->cp * s->tp);
    int64_t kv = model->mla.kv_lora_rank ? model->heads : model->kv_heads;
    bool repeated = job->runtime->context_repeats_keys && divides(MAX(kv / s->tp, 1), s->cp);
    if (!model->heads || repeated || divides(s->cp, MAX(kv / s->tp, 1)))
        return KEPT;
    return g_strdup_printf("all-to-all context parallelism splits key-value heads: %" N " of a rank are not divisible by cp %" N,
                           MAX(kv / s->tp, 1), s->cp);
}

static char *cp_window(const MppJob *job, const MppStrategy *s)
{
    if (s->cp == 1 || !job->model->window || !mpp_rules_keys_in_blocks(job, s->cp_kind))
        return KEPT;
    return g_strdup_printf("%s context parallelism has no window: layers see %" N " tokens; try cp_kind=all-to-all",
                           mpp_names_get(&mpp_cp_names, s->cp_kind), job->model->window);
}

static char *cp_decoder(const MppJob *job, const MppStrategy *s)
{
    if (s->cp == 1 || (job->model->kind == MPP_MODEL_DECODER && !job->model->vision.image_size))
        return KEPT;
    return g_strdup("context parallelism is for decoder-only models of tokens");
}

bool mpp_rules_context_legal(const MppJob *job, const MppStrategy *s)
{
    char *(*const rules[])(const MppJob *, const MppStrategy *) = { cp_ssm, cp_sequence, cp_heads, cp_window, cp_decoder };
    bool legal = s->cp == 1 || job->runtime->context_kinds & (int64_t)1 << s->cp_kind;
    for (size_t i = 0; legal && i < G_N_ELEMENTS(rules); i++) {
        g_autofree char *broken = rules[i](job, s);
        legal = !broken;
    }
    return legal;
}

static char *sp_needs_tp(const MppJob *job, const MppStrategy *s)
{
    (void)job;
    return !s->sequence_parallel || s->tp > 1 ? KEPT : g_strdup("sequence parallelism needs tp > 1");
}

static char *sp_sequence(const MppJob *job, const MppStrategy *s)
{
    int64_t tokens = job->training.seq / s->cp;
    if (!s->sequence_parallel || divides(s->tp, tokens))
        return KEPT;
    return g_strdup_printf("sequence parallelism splits %" N " tokens of a rank, not divisible by tp %" N, tokens, s->tp);
}

static char *stages_layers(const MppJob *job, const MppStrategy *s)
{
    int64_t places = job->model->n_layers + 2; /* the embedding and the loss may fill a stage of their own */
    if (s->pp * s->vpp <= places || job->runtime->stage_split == MPP_STAGE_SPLIT_GREEDY)
        return KEPT;
    return g_strdup_printf("pp * vpp = %" N " stages for %" N " layers", s->pp * s->vpp, job->model->n_layers);
}

static char *stages_sum(const MppJob *job, const MppStrategy *s)
{
    if (!s->stage_layers)
        return KEPT;
    int64_t sum = 0;
    for (guint i = 0; i < s->stage_layers->len; i++)
        sum += g_array_index(s->stage_layers, int64_t, i);
    if (s->stage_layers->len == s->pp * s->vpp && sum == job->model->n_layers)
        return KEPT;
    return g_strdup_printf("stages lists %u chunks of %" N " layers; pp * vpp = %" N " chunks of %" N " are needed",
                           s->stage_layers->len, sum, s->pp * s->vpp, job->model->n_layers);
}

static char *schedule(const MppJob *job, const MppStrategy *s)
{
    int64_t m = mpp_strategy_micro_batches(s, job->training.global_batch);
    if (s->schedule_group && !mpp_schedule_kind_shape(s->schedule)->grouped)
        return g_strdup_printf("schedule %s has no groups to choose", mpp_names_get(&mpp_schedule_names, s->schedule));
    return mpp_schedule_kind_broken(s->schedule, s->pp, s->vpp, m, s->schedule_group ? s->schedule_group : s->pp);
}

static char *experts(const MppJob *job, const MppStrategy *s)
{
    int64_t n = job->model->moe.experts;
    if (!n)
        return s->ep == 1 && s->etp == 1 ? KEPT : g_strdup("expert parallelism needs a model with experts");
    return divides(s->ep, n) ? KEPT : g_strdup_printf("%" N " experts are not divisible by ep %" N, n, s->ep);
}

static char *experts_sp(const MppJob *job, const MppStrategy *s)
{
    (void)job;
    return s->ep == 1 || s->tp == 1 || s->sequence_parallel ? KEPT : g_strdup("ep > 1 with tp > 1 needs sequence parallelism");
}

static char *experts_order(const MppJob *job, const MppStrategy *s)
{
    (void)job;
    bool pp_outermost = s->order == MPP_ORDER_CP_DP_PP || s->order == MPP_ORDER_DP_CP_PP;
    return s->ep * s->etp == 1 || s->pp == 1 || pp_outermost ? KEPT
                                                    : g_strdup("with experts split, pp must be the outermost mesh dimension");
}

static char *zero_ranks(const MppJob *job, const MppStrategy *s)
{
    (void)job;
    if (!s->zero_ranks || (s->zero && divides(s->zero_ranks, s->dp * s->cp)))
        return KEPT;
    return g_strdup_printf("hybrid sharding needs ZeRO and zero_ranks %" N " to divide dp * cp = %" N, s->zero_ranks, s->dp * s->cp);
}

static char *recompute_layers(const MppJob *job, const MppStrategy *s)
{
    int64_t most = (job->model->n_layers + s->pp * s->vpp - 1) / (s->pp * s->vpp);
    bool whole_layers = s->recompute == MPP_RECOMPUTE_FULL || s->recompute == MPP_RECOMPUTE_OFFLOAD;
    most -= s->recompute == MPP_RECOMPUTE_OFFLOAD;
    if (!s->recompute_layers || (whole_layers && s->recompute_layers <= most))
        return KEPT;
    return g_strdup_printf("recompute_layers %" N " is for full recompute or offload and at most %" N " layers of a chunk",
                           s->recompute_layers, most);
}

static char *recompute_selective(const MppJob *job, const MppStrategy *s)
{
    if (s->recompute != MPP_RECOMPUTE_SELECTIVE || s->recompute_modules || job->model->heads)
        return KEPT;
    return g_strdup_printf("selective recomputation is of attention, which %s does not have", job->model->name);
}

static char *tp_node(const MppJob *job, const MppStrategy *s)
{
    int64_t domain = mpp_cluster_domain(job->cluster, 0, job->gpus);
    if (s->tp <= domain)
        return KEPT;
    return g_strdup_printf("tp %" N " is larger than the %" N " devices of a node: its exchanges would cross the slow links", s->tp,
                           domain);
}

static const MppRule rules[] = {
    { "tp-heads", MPP_RULE_ILLEGAL, "Megatron transformer_config", tp_heads },
    { "tp-kv-heads", MPP_RULE_ILLEGAL, "Megatron transformer_config: groups % tp = 0 or tp % groups = 0", tp_kv_heads },
    { "tp-ffn", MPP_RULE_ILLEGAL, "Megatron tensor_parallel layers", tp_ffn },
    { "tp-channels", MPP_RULE_ILLEGAL, "Megatron tensor_parallel layers", tp_channels },
    { "tp-ssm", MPP_RULE_ILLEGAL, "Megatron ssm/mamba_mixer: groups % tp = 0", tp_ssm },
    { "gpus-product", MPP_RULE_ILLEGAL, "Megatron parallel_state: world % (tp pp cp) = 0", gpus_product },
    { "expert-grid", MPP_RULE_ILLEGAL, "Megatron parallel_state: world % (etp ep pp) = 0", expert_grid },
    { "batch", MPP_RULE_ILLEGAL, "Megatron num_microbatches_calculator; DeepSpeed train_batch_size", batch },
    { "target-seq", MPP_RULE_ILLEGAL, "arXiv:1910.10683 section 3.1.1", target_seq },
    { "cp-decoder", MPP_RULE_ILLEGAL, "causal ring attention", cp_decoder },
    { "cp-sequence", MPP_RULE_ILLEGAL, "Megatron arguments: seq % (2 cp) = 0", cp_sequence },
    { "cp-heads", MPP_RULE_ILLEGAL, "Transformer Engine context_parallel: q and k heads % cp = 0; arXiv:2309.14509", cp_heads },
    { "cp-ssm", MPP_RULE_ILLEGAL, "Megatron ssm/mamba_context_parallel", cp_ssm },
    { "cp-window", MPP_RULE_ILLEGAL, "Transformer Engine context_parallel: windows with a2a or all_gather only; PyTorch's: SDPA without a mask", cp_window },
    { "sp-needs-tp", MPP_RULE_ILLEGAL, "Megatron ModelParallelConfig", sp_needs_tp },
    { "sp-sequence", MPP_RULE_ILLEGAL, "Megatron tensor_parallel mappings", sp_sequence },
    { "stages-layers", MPP_RULE_ILLEGAL, "Megatron pipeline_parallel_layer_layout", stages_layers },
    { "stages-sum", MPP_RULE_ILLEGAL, "Megatron pipeline_parallel_layer_layout", stages_sum },
    { "schedule", MPP_RULE_ILLEGAL, "the schedule's paper; Megatron schedules: micro-batches % pp = 0", schedule },
    { "experts", MPP_RULE_ILLEGAL, "Megatron arguments: experts % ep = 0", experts },
    { "experts-sp", MPP_RULE_ILLEGAL, "Megatron arguments", experts_sp },
    { "experts-order", MPP_RULE_ILLEGAL, "Megatron parallel_state: equal pp groups of both grids", experts_order },
    { "zero-ranks", MPP_RULE_ILLEGAL, "PyTorch hybrid sharding", zero_ranks },
    { "recompute-layers", MPP_RULE_ILLEGAL, "Megatron --recompute-num-layers", recompute_layers },
    { "recompute-selective", MPP_RULE_ILLEGAL, "arXiv:2205.05198 section 5", recompute_selective },
    { "tp-node", MPP_RULE_ADVICE, "arXiv:2104.04473 takeaway 1", tp_node },
};

int mpp_rules_count(void)
{
    return (int)G_N_ELEMENTS(rules) + mpp_n_stack_rules;
}

const MppRule *mpp_rules_get(int index)
{
    int own = (int)G_N_ELEMENTS(rules);
    return index < own ? &rules[index] : &mpp_stack_rules[index - own];
}

int mpp_rules_first_broken(MppRuleKind kind, const MppJob *job, const MppStrategy *strategy)
{
    for (int i = 0; i < mpp_rules_count(); i++) {
        const MppRule *rule = mpp_rules_get(i);
        g_autofree char *message = rule->kind == kind ? rule->broken(job, strategy) : NULL;
        if (message)
            return i;
    }
    return -1;
}

bool mpp_rules_check(const MppJob *job, const MppStrategy *strategy, GError **error)
{
    int index = mpp_rules_first_broken(MPP_RULE_ILLEGAL, job, strategy);
    if (index < 0)
        return true;
    const MppRule *rule = mpp_rules_get(index);
    g_autofree char *message = rule->broken(job, strategy);
    return mpp_error_set(error, MPP_ERROR_INVALID, "%s [%s]", message, rule->id);
}
