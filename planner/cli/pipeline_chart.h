/**
 * The pipeline of a plan in the terminal: who works when, and how full each stage is.
 */
#pragma once

#include "planner/cost/estimate.h"

/** Prints a row a stage, a choice of them where there are many; nothing where there is one stage. */
void mpp_pipeline_chart_print(const MppJob *job, const MppStrategy *strategy, const MppEstimate *estimate);

/** What a cell of a row shows: the pass that fills most of its time, if any fills half of it. */
typedef enum { MPP_CELL_IDLE, MPP_CELL_PARTLY, MPP_CELL_FORWARD, MPP_CELL_BACKWARD, MPP_CELL_BOTH, MPP_N_CELLS } MppChartCell;

/** Fills @cells (@width) with what @rank does from 0 to replay->length_s. */
void mpp_pipeline_chart_cells(const MppOrder *order, const MppReplay *replay, int64_t rank, MppChartCell *cells, int width);
