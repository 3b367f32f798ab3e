/**
 * A simulation for people: the step and its bubble, each stage, what to fix first, links, the spread of random steps.
 */
#pragma once

#include "planner/spec/inputs.h"
#include "sim/critical_path.h"
#include "sim/monte_carlo.h"
#include "sim/report.h"

/** Step, what it is above the estimate, both metrics of the bubble. @as_planned: without what-ifs */
void mpp_simulate_text_answer(const MppStrategy *strategy, const MppSimulation *simulation, bool as_planned);

/** One row a lane, equal neighbours in one; of many replicas the slowest of each stage. */
void mpp_simulate_text_lanes(const MppTracks *tracks, const MppReport *report);

/** The longest parts of the critical path. */
void mpp_simulate_text_critical(const MppSimulation *simulation, const MppCriticalPath *path);

/** Links that carry something. */
void mpp_simulate_text_links(const MppSimulation *simulation, const MppReport *report);

/** Quantiles of the random steps. */
void mpp_simulate_text_sample(const MppMonteCarlo *sample);
