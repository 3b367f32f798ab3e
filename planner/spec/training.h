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
    int64_t seq;          /* tokens a sequence */
    int64_t global_batch; /* sequences a step */
    MppPrecision precision;
    MppOptimizer optimizer;
    bool dropout;
    MppKernels kernels;
} MppTraining;

extern const MppFields mpp_training_fields;

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
