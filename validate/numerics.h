/**
 * Whether a split model is the same model: its loss and gradients beside those of the unsplit one.
 *
 * Every rank also trains the whole model by itself, from the same first values on the same tokens, and compares what it
 * holds of the split one. Gradients of a parameter are compared to the largest of the parameter's gradients: an
 * element is a sum of terms of that size, of which rounding leaves a share.
 */
#pragma once

#include "validate/step.h"

typedef struct {
    int64_t step; /* from 1 */
    double loss, whole_loss;
    double norm, whole_norm; /* of all gradients */
    double worst;            /* largest difference of a gradient, relative as said above */
    char *worst_parameter;
} MppNumericsStep;

typedef struct {
    GArray *steps; /* MppNumericsStep: those compared */
    double worst;  /* of losses, norms and gradients */
} MppNumerics;

/**
 * Runs @n_steps steps and compares the first and the last. @strategy must be legal for rank->size ranks and list the
 * layers of each chunk. All ranks get the same result.
 * Errors: MPP_ERROR_UNSUPPORTED, MPP_ERROR_BACKEND.
 */
MppNumerics *mpp_numerics_run(const MppRank *rank, const MppJob *job, const MppStrategy *strategy, const MppOrder *order,
                              int64_t n_steps, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void mpp_numerics_free(MppNumerics *numerics);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppNumerics, mpp_numerics_free)
