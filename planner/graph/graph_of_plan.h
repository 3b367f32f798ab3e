/**
 * The views of a costed plan as graphs.
 */
#pragma once

#include "planner/cost/pipeline_cost.h"
#include "planner/graph/partition_graph.h"

/** -1: not asked for. */
typedef struct {
    int64_t replica; /* this one alone, stage by stage, with its ranks; else all replicas in one, equal stages folded */
    int64_t stage;   /* this stage with its neighbours and the shards of its ranks */
    int64_t layer;   /* this layer op by op; not together with a stage or replica */
} MppGraphRequest;

/** Error: MPP_ERROR_USAGE for what the plan does not have. */
MppPartitionGraph *mpp_graph_of_plan(MppPipelineCost *pipeline, const MppGraphRequest *request,
                                     GError **error) G_GNUC_WARN_UNUSED_RESULT;
