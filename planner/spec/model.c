#include "planner/spec/model.h"

#include "planner/spec/model_hf.h"
#include "planner/spec/model_kinds.h"

static const char *const kind_names[] = { "decoder", "encoder", "encoder-decoder", "sequential" };
const MppNames mpp_model_kind_names = MPP_NAMES("model kind", kind_names);
static const char *const norm_names[] = { "layernorm", "rmsnorm" };
const MppNames mpp_norm_kind_names = MPP_NAMES("norm", norm_names);
static const char *const positions_names[] = { "none", "learned", "rotary", "relative" };
const MppNames mpp_positions_names = MPP_NAMES("position encoding", positions_names);
static const char *const head_names[] = { "lm", "masked-lm", "pooler", "classifier", "none", "cross-entropy" };
const MppNames mpp_head_kind_names = MPP_NAMES("head", head_names);
static const char *const ssm_names[] = { "mamba2", "gated-delta" };
const MppNames mpp_ssm_kind_names = MPP_NAMES("state-space layer", ssm_names);

enum { MOST = 1 << 20, MOST_VOCAB = 1 << 24 };

static const MppField mla_rows[] = {
    MPP_FIELD_INT(MppMla, q_lora_rank, 0, MOST, 0, "rank of the queries' down projection; 0: none"),
    MPP_FIELD_INT(MppMla, kv_lora_rank, 0, MOST, 0, "rank of the keys' and values' down projection"),
    MPP_FIELD_INT(MppMla, qk_nope_head_dim, 0, MOST, 0, "part of a head without position"),
    MPP_FIELD_INT(MppMla, qk_rope_head_dim, 0, MOST, 0, "part of a head with rotary position"),
    MPP_FIELD_INT(MppMla, v_head_dim, 0, MOST, 0, "width of a head's values"),
};
static const MppFields mla_fields = MPP_FIELDS("multi-head latent attention", MppMla, mla_rows);

static const MppField moe_rows[] = {
    MPP_FIELD_INT(MppMoe, experts, 0, MOST, 0, "routed experts of a layer"),
    MPP_FIELD_INT(MppMoe, topk, 0, MOST, 0, "routed experts a token visits"),
    MPP_FIELD_INT(MppMoe, ffn, 0, MOST, 0, "width of a routed expert"),
    MPP_FIELD_INT(MppMoe, shared_experts, 0, MOST, 0, "experts every token visits"),
    MPP_FIELD_INT(MppMoe, shared_ffn, 0, MOST, 0, "width of the shared experts together; 0: shared_experts * ffn"),
    MPP_FIELD_INT(MppMoe, leading_dense_layers, 0, MPP_MODEL_MOST_LAYERS, 0,
                  "dense layers before the first with experts"),
    MPP_FIELD_INT(MppMoe, every, 1, MPP_MODEL_MOST_LAYERS, 1, "each n-th layer has experts"),
    MPP_FIELD_BOOL(MppMoe, router_bias, 0, "the router has a bias"),
    MPP_FIELD_BOOL(MppMoe, expert_bias, 0, "the experts' projections have biases"),
    MPP_FIELD_BOOL(MppMoe, shared_gate, 0, "the shared experts have a gate of width 1"),
};
static const MppFields moe_fields = MPP_FIELDS("mixture of experts", MppMoe, moe_rows);

static const MppField ssm_rows[] = {
    MPP_FIELD_ENUM(MppSsm, kind, &mpp_ssm_kind_names, MPP_SSM_MAMBA2, "Mamba-2 or gated delta rule"),
    MPP_FIELD_INT(MppSsm, heads, 0, 65536, 0, "heads (of values); 0: no such layers"),
    MPP_FIELD_INT(MppSsm, head_dim, 0, MOST, 0, "width of a head (of values)"),
    MPP_FIELD_INT(MppSsm, groups, 0, 65536, 0, "groups of heads, or heads of keys"),
    MPP_FIELD_INT(MppSsm, state, 0, MOST, 0, "state size, or width of a head of keys"),
    MPP_FIELD_INT(MppSsm, conv, 1, 64, 4, "tokens that the convolution sees"),
    MPP_FIELD_INT(MppSsm, chunk, 1, 65536, 128, "tokens of a chunk of the scan"),
};
static const MppFields ssm_fields = MPP_FIELDS("state-space layer", MppSsm, ssm_rows);

static const MppField vision_rows[] = {
    MPP_FIELD_INT(MppVision, image_size, 0, MOST, 0, "pixels a side"),
    MPP_FIELD_INT(MppVision, patch_size, 0, MOST, 0, "pixels a side of a patch"),
    MPP_FIELD_INT(MppVision, channels, 1, MOST, 3, "colour channels"),
    MPP_FIELD_BOOL(MppVision, class_token, 1, "a learned token is put before the patches"),
};
static const MppFields vision_fields = MPP_FIELDS("vision input", MppVision, vision_rows);

static const MppField rows[] = {
    MPP_FIELD_STRING(MppModel, name, MPP_REQUIRED, "name, as reports show it"),
    MPP_FIELD_STRING(MppModel, source, 0, "where the sizes were published"),
    MPP_FIELD_ENUM(MppModel, kind, &mpp_model_kind_names, MPP_MODEL_DECODER, "which stacks it has"),
    MPP_FIELD_INT(MppModel, layers, 1, MPP_MODEL_MOST_LAYERS, MPP_REQUIRED,
                  "layers (of the decoder if there are two stacks)"),
    MPP_FIELD_INT(MppModel, encoder_layers, 0, MPP_MODEL_MOST_LAYERS, 0, "layers of the encoder, encoder-decoder only"),
    MPP_FIELD_INT(MppModel, hidden, 1, MOST, MPP_REQUIRED, "width of the residual stream"),
    MPP_FIELD_INT(MppModel, heads, 0, 65536, MPP_REQUIRED, "attention heads; 0: no layer has attention"),
    MPP_FIELD_INT(MppModel, kv_heads, 0, 65536, 0, "heads of keys and values; 0: as heads"),
    MPP_FIELD_INT(MppModel, head_dim, 0, MOST, 0, "width of a head; 0: hidden / heads"),
    MPP_FIELD_INT(MppModel, ffn, 0, MOST, MPP_REQUIRED, "width of the MLP (one matrix); 0 if all layers have experts"),
    MPP_FIELD_BOOL(MppModel, gated_mlp, 0, "the MLP has a gate (SwiGLU, GeGLU)"),
    MPP_FIELD_BOOL(MppModel, qkv_bias, 0, "query, key and value projections have biases"),
    MPP_FIELD_BOOL(MppModel, output_bias, 0, "the attention's output projection has a bias"),
    MPP_FIELD_BOOL(MppModel, mlp_bias, 0, "the MLP's projections have biases"),
    MPP_FIELD_INT(MppModel, vocab, 0, MOST_VOCAB, MPP_REQUIRED, "tokens of the vocabulary, unpadded; 0 for images"),
    MPP_FIELD_INT(MppModel, embedding_dim, 0, MOST, 0, "width of the embedding if not hidden"),
    MPP_FIELD_INT(MppModel, max_seq, 1, 1 << 28, MPP_REQUIRED,
                  "longest sequence it was made for; default sequence length if at most 8192"),
    MPP_FIELD_INT(MppModel, learned_positions, 0, 1 << 28, 0, "rows of the learned position table; 0: as tokens"),
    MPP_FIELD_INT(MppModel, token_types, 0, 64, 0, "rows of the segment table (BERT)"),
    MPP_FIELD_ENUM(MppModel, positions, &mpp_positions_names, MPP_POSITIONS_ROTARY, "position encoding"),
    MPP_FIELD_INT(MppModel, relative_buckets, 0, MOST, 0, "rows of the relative position bias, one table a stack"),
    MPP_FIELD_ENUM(MppModel, norm, &mpp_norm_kind_names, MPP_NORM_RMS, "kind of norm"),
    MPP_FIELD_BOOL(MppModel, norm_bias, 1, "layer norms have biases"),
    MPP_FIELD_BOOL(MppModel, norm_weights, 1, "norms have learned parameters"),
    MPP_FIELD_INT(MppModel, norms_per_layer, 0, 8, 2, "norms of a layer over the hidden width"),
    MPP_FIELD_INT(MppModel, qk_norm_dim, -1, MOST, 0,
                  "norm of queries and keys: 0 none, a head's width, -1 over all heads"),
    MPP_FIELD_BOOL(MppModel, embedding_norm, 0, "a norm follows the embedding"),
    MPP_FIELD_BOOL(MppModel, final_norm, 1, "a norm precedes the head"),
    MPP_FIELD_BOOL(MppModel, parallel_block, 0, "attention and MLP run side by side"),
    MPP_FIELD_BOOL(MppModel, attention_sinks, 0, "a learned logit a head"),
    MPP_FIELD_BOOL(MppModel, attention_gate, 0, "a gate of the attention's output, as wide as the queries"),
    MPP_FIELD_INT(MppModel, window, 0, 1 << 28, 0, "tokens seen by windowed layers; 0: no window"),
    MPP_FIELD_INT(MppModel, full_attention_every, 1, MPP_MODEL_MOST_LAYERS, 1,
                  "with a window or an ssm, every n-th layer has full attention; 1: none has"),
    MPP_FIELD_STRING(MppModel, pattern, 0,
                     "a character a layer: M state space, * attention, - MLP, E experts; without it each has both parts"),
    MPP_FIELD_BOOL(MppModel, tied_embeddings, 0, "embedding and head share their matrix"),
    MPP_FIELD_ENUM(MppModel, head, &mpp_head_kind_names, MPP_HEAD_LM, "what follows the last layer"),
    MPP_FIELD_BOOL(MppModel, head_bias, 0, "the head has a bias"),
    MPP_FIELD_INT(MppModel, classes, 0, MOST_VOCAB, 0, "classes of a classifier head"),
    MPP_FIELD_INT(MppModel, prediction_layers, 0, 64, 0, "multi-token prediction layers"),
    MPP_FIELD_STRUCT(MppModel, mla, &mla_fields, 0, "multi-head latent attention"),
    MPP_FIELD_STRUCT(MppModel, moe, &moe_fields, 0, "mixture of experts"),
    MPP_FIELD_STRUCT(MppModel, ssm, &ssm_fields, 0, "state-space layers, or linear attention"),
    MPP_FIELD_STRUCT(MppModel, vision, &vision_fields, 0, "vision input"),
};

static const MppField sequential_rows[] = {
    MPP_FIELD_STRING(MppModel, name, MPP_REQUIRED, "name, as reports show it"),
    MPP_FIELD_STRING(MppModel, source, 0, "where the sizes were published"),
    MPP_FIELD_STRUCT(MppModel, input, &mpp_shape_fields, MPP_REQUIRED, "one sample"),
    MPP_FIELD_STRUCTS(MppModel, sequential, &mpp_sequential_layer_fields, MPP_REQUIRED,
                      "layers in order; the last gives the logits of the classes"),
};
static const MppFields sequential_fields = MPP_FIELDS("sequential model", MppModel, sequential_rows);
const MppFields mpp_model_fields =
    MPP_FIELDS_OR("model", MppModel, rows, &sequential_rows[3], &sequential_fields);

void mpp_model_clear(MppModel *model)
{
    mpp_model_clear_kinds(model);
    mpp_fields_clear(&mpp_model_fields, model);
}

void mpp_model_free(MppModel *model)
{
    if (!model)
        return;
    mpp_model_clear(model);
    g_free(model);
}

MppModel *mpp_model_read(const MppJson *json, GError **error)
{
    g_autoptr(MppModel) model = g_new0(MppModel, 1);
    bool read = mpp_model_hf_recognise(json) ? mpp_model_hf_read(json, model, error)
                                             : mpp_fields_read(&mpp_model_fields, json, json->root, model, error);
    if (!read || !mpp_model_finish(model, json, json->root, error))
        return NULL;
    return g_steal_pointer(&model);
}

int64_t mpp_model_tokens(const MppModel *model, int64_t seq)
{
    if (!model->vision.image_size)
        return seq;
    int64_t patches = model->vision.image_size / model->vision.patch_size;
    return patches * patches + model->vision.class_token;
}

MppSsmWidths mpp_ssm_widths(const MppSsm *ssm, double heads, double groups)
{
    double inner = heads * (double)ssm->head_dim, outer = 2 * groups * (double)ssm->state;
    double scalars = ssm->kind == MPP_SSM_MAMBA2 ? heads : 2 * heads;
    return (MppSsmWidths){ inner, outer, scalars, 2 * inner + outer + scalars };
}

MppSsm mpp_ssm_usual(int64_t hidden)
{
    enum { HEAD_DIM = 64 };
    return (MppSsm){ .heads = MAX(2 * hidden / HEAD_DIM, 1),
                     .head_dim = HEAD_DIM,
                     .groups = 8,
                     .state = 128,
                     .conv = 4,
                     .chunk = 128 };
}

int64_t mpp_model_norms(const MppModel *model, const MppLayerKind *kind)
{
    bool one_part = kind->mixer == MPP_MIXER_NONE || !kind->ffn;
    return one_part ? MIN(model->norms_per_layer, 1) : model->norms_per_layer;
}

int64_t mpp_model_qk_dim(const MppModel *model)
{
    return model->mla.kv_lora_rank ? model->mla.qk_nope_head_dim + model->mla.qk_rope_head_dim : model->head_dim;
}

int64_t mpp_model_v_dim(const MppModel *model)
{
    return model->mla.kv_lora_rank ? model->mla.v_head_dim : model->head_dim;
}
