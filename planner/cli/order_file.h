/**
 * An order of passes from PyTorch's CSV, for a plan.
 */
#pragma once

#include "planner/cost/pipeline_cost.h"
#include "planner/schedule/csv.h"

/**
 * Reads @path for the pipeline that is costed. Errors: those of mpp_csv_load(); MPP_ERROR_INVALID where the file has other
 * numbers of ranks, stages or micro-batches.
 */
MppCsv *mpp_order_file_load(const char *path, const MppPipelineCost *pipeline, GError **error) G_GNUC_WARN_UNUSED_RESULT;
