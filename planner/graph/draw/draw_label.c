#include "planner/graph/draw/draw_label.h"

#include <math.h>
#include <string.h>

#include "planner/base/units.h"

enum { MOST_PARTS = 8 };

/** What all ranks have alike, or lies outside the view, is not compared. */
static bool is_shaded(const MppGraphNode *node)
{
    return node->kind != MPP_GRAPH_SHARD && node->kind != MPP_GRAPH_NEIGHBOUR;
}

MppScale mpp_draw_scale(const MppPartitionGraph *graph)
{
    MppScale scale = { 0 };
    for (guint i = 0; i < graph->nodes->len; i++) {
        const MppGraphNode *node = &g_array_index(graph->nodes, MppGraphNode, i);
        if (!is_shaded(node))
            continue;
        scale.step_s = MAX(scale.step_s, node->step_s);
        scale.memory_bytes = MAX(scale.memory_bytes, node->memory_bytes);
    }
    return scale;
}

static const MppInk *shade(const MppPartitionGraph *graph, const MppGraphNode *node, const MppScale *scale)
{
    bool time = graph->colour == MPP_GRAPH_BY_TIME;
    double most = time ? scale->step_s : scale->memory_bytes, value = time ? node->step_s : node->memory_bytes;
    return is_shaded(node) ? mpp_palette_shade(graph->colour, most > 0 ? value / most : 0) : &mpp_ink_paper;
}

static void add_font(GString *out, const MppInk *ink, int size, const char *text)
{
    g_autofree char *escaped = g_markup_escape_text(text, -1);
    g_string_append_printf(out, "<font color=\"%s\" point-size=\"%d\">%s</font>", ink->light, size, escaped);
}

static void add_cell(GString *out, const MppInk *ink, int size, const char *text)
{
    g_string_append(out, "<td align=\"left\">");
    add_font(out, ink, size, text);
    g_string_append(out, "</td>");
}

static void add_row(GString *out, const MppInk *ink, int size, const char *format, ...) G_GNUC_PRINTF(4, 5);

static void add_row(GString *out, const MppInk *ink, int size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_string_append(out, "<tr>");
    add_cell(out, ink, size, text);
    g_string_append(out, "</tr>");
}

static void add_title(GString *out, const char *title)
{
    g_autofree char *escaped = g_markup_escape_text(title, -1);
    g_string_append_printf(out, "<tr><td align=\"left\"><font color=\"%s\" point-size=\"12\"><b>%s</b></font></td></tr>",
                           mpp_ink_text.light, escaped);
}

/** "→ 20 ← 40": how often in the forward and in the backward pass of a micro-batch. */
static char *times_text(const MppGraphEdge *edge)
{
    g_autoptr(GString) text = g_string_new(NULL);
    if (edge->forward_times > 0)
        g_string_append_printf(text, "→ %.0f× ", edge->forward_times);
    if (edge->backward_times > 0)
        g_string_append_printf(text, "← %.0f× ", edge->backward_times);
    if (edge->step_times > 0)
        g_string_append_printf(text, "%.0f× a step", edge->step_times);
    return g_strdup(g_strchomp(text->str));
}

static void add_chip(GString *out, MppGraphAxis axis)
{
    g_string_append_printf(out, "<td bgcolor=\"%s\" cellpadding=\"2\" align=\"center\">", mpp_palette_axis(axis)->light);
    add_font(out, &mpp_ink_chip_text, 9, mpp_names_get(&mpp_graph_axis_names, axis));
    g_string_append(out, "</td>");
}

static void add_transfer(GString *out, const MppGraphEdge *edge)
{
    g_autofree char *bytes = mpp_units_bytes(edge->bytes), *seconds = mpp_units_seconds(edge->seconds), *times = times_text(edge);
    g_autofree char *where = g_strdup_printf("%s, %" G_GINT64_FORMAT " ranks", edge->tier ? edge->tier : "", edge->ranks);
    const char *cells[] = { edge->title ? edge->title : "", times, bytes, seconds, where };
    g_string_append(out, "<tr>");
    add_chip(out, edge->axis);
    for (size_t i = 0; i < G_N_ELEMENTS(cells); i++)
        add_cell(out, i == 0 ? &mpp_ink_text : &mpp_ink_quiet, 9, cells[i]);
    g_string_append(out, "</tr>");
}

/** A table of the transfers between the ranks of one node, if there are any. */
static void add_transfers(GString *out, const MppPartitionGraph *graph, const char *id)
{
    bool any = false;
    for (guint i = 0; i < graph->edges->len; i++) {
        const MppGraphEdge *edge = &g_array_index(graph->edges, MppGraphEdge, i);
        if (strcmp(edge->from, id) != 0 || strcmp(edge->to, id) != 0)
            continue;
        if (!any)
            g_string_append(out, "<tr><td align=\"left\"><table align=\"left\" border=\"0\" cellborder=\"0\" cellspacing=\"2\" "
                                 "cellpadding=\"1\">");
        any = true;
        add_transfer(out, edge);
    }
    if (any)
        g_string_append(out, "</table></td></tr>");
}

/** The weight matrix cut into columns or instances side by side, or rows one above the other; this rank's part filled. */
static void add_matrix(GString *out, int64_t parts, bool stacked)
{
    enum { SIDE = 48, LEAST = 6 };
    int64_t shown = MIN(parts, MOST_PARTS);
    int cut = (int)MAX(SIDE / shown, LEAST);
    int across = stacked ? SIDE + 2 : (int)shown * (cut + 1) + 1, down = stacked ? (int)shown * (cut + 1) + 1 : SIDE + 2;
    g_string_append_printf(
        out,
        "<table align=\"left\" border=\"0\" cellborder=\"0\" cellspacing=\"1\" cellpadding=\"0\" fixedsize=\"true\" "
        "width=\"%d\" height=\"%d\">",
        across, down);
    for (int64_t i = 0; i < shown; i++) {
        g_string_append(out, stacked || i == 0 ? "<tr>" : "");
        g_string_append_printf(out, "<td bgcolor=\"%s\" width=\"%d\" height=\"%d\" fixedsize=\"true\"></td>",
                               i ? mpp_ink_rest.light : mpp_ink_part.light, stacked ? SIDE : cut, stacked ? cut : SIDE);
        g_string_append(out, stacked || i == shown - 1 ? "</tr>" : "");
    }
    g_string_append(out, "</table>");
}

static char *split_text(const MppGraphSplit *split, MppGraphKind kind)
{
    g_autoptr(GString) text = g_string_new(NULL);
    if (split->columns > 1)
        g_string_append_printf(text, "columns over %" G_GINT64_FORMAT " ranks, ", split->columns);
    if (split->rows > 1)
        g_string_append_printf(text, "rows over %" G_GINT64_FORMAT " ranks, ", split->rows);
    if (split->instances > 1)
        g_string_append_printf(text, "%s over %" G_GINT64_FORMAT " ranks, ", kind == MPP_GRAPH_MATMUL ? "experts" : "heads",
                               split->instances);
    if (split->tokens > 1)
        g_string_append_printf(text, "tokens over %" G_GINT64_FORMAT " ranks, ", split->tokens);
    if (text->len)
        g_string_truncate(text, text->len - 2);
    return g_strdup(text->str);
}

/** How a product is cut: the picture of its weights, and the words. */
static void add_split(GString *out, const MppGraphNode *node)
{
    const MppGraphSplit *split = &node->split;
    g_autofree char *text = split_text(split, node->kind);
    if (!*text)
        return;
    if (node->direction == MPP_GRAPH_FORWARD && split->columns * split->rows * split->instances > 1) {
        g_string_append(out, "<tr><td align=\"left\">");
        add_matrix(out,
                   split->columns > 1 ? split->columns
                   : split->rows > 1  ? split->rows
                                      : split->instances,
                   split->columns == 1 && split->rows > 1);
        g_string_append(out, "</td></tr>");
    }
    if (node->direction == MPP_GRAPH_FORWARD)
        add_row(out, &mpp_ink_text, 9, "%s", text);
}

static void add_passes(GString *out, double forward_s, double backward_s)
{
    g_autofree char *forward = mpp_units_seconds(forward_s), *backward = mpp_units_seconds(backward_s);
    if (forward_s > 0 && backward_s > 0)
        add_row(out, &mpp_ink_text, 10, "forward %s, backward %s", forward, backward);
    else if (forward_s > 0 || backward_s > 0)
        add_row(out, &mpp_ink_text, 10, "%s", forward_s > 0 ? forward : backward);
}

static void add_sizes(GString *out, const MppGraphNode *node)
{
    g_autofree char *parameters = mpp_units_count(node->parameters), *memory = mpp_units_bytes(node->memory_bytes);
    if (node->parameters > 0)
        add_row(out, &mpp_ink_quiet, 9, "%s parameters, %s a rank", parameters, memory);
    else if (node->memory_bytes > 0)
        add_row(out, &mpp_ink_quiet, 9, "%s", memory);
}

/** Transfers of a layer are framed in their axis' colour. */
static const MppInk *frame(const MppPartitionGraph *graph, const MppGraphNode *node)
{
    for (guint i = 0; node->kind == MPP_GRAPH_COLLECTIVE && i < graph->edges->len; i++) {
        const MppGraphEdge *edge = &g_array_index(graph->edges, MppGraphEdge, i);
        if (strcmp(edge->from, node->id) == 0 && strcmp(edge->to, node->id) == 0)
            return mpp_palette_axis(edge->axis);
    }
    return &mpp_ink_line;
}

char *mpp_draw_label_node(const MppPartitionGraph *graph, const MppGraphNode *node, const MppScale *scale)
{
    g_autoptr(GString) out = g_string_new(NULL);
    g_string_append_printf(out,
                           "<table border=\"1\" cellborder=\"0\" cellspacing=\"0\" cellpadding=\"5\" bgcolor=\"%s\" color=\"%s\" "
                           "style=\"rounded\"><tr><td><table border=\"0\" cellborder=\"0\" cellspacing=\"0\" cellpadding=\"2\">",
                           shade(graph, node, scale)->light, frame(graph, node)->light);
    add_title(out, node->title);
    if (node->note)
        add_row(out, &mpp_ink_quiet, 9, "%s", node->note);
    add_split(out, node);
    add_passes(out, node->forward_s, node->backward_s);
    if (node->kind == MPP_GRAPH_STATES && node->step_s > 0) {
        g_autofree char *seconds = mpp_units_seconds(node->step_s);
        add_row(out, &mpp_ink_text, 10, "exchange and update %s a step, some of it hidden", seconds);
    }
    add_sizes(out, node);
    add_transfers(out, graph, node->id);
    g_string_append(out, "</table></td></tr></table>");
    return g_strdup(out->str);
}

char *mpp_draw_label_edge(const MppGraphEdge *edge)
{
    if (edge->axis == MPP_GRAPH_FLOW)
        return NULL;
    g_autoptr(GString) out = g_string_new("<table border=\"0\" cellborder=\"0\" cellspacing=\"0\" cellpadding=\"3\">");
    g_autofree char *bytes = mpp_units_bytes(edge->bytes), *seconds = mpp_units_seconds(edge->seconds), *times = times_text(edge);
    const MppInk *ink = mpp_palette_axis(edge->axis);
    if (edge->axis == MPP_GRAPH_KEPT) {
        add_row(out, &mpp_ink_quiet, 9, "keeps %s", bytes);
    } else if (!(edge->bytes > 0)) {
        add_row(out, ink, 9, "%s, %s", edge->title ? edge->title : "", edge->tier ? edge->tier : "");
    } else {
        add_row(out, ink, 10, "%s %s", edge->title ? edge->title : "", bytes);
        add_row(out, &mpp_ink_quiet, 9, "%s, %s", seconds, edge->tier ? edge->tier : "");
        add_row(out, &mpp_ink_quiet, 9, "%s", times);
    }
    g_string_append(out, "</table>");
    return g_strdup(out->str);
}

char *mpp_draw_label_cluster(const MppGraphCluster *cluster)
{
    g_autoptr(GString) out = g_string_new("<table border=\"0\" cellborder=\"0\" cellspacing=\"0\" cellpadding=\"1\">");
    g_autofree char *most = mpp_units_bytes(cluster->peak_bytes), *least = mpp_units_bytes(cluster->least_peak_bytes);
    add_title(out, cluster->title);
    if (cluster->place)
        add_row(out, &mpp_ink_quiet, 9, "%s", cluster->place);
    add_passes(out, cluster->forward_s, cluster->backward_s);
    if (cluster->peak_bytes > 0 && strcmp(most, least) == 0)
        add_row(out, &mpp_ink_quiet, 9, "peak %s", most);
    else if (cluster->peak_bytes > 0)
        add_row(out, &mpp_ink_quiet, 9, "peak %s to %s", least, most);
    g_string_append(out, "</table>");
    return g_strdup(out->str);
}

static void add_shades(GString *out, const MppPartitionGraph *graph, const MppScale *scale)
{
    bool time = graph->colour == MPP_GRAPH_BY_TIME;
    g_autofree char *most = time ? mpp_units_seconds(scale->step_s) : mpp_units_bytes(scale->memory_bytes);
    g_string_append(out, "<tr><td align=\"left\">");
    add_font(out, &mpp_ink_quiet, 9, time ? "time a step: 0 " : "memory of a rank: 0 ");
    for (int i = 0; i < MPP_N_SHADES; i++)
        add_font(out, mpp_palette_shade(graph->colour, (i + 0.5) / MPP_N_SHADES), 14, "■");
    add_font(out, &mpp_ink_quiet, 9, " ");
    add_font(out, &mpp_ink_quiet, 9, most);
    g_string_append(out, "</td></tr>");
}

char *mpp_draw_label_graph(const MppPartitionGraph *graph, const MppScale *scale)
{
    g_autoptr(GString) out = g_string_new("<table border=\"0\" cellborder=\"0\" cellspacing=\"0\" cellpadding=\"2\">");
    if (graph->title)
        add_row(out, &mpp_ink_text, 13, "%s", graph->title);
    if (graph->subtitle)
        add_title(out, graph->subtitle);
    if (graph->micro_batches > 1)
        add_row(out, &mpp_ink_quiet, 9,
                "%" G_GINT64_FORMAT " micro-batches a step; → in the forward, ← in the backward pass of one",
                graph->micro_batches);
    add_shades(out, graph, scale);
    g_string_append(out, "</table>");
    return g_strdup(out->str);
}
