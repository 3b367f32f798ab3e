/**
 * Which layers have experts, as Megatron's --moe-layer-freq says it: a number, or a list expression of Python.
 */
#pragma once

#include "planner/spec/model.h"

/** "[0]*3+[1]*58", of the model's own layers (not its prediction layers). */
char *mpp_layer_pattern_text(const MppModel *model);

/**
 * Sets moe.leading_dense_layers and moe.every of a model of model->layers layers to what @text says: N (layers 0, N,
 * 2N … have experts) or sums and repetitions of lists of 0 and 1.
 * Errors: MPP_ERROR_SYNTAX; MPP_ERROR_INVALID for another number of layers; MPP_ERROR_UNSUPPORTED for a pattern that is
 * not "some dense layers, then each n-th layer has experts".
 */
bool mpp_layer_pattern_read(const char *text, MppModel *model, GError **error) G_GNUC_WARN_UNUSED_RESULT;
