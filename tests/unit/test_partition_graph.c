#include "planner/graph/partition_graph.h"

#include "tests/support/expect.h"

static MppPartitionGraph *sample_graph(void)
{
    MppPartitionGraph *graph = mpp_partition_graph_new();
    graph->title = g_strdup("µ \"question\"");
    graph->view = MPP_GRAPH_STAGE;
    graph->colour = MPP_GRAPH_BY_MEMORY;
    graph->micro_batches = 77;
    MppGraphCluster *cluster = mpp_partition_graph_add_cluster(graph);
    *cluster = (MppGraphCluster){ g_strdup("stages 3–5"), NULL, 3, 5, 0.125, 0.385, 2.5e10, 1.25e10 };
    MppGraphNode *node = mpp_partition_graph_add_node(graph, MPP_GRAPH_MATMUL);
    g_assert_cmpint(node->cluster, ==, -1);
    g_assert_cmpint(node->split.rows, ==, 1);
    node->id = g_strdup("a");
    node->title = g_strdup("product");
    node->cluster = 0;
    node->direction = MPP_GRAPH_BACKWARD;
    node->split = (MppGraphSplit){ 3, 1, 5, 7 };
    node->step_s = 0.75;
    node = mpp_partition_graph_add_node(graph, MPP_GRAPH_STATES);
    node->id = g_strdup("b");
    node->title = g_strdup("states");
    MppGraphEdge *edge = mpp_partition_graph_add_edge(graph, "a", "b");
    edge->axis = MPP_GRAPH_EP;
    edge->title = g_strdup("all-to-all");
    edge->bytes = 1e6;
    edge->forward_times = 0.5;
    edge->ranks = 11;
    edge->tier = g_strdup("nvlink");
    return graph;
}

static void test_read_back(void)
{
    g_autoptr(MppPartitionGraph) graph = sample_graph();
    g_autoptr(cJSON) written = mpp_partition_graph_write(graph);
    g_autofree char *text = mpp_json_to_text(written);
    g_autoptr(MppJson) json = mpp_expect_json(text);
    g_autoptr(GError) error = NULL;
    g_autoptr(MppPartitionGraph) back = mpp_partition_graph_read(json, &error);
    g_assert_no_error(error);
    g_autoptr(cJSON) again = mpp_partition_graph_write(back);
    g_assert_true(cJSON_Compare(written, again, true));
    g_assert_cmpint(g_array_index(back->nodes, MppGraphNode, 0).split.instances, ==, 7);
    g_assert_cmpint(g_array_index(back->edges, MppGraphEdge, 0).axis, ==, MPP_GRAPH_EP);
    g_assert_true(mpp_partition_graph_find(back, "b") == &g_array_index(back->nodes, MppGraphNode, 1));
    g_assert_null(mpp_partition_graph_find(back, "c"));
}

static void test_empty(void)
{
    g_autoptr(MppJson) json = mpp_expect_json("{}");
    g_autoptr(MppPartitionGraph) graph = mpp_partition_graph_read(json, NULL);
    g_assert_true(graph->nodes && graph->edges && graph->clusters);
}

static void test_refused(void)
{
#define NODES                                                                                                                    \
    "\"nodes\":[{\"id\":\"a\",\"title\":\"A\",\"kind\":\"head\"},{\"id\":\"%s\",\"title\":\"B\",\"kind\":\"head\",\"cluster\":%" \
    "d}]"
    static const struct {
        const char *id;
        int cluster;
        const char *edges, *message;
        int code;
    } rows[] = {
        { "a", -1, "[]", "t.json:1:54: /nodes/1/id: the id \"a\" stands twice", MPP_ERROR_INVALID },
        { "b", 0, "[]", "t.json:1:94: /nodes/1/cluster: there are 0 clusters, no cluster 0", MPP_ERROR_INVALID },
        { "b", -1, "[{\"from\":\"z\",\"to\":\"a\",\"axis\":\"tp\"}]", "t.json:1:116: /edges/0/from: there is no node \"z\"",
          MPP_ERROR_INVALID },
        { "b", -1, "[{\"from\":\"a\",\"to\":\"z\",\"axis\":\"tp\"}]", "t.json:1:125: /edges/0/to: there is no node \"z\"",
          MPP_ERROR_INVALID },
        { "b", -1, "[{\"from\":\"a\",\"to\":\"b\"}]", "t.json:1:108: /edges/0: the edge field \"axis\" is missing (why it moves)",
          MPP_ERROR_SCHEMA },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *nodes = g_strdup_printf(NODES, rows[i].id, rows[i].cluster);
        g_autofree char *text = g_strdup_printf("{%s,\"edges\":%s}", nodes, rows[i].edges);
        g_autoptr(MppJson) json = mpp_expect_json(text);
        g_autoptr(GError) error = NULL;
        g_assert_null(mpp_partition_graph_read(json, &error));
        g_assert_error(error, MPP_ERROR, rows[i].code);
        g_auto(GStrv) lines = g_strsplit(error->message, "\n", 2);
        g_assert_cmpstr(lines[0], ==, rows[i].message);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/partition-graph/read-back", test_read_back);
    g_test_add_func("/partition-graph/empty", test_empty);
    g_test_add_func("/partition-graph/refused", test_refused);
    return g_test_run();
}
