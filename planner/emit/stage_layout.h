/**
 * Stages of a pipeline as Megatron's layout string: "Et*3|(t*4|)*6t*2mL".
 *
 * E is the embedding, t a layer, m a multi-token-prediction layer, L the loss; '|' ends a stage, x*n and (…)*n repeat,
 * commas mean nothing (megatron/core/transformer/pipeline_parallel_layer_layout.py).
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/** @chunk_layers: int64_t, prediction layers counted, which are the last @prediction_layers and lie in the last chunk. */
char *mpp_stage_layout_text(const GArray *chunk_layers, int64_t prediction_layers);

/**
 * Layers of each chunk. @n_layers: of the model, prediction layers counted.
 * Errors: MPP_ERROR_SYNTAX; MPP_ERROR_INVALID when the layers are not @n_layers or E and L do not stand at the ends.
 */
GArray *mpp_stage_layout_parse(const char *text, int64_t n_layers, GError **error) G_GNUC_WARN_UNUSED_RESULT;
