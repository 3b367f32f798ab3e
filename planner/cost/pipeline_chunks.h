/**
 * Chunks of a pipeline as sums over their layers.
 */
#pragma once

#include "planner/cost/pipeline_cost.h"

/** Sums the costs of every chunk of the schedule, as the layers are split. */
void mpp_pipeline_chunks_sum(MppPipelineCost *pipeline);
