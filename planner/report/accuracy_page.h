/**
 * Predictions beside measurements as one page (MPP_PAGE_ACCURACY).
 */
#pragma once

#include "planner/base/json.h"
#include "planner/calibrate/accuracy.h"

/**
 * All that the page shows of @predictions (MppPrediction).
 *
 * @unseen: by source its mean error after a fit without it (double *, a fraction), or NULL
 */
cJSON *mpp_accuracy_page_data(const GArray *predictions, GHashTable *unseen);
