/**
 * A measured run as a job and a strategy, so that it can be predicted.
 *
 * What the record does not state is assumed as its stack does by default; what its stack does not tell either is listed. A run that
 * cannot be modelled is skipped with the reason.
 */
#pragma once

#include "planner/runs/run_profiles.h"
#include "planner/spec/job.h"
#include "planner/spec/strategy.h"

typedef struct {
    MppJob job; /* borrows the three below */
    MppModel *model;
    MppCluster *cluster;
    MppRuntime *runtime;
    MppStrategy strategy;
    GPtrArray *assumed; /* sentences: "stack megatron-core for ColossalAI", "vocabulary of 50257" */
} MppRunJob;

void mpp_run_job_free(MppRunJob *run_job);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppRunJob, mpp_run_job_free)

/**
 * A run with a plan is that plan's job, with the profiles of its names in @profiles where there are such, else its own.
 *
 * Returns: NULL with @skipped set to the reason when the run cannot be predicted.
 */
MppRunJob *mpp_run_job_new(const MppRun *run, const MppProfiles *profiles, char **skipped);
