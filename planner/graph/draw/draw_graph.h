/**
 * A partition graph as a Graphviz graph, ready to be laid out.
 */
#pragma once

#include <cgraph.h>

#include "planner/graph/partition_graph.h"

/** Returns: the graph; agclose() frees it. */
Agraph_t *mpp_draw_graph(const MppPartitionGraph *graph);
