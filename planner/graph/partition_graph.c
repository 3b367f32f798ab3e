#include "planner/graph/partition_graph.h"

#include <string.h>

static const char *const view_names[] = { "plan", "stage", "layer" };
static const char *const colour_names[] = { "time", "memory" };
static const char *const direction_names[] = { "forward", "backward" };
#define NAME(value, name) name,
static const char *const kind_names[] = { MPP_GRAPH_KINDS(NAME) };
static const char *const axis_names[] = { MPP_GRAPH_AXES(NAME) };
#undef NAME

const MppNames mpp_graph_view_names = MPP_NAMES("view", view_names);
const MppNames mpp_graph_colour_names = MPP_NAMES("colour", colour_names);
const MppNames mpp_graph_direction_names = MPP_NAMES("direction", direction_names);
const MppNames mpp_graph_kind_names = MPP_NAMES("kind of node", kind_names);
const MppNames mpp_graph_axis_names = MPP_NAMES("axis", axis_names);

#define MOST 1e18
#define COUNT(type, field, text) MPP_FIELD_INT(type, field, 0, MOST, 0, text)
#define AMOUNT(type, field, text) MPP_FIELD_DOUBLE(type, field, 0, MOST, 0, text)

static const MppField cluster_rows[] = {
    MPP_FIELD_STRING(MppGraphCluster, title, MPP_REQUIRED, "the stage, or equal neighbouring stages"),
    MPP_FIELD_STRING(MppGraphCluster, place, 0, "its ranks and nodes"),
    COUNT(MppGraphCluster, first, "first stage"),
    COUNT(MppGraphCluster, last, "last stage"),
    AMOUNT(MppGraphCluster, forward_s, "forward pass of a micro-batch"),
    AMOUNT(MppGraphCluster, backward_s, "backward pass of a micro-batch"),
    AMOUNT(MppGraphCluster, peak_bytes, "peak memory of the fullest of the stages"),
    AMOUNT(MppGraphCluster, least_peak_bytes, "peak memory of the emptiest"),
};
static const MppFields cluster_fields = MPP_FIELDS("cluster", MppGraphCluster, cluster_rows);

static const MppField split_rows[] = {
    MPP_FIELD_INT(MppGraphSplit, columns, 1, MOST, 1, "parts of the output columns"),
    MPP_FIELD_INT(MppGraphSplit, rows, 1, MOST, 1, "parts of the inner dimension"),
    MPP_FIELD_INT(MppGraphSplit, tokens, 1, MOST, 1, "parts of the tokens"),
    MPP_FIELD_INT(MppGraphSplit, instances, 1, MOST, 1, "parts of the heads or experts"),
};
static const MppFields split_fields = MPP_FIELDS("split", MppGraphSplit, split_rows);

static const MppField node_rows[] = {
    MPP_FIELD_STRING(MppGraphNode, id, MPP_REQUIRED, "unique name"),
    MPP_FIELD_STRING(MppGraphNode, title, MPP_REQUIRED, "what it is"),
    MPP_FIELD_STRING(MppGraphNode, note, 0, "more about it"),
    MPP_FIELD_ENUM(MppGraphNode, kind, &mpp_graph_kind_names, MPP_REQUIRED, "kind"),
    MPP_FIELD_ENUM(MppGraphNode, direction, &mpp_graph_direction_names, MPP_GRAPH_FORWARD, "pass of an op"),
    MPP_FIELD_INT(MppGraphNode, cluster, -1, MOST, -1, "index of its cluster; -1: none"),
    AMOUNT(MppGraphNode, forward_s, "forward pass of a micro-batch"),
    AMOUNT(MppGraphNode, backward_s, "backward pass of a micro-batch"),
    AMOUNT(MppGraphNode, step_s, "time in a whole step"),
    AMOUNT(MppGraphNode, parameters, "on a rank"),
    AMOUNT(MppGraphNode, memory_bytes, "on a rank at the stage's fullest moment"),
    AMOUNT(MppGraphNode, kept_bytes, "of one micro-batch, for the backward pass"),
    MPP_FIELD_STRUCT(MppGraphNode, split, &split_fields, 0, "how a product is cut"),
};
static const MppFields node_fields = MPP_FIELDS("node", MppGraphNode, node_rows);

static const MppField edge_rows[] = {
    MPP_FIELD_STRING(MppGraphEdge, from, MPP_REQUIRED, "id of a node"),
    MPP_FIELD_STRING(MppGraphEdge, to, MPP_REQUIRED, "id of a node; the same: between the ranks that share it"),
    MPP_FIELD_STRING(MppGraphEdge, title, 0, "what moves how"),
    MPP_FIELD_ENUM(MppGraphEdge, axis, &mpp_graph_axis_names, MPP_REQUIRED, "why it moves"),
    MPP_FIELD_ENUM(MppGraphEdge, direction, &mpp_graph_direction_names, MPP_GRAPH_FORWARD, "pass it belongs to"),
    AMOUNT(MppGraphEdge, bytes, "of one transfer, on a rank"),
    AMOUNT(MppGraphEdge, seconds, "of one transfer, alone"),
    AMOUNT(MppGraphEdge, forward_times, "transfers in the forward pass of a micro-batch"),
    AMOUNT(MppGraphEdge, backward_times, "transfers in the backward pass of a micro-batch"),
    AMOUNT(MppGraphEdge, step_times, "transfers in a step beside those"),
    COUNT(MppGraphEdge, ranks, "ranks that take part"),
    MPP_FIELD_STRING(MppGraphEdge, tier, 0, "widest tier of links between them"),
};
static const MppFields edge_fields = MPP_FIELDS("edge", MppGraphEdge, edge_rows);

static const MppField graph_rows[] = {
    MPP_FIELD_STRING(MppPartitionGraph, title, 0, "the question"),
    MPP_FIELD_STRING(MppPartitionGraph, subtitle, 0, "the plan"),
    MPP_FIELD_ENUM(MppPartitionGraph, view, &mpp_graph_view_names, MPP_GRAPH_PLAN, "what is shown"),
    MPP_FIELD_ENUM(MppPartitionGraph, colour, &mpp_graph_colour_names, MPP_GRAPH_BY_TIME, "what nodes are coloured by"),
    COUNT(MppPartitionGraph, micro_batches, "micro-batches of a step"),
    MPP_FIELD_STRUCTS(MppPartitionGraph, clusters, &cluster_fields, 0, "stages"),
    MPP_FIELD_STRUCTS(MppPartitionGraph, nodes, &node_fields, 0, "parts"),
    MPP_FIELD_STRUCTS(MppPartitionGraph, edges, &edge_fields, 0, "transfers"),
};
const MppFields mpp_partition_graph_fields = MPP_FIELDS("graph", MppPartitionGraph, graph_rows);

MppPartitionGraph *mpp_partition_graph_new(void)
{
    MppPartitionGraph *graph = g_new0(MppPartitionGraph, 1);
    graph->clusters = g_array_new(FALSE, TRUE, sizeof(MppGraphCluster));
    graph->nodes = g_array_new(FALSE, TRUE, sizeof(MppGraphNode));
    graph->edges = g_array_new(FALSE, TRUE, sizeof(MppGraphEdge));
    return graph;
}

void mpp_partition_graph_free(MppPartitionGraph *graph)
{
    if (!graph)
        return;
    mpp_fields_clear(&mpp_partition_graph_fields, graph);
    g_free(graph);
}

MppGraphCluster *mpp_partition_graph_add_cluster(MppPartitionGraph *graph)
{
    g_array_set_size(graph->clusters, graph->clusters->len + 1);
    return &g_array_index(graph->clusters, MppGraphCluster, graph->clusters->len - 1);
}

MppGraphNode *mpp_partition_graph_add_node(MppPartitionGraph *graph, MppGraphKind kind)
{
    g_array_set_size(graph->nodes, graph->nodes->len + 1);
    MppGraphNode *node = &g_array_index(graph->nodes, MppGraphNode, graph->nodes->len - 1);
    node->kind = kind;
    node->cluster = -1;
    node->split = (MppGraphSplit){ 1, 1, 1, 1 };
    return node;
}

MppGraphEdge *mpp_partition_graph_add_edge(MppPartitionGraph *graph, const char *from, const char *to)
{
    g_array_set_size(graph->edges, graph->edges->len + 1);
    MppGraphEdge *edge = &g_array_index(graph->edges, MppGraphEdge, graph->edges->len - 1);
    edge->from = g_strdup(from);
    edge->to = g_strdup(to);
    return edge;
}

const MppGraphNode *mpp_partition_graph_find(const MppPartitionGraph *graph, const char *id)
{
    for (guint i = 0; i < graph->nodes->len; i++) {
        const MppGraphNode *node = &g_array_index(graph->nodes, MppGraphNode, i);
        if (strcmp(node->id, id) == 0)
            return node;
    }
    return NULL;
}

cJSON *mpp_partition_graph_write(const MppPartitionGraph *graph)
{
    return mpp_fields_write(&mpp_partition_graph_fields, graph, true);
}

/** Item @index of the array @list of the document, for the place of an error. */
static const cJSON *item(const MppJson *json, const char *list, guint index, const char *member)
{
    return mpp_json_get(cJSON_GetArrayItem(mpp_json_get(json->root, list), (int)index), member);
}

static bool check_nodes(const MppJson *json, const MppPartitionGraph *graph, GError **error)
{
    for (guint i = 0; i < graph->nodes->len; i++) {
        const MppGraphNode *node = &g_array_index(graph->nodes, MppGraphNode, i);
        if (mpp_partition_graph_find(graph, node->id) != node)
            return mpp_json_error(error, json, item(json, "nodes", i, "id"), MPP_ERROR_INVALID, "the id \"%s\" stands twice",
                                  node->id);
        if (node->cluster >= (int64_t)graph->clusters->len)
            return mpp_json_error(error, json, item(json, "nodes", i, "cluster"), MPP_ERROR_INVALID,
                                  "there are %u clusters, no cluster %" G_GINT64_FORMAT, graph->clusters->len, node->cluster);
    }
    return true;
}

static bool check_edges(const MppJson *json, const MppPartitionGraph *graph, GError **error)
{
    for (guint i = 0; i < graph->edges->len; i++) {
        const MppGraphEdge *edge = &g_array_index(graph->edges, MppGraphEdge, i);
        bool starts = mpp_partition_graph_find(graph, edge->from) != NULL;
        if (starts && mpp_partition_graph_find(graph, edge->to))
            continue;
        return mpp_json_error(error, json, item(json, "edges", i, starts ? "to" : "from"), MPP_ERROR_INVALID,
                              "there is no node \"%s\"", starts ? edge->to : edge->from);
    }
    return true;
}

MppPartitionGraph *mpp_partition_graph_read(const MppJson *json, GError **error)
{
    MppPartitionGraph read;
    if (!mpp_fields_read(&mpp_partition_graph_fields, json, json->root, &read, error))
        return NULL;
    g_autoptr(MppPartitionGraph) graph = g_new(MppPartitionGraph, 1);
    *graph = read;
    GArray **lists[] = { &graph->clusters, &graph->nodes, &graph->edges };
    const size_t sizes[] = { sizeof(MppGraphCluster), sizeof(MppGraphNode), sizeof(MppGraphEdge) };
    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++)
        if (!*lists[i])
            *lists[i] = g_array_new(FALSE, TRUE, (guint)sizes[i]);
    return check_nodes(json, graph, error) && check_edges(json, graph, error) ? g_steal_pointer(&graph) : NULL;
}
