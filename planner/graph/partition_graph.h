/**
 * A plan as a graph: what is cut where, and what moves between the parts.
 *
 * Three views share this value: all stages of the pipeline, one stage with the ranks that hold its shards, one layer
 * op by op. It holds values in SI units and no layout; it is written as JSON, which the drawing program reads back
 * through the same field table.
 */
#pragma once

#include "planner/base/fields.h"

typedef enum { MPP_GRAPH_PLAN, MPP_GRAPH_STAGE, MPP_GRAPH_LAYER, MPP_N_GRAPH_VIEWS } MppGraphView;

typedef enum { MPP_GRAPH_BY_TIME, MPP_GRAPH_BY_MEMORY, MPP_N_GRAPH_COLOURS } MppGraphColour;

#define MPP_GRAPH_KINDS(KIND)                                                         \
    KIND(EMBEDDING, "embedding")                                                      \
    KIND(LAYERS, "layers")         /* equal layers, folded into one */                \
    KIND(HEAD, "head")                                                                \
    KIND(STATES, "states")         /* gradients and optimizer states of a stage */    \
    KIND(SHARD, "shard")           /* what one rank holds of a stage */               \
    KIND(NEIGHBOUR, "neighbour")   /* a stage outside the view */                     \
    KIND(MATMUL, "matmul")                                                            \
    KIND(ATTENTION, "attention")                                                      \
    KIND(MEMORY, "memory")         /* an op bound by memory bandwidth */              \
    KIND(COLLECTIVE, "collective") /* a transfer inside a layer */

typedef enum {
#define KIND(kind, name) MPP_GRAPH_##kind,
    MPP_GRAPH_KINDS(KIND)
#undef KIND
    MPP_N_GRAPH_KINDS,
} MppGraphKind;

/** Why something moves. dp: gradients and parameters between replicas, experts' too; flow and kept: inside a rank. */
#define MPP_GRAPH_AXES(AXIS) \
    AXIS(FLOW, "flow")       \
    AXIS(KEPT, "kept")       \
    AXIS(TP, "tp")           \
    AXIS(CP, "cp")           \
    AXIS(EP, "ep")           \
    AXIS(ETP, "etp")         \
    AXIS(DP, "dp")           \
    AXIS(PP, "pp")

typedef enum {
#define AXIS(axis, name) MPP_GRAPH_##axis,
    MPP_GRAPH_AXES(AXIS)
#undef AXIS
    MPP_N_GRAPH_AXES,
} MppGraphAxis;

typedef enum { MPP_GRAPH_FORWARD, MPP_GRAPH_BACKWARD, MPP_N_GRAPH_DIRECTIONS } MppGraphDirection;

extern const MppNames mpp_graph_view_names, mpp_graph_colour_names, mpp_graph_kind_names, mpp_graph_axis_names,
    mpp_graph_direction_names;

/** A stage, or neighbouring stages that are equal but for the memory of their micro-batches in flight. */
typedef struct {
    char *title;  /* "stages 1–14" */
    char *place;  /* "ranks 8–15 on node 1" */
    int64_t first, last;
    double forward_s, backward_s;             /* of one micro-batch on one of them */
    double peak_bytes, least_peak_bytes;      /* of the fullest and the emptiest of them */
} MppGraphCluster;

/** How a product is cut: into so many parts of its output columns, its inner dimension, its rows, its instances. */
typedef struct {
    int64_t columns, rows, tokens, instances;
} MppGraphSplit;

typedef struct {
    char *id;    /* unique in the graph */
    char *title; /* "80 layers" */
    char *note;  /* a second line, or NULL */
    MppGraphKind kind;
    MppGraphDirection direction; /* in a layer: the pass it belongs to */
    int64_t cluster;             /* index; -1: none */
    double forward_s, backward_s; /* of one micro-batch, all layers of the node */
    double step_s;                /* of a whole step: what colours by time compare */
    double parameters;            /* that a rank computes with; ZeRO 3 leaves it a shard of them between passes */
    double memory_bytes;          /* on a rank, at the stage's fullest moment: what colours by memory compare */
    double kept_bytes;            /* of one micro-batch, from forward to backward pass */
    MppGraphSplit split;
} MppGraphNode;

typedef struct {
    char *from, *to; /* ids; the same: between the ranks that share the node */
    char *title;     /* "all-reduce" */
    MppGraphAxis axis;
    MppGraphDirection direction;  /* of what flows inside a rank, and of messages */
    double bytes, seconds;        /* of one transfer, alone on its links; bytes as the rank holds or sends them */
    double forward_times, backward_times; /* a micro-batch */
    double step_times;                    /* a step, beside those */
    int64_t ranks;                        /* that take part */
    char *tier;                           /* of the links, the widest that the group spans */
} MppGraphEdge;

typedef struct {
    char *title, *subtitle;
    MppGraphView view;
    MppGraphColour colour;
    int64_t micro_batches; /* a step */
    GArray *clusters;      /* MppGraphCluster */
    GArray *nodes;         /* MppGraphNode */
    GArray *edges;         /* MppGraphEdge */
} MppPartitionGraph;

extern const MppFields mpp_partition_graph_fields;

MppPartitionGraph *mpp_partition_graph_new(void);
void mpp_partition_graph_free(MppPartitionGraph *graph);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppPartitionGraph, mpp_partition_graph_free)

/** Appends an item, which is zeroed but for its cluster (-1). Returns: it, lent until the next of its sort is added. */
MppGraphCluster *mpp_partition_graph_add_cluster(MppPartitionGraph *graph);
MppGraphNode *mpp_partition_graph_add_node(MppPartitionGraph *graph, MppGraphKind kind);
MppGraphEdge *mpp_partition_graph_add_edge(MppPartitionGraph *graph, const char *from, const char *to);

/** The node called @id, or NULL. */
const MppGraphNode *mpp_partition_graph_find(const MppPartitionGraph *graph, const char *id);

cJSON *mpp_partition_graph_write(const MppPartitionGraph *graph);

/** Errors: MPP_ERROR_SCHEMA; MPP_ERROR_INVALID for ids that stand twice or are not there. */
MppPartitionGraph *mpp_partition_graph_read(const MppJson *json, GError **error) G_GNUC_WARN_UNUSED_RESULT;
