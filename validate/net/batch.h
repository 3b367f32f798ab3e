/**
 * What the net is trained on: random tokens that depend on the sequence and the position alone, not on the split; of
 * nets that list their layers random samples, each of a class.
 */
#pragma once

#include "planner/spec/job.h"
#include "validate/net/place.h"

typedef struct {
    MppBuffer *tokens, *targets; /* of the rank's rows of one micro-batch; I32, one column */
    MppBuffer *samples;          /* instead of tokens: rows of pixels, columns of channels; else NULL */
} MppBatch;

/** Rows of a micro-batch within blocks: sequences by this rank's positions of each. */
int64_t mpp_batch_rows(const MppJob *job, const MppStrategy *strategy);

/** Micro-batch @micro_batch of @step (from 0) on the rank's replica. */
MppBatch *mpp_batch_new(const MppJob *job, const MppPlace *place, uint64_t seed, int64_t step, int64_t micro_batch);
void mpp_batch_free(MppBatch *batch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppBatch, mpp_batch_free)

/** Positions of those rows in their sequences: I32, one column. */
MppBuffer *mpp_batch_positions(const MppJob *job, const MppPlace *place);
