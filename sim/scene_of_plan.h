/**
 * The scene of a costed plan: its closed-form costs, laid out for the engine.
 */
#pragma once

#include "planner/cost/pipeline_cost.h"
#include "sim/lanes.h"
#include "sim/scene.h"
#include "sim/what_if.h"

/**
 * Fills @scene; mpp_scene_clear() frees it. @program: the plan's, borrowed.
 * Errors: MPP_ERROR_INVALID for a what-if about ranks that are not there, MPP_ERROR_UNSUPPORTED where a failed port
 * leaves its node without any and for a pool that lacks the training's number format, those of the zoo for its name.
 */
bool mpp_scene_of_plan(MppPipelineCost *pipeline, const MppWhatIf *what_if, const MppLanes *lanes, const MppProgram *program,
                       MppScene *scene, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** The program of a costed plan. */
MppProgram *mpp_program_of_plan(MppPipelineCost *pipeline);
