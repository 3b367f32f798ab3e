/**
 * What follows a step's passes: gradients exchanged between replicas, the optimizer's update, parameters gathered.
 *
 * A rank's reductions run one after another beside its passes, chunk by chunk as their gradients are complete. A
 * reduction begins within the pass that completes them, as far as the stack hides it behind that pass.
 */
#pragma once

#include "planner/cost/pipeline_cost.h"

typedef struct {
    double work_s;   /* on the wire */
    double hidden_s; /* of it, before the end of the pass that completes the gradients */
} MppReductionCost;

/** Of one chunk's gradients. @window_s: time of the pass that completes them. All but the last bucket can hide. */
MppReductionCost mpp_step_end_reduction(const MppPipelineCost *pipeline, int64_t chunk, double window_s);

/** Whether the reductions of two chunks that take as long in the same pass are alike; most are. */
bool mpp_step_end_alike(const MppChunkCost *a, const MppChunkCost *b);

/** The pass that completes @chunk's gradients: its backward pass, or the weights' part where that runs by itself. */
double mpp_step_end_window_s(MppPipelineCost *pipeline, int64_t chunk);

/** First and last stage exchange the gradients of a shared embedding; 0 where there is none. */
double mpp_step_end_tied_s(const MppPipelineCost *pipeline);

/** When @stage's gradients are exchanged, from the first slot on. Replays the schedule if nobody has. */
double mpp_step_end_exchanged_s(MppPipelineCost *pipeline, int64_t stage);

/** Update of @stage. @gather_s: out, the gather of parameters that the next forward pass does not hide. */
double mpp_step_end_update_s(const MppPipelineCost *pipeline, int64_t stage, double *gather_s);

/** The host's work once a step. */
double mpp_step_end_host_s(const MppJob *job);

/** Factor by which stragglers lengthen a step on average. */
double mpp_step_end_straggler_factor(const MppJob *job);
