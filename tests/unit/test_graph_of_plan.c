#include "planner/graph/graph_of_plan.h"

#include "tests/support/costed_plan.h"
#include "tests/support/expect.h"
#include "tests/support/plain_job.h"

#define NOTHING -1

static MppPartitionGraph *graph_of(const CostedPlan *plan, int64_t replica, int64_t stage, int64_t layer)
{
    g_autoptr(GError) error = NULL;
    MppPartitionGraph *graph = mpp_graph_of_plan(plan->pipeline, &(MppGraphRequest){ replica, stage, layer }, &error);
    g_assert_no_error(error);
    return graph;
}

static int count(const MppPartitionGraph *graph, MppGraphKind kind)
{
    int n = 0;
    for (guint i = 0; i < graph->nodes->len; i++)
        n += g_array_index(graph->nodes, MppGraphNode, i).kind == kind;
    return n;
}

static void test_refused(void)
{
    static const struct {
        MppGraphRequest request;
        const char *message;
    } rows[] = {
        { { 2, -1, -1 }, "--replica: the plan has 2 replicas, 0 to 1; got 2" },
        { { -1, 77, -1 }, "--stage: the plan has 4 stages, 0 to 3; got 77" },
        { { -1, -1, 4 }, "--layer: the plan has 4 layers, 0 to 3; got 4" },
        { { 0, -1, 2 }, "--layer shows one layer; it does not go with --stage or --replica" },
        { { -1, 1, 2 }, "--layer shows one layer; it does not go with --stage or --replica" },
    };
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    g_autoptr(CostedPlan) plan = costed_plan_new(&inputs->job, "dp=2,pp=4");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(mpp_graph_of_plan(plan->pipeline, &rows[i].request, &error));
        mpp_expect_error(&error, MPP_ERROR, MPP_ERROR_USAGE, rows[i].message);
    }
}

/** Stages that are equal but for their memory are one; a replica shows each. */
static void test_stages_fold(void)
{
    static const struct {
        const char *strategy;
        int64_t replica;
        int n_clusters;
        const char *titles[4];
    } rows[] = {
        { "dp=2,pp=4", NOTHING, 3, { "stage 0", "stages 1–2", "stage 3" } },
        { "dp=2,pp=4", 1, 4, { "stage 0", "stage 1", "stage 2", "stage 3" } },
        { "dp=4,pp=2", NOTHING, 2, { "stage 0", "stage 1" } },
        { "dp=8", NOTHING, 1, { "stage 0" } },
    };
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(CostedPlan) plan = costed_plan_new(&inputs->job, rows[i].strategy);
        g_autoptr(MppPartitionGraph) graph = graph_of(plan, rows[i].replica, NOTHING, NOTHING);
        g_assert_cmpint(graph->clusters->len, ==, rows[i].n_clusters);
        for (int k = 0; k < rows[i].n_clusters; k++)
            g_assert_cmpstr(g_array_index(graph->clusters, MppGraphCluster, k).title, ==, rows[i].titles[k]);
        g_assert_cmpint(count(graph, MPP_GRAPH_STATES), ==, rows[i].n_clusters);
        g_assert_cmpint(count(graph, MPP_GRAPH_EMBEDDING), ==, 1);
        g_assert_cmpint(count(graph, MPP_GRAPH_HEAD), ==, 1);
    }
}

/** The note of a chunk's first layers says what becomes of their activations. */
static void test_layers_note(void)
{
    static const struct { const char *strategy, *note; } rows[] = {
        { "dp=8,recompute=full:3", "layers 0–2, full recomputation" },
        { "dp=8,recompute=offload:3", "layers 0–2, activations in the host's memory" },
        { "dp=8,recompute=selective:layernorm+core_attn", "layers 0–3, core_attn, layernorm recomputation" },
        { "dp=8", "layers 0–3" },
    };
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(CostedPlan) plan = costed_plan_new(&inputs->job, rows[i].strategy);
        g_autoptr(MppPartitionGraph) graph = graph_of(plan, NOTHING, NOTHING, NOTHING);
        const char *note = NULL;
        for (guint k = 0; k < graph->nodes->len && !note; k++)
            if (g_array_index(graph->nodes, MppGraphNode, k).kind == MPP_GRAPH_LAYERS)
                note = g_array_index(graph->nodes, MppGraphNode, k).note;
        g_assert_cmpstr(note, ==, rows[i].note);
    }
}

/** Two copies of the model, so each end stands twice. */
static void test_two_copies(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    g_autoptr(CostedPlan) plan = costed_plan_new(&inputs->job, "dp=2,pp=4,schedule=chimera");
    g_autoptr(MppPartitionGraph) graph = graph_of(plan, 0, NOTHING, NOTHING);
    g_assert_cmpint(count(graph, MPP_GRAPH_EMBEDDING), ==, 2);
    g_assert_cmpint(count(graph, MPP_GRAPH_HEAD), ==, 2);
    double sent = 0;
    for (guint i = 0; i < graph->edges->len; i++) {
        const MppGraphEdge *edge = &g_array_index(graph->edges, MppGraphEdge, i);
        sent += edge->axis == MPP_GRAPH_PP ? edge->forward_times : 0;
    }
    g_assert_cmpfloat(sent, ==, 2 * 3);
}

/** 64 ranks: 16 are shown, joined in rows of 8 and columns of 2; 48 stand together. */
static void test_stage(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(128);
    g_autoptr(CostedPlan) plan = costed_plan_new(&inputs->job, "tp=4,cp=16,pp=2");
    g_autoptr(MppPartitionGraph) graph = graph_of(plan, NOTHING, 1, NOTHING);
    g_assert_cmpint(graph->view, ==, MPP_GRAPH_STAGE);
    g_assert_cmpint(count(graph, MPP_GRAPH_SHARD), ==, 17);
    g_assert_cmpstr(mpp_partition_graph_find(graph, "ranks-beyond")->title, ==, "48 more ranks");
    g_assert_cmpstr(mpp_partition_graph_find(graph, "rank-69")->note, ==, "node 17, GPU 1, tp 1, cp 1");
    g_assert_cmpstr(mpp_partition_graph_find(graph, "stage-0")->title, ==, "stage 0");
    int tp = 0, cp = 0;
    for (guint i = 0; i < graph->edges->len; i++) {
        const MppGraphEdge *edge = &g_array_index(graph->edges, MppGraphEdge, i);
        bool link = g_str_has_prefix(edge->from, "rank-");
        tp += link && edge->axis == MPP_GRAPH_TP;
        cp += link && edge->axis == MPP_GRAPH_CP;
    }
    g_assert_cmpint(tp, ==, 4 * 3);
    g_assert_cmpint(cp, ==, 3 * 4);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/graph/refused", test_refused);
    g_test_add_func("/graph/stages-fold", test_stages_fold);
    g_test_add_func("/graph/two-copies", test_two_copies);
    g_test_add_func("/graph/stage", test_stage);
    g_test_add_func("/graph-of-plan/layers-note", test_layers_note);
    return g_test_run();
}
