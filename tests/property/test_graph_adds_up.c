/* Graphs of random plans: what stands in their nodes and edges adds up to the plan. */
#include <math.h>

#include "planner/cost/memory.h"
#include "planner/cost/plan_cost.h"
#include "planner/graph/graph_of_plan.h"
#include "tests/support/random_job.h"

enum { JOBS = 80, MOST_MEMBERS = 30 };

static void near(double a, double b, const char *what, const MppStrategy *s)
{
    g_autofree char *text = mpp_strategy_to_text(s);
    if (fabs(a - b) > 1e-9 * MAX(fabs(a), fabs(b)))
        g_error("%s: %s is %.17g, not %.17g", text, what, a, b);
}

/** Sums over the nodes of one cluster, its states left out. */
static MppGraphNode sum_nodes(const MppPartitionGraph *graph, int64_t cluster)
{
    MppGraphNode sum = { 0 };
    for (guint i = 0; i < graph->nodes->len; i++) {
        const MppGraphNode *node = &g_array_index(graph->nodes, MppGraphNode, i);
        if (node->cluster != cluster)
            continue;
        sum.memory_bytes += node->memory_bytes;
        if (node->kind == MPP_GRAPH_STATES)
            continue;
        sum.parameters += node->parameters;
        sum.kept_bytes += node->kept_bytes;
    }
    return sum;
}

static double messages(const MppPartitionGraph *graph, bool forward)
{
    double sum = 0;
    for (guint i = 0; i < graph->edges->len; i++) {
        const MppGraphEdge *edge = &g_array_index(graph->edges, MppGraphEdge, i);
        if (edge->axis == MPP_GRAPH_PP)
            sum += forward ? edge->forward_times : edge->backward_times;
    }
    return sum;
}

static double crossings(MppPipelineCost *pipeline)
{
    const MppOrder *order = mpp_pipeline_cost_order(pipeline);
    double n = 0;
    for (int64_t c = 0; c < pipeline->n_chunks; c++)
        n += !mpp_order_ends(order, c) && order->rank_of[c] != order->rank_of[c + 1];
    return n;
}

static void check_stages(const MppPartitionGraph *graph, MppPipelineCost *pipeline)
{
    const MppStrategy *s = pipeline->strategy;
    MppMemoryRates rates = mpp_memory_rates(pipeline);
    bool shared = pipeline->shard->job->model->tied_embeddings && pipeline->ends_apart;
    g_assert_cmpint(graph->clusters->len, ==, s->pp);
    for (int64_t k = 0; k < s->pp; k++) {
        MppGraphNode sum = sum_nodes(graph, k);
        MppMemory memory = mpp_memory_stage(pipeline, &rates, k);
        double kept = 0;
        for (int64_t i = 0; i < pipeline->peaks[k].n_local; i++)
            kept += pipeline->kept_bytes[pipeline->peaks[k].chunks[i]];
        near(sum.kept_bytes, kept, "kept", s);
        if (shared) /* the copy of the embedding beside the head is no node */
            continue;
        near(sum.parameters, pipeline->stages[k].parameters + pipeline->stages[k].expert_parameters, "parameters", s);
        near(sum.memory_bytes + memory.bytes[MPP_MEMORY_WORKING], memory.allocated_bytes, "memory", s);
    }
}

static void check(const MppJob *job, const MppStrategy *s, int *folded)
{
    g_autoptr(MppPlanCost) cost = mpp_plan_cost_new(job, s);
    MppPipelineCost *pipeline = cost->pipeline;
    for (int64_t replica = -1; replica < 1; replica++) {
        GError *error = NULL;
        g_autoptr(MppPartitionGraph) graph = mpp_graph_of_plan(pipeline, &(MppGraphRequest){ replica, -1, -1 }, &error);
        g_assert_no_error(error);
        near(messages(graph, true), crossings(pipeline), "messages", s);
        near(messages(graph, false), crossings(pipeline), "messages back", s);
        if (replica == 0)
            check_stages(graph, pipeline);
        else
            *folded += (int64_t)graph->clusters->len < s->pp;
    }
}

static void test_adds_up(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(20261121);
    int folded = 0, checked = 0;
    for (int i = 0; i < JOBS; i++) {
        g_autoptr(MppInputs) inputs = random_job_new(rand, i % 3 ? 12 : 32);
        MppSpaceLimits limits = random_job_limits(rand, &inputs->job);
        g_autoptr(GArray) members = random_job_members(&inputs->job, &limits);
        for (guint k = 0; k < members->len; k++) {
            if (g_rand_double(rand) >= (double)MOST_MEMBERS / members->len)
                continue;
            check(&inputs->job, &g_array_index(members, RandomMember, k).strategy, &folded);
            checked++;
        }
    }
    g_assert_cmpint(checked, >, 500);
    g_assert_cmpint(folded, >, 50);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/graph/adds-up", test_adds_up);
    return g_test_run();
}
