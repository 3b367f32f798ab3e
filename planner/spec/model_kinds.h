/**
 * Which kinds of layers a model has, and which layer is of which. For the model files of this folder.
 */
#pragma once

#include "planner/spec/model.h"

/** Of a transformer whose sizes are filled in. */
void mpp_model_set_kinds(MppModel *model);

/** Of a net that lists its layers: works their sizes out and checks them. @object: the model in @json. Error: MPP_ERROR_INVALID. */
bool mpp_model_list_kinds(MppModel *model, const MppJson *json, const cJSON *object, GError **error) G_GNUC_WARN_UNUSED_RESULT;

void mpp_model_clear_kinds(MppModel *model);
