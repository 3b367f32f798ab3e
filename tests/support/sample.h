/**
 * Small inputs of odd sizes that do not move when profiles are calibrated.
 */
#pragma once

#include "planner/spec/inputs.h"

/**
 * A decoder of 12 layers, 30 heads in 6 groups and 420-wide MLPs, trained on 96-token sequences in batches of 120,
 * on @gpus devices in nodes of 6 and racks of 24, in a stack that allows everything. Free to be changed, then bound.
 */
MppInputs *mpp_sample_new(int64_t gpus);

/** Gives the model 20 experts, 56 wide, of which 3 are visited. */
void mpp_sample_add_experts(MppInputs *inputs);

/** A cluster whose tiers hold so many devices, innermost first; the last may be 0. */
MppCluster *mpp_sample_cluster(const int64_t *devices, int n_tiers);
