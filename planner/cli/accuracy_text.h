/**
 * Accuracy by source as a table for people.
 */
#pragma once

#include "planner/calibrate/accuracy.h"

/** Prints one row a source and one for all. @clean: runs marked as anomalies are left out. */
void mpp_accuracy_text_print(const GArray *predictions, bool clean);
