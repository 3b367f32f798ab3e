/**
 * A backend for tests of one rank, without MPI's launcher: "cpu", or what MPPLAN_TEST_BACKEND names within the build
 * folder, like "emulated/cuda".
 */
#pragma once

#include "validate/net/place.h"

typedef struct {
    MppRank *rank;
    MppStrategy strategy; /* one rank */
    MppPlace *place;
} LoneRank;

/** NULL, and the test skipped, where the backend has not been built. */
LoneRank *lone_rank_new(void);
void lone_rank_free(LoneRank *lone);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LoneRank, lone_rank_free)

/** A matrix of numbers in ± 1 that depend on @name; the values of one. */
MppBuffer *lone_rank_random(const LoneRank *lone, const char *name, int64_t rows, int64_t columns);
float *lone_rank_values(const LoneRank *lone, MppTensor x);
