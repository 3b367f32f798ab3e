/**
 * All inputs of a plan in one value: what a plan file holds, so that it can be read where the names mean nothing.
 */
#pragma once

#include "planner/spec/job.h"

typedef struct {
    MppModel model;
    MppCluster cluster; /* with its device */
    MppRuntime runtime;
    MppTraining training;
    int64_t gpus;
    GPtrArray *assumed; /* sentences: what was taken because nobody said it; NULL: none */
    MppJob job;         /* borrows the above; the value must not move */
} MppInputs;

extern const MppFields mpp_inputs_fields;

/** Errors: MPP_ERROR_SCHEMA, MPP_ERROR_INVALID at the place in @json. */
MppInputs *mpp_inputs_read(const MppJson *json, const cJSON *object, GError **error) G_GNUC_WARN_UNUSED_RESULT;
cJSON *mpp_inputs_write(const MppInputs *inputs);

/** Takes over the three, which are emptied; training and gpus are the caller's to set, then mpp_inputs_bind(). */
MppInputs *mpp_inputs_new(MppModel *model, MppCluster *cluster, MppRuntime *runtime);

/** Makes the job of the fields. */
void mpp_inputs_bind(MppInputs *inputs);

void mpp_inputs_free(MppInputs *inputs);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppInputs, mpp_inputs_free)

/** Notes a sentence in `assumed`. */
void mpp_inputs_assume(MppInputs *inputs, const char *format, ...) G_GNUC_PRINTF(2, 3);

/** One line for people: "GPT-3 6.7B, 2048 tokens × 512 sequences a step, on 8 × H100 …". */
char *mpp_inputs_title(const MppInputs *inputs);
