/**
 * A request to the library: a JSON object with the words of a job, a plan, or a launch.
 */
#pragma once

#include "planner/api/job_words.h"
#include "planner/api/plan_answer.h"
#include "planner/spec/plan_file.h"

/** Borrows from the document it was read from. */
typedef struct {
    const MppJson *json;
    MppJobWords words;
    const cJSON *model, *inputs, *plan, *launch; /* objects, or NULL */
    const char *strategy_text;                   /* or NULL */
    const cJSON *strategy;                       /* an object, or NULL */
    const char *objective, *to;
    int64_t top, threads;
} MppRequest;

/** Errors: MPP_ERROR_SCHEMA at the place. */
bool mpp_request_read(const MppJson *json, MppRequest *request, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** The request's job. Errors: those of mpp_inputs_read(), mpp_model_read(), mpp_job_words_inputs(). */
MppInputs *mpp_request_inputs(const MppRequest *request, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** Its plan, a launch's, or the strategy stated. Errors: those of mpp_request_inputs(), of plans, launches and strategies. */
MppPlanFile *mpp_request_plan(const MppRequest *request, GError **error) G_GNUC_WARN_UNUSED_RESULT;
