/**
 * The step of a plan whose computation was measured stage by stage on one device: measured passes, predicted exchange.
 */
#pragma once

#include "sim/simulate.h"
#include "validate/run_report.h"

/** Replaces the passes' computation in @pipeline, which the report's plan was costed in, by what each stage measured. */
void mpp_slice_step_set_passes(MppPipelineCost *pipeline, const MppRunReport *report);
