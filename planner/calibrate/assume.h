/**
 * What a record of a run leaves open and a prediction has to settle.
 */
#pragma once

#include "planner/spec/run_job.h"

/**
 * Chooses the recomputation of a run whose record does not state it: the least that fits the devices' memory, in the
 * order none, selective, full for as few layers of each chunk as will do. Who trains does the same; a stack's habit
 * (usual_recompute) comes first where it has one. Does nothing when the record states it.
 */
void mpp_assume_recompute(const MppRun *run, MppRunJob *inout);
