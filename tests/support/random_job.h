/**
 * Random small jobs for the tests: every kind of model, cluster and stack in sizes that a test can enumerate.
 */
#pragma once

#include "planner/search/space.h"
#include "planner/spec/inputs.h"

/**
 * A job of 3 to 24 layers on 1 to @most_gpus devices: dense or with experts, grouped heads, windows, 1 to 3 tiers,
 * any mix of a stack's flags and shares. The devices' memory goes from far too small to ample.
 */
MppInputs *random_job_new(GRand *rand, int64_t most_gpus);

/** Log-uniform. */
double random_job_scale(GRand *rand, double low, double high);

/** One member of the space as the search visits it. */
typedef struct {
    MppStrategy strategy;
    int family; /* index of enumeration */
    double family_bound_s;
} RandomMember;

/** All members of @job's space without those that recompute a part of the layers, in the order of the search. */
GArray *random_job_members(const MppJob *job, const MppSpaceLimits *limits);

/** Fixes up to three fields to the values of a random member of the space; no limits where the space is empty. */
MppSpaceLimits random_job_limits(GRand *rand, const MppJob *job);
