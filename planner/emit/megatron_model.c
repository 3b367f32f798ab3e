#include "planner/emit/megatron_forms.h"

#include <string.h>

#include "planner/emit/layer_pattern.h"

#define N G_GINT64_FORMAT

/** Whether MLPs, dense or experts, have biases; the switch then gives them to the projections and the router as well. */
static bool has_linear_bias(const MppModel *m)
{
    return m->ffn ? m->mlp_bias : m->moe.expert_bias;
}

/** What Megatron's GPT model is not. */
static void refuse_model(MppEmission *e)
{
    const MppModel *m = e->job->model;
    bool bias = has_linear_bias(m), experts = m->moe.experts > 0;
    bool odd_bias = m->output_bias != bias || (bias && !m->qkv_bias);
    const struct {
        bool there;
        const char *phrase;
    } odd[] = {
        { m->kind != MPP_MODEL_DECODER, "a model that is not a decoder alone" },
        { m->vision.image_size > 0, "images as input" },
        { m->head != MPP_HEAD_LM || m->head_bias, "a head other than a projection to the vocabulary" },
        { m->positions == MPP_POSITIONS_RELATIVE, "relative positions" },
        { m->token_types > 0, "token types" },
        { m->embedding_dim && m->embedding_dim != m->hidden, "an embedding narrower than the layers" },
        { m->embedding_norm, "a norm after the embedding" },
        { !m->final_norm, "no norm before the head" },
        { m->parallel_block, "attention and MLP side by side" },
        { m->norms_per_layer != 2, "another number of norms a layer than 2" },
        { !m->norm_weights || (m->norm == MPP_NORM_LAYER && !m->norm_bias), "norms without weights or biases" },
        { m->qk_norm_dim && m->qk_norm_dim != m->head_dim, "a norm over all queries" },
        { odd_bias, "biases of a part of the projections" },
        { experts && m->moe.expert_bias != bias, "biases of the dense layers or of the experts alone" },
        { experts && bias && !m->moe.router_bias, "a router without a bias beside layers with biases" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(odd); i++)
        if (odd[i].there)
            mpp_emission_refuse(e, "%s", odd[i].phrase);
}

static void write_attention(const MppModel *m, MppKnobs *knobs)
{
    mpp_knobs_set(knobs, MPP_KNOB_HEADS, "%" N, m->heads);
    if (m->mla.kv_lora_rank) {
        mpp_knobs_set(knobs, MPP_KNOB_MLA, "%s", "");
        if (m->mla.q_lora_rank)
            mpp_knobs_set(knobs, MPP_KNOB_Q_LORA, "%" N, m->mla.q_lora_rank);
        mpp_knobs_set(knobs, MPP_KNOB_KV_LORA, "%" N, m->mla.kv_lora_rank);
        mpp_knobs_set(knobs, MPP_KNOB_QK_NOPE, "%" N, m->mla.qk_nope_head_dim);
        mpp_knobs_set(knobs, MPP_KNOB_QK_ROPE, "%" N, m->mla.qk_rope_head_dim);
        mpp_knobs_set(knobs, MPP_KNOB_V_DIM, "%" N, m->mla.v_head_dim);
    } else {
        mpp_knobs_set(knobs, MPP_KNOB_HEAD_DIM, "%" N, m->head_dim);
    }
    if (m->kv_heads != m->heads) {
        mpp_knobs_set(knobs, MPP_KNOB_GROUPED, "%s", "");
        mpp_knobs_set(knobs, MPP_KNOB_GROUPS, "%" N, m->kv_heads);
    }
    if (m->qk_norm_dim || m->mla.kv_lora_rank) /* with latent attention: the norms of the latents */
        mpp_knobs_set(knobs, MPP_KNOB_QK_NORM, "%s", "");
    if (m->attention_sinks)
        mpp_knobs_set(knobs, MPP_KNOB_SOFTMAX, "learnable");
    if (m->window)
        mpp_knobs_set(knobs, MPP_KNOB_WINDOW, "%" N ",0", m->window - 1); /* keys to the left beside a query's own */
    if (m->full_attention_every > 1)
        mpp_knobs_set(knobs, MPP_KNOB_WINDOW_SKIP, "%" N, m->full_attention_every);
}

static void write_experts(const MppModel *m, MppKnobs *knobs)
{
    const MppMoe *moe = &m->moe;
    if (!moe->experts)
        return;
    mpp_knobs_set(knobs, MPP_KNOB_EXPERTS, "%" N, moe->experts);
    mpp_knobs_set(knobs, MPP_KNOB_TOPK, "%" N, moe->topk);
    mpp_knobs_set(knobs, MPP_KNOB_EXPERT_FFN, "%" N, moe->ffn);
    if (moe->shared_experts)
        mpp_knobs_set(knobs, MPP_KNOB_SHARED_FFN, "%" N, moe->shared_ffn ? moe->shared_ffn : moe->shared_experts * moe->ffn);
    if (moe->shared_gate)
        mpp_knobs_set(knobs, MPP_KNOB_SHARED_GATE, "%s", "");
    if (moe->router_bias && !has_linear_bias(m)) { /* not of the projection: it balances the experts */
        mpp_knobs_set(knobs, MPP_KNOB_ROUTER_BIAS, "%s", "");
        mpp_knobs_set(knobs, MPP_KNOB_ROUTER_SCORE, "sigmoid");
    }
    if (moe->leading_dense_layers || moe->every > 1) {
        g_autofree char *pattern = mpp_layer_pattern_text(m);
        mpp_knobs_set(knobs, MPP_KNOB_EXPERT_LAYERS, "%s", pattern);
    }
    mpp_knobs_set(knobs, MPP_KNOB_GROUPED_GEMM, "%s", "");
}

static void write_positions(MppEmission *e, const MppModel *m, MppKnobs *knobs)
{
    int64_t seq = e->job->training.seq, learned = m->learned_positions;
    bool rows = m->positions == MPP_POSITIONS_LEARNED;
    if (rows && learned < seq)
        mpp_emission_refuse(e, "%" N " tokens with %" N " learned positions", seq, learned);
    mpp_knobs_set(knobs, MPP_KNOB_POSITIONS, "%" N, rows ? learned : MAX(m->max_seq, seq));
    mpp_knobs_set(knobs, MPP_KNOB_POSITION_KIND, "%s",
                  rows                                   ? "learned_absolute"
                  : m->positions == MPP_POSITIONS_ROTARY ? "rope"
                                                         : "none");
}

void mpp_megatron_write_model(MppEmission *e, MppKnobs *knobs)
{
    const MppModel *m = e->job->model;
    refuse_model(e);
    mpp_knobs_set(knobs, MPP_KNOB_LAYERS, "%" N, m->layers);
    mpp_knobs_set(knobs, MPP_KNOB_HIDDEN, "%" N, m->hidden);
    mpp_knobs_set(knobs, MPP_KNOB_FFN, "%" N, m->ffn ? m->ffn : m->moe.ffn);
    mpp_knobs_set(knobs, MPP_KNOB_VOCAB, "%" N, m->vocab);
    mpp_knobs_set(knobs, MPP_KNOB_NORM, "%s", m->norm == MPP_NORM_RMS ? "RMSNorm" : "LayerNorm");
    if (m->gated_mlp)
        mpp_knobs_set(knobs, MPP_KNOB_SWIGLU, "%s", "");
    else if (!has_linear_bias(m)) /* of plain MLPs without biases the usual activation (Nemotron) */
        mpp_knobs_set(knobs, MPP_KNOB_SQUARED_RELU, "%s", "");
    if (!has_linear_bias(m))
        mpp_knobs_set(knobs, MPP_KNOB_NO_BIAS, "%s", "");
    if (!has_linear_bias(m) && m->qkv_bias)
        mpp_knobs_set(knobs, MPP_KNOB_QKV_BIAS, "%s", "");
    if (!m->tied_embeddings)
        mpp_knobs_set(knobs, MPP_KNOB_UNTIED, "%s", "");
    if (m->prediction_layers)
        mpp_knobs_set(knobs, MPP_KNOB_MTP_LAYERS, "%" N, m->prediction_layers);
    write_attention(m, knobs);
    write_positions(e, m, knobs);
    write_experts(m, knobs);
    mpp_megatron_write_hybrid(e, knobs);
}

enum { MOST_SIZE = 1 << 24 };

typedef struct {
    MppKnob knob;
    int64_t low;
    int64_t *out;
} SizeRow;

static bool read_sizes(const MppKnobReader *r, const SizeRow *rows, size_t n, GError **error)
{
    for (size_t i = 0; i < n; i++)
        if (!mpp_knob_int(r, rows[i].knob, rows[i].low, MOST_SIZE, rows[i].out, error))
            return false;
    return true;
}

static bool read_attention(const MppKnobReader *r, MppModel *m, GError **error)
{
    int64_t groups = 1;
    MppMla mla = { .q_lora_rank = 0, .kv_lora_rank = 512, .qk_nope_head_dim = 128, .qk_rope_head_dim = 64, .v_head_dim = 128 };
    const SizeRow rows[] = {
        { MPP_KNOB_GROUPS, 1, &groups },
        { MPP_KNOB_Q_LORA, 1, &mla.q_lora_rank },
        { MPP_KNOB_KV_LORA, 1, &mla.kv_lora_rank },
        { MPP_KNOB_QK_NOPE, 1, &mla.qk_nope_head_dim },
        { MPP_KNOB_QK_ROPE, 1, &mla.qk_rope_head_dim },
        { MPP_KNOB_V_DIM, 1, &mla.v_head_dim },
        { MPP_KNOB_HEAD_DIM, 1, &m->head_dim },
        { MPP_KNOB_WINDOW_SKIP, 2, &m->full_attention_every },
    };
    if (!read_sizes(r, rows, G_N_ELEMENTS(rows), error))
        return false;
    bool latent = mpp_knob_given(r, MPP_KNOB_MLA);
    if (latent) {
        m->mla = mla;
        m->head_dim = 0;
    }
    m->kv_heads = mpp_knob_given(r, MPP_KNOB_GROUPED) && !latent ? groups : m->heads;
    if (!m->head_dim && !latent)
        m->head_dim = m->hidden / m->heads;
    m->qk_norm_dim = mpp_knob_given(r, MPP_KNOB_QK_NORM) && !latent ? m->head_dim : 0;
    m->attention_sinks = mpp_knob_is(r, MPP_KNOB_SOFTMAX, "learnable");
    const char *window = r->knobs->values[MPP_KNOB_WINDOW];
    if (!window)
        return true;
    gint64 left;
    g_autofree char *bare = g_strdelimit(g_strdup(window), "()", ' ');
    g_auto(GStrv) sides = g_strsplit(bare, ",", 2);
    if (!sides[0] || !g_ascii_string_to_signed(g_strstrip(sides[0]), 10, 0, MOST_SIZE, &left, NULL))
        return mpp_knob_error(r, MPP_KNOB_WINDOW, MPP_ERROR_SCHEMA, error,
                              "expected tokens to the left and right, like 4095,0, got \"%s\"", window);
    m->window = left + 1;
    return true;
}

static bool read_experts(const MppKnobReader *r, MppModel *m, GError **error)
{
    MppMoe *moe = &m->moe;
    int64_t shared = 0;
    moe->topk = 2;
    const SizeRow rows[] = {
        { MPP_KNOB_EXPERTS, 1, &moe->experts },
        { MPP_KNOB_TOPK, 1, &moe->topk },
        { MPP_KNOB_EXPERT_FFN, 1, &moe->ffn },
        { MPP_KNOB_SHARED_FFN, 1, &shared },
    };
    if (!read_sizes(r, rows, G_N_ELEMENTS(rows), error))
        return false;
    if (!moe->experts) {
        *moe = (MppMoe){ .every = 1 };
        return true;
    }
    moe->ffn = moe->ffn ? moe->ffn : m->ffn;
    moe->shared_experts = shared > 0;
    moe->shared_ffn = shared;
    moe->shared_gate = mpp_knob_given(r, MPP_KNOB_SHARED_GATE);
    moe->router_bias = m->mlp_bias || mpp_knob_given(r, MPP_KNOB_ROUTER_BIAS);
    moe->expert_bias = m->mlp_bias;
    const char *pattern = r->knobs->values[MPP_KNOB_EXPERT_LAYERS];
    g_autoptr(GError) refused = NULL;
    if (pattern && !mpp_layer_pattern_read(pattern, m, &refused))
        return mpp_knob_error(r, MPP_KNOB_EXPERT_LAYERS, refused->code, error, "%s", refused->message);
    const char *parts = r->knobs->values[MPP_KNOB_PATTERN];
    bool dense = moe->leading_dense_layers || moe->every > 1 || (parts && strchr(parts, '-'));
    m->ffn = dense ? m->ffn : 0;
    return true;
}

static bool read_positions(const MppKnobReader *r, MppModel *m, GError **error)
{
    static const struct {
        const char *name;
        MppPositions kind;
    } kinds[] = {
        { "learned_absolute", MPP_POSITIONS_LEARNED },
        { "rope", MPP_POSITIONS_ROTARY },
        { "yarn", MPP_POSITIONS_ROTARY },
        { "none", MPP_POSITIONS_NONE },
    };
    const char *given = r->knobs->values[MPP_KNOB_POSITION_KIND];
    m->positions = mpp_knob_given(r, MPP_KNOB_ROTARY) || mpp_knob_given(r, MPP_KNOB_MLA) ? MPP_POSITIONS_ROTARY
                                                                                         : MPP_POSITIONS_LEARNED;
    bool known = !given;
    for (size_t i = 0; given && i < G_N_ELEMENTS(kinds); i++) {
        if (strcmp(given, kinds[i].name) == 0) {
            m->positions = kinds[i].kind;
            known = true;
        }
    }
    if (!known)
        return mpp_knob_error(r, MPP_KNOB_POSITION_KIND, MPP_ERROR_UNSUPPORTED, error, "%s is not modelled", given);
    const SizeRow rows[] = { { MPP_KNOB_SEQ, 1, &m->max_seq }, { MPP_KNOB_POSITIONS, 1, &m->max_seq } };
    return read_sizes(r, rows, G_N_ELEMENTS(rows), error);
}

/** Widths, and the switches that decide biases. */
static bool read_layers(const MppKnobReader *r, MppModel *m, GError **error)
{
    enum { GPT2_VOCAB = 50257 };
    m->vocab = GPT2_VOCAB; /* the tokenizer's, which a launch need not state */
    const SizeRow rows[] = {
        { MPP_KNOB_LAYERS, 1, &m->layers }, { MPP_KNOB_HIDDEN, 1, &m->hidden }, { MPP_KNOB_HEADS, 1, &m->heads },
        { MPP_KNOB_FFN, 1, &m->ffn },       { MPP_KNOB_VOCAB, 1, &m->vocab },   { MPP_KNOB_MTP_LAYERS, 0, &m->prediction_layers },
    };
    if (!read_sizes(r, rows, G_N_ELEMENTS(rows), error))
        return false;
    m->gated_mlp = mpp_knob_given(r, MPP_KNOB_SWIGLU);
    if (!m->ffn) /* arguments.py: 4 hidden, or two thirds of it with a gate, to a multiple of 64 */
        m->ffn = m->gated_mlp ? (int64_t)(4.0 * (double)m->hidden * 2 / 3 / 64) * 64 : 4 * m->hidden;
    m->mlp_bias = m->output_bias = !mpp_knob_given(r, MPP_KNOB_NO_BIAS);
    m->qkv_bias = m->mlp_bias || mpp_knob_given(r, MPP_KNOB_QKV_BIAS);
    m->tied_embeddings = !mpp_knob_given(r, MPP_KNOB_UNTIED);
    m->norm = mpp_knob_is(r, MPP_KNOB_NORM, "RMSNorm") ? MPP_NORM_RMS : MPP_NORM_LAYER;
    return true;
}

MppModel *mpp_megatron_read_model(const MppKnobReader *r, GError **error)
{
    static const MppKnob needed[] = { MPP_KNOB_LAYERS, MPP_KNOB_HIDDEN, MPP_KNOB_HEADS, MPP_KNOB_SEQ };
    for (size_t i = 0; i < G_N_ELEMENTS(needed); i++)
        if (!mpp_knob_given(r, needed[i]))
            return NULL;
    g_autoptr(MppModel) m = g_new0(MppModel, 1);
    mpp_fields_default(&mpp_model_fields, m);
    m->name = g_strdup("Megatron GPT model");
    if (!read_layers(r, m, error) || !read_attention(r, m, error) || !read_experts(r, m, error) || !read_positions(r, m, error) ||
        !mpp_megatron_read_hybrid(r, m, error) ||
        !mpp_model_finish(m, NULL, NULL, error))
        return NULL;
    return g_steal_pointer(&m);
}
