/**
 * The question: one model, trained one way, on so many devices of one cluster, in one stack.
 *
 * Borrowed by everything that follows and never changed.
 */
#pragma once

#include "planner/spec/cluster.h"
#include "planner/spec/training.h"

typedef struct {
    const MppModel *model;
    const MppCluster *cluster;
    const MppRuntime *runtime;
    MppTraining training;
    int64_t gpus;
} MppJob;

/** Bytes a parameter of the stack's buffer of gradients. */
double mpp_job_gradient_bytes(const MppJob *job);

/** Bytes a parameter of gradients on the wire. */
double mpp_job_reduce_bytes(const MppJob *job);
