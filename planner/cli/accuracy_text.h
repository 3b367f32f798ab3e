/**
 * Predictions of measured runs, as a table.
 */
#pragma once

#include "planner/calibrate/accuracy.h"

/** One row a source and one for all; runs marked as anomalies are left out when @clean. */
void mpp_accuracy_text_print(const GArray *predictions, bool clean);

/** What predictions took that the records do not state, and for how many runs; what most share first. */
void mpp_accuracy_text_assumed(const GArray *predictions);
