#include "planner/graph/draw/draw_graph.h"

#include <string.h>

#include "planner/graph/draw/draw_label.h"

#define FONT "Helvetica,Arial,sans-serif"

typedef struct {
    const MppPartitionGraph *graph;
    MppScale scale;
    Agraph_t *drawn;
    Agraph_t **clusters;
} Picture;

static char *writable(const char *text)
{
    return (char *)text; /* cgraph's functions take char * and copy */
}

static void set(void *object, const char *name, const char *value)
{
    agsafeset(object, writable(name), writable(value), writable(""));
}

static void set_label(Agraph_t *drawn, void *object, const char *html)
{
    if (!html)
        return;
    char *label = agstrdup_html(drawn, writable(html));
    agsafeset(object, writable("label"), label, writable(""));
    agstrfree(drawn, label);
}

static void set_defaults(Picture *picture)
{
    static const char *const defaults[][3] = {
        { "graph", "fontname", FONT },  { "graph", "bgcolor", "" },     { "graph", "labelloc", "t" },
        { "graph", "labeljust", "l" },  { "graph", "newrank", "true" }, { "graph", "pad", "0.2" },
        { "graph", "nodesep", "0.25" }, { "graph", "ranksep", "0.35" }, { "node", "shape", "plain" },
        { "node", "fontname", FONT },   { "node", "label", "" },        { "edge", "fontname", FONT },
        { "edge", "arrowsize", "0.7" }, { "edge", "label", "" },        { "edge", "color", "black" },
        { "edge", "style", "solid" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(defaults); i++) {
        int kind = *defaults[i][0] == 'g' ? AGRAPH : *defaults[i][0] == 'n' ? AGNODE : AGEDGE;
        agattr(picture->drawn, kind, writable(defaults[i][1]), writable(defaults[i][2]));
    }
    set(picture->drawn, "bgcolor", mpp_ink_paper.light);
    set(picture->drawn, "rankdir", picture->graph->view == MPP_GRAPH_STAGE ? "LR" : "TB");
}

static void add_clusters(Picture *picture)
{
    const GArray *clusters = picture->graph->clusters;
    picture->clusters = g_new0(Agraph_t *, clusters->len + 1);
    for (guint i = 0; i < clusters->len; i++) {
        g_autofree char *name = g_strdup_printf("cluster-%u", i);
        g_autofree char *label = mpp_draw_label_cluster(&g_array_index(clusters, MppGraphCluster, i));
        Agraph_t *cluster = agsubg(picture->drawn, name, TRUE);
        set(cluster, "style", "rounded,filled");
        set(cluster, "fillcolor", mpp_ink_frame.light);
        set(cluster, "color", mpp_ink_line.light);
        set(cluster, "margin", "12");
        set_label(picture->drawn, cluster, label);
        picture->clusters[i] = cluster;
    }
}

static void add_nodes(Picture *picture)
{
    const MppPartitionGraph *graph = picture->graph;
    for (guint i = 0; i < graph->nodes->len; i++) {
        const MppGraphNode *node = &g_array_index(graph->nodes, MppGraphNode, i);
        Agraph_t *parent = node->cluster >= 0 ? picture->clusters[node->cluster] : picture->drawn;
        Agnode_t *drawn = agnode(parent, writable(node->id), TRUE);
        g_autofree char *label = mpp_draw_label_node(graph, node, &picture->scale);
        set_label(picture->drawn, drawn, label);
        if (graph->view == MPP_GRAPH_LAYER)
            set(drawn, "group", mpp_names_get(&mpp_graph_direction_names, node->direction));
    }
}

static Agnode_t *find(const Picture *picture, const char *id)
{
    return agnode(picture->drawn, writable(id), FALSE);
}

static void style_edge(const MppGraphEdge *edge, Agedge_t *drawn)
{
    bool two_ways = edge->axis == MPP_GRAPH_PP || edge->axis == MPP_GRAPH_DP ||
                    (edge->axis > MPP_GRAPH_KEPT && !(edge->bytes > 0));
    set(drawn, "color", mpp_palette_axis(edge->axis)->light);
    if (edge->axis == MPP_GRAPH_KEPT) {
        set(drawn, "style", "dotted");
        set(drawn, "arrowhead", "none");
    } else if (two_ways) {
        set(drawn, "dir", "both");
        set(drawn, "penwidth", "1.6");
    } else if (edge->direction == MPP_GRAPH_BACKWARD) {
        set(drawn, "style", "dashed");
    }
}

/** What runs back along the pipeline, as chunks of the next round do, does not place the stages. */
static bool places(const MppPartitionGraph *graph, const MppGraphEdge *edge)
{
    const MppGraphNode *from = mpp_partition_graph_find(graph, edge->from), *to = mpp_partition_graph_find(graph, edge->to);
    return edge->axis != MPP_GRAPH_DP && (to->cluster < 0 || from->cluster <= to->cluster);
}

/** The backward chain of a layer stands beside the forward one and runs upwards. */
static bool runs_back(const MppGraphEdge *edge)
{
    return edge->axis == MPP_GRAPH_FLOW && edge->direction == MPP_GRAPH_BACKWARD;
}

/** Ranks that share products stand below one another, the first on top; between them is no room for words. */
static bool joins_column(const MppGraphEdge *edge)
{
    return edge->axis == MPP_GRAPH_TP && !(edge->bytes > 0);
}

static void add_edges(Picture *picture)
{
    const MppPartitionGraph *graph = picture->graph;
    for (guint i = 0; i < graph->edges->len; i++) {
        const MppGraphEdge *edge = &g_array_index(graph->edges, MppGraphEdge, i);
        if (strcmp(edge->from, edge->to) == 0)
            continue;
        Agnode_t *from = find(picture, edge->from), *to = find(picture, edge->to);
        bool upwards = runs_back(edge) || joins_column(edge);
        Agedge_t *drawn = upwards ? agedge(picture->drawn, to, from, NULL, TRUE) : agedge(picture->drawn, from, to, NULL, TRUE);
        g_autofree char *label = joins_column(edge) ? NULL : mpp_draw_label_edge(edge);
        set_label(picture->drawn, drawn, label);
        style_edge(edge, drawn);
        if (!places(graph, edge))
            set(drawn, "constraint", "false");
        if (runs_back(edge))
            set(drawn, "dir", "back");
    }
}

static void same_rank(Picture *picture, const char *a, const char *b)
{
    Agraph_t *row = agsubg(picture->drawn, NULL, TRUE);
    agsubnode(row, find(picture, a), TRUE);
    agsubnode(row, find(picture, b), TRUE);
    set(row, "rank", "same");
}

/** A stage's states stand beside the last of its layers; where its ranks are shown, above it, not between them. */
static void align_states(Picture *picture)
{
    const GArray *nodes = picture->graph->nodes;
    for (guint i = 1; i < nodes->len; i++) {
        const MppGraphNode *layer = &g_array_index(nodes, MppGraphNode, i - 1), *node = &g_array_index(nodes, MppGraphNode, i);
        if (node->kind != MPP_GRAPH_STATES)
            continue;
        same_rank(picture, layer->id, node->id);
        if (picture->graph->view == MPP_GRAPH_STAGE)
            set(agedge(picture->drawn, find(picture, layer->id), find(picture, node->id), NULL, TRUE), "style", "invis");
    }
}

/** Both passes of an op stand side by side: their ids differ in the direction only. */
static void align_passes(Picture *picture)
{
    const GArray *nodes = picture->graph->nodes;
    for (guint i = 1; i < nodes->len; i++) {
        const MppGraphNode *a = &g_array_index(nodes, MppGraphNode, i - 1), *b = &g_array_index(nodes, MppGraphNode, i);
        if (a->direction != b->direction && g_strcmp0(strchr(a->id, '-'), strchr(b->id, '-')) == 0)
            same_rank(picture, a->id, b->id);
    }
}

/** So do ranks that share a product. */
static void align_shards(Picture *picture)
{
    const GArray *edges = picture->graph->edges;
    for (guint i = 0; i < edges->len; i++) {
        const MppGraphEdge *edge = &g_array_index(edges, MppGraphEdge, i);
        if (edge->axis == MPP_GRAPH_TP && strcmp(edge->from, edge->to) != 0)
            same_rank(picture, edge->from, edge->to);
    }
}

Agraph_t *mpp_draw_graph(const MppPartitionGraph *graph)
{
    Picture picture = { .graph = graph, .scale = mpp_draw_scale(graph) };
    picture.drawn = agopen(writable("plan"), Agdirected, NULL);
    set_defaults(&picture);
    g_autofree char *label = mpp_draw_label_graph(graph, &picture.scale);
    set_label(picture.drawn, picture.drawn, label);
    add_clusters(&picture);
    add_nodes(&picture);
    add_edges(&picture);
    align_states(&picture);
    align_shards(&picture);
    if (graph->view == MPP_GRAPH_LAYER)
        align_passes(&picture);
    g_free(picture.clusters);
    return picture.drawn;
}
