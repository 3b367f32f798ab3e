/**
 * Labels of the picture's parts, in Graphviz's HTML-like language.
 */
#pragma once

#include "planner/graph/draw/palette.h"

/** Largest values of a graph, that shades are relative to. */
typedef struct {
    double step_s, memory_bytes;
} MppScale;

MppScale mpp_draw_scale(const MppPartitionGraph *graph);

/** The question, the plan, and what shades and colours mean. */
char *mpp_draw_label_graph(const MppPartitionGraph *graph, const MppScale *scale);
char *mpp_draw_label_cluster(const MppGraphCluster *cluster);

/** A node with the transfers between the ranks that share it. */
char *mpp_draw_label_node(const MppPartitionGraph *graph, const MppGraphNode *node, const MppScale *scale);
char *mpp_draw_label_edge(const MppGraphEdge *edge);
