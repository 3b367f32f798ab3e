/**
 * A model in training on this rank: place, net, program and step, made and freed together.
 */
#pragma once

#include "validate/worker/step.h"

typedef struct {
    MppPlace *place;
    MppNet *net;
    MppProgram *program;
    MppStep *step;
    GArray *stage_layers;
    MppStrategy strategy;
} MppTrainer;

/**
 * The optimizer's numbers, as GPT-3 has them (arXiv:2005.14165 appendix B) but for a larger epsilon: with 1e-8 Adam
 * makes a full step of a gradient that is only rounding, and two ways to add the same numbers drift apart.
 */
extern const MppAdam mpp_trainer_adam;

/** Of all random numbers. */
extern const uint64_t mpp_trainer_seed;

/**
 * All ranks of the strategy call it together; a strategy of one rank is trained by each alone. @times: as
 * mpp_step_new() takes them. The strategy must be legal and list its chunks' layers.
 * Errors: MPP_ERROR_UNSUPPORTED; MPP_ERROR_BACKEND where memory does not suffice.
 */
MppTrainer *mpp_trainer_new(const MppRank *rank, const MppJob *job, const MppStrategy *strategy, MppLaps *times,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;
void mpp_trainer_free(MppTrainer *trainer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppTrainer, mpp_trainer_free)

/** The same job on one rank: nothing split, one sequence at a time. */
MppTrainer *mpp_trainer_new_whole(const MppRank *rank, const MppJob *job, GError **error) G_GNUC_WARN_UNUSED_RESULT;
