/**
 * A neural net as the planner sees it: the sizes and choices that decide parameters, operations and memory.
 *
 * One flat description covers decoder-only, encoder-only and encoder-decoder transformers, dense and
 * mixture-of-experts, with state-space or linear-attention layers in place of attention in some (hybrids) or all;
 * MLPs and convolutional nets list their layers instead. Layers that differ (encoder and decoder, dense and expert,
 * sliding window and full, attention and state space, one listed layer and the next) are told apart by their kind;
 * everything else is common to all layers. What is a token to a transformer is a sample to a net that is listed: its sequences
 * have one.
 */
#pragma once

#include "planner/spec/sequential.h"

typedef enum { MPP_MODEL_DECODER, MPP_MODEL_ENCODER, MPP_MODEL_ENCODER_DECODER, MPP_MODEL_SEQUENTIAL } MppModelKind;
typedef enum { MPP_NORM_LAYER, MPP_NORM_RMS } MppNormKind;
typedef enum { MPP_POSITIONS_NONE, MPP_POSITIONS_LEARNED, MPP_POSITIONS_ROTARY, MPP_POSITIONS_RELATIVE } MppPositions;
typedef enum {
    MPP_HEAD_LM,         /* vocabulary projection, tied or not */
    MPP_HEAD_MASKED_LM,  /* BERT: hidden projection, norm, tied vocabulary projection with a bias */
    MPP_HEAD_POOLER,     /* BERT's pooler: one hidden projection of the first token */
    MPP_HEAD_CLASSIFIER, /* one projection to classes */
    MPP_HEAD_NONE,
    MPP_HEAD_CROSS_ENTROPY, /* none either: what the last layer gives are logits */
} MppHeadKind;

extern const MppNames mpp_model_kind_names, mpp_norm_kind_names, mpp_positions_names, mpp_head_kind_names;

/** Multi-head latent attention (DeepSeek-V2, arXiv:2405.04434 §2.1). All zero when the model has none. */
typedef struct {
    int64_t q_lora_rank; /* 0: queries are projected directly */
    int64_t kv_lora_rank;
    int64_t qk_nope_head_dim, qk_rope_head_dim, v_head_dim;
} MppMla;

/** Mixture of experts, of the decoder if there are two stacks. All zero but @every when the model has none. */
typedef struct {
    int64_t experts, topk;
    int64_t ffn; /* width of one routed expert */
    int64_t shared_experts;
    int64_t shared_ffn; /* width of all shared experts together; 0: shared_experts * ffn */
    int64_t leading_dense_layers;
    int64_t every; /* each n-th layer has experts, the last of each n */
    bool router_bias, expert_bias, shared_gate;
} MppMoe;

typedef enum { MPP_SSM_MAMBA2, MPP_SSM_GATED_DELTA } MppSsmKind;
extern const MppNames mpp_ssm_kind_names;

/**
 * The token mixer of layers without attention: a matrix of @state by @head_dim that each head carries along the sequence
 * (Mamba-2, arXiv:2405.21060; gated delta rule, arXiv:2412.06464). All zero but @conv and @chunk when the model has none.
 */
typedef struct {
    MppSsmKind kind;
    int64_t heads; /* of what is written and read: Mamba-2's heads, the delta rule's value heads */
    int64_t head_dim;
    int64_t groups; /* of what it is written and read by, each for heads / groups: Mamba-2's groups, key heads */
    int64_t state;  /* width of those: Mamba-2's state size, width of a key head */
    int64_t conv;   /* tokens that the causal convolution before the scan sees */
    int64_t chunk;  /* tokens of a chunk of the scan */
} MppSsm;

/** Numbers that a token has in an ssm. */
typedef struct {
    double inner;     /* read from the state: all heads */
    double outer;     /* what it is written and read by: all groups, twice */
    double scalars;   /* one or two a head: steps; decays and rates of writing */
    double projected; /* all of these and a gate of what is read */
} MppSsmWidths;

/** Images in (ViT). All zero when the model reads tokens. */
typedef struct {
    int64_t image_size, patch_size, channels;
    bool class_token;
} MppVision;

/** What joins the tokens of a sequence in a layer. */
typedef enum { MPP_MIXER_ATTENTION, MPP_MIXER_SSM, MPP_MIXER_NONE } MppMixer;

/** What can differ from layer to layer. */
typedef struct {
    bool causal;
    MppMixer mixer;
    bool cross_attention;
    bool ffn; /* there is an MLP or, with @moe, experts */
    bool moe;
    bool prediction; /* a multi-token-prediction layer after the last one */
    int64_t window;  /* tokens a query sees; 0: all */
    MppShape in, out; /* of a token */
    const MppSequentialLayer *listed; /* the model's; NULL: a transformer's layer */
    GArray *parts;                    /* MppPart, of the listed layer for what is in; the model's */
} MppLayerKind;

/* Of a transformer there are at most 9: the encoder's, and of the stack and its prediction layers dense or experts,
   window or full (or state space). Listed layers may differ more. */
enum { MPP_MODEL_MOST_KINDS = 32, MPP_MODEL_MOST_LAYERS = 4096 };

/** Layers of each kind that the model has. */
typedef struct {
    int16_t n[MPP_MODEL_MOST_KINDS];
} MppKindCounts;

typedef struct {
    char *name;
    char *source;
    MppModelKind kind;
    int64_t layers;         /* of the decoder, or of the encoder when there is no decoder */
    int64_t encoder_layers; /* encoder-decoder only */
    int64_t hidden;
    int64_t heads; /* 0: no layer has attention, and the following do not count */
    int64_t kv_heads; /* after loading: never 0 */
    int64_t head_dim; /* after loading: never 0; with latent attention the width of a head's queries */
    int64_t ffn;
    bool gated_mlp;
    bool qkv_bias, output_bias, mlp_bias; /* of the attention's input and output projections and the MLP's */
    int64_t vocab;
    int64_t embedding_dim; /* narrower embeddings with projections (OPT-350M); 0: hidden */
    int64_t max_seq;       /* positions the model was made for */
    int64_t learned_positions; /* rows of a learned table; after loading: never 0 when positions are learned */
    int64_t token_types;
    MppPositions positions;
    int64_t relative_buckets; /* T5: bias table rows per stack */
    MppNormKind norm;
    bool norm_bias; /* layer norm only */
    bool norm_weights; /* norms have learned parameters */
    int64_t norms_per_layer; /* without those of queries and keys and the one before cross attention */
    int64_t qk_norm_dim; /* width of the query's and key's own norm: 0 none, head_dim, or all heads (OLMo-2: -1) */
    bool embedding_norm, final_norm;
    bool parallel_block; /* attention and MLP read the same input and are added */
    bool attention_sinks; /* one learned logit a head (gpt-oss) */
    bool attention_gate;  /* queries come with as wide a gate of the attention's output (Qwen3-Next) */
    int64_t window;       /* sliding window of the windowed layers; 0: none */
    int64_t full_attention_every; /* every n-th layer is full, others have the window or the ssm; 1: none is; 2: alternate */
    char *pattern; /* a character a layer, as Megatron-LM's --hybrid-override-pattern: M ssm, * attention, - MLP, E experts */
    bool tied_embeddings;
    MppHeadKind head;
    bool head_bias;
    int64_t classes;
    int64_t prediction_layers; /* multi-token prediction (DeepSeek-V3 §2.2) */
    MppMla mla;
    MppMoe moe;
    MppSsm ssm;
    MppVision vision;
    MppShape input;     /* of a net that is listed, as are its layers: */
    GArray *sequential; /* MppSequentialLayer; NULL: a transformer. Then nothing above counts but the name and the source */

    /* derived when loaded */
    int64_t n_layers; /* encoder and decoder and prediction layers, in this order */
    int64_t n_kinds;
    MppLayerKind kinds[MPP_MODEL_MOST_KINDS];
    uint8_t *kind_of_layer;      /* n_layers indices into kinds */
    MppKindCounts *kinds_before; /* n_layers + 1: of the layers before each, and of all */
} MppModel;

/** Layers of each kind among @first … @first + @count - 1. @out: the first n_kinds are written. */
void mpp_model_count_kinds(const MppModel *model, int64_t first, int64_t count, MppKindCounts *out);

/** Shape of what a token brings into layer @layer; of n_layers: what leaves the last. */
MppShape mpp_model_shape_at(const MppModel *model, int64_t layer);

/** Most numbers that a token has between layers. */
double mpp_model_widest(const MppModel *model);

/** The first number of channels that tp would split between two listed products and @tp does not divide; 0: none. */
int64_t mpp_model_undivided(const MppModel *model, int64_t tp);

/** Whether layers join their tokens by @mixer. */
bool mpp_model_has_mixer(const MppModel *model, MppMixer mixer);

/** "tokens", or what takes their place. */
const char *mpp_model_units(const MppModel *model);

extern const MppFields mpp_model_fields;

/** Reads our own format or a Hugging Face config.json (recognised by "model_type" or "architectures"). */
MppModel *mpp_model_read(const MppJson *json, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * Fills the derived part and checks what a table cannot; @object is the model in @json, both NULL where there is none.
 * Error: MPP_ERROR_INVALID.
 */
bool mpp_model_finish(MppModel *model, const MppJson *json, const cJSON *object, GError **error) G_GNUC_WARN_UNUSED_RESULT;

void mpp_model_free(MppModel *model);

/** Frees what @model owns, not itself. */
void mpp_model_clear(MppModel *model);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppModel, mpp_model_free)

/** Tokens a sequence of @seq brings into the stack: patches and class token of an image, else @seq. */
int64_t mpp_model_tokens(const MppModel *model, int64_t seq);

/** @heads, @groups: of the ssm, or of the part that a rank has. */
MppSsmWidths mpp_ssm_widths(const MppSsm *ssm, double heads, double groups);

/** Mamba-2 for layers of width @hidden, of Megatron-LM's usual sizes (transformer_config.py, ssm/mamba_mixer.py): twice as wide. */
MppSsm mpp_ssm_usual(int64_t hidden);

/** Norms of a layer of @kind over the hidden width, without the one before cross attention. */
int64_t mpp_model_norms(const MppModel *model, const MppLayerKind *kind);

/** Width of the queries of one head (no-position and rotary parts of MLA together) and of its values. */
int64_t mpp_model_qk_dim(const MppModel *model);
int64_t mpp_model_v_dim(const MppModel *model);
