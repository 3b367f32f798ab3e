/**
 * The kernels of a measured run: the stack's, those that its release, compiler or words imply, and the switches it names.
 */
#pragma once

#include "planner/runs/runs.h"
#include "planner/spec/job.h"

/** Changes @job's training, which has the stack's kernels and the run's number format. Error: MPP_ERROR_INVALID, a word that is no switch. */
bool mpp_run_fill_kernels(const MppRun *run, MppJob *job, GError **error);
