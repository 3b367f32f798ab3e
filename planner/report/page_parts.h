/**
 * Parts of the page's data with a form of their own.
 */
#pragma once

#include "planner/spec/inputs.h"
#include "sim/simulate.h"

/**
 * Spans of a simulated step, in whole microseconds: of each lane numbers one after another, five to a span (start since
 * the one before, length, kind, chunk, micro-batch). Where there are too many for a page, stages are left out evenly.
 */
cJSON *mpp_page_timeline(const MppSimulation *simulation);

/** Degrees and strides of the mesh, nodes and tiers: from these the page places every rank. */
cJSON *mpp_page_layout(const MppJob *job, const MppStrategy *strategy);

/** Every number of the inputs, with its source, and what was assumed. */
void mpp_page_add_inputs(cJSON *root, const MppInputs *inputs);
