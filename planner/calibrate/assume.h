/**
 * What a record of a run leaves open and a prediction has to settle.
 */
#pragma once

#include "planner/runs/run_job.h"

/**
 * Chooses the sharding and the recomputation of a run whose record does not state them: the least that fits the devices'
 * memory. Who trains does the same. In order: the stack's habit; optimizer states sharded (ZeRO 1); experts split over tp;
 * recomputation, selective, then full for as few layers of each chunk as will do. What the record states stays. What was chosen is noted in assumed.
 */
void mpp_assume(const MppRun *run, MppRunJob *inout);
