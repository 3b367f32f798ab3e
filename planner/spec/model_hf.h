/**
 * Hugging Face config.json files, as downloaded.
 *
 * Each family (model_type) has one reader in a table. Keys that do not matter here are passed over;
 * what cannot be modelled (linear attention, convolutions) is refused with the field's place.
 */
#pragma once

#include "planner/spec/model.h"

/** Fills @model. Errors: MPP_ERROR_SCHEMA, MPP_ERROR_UNSUPPORTED. On failure @model holds nothing to free. */
bool mpp_model_hf_read(const MppJson *json, MppModel *model, GError **error) G_GNUC_WARN_UNUSED_RESULT;
