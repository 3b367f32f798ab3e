#include "planner/graph/graph_of_plan.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/costed_plan.h"
#include "tests/support/plain_job.h"
#include "tests/support/sample.h"

static MppPartitionGraph *layer_of(const CostedPlan *plan, int64_t layer)
{
    g_autoptr(GError) error = NULL;
    MppPartitionGraph *graph = mpp_graph_of_plan(plan->pipeline, &(MppGraphRequest){ -1, -1, layer }, &error);
    g_assert_no_error(error);
    return graph;
}

/** The @direction's node called @title. */
static const MppGraphNode *find(const MppPartitionGraph *graph, MppGraphDirection direction, const char *title)
{
    for (guint i = 0; i < graph->nodes->len; i++) {
        const MppGraphNode *node = &g_array_index(graph->nodes, MppGraphNode, i);
        if (node->direction == direction && g_str_equal(node->title, title))
            return node;
    }
    return NULL;
}

/** The model has 4 heads, as many of keys and values. */
static void test_splits(void)
{
    static const struct {
        const char *strategy, *title;
        MppGraphSplit split; /* columns, rows, tokens, instances */
    } rows[] = {
        { "tp=1", "qkv projection", { 1, 1, 1, 1 } },      { "tp=4", "qkv projection", { 4, 1, 1, 1 } },
        { "tp=4", "output projection", { 1, 4, 1, 1 } },   { "tp=2", "mlp up projection", { 2, 1, 1, 1 } },
        { "tp=2", "mlp down projection", { 1, 2, 1, 1 } }, { "tp=2,cp=4", "mlp down projection", { 1, 2, 4, 1 } },
        { "cp=4", "qkv projection", { 1, 1, 4, 1 } },      { "tp=4", "attention core", { 1, 1, 1, 4 } },
        { "tp=2,sp", "attention norm", { 1, 1, 1, 1 } },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        MppStrategy s = plain_job_strategy(rows[i].strategy);
        g_autoptr(MppInputs) inputs = plain_job_new(s.tp * s.cp);
        g_autoptr(CostedPlan) plan = costed_plan_new(&inputs->job, rows[i].strategy);
        g_autoptr(MppPartitionGraph) graph = layer_of(plan, 1);
        const MppGraphSplit *split = &find(graph, MPP_GRAPH_FORWARD, rows[i].title)->split;
        g_assert_cmpmem(split, sizeof *split, &rows[i].split, sizeof rows[i].split);
    }
}

static void test_experts(void)
{
    g_autoptr(MppInputs) inputs = mpp_sample_new(10);
    mpp_sample_add_experts(inputs);
    g_autoptr(CostedPlan) plan = costed_plan_new(&inputs->job, "dp=10,ep=10,mbs=1");
    g_autoptr(MppPartitionGraph) graph = layer_of(plan, 11);
    const MppGraphNode *up = find(graph, MPP_GRAPH_FORWARD, "mlp up projection");
    g_assert_cmpint(up->split.instances, ==, 10);
    g_assert_cmpint(up->split.tokens, ==, 1);
    g_assert_nonnull(find(graph, MPP_GRAPH_FORWARD, "dispatch"));
    g_assert_nonnull(find(graph, MPP_GRAPH_BACKWARD, "combine"));
}

/** With sequence parallelism gathers and scatters in both passes, else one sum in each (arXiv:2205.05198 §4.2). */
static void test_exchange_in_both_passes(void)
{
    static const struct {
        const char *strategy, *title;
        int forward, backward;
    } rows[] = {
        { "tp=2", "sum outputs", 1, 0 },        { "tp=2", "sum input gradients", 0, 1 },
        { "tp=2,sp", "gather sequence", 1, 1 }, { "tp=2,sp", "scatter input gradients", 0, 1 },
        { "tp=2,sp", "scatter outputs", 1, 0 }, { "tp=2,sp", "gather output gradients", 0, 1 },
    };
    g_autoptr(MppInputs) inputs = plain_job_new(2);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(CostedPlan) plan = costed_plan_new(&inputs->job, rows[i].strategy);
        g_autoptr(MppPartitionGraph) graph = layer_of(plan, 0);
        g_assert_cmpint(find(graph, MPP_GRAPH_FORWARD, rows[i].title) != NULL, ==, rows[i].forward);
        g_assert_cmpint(find(graph, MPP_GRAPH_BACKWARD, rows[i].title) != NULL, ==, rows[i].backward);
    }
}

/** Each pass is one chain through all its ops, the backward one in reverse. */
static void test_chains(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(4);
    g_autoptr(CostedPlan) plan = costed_plan_new(&inputs->job, "tp=4,sp");
    g_autoptr(MppPartitionGraph) graph = layer_of(plan, 0);
    int nodes[MPP_N_GRAPH_DIRECTIONS] = { 0 }, edges[MPP_N_GRAPH_DIRECTIONS] = { 0 };
    for (guint i = 0; i < graph->nodes->len; i++)
        nodes[g_array_index(graph->nodes, MppGraphNode, i).direction]++;
    for (guint i = 0; i < graph->edges->len; i++) {
        const MppGraphEdge *edge = &g_array_index(graph->edges, MppGraphEdge, i);
        if (edge->axis != MPP_GRAPH_FLOW)
            continue;
        edges[edge->direction]++;
        int from = atoi(strchr(edge->from, '-') + 1), to = atoi(strchr(edge->to, '-') + 1);
        g_assert_true(edge->direction == MPP_GRAPH_FORWARD ? from < to : from > to);
    }
    for (int d = 0; d < MPP_N_GRAPH_DIRECTIONS; d++)
        g_assert_cmpint(edges[d], ==, nodes[d] - 1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/graph-layer/splits", test_splits);
    g_test_add_func("/graph-layer/experts", test_experts);
    g_test_add_func("/graph-layer/exchange", test_exchange_in_both_passes);
    g_test_add_func("/graph-layer/chains", test_chains);
    return g_test_run();
}
