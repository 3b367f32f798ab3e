/**
 * The model that a measured run's record describes, or names.
 */
#pragma once

#include "planner/runs/runs.h"
#include "planner/spec/model.h"

/**
 * The model of the sizes that the record states; where it leaves some out or its family is none of transformers, the built-in
 * model that its name has in it ("hf-mistral-7b", "ResNet-50 v1.5"), unless that differs from what is stated.
 *
 * Sizes that it took without the record's stating them are noted in @assumed. Returns: NULL with @skipped set to the reason when neither is there.
 */
MppModel *mpp_run_model(const MppRun *run, GPtrArray *assumed, char **skipped);
