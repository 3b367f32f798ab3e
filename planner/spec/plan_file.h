/**
 * Plan files: what `mpplan plan -o` and `estimate -o` write, read back.
 */
#pragma once

#include "planner/spec/inputs.h"
#include "planner/spec/strategy.h"

/** A plan or estimate read back: its inputs, the strategy of "best", what a search found beside; of a plan without a file those two. */
typedef struct {
    MppInputs *inputs;
    MppStrategy strategy;
    MppStrategy surest, fastest; /* dp 0: the file names none beside the best */
    GArray *alternatives, *pareto; /* MppStrategy; NULL: the file has no such list */
    cJSON *search;                 /* counters; NULL: none */
} MppPlanFile;

/** Reads the object @root of @json. Errors: as mpp_plan_file_load(). */
MppPlanFile *mpp_plan_file_read(const MppJson *json, const cJSON *root, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * Errors: those of mpp_json_load(); MPP_ERROR_SCHEMA where the file is not a plan, MPP_ERROR_UNSUPPORTED where it is
 * another version's, MPP_ERROR_INVALID where its strategy breaks a rule.
 */
MppPlanFile *mpp_plan_file_load(const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void mpp_plan_file_free(MppPlanFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppPlanFile, mpp_plan_file_free)
