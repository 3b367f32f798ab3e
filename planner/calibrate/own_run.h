/**
 * A run of one's own: what was launched, and the log of it, as a record among measured runs (planner/runs/runs.h).
 */
#pragma once

#include "planner/calibrate/train_log.h"
#include "planner/runs/runs.h"
#include "planner/spec/plan_file.h"

/** The source that these records name. */
#define MPP_OWN_RUN_SOURCE "own runs"

/**
 * Appends the record of a run of @strategy that wrote @log. Its steady state is the step time; the log's greatest figure of
 * memory is the memory. Errors: those of mpp_train_log_steady().
 */
bool mpp_own_run_add(const MppInputs *inputs, const MppStrategy *strategy, const MppTrainLog *log, GPtrArray *runs,
                     GError **error) G_GNUC_WARN_UNUSED_RESULT;
