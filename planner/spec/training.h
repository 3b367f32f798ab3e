/**
 * What a training step does, whatever the plan: batch, sequence, number format, optimizer, kernels.
 */
#pragma once

#include "planner/spec/model.h"
#include "planner/spec/runtime.h"

typedef enum { MPP_OPTIMIZER_ADAM, MPP_OPTIMIZER_LAMB, MPP_OPTIMIZER_SGD, MPP_OPTIMIZER_MUON, MPP_N_OPTIMIZERS } MppOptimizer;

extern const MppNames mpp_optimizer_names;

/** Moments an optimizer keeps for each parameter beside the master copy. */
int mpp_optimizer_moments(MppOptimizer optimizer);

typedef struct {
    int64_t seq;          /* tokens a sequence, of the longest */
    int64_t global_batch; /* sequences a step */
    MppPrecision precision;
    MppOptimizer optimizer;
    bool dropout;
    MppKernels kernels;
    int64_t document_tokens; /* of a document on average, where sequences are packed and attention stays within documents; 0: it does not */
    int64_t mean_seq;    /* tokens of a sequence on average, where padding is left out; 0: all are as long */
    int64_t target_seq;  /* tokens of a decoder's sequence, which an encoder of seq tokens is beside; 0: as many as the encoder's */
    int64_t loss_tokens; /* of these, that head and loss work on: the masked ones of a masked language model; 0: all */
    bool narrow_states; /* nothing is kept in fp32; the runtime's state costs are those of that */
} MppTraining;

extern const MppFields mpp_training_fields;

/**
 * Checks what a table cannot; @object is the training in @json, both NULL where there is none. Error: MPP_ERROR_INVALID.
 */
bool mpp_training_check(const MppTraining *training, const MppJson *json, const cJSON *object, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** Tokens of a sequence that are computed, on average. */
int64_t mpp_training_mean_seq(const MppTraining *training);

/**
 * Tokens of the sequence that a token is in, on average: the length's second moment over its first. That is the average
 * length where all are equal and the longest where each is full or nearly empty; half way is taken: 384 where 512 are cut
 * to 256 on average; those of Wikipedia have about 370 (from the histogram in arXiv:2107.02027).
 */
double mpp_training_seq_of_token(const MppTraining *training);

/** Tokens of a sequence in a layer, on average and of the longest: a decoder's beside an encoder are target_seq, all of them. */
double mpp_training_layer_seq(const MppTraining *training, const MppLayerKind *layer);
double mpp_training_longest_seq(const MppTraining *training, const MppLayerKind *layer);

/** As mpp_training_seq_of_token(), of the sequences in a layer. */
double mpp_training_layer_seq_of_token(const MppTraining *training, const MppLayerKind *layer);

/**
 * Tokens of the document that a token is in, of those within its sequence of @seq: documents of a stream that end at any token with
 * the same chance, cut where a sequence ends, 2 d (1 - d / seq (1 - exp(-seq / d))). Returns: @seq where attention does not stay within.
 */
double mpp_training_document_of_token(const MppTraining *training, double seq);

/** Tokens that head and loss work on, over the average length of a sequence (the encoder's where there are two stacks). */
double mpp_training_loss_frac(const MppTraining *training);

/**
 * The usual batch for sequences of @seq tokens: at least a sequence for each of @gpus devices, times the power of two
 * that makes 1 Mi tokens (4 Mi from 20 B parameters on); halved as often as it can be while above 16 Mi tokens.
 * Of nets that list their layers 128 samples a device, at most 8192.
 */
int64_t mpp_training_default_batch(const MppModel *model, int64_t seq, int64_t gpus);

/**
 * The usual training of @model on @gpus devices with @runtime: the model's own sequence length (8192 at most), the
 * usual batch, bf16 (fp16 where the device has no bf16), Adam, the runtime's kernels; dropout where the stack's recipes
 * have it.
 */
MppTraining mpp_training_default(const MppModel *model, const MppRuntime *runtime, const MppDevice *device, int64_t gpus);
