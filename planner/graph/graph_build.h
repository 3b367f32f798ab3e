/**
 * Shared by the files that build the views of a plan: its costs, the graph under way, and the parts of a stage.
 */
#pragma once

#include "planner/cost/memory.h"
#include "planner/graph/partition_graph.h"

typedef struct {
    MppPipelineCost *pipeline; /* borrowed */
    MppPartitionGraph *graph;  /* borrowed */
    MppMemoryRates rates;
    int64_t micro_batches;
} MppGraphBuild;

/** First and last node of what stands for a chunk: indices of graph->nodes. */
typedef struct {
    guint head, tail;
} MppGraphSpan;

/** "layer", "dense layer", "layer with experts", "encoder layer, window 4096": what tells @kind from the model's others. */
char *mpp_graph_layer_title(const MppModel *model, const MppLayerKind *kind);

/** "stage 3", "stages 1–14". */
char *mpp_graph_stage_title(int64_t first, int64_t last);

/**
 * Where the ranks of stages @first to @last lie: "ranks 48–63 on nodes 6–7" of @replica; where they are of several
 * stages, or of all replicas (-1), how many: "16 ranks a stage in each of 4 replicas".
 */
char *mpp_graph_place(const MppJob *job, const MppStrategy *strategy, int64_t replica, int64_t first, int64_t last);

/** The axis under which reports count a transfer over @axis of the mesh. */
MppGraphAxis mpp_graph_axis(MppAxis axis);

/** Name of the widest tier of links that the groups of @axis span. */
const char *mpp_graph_tier(const MppPipelineCost *pipeline, MppAxis axis);

/**
 * Adds the nodes of @stage to @cluster: its chunks, equal neighbours folded into one when @folds, and its states.
 * @spans: out, of each chunk of the stage in order
 */
void mpp_graph_add_stage(MppGraphBuild *build, int64_t cluster, int64_t stage, bool folds, MppGraphSpan *spans);

/** The edge from the end of @from to the start of @to, new if there is none such. */
MppGraphEdge *mpp_graph_join(MppGraphBuild *build, const MppGraphSpan *from, const MppGraphSpan *to, MppGraphAxis axis,
                             MppGraphDirection direction);

/** Adds the message from chunk to chunk, or counts it with the one that is there; back goes a gradient of the same size. */
void mpp_graph_add_message(MppGraphBuild *build, const MppGraphSpan *from, const MppGraphSpan *to, int64_t chunk);

/** Joins the nodes of @span, which follow one another on one rank. */
void mpp_graph_add_flow(MppGraphBuild *build, const MppGraphSpan *span);

/* One file a view. */
void mpp_graph_build_plan(MppGraphBuild *build, int64_t replica);
void mpp_graph_build_stage(MppGraphBuild *build, int64_t replica, int64_t stage);
void mpp_graph_build_layer(MppGraphBuild *build, int64_t layer);
