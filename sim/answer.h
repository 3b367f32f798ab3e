/**
 * The answer that people are shown: the closed form's estimate with what its simulation adds.
 */
#pragma once

#include "planner/cost/estimate.h"

/** @strategy must be legal. */
MppEstimate *mpp_answer_new(const MppJob *job, const MppStrategy *strategy);

/** Step time of the same. */
double mpp_answer_step_s(const MppJob *job, const MppStrategy *strategy);
