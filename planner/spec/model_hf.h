/**
 * Hugging Face config.json files, as downloaded.
 *
 * Each family (model_type) has one reader in a table; the text model is read from text_config where a
 * multimodal wrapper has one. Keys that do not matter here are passed over; absent keys mean the default of the
 * family's class; what cannot be modelled (linear attention, convolutions) is refused with the field's place.
 */
#pragma once

#include "planner/spec/model.h"

/** Whether @json is such a file: by keys that our own format does not have. */
bool mpp_model_hf_recognise(const MppJson *json);

/** Fills @model. Errors: MPP_ERROR_SCHEMA, MPP_ERROR_UNSUPPORTED. On failure @model holds nothing to free. */
bool mpp_model_hf_read(const MppJson *json, MppModel *model, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** JSON pointers of the keys that mpp_model_hf_read() passes over, in the file's order; none for our own format. */
GPtrArray *mpp_model_hf_passed_over(const MppJson *json);
