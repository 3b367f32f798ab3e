/**
 * What this executor computes: everything else is refused by name before anything runs.
 */
#include "validate/net/net.h"

typedef struct {
    bool asked;
    const char *what;
} Refusal;

static bool refuse(const Refusal *refusals, size_t n, const char *who, GError **error)
{
    for (size_t i = 0; i < n; i++)
        if (refusals[i].asked)
            return mpp_error_set(error, MPP_ERROR_UNSUPPORTED, "%s: the executor does not compute %s", who, refusals[i].what);
    return true;
}

/** Norms over a micro-batch couple its samples: what a replica computes depends on the split. */
static bool check_listed(const MppModel *m, GError **error)
{
    for (int64_t i = 0; i < m->n_kinds; i++)
        for (guint k = 0; k < m->kinds[i].parts->len; k++) {
            const MppPart *part = &g_array_index(m->kinds[i].parts, MppPart, k);
            const Refusal refusals[] = {
                { part->norm == MPP_CHANNEL_NORM_BATCH, "norms over the samples of a micro-batch, which differ with the split" },
                { part->groups > 1, "convolutions in groups" },
            };
            if (!refuse(refusals, G_N_ELEMENTS(refusals), m->name, error))
                return false;
        }
    return true;
}

static bool check_model(const MppModel *m, int64_t seq, GError **error)
{
    if (m->sequential)
        return check_listed(m, error);
    int64_t norms = m->norms_per_layer;
    const Refusal refusals[] = {
        { m->kind != MPP_MODEL_DECODER, "encoders" },
        { m->vision.image_size > 0, "images" },
        { m->head != MPP_HEAD_LM, "heads other than a language model's" },
        { m->mla.kv_lora_rank > 0, "latent attention" },
        { m->attention_sinks, "attention sinks" },
        { m->attention_gate, "gates of attention" },
        { mpp_model_has_mixer(m, MPP_MIXER_SSM), "state-space layers" },
        { m->pattern != NULL, "layers of one part" },
        { m->qk_norm_dim != 0, "norms of queries and keys" },
        { m->positions == MPP_POSITIONS_RELATIVE, "relative positions" },
        { m->positions == MPP_POSITIONS_LEARNED && m->learned_positions < seq, "sequences longer than the table of positions" },
        { m->positions == MPP_POSITIONS_ROTARY && m->head_dim % 2, "rotary positions in heads of odd width" },
        { m->embedding_dim > 0 && m->embedding_dim != m->hidden, "narrow embeddings" },
        { m->embedding_norm, "a norm after the embedding" },
        { m->token_types > 0, "token types" },
        { m->prediction_layers > 0, "multi-token prediction" },
        { m->parallel_block ? norms != 1 && norms != 2 : norms != 2 && norms != 4, "this number of norms a layer" },
        { m->moe.experts && m->moe.expert_bias, "biases of experts" },
        { m->moe.experts && m->moe.shared_gate, "gates of shared experts" },
        { m->moe.experts && m->parallel_block, "experts in parallel blocks" },
    };
    return refuse(refusals, G_N_ELEMENTS(refusals), m->name, error);
}

static bool check_training(const MppJob *job, GError **error)
{
    const MppTraining *t = &job->training;
    const Refusal refusals[] = {
        { t->precision != MPP_PRECISION_FP32 && t->precision != MPP_PRECISION_BF16,
          "formats other than fp32 and bf16 (plan with --precision)" },
        { t->optimizer != MPP_OPTIMIZER_ADAM, "optimizers other than Adam" },
        { t->narrow_states, "states of 16 bits alone" },
        { t->dropout, "dropout" },
        { t->mean_seq != 0 || t->loss_tokens != 0 || t->target_seq != 0, "sequences of different lengths, and losses of some tokens" },
    };
    return refuse(refusals, G_N_ELEMENTS(refusals), "training", error);
}

static bool check_strategy(const MppJob *job, const MppStrategy *s, GError **error)
{
    const int64_t executed =
        1 << MPP_MODULE_CORE_ATTENTION | 1 << MPP_MODULE_MLP | 1 << MPP_MODULE_MOE | 1 << MPP_MODULE_SHARED_EXPERTS;
    bool experts = job->model->moe.experts > 0;
    bool halves = s->recompute == MPP_RECOMPUTE_SELECTIVE && job->runtime->selective != MPP_SELECTIVE_ATTENTION;
    int64_t shared = job->model->moe.shared_ffn ? job->model->moe.shared_ffn
                                                : job->model->moe.shared_experts * job->model->moe.ffn;
    const Refusal refusals[] = {
        { s->cp > 1 && s->cp_kind == MPP_CP_ALL_TO_ALL, "context parallelism by all-to-all" },
        { s->offload != MPP_OFFLOAD_NONE, "offloaded parameters and optimizer states" },
        { s->recompute == MPP_RECOMPUTE_OFFLOAD, "offloaded activations" },
        { (s->recompute_modules & ~executed) != 0, "recomputation of modules but core_attn, mlp, moe and shared_experts" },
        { halves, "selective recomputation other than of the attention core" },
        { experts && s->tp > 1 && !s->sequence_parallel, "experts under tp without sequence parallelism" },
        { experts && shared % s->tp, "shared experts that tp does not divide" },
    };
    return refuse(refusals, G_N_ELEMENTS(refusals), "strategy", error);
}

bool mpp_net_check(const MppJob *job, const MppStrategy *strategy, GError **error)
{
    return check_model(job->model, job->training.seq, error) && check_training(job, error) &&
           check_strategy(job, strategy, error);
}
