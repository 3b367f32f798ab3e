/**
 * What the readers of Hugging Face families share: looking keys up by their spellings, sizes, windows, experts.
 *
 * Keys are given as alternatives, first found first taken: "n_embd|attn_config.d_model" is n_embd, or d_model
 * within attn_config. A null counts as absent. The first error sticks; what is read after it does not matter.
 * A reader sets what its class fixes and defaults that differ from MppModel's before mpp_hf_sizes().
 */
#pragma once

#include "planner/spec/model.h"

typedef struct {
    const MppJson *json;
    const cJSON *object; /* the root, or the text_config of a wrapper */
    MppModel *model;
    GHashTable *read; /* cJSON * looked at */
    GError *error;
} MppHf;

typedef struct {
    const char *model_type;
    void (*read)(MppHf *hf);
} MppHfFamily;

/** The first of @keys that is there and not null, or NULL. */
const cJSON *mpp_hf_get(MppHf *hf, const char *keys);

/** A number within the range of @field of @fields, or @fallback where there is none. */
int64_t mpp_hf_int(MppHf *hf, const char *keys, const MppFields *fields, const char *field, int64_t fallback);
bool mpp_hf_bool(MppHf *hf, const char *keys, bool fallback);
const char *mpp_hf_string(MppHf *hf, const char *keys, const char *fallback);

/** Sets the error: @node is of the wrong type or out of range, or holds what is not modelled. */
void mpp_hf_wrong(MppHf *hf, const cJSON *node, const char *expected);
void mpp_hf_unsupported(MppHf *hf, const cJSON *node, const char *format, ...) G_GNUC_PRINTF(3, 4);

/** Layers, hidden, heads, ffn, vocab, max_seq, tied embeddings: absent ones keep what the model has. */
void mpp_hf_sizes(MppHf *hf);

/** The window, and which layers have none: @window and @every where the file does not say. */
void mpp_hf_windows(MppHf *hf, int64_t window, int64_t every);

/** Experts, how many are visited, their width, shared ones, leading dense layers. */
void mpp_hf_experts(MppHf *hf);

/** Whether the file's first architecture ends with @suffix. */
bool mpp_hf_is_architecture(MppHf *hf, const char *suffix);

/** The families, by file; each ends with a row of NULL. */
extern const MppHfFamily mpp_hf_gpt_families[];     /* hf_gpt.c: layer norms and plain MLPs */
extern const MppHfFamily mpp_hf_llama_families[];   /* hf_llama.c: RMS norms and gated MLPs */
extern const MppHfFamily mpp_hf_moe_families[];     /* hf_moe.c: mixtures of experts */
extern const MppHfFamily mpp_hf_encoder_families[]; /* hf_encoder.c: with an encoder */
extern const MppHfFamily mpp_hf_hybrid_families[];  /* hf_hybrid.c: with state-space layers */
