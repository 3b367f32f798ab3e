#include "planner/cost/collective.h"
#include "planner/cost/step_end.h"
#include "planner/graph/graph_build.h"

static const char *id_of(const MppPartitionGraph *graph, guint node)
{
    return g_array_index(graph->nodes, MppGraphNode, node).id;
}

MppGraphEdge *mpp_graph_join(MppGraphBuild *build, const MppGraphSpan *from, const MppGraphSpan *to, MppGraphAxis axis,
                             MppGraphDirection direction)
{
    MppPartitionGraph *graph = build->graph;
    const char *tail = id_of(graph, from->tail), *head = id_of(graph, to->head);
    for (guint i = 0; i < graph->edges->len; i++) {
        MppGraphEdge *edge = &g_array_index(graph->edges, MppGraphEdge, i);
        if (edge->axis == axis && edge->direction == direction && g_str_equal(edge->from, tail) && g_str_equal(edge->to, head))
            return edge;
    }
    MppGraphEdge *edge = mpp_partition_graph_add_edge(graph, tail, head);
    edge->axis = axis;
    edge->direction = direction;
    return edge;
}

void mpp_graph_add_message(MppGraphBuild *build, const MppGraphSpan *from, const MppGraphSpan *to, int64_t chunk)
{
    const MppPipelineCost *pipeline = build->pipeline;
    const MppGroup *group = &pipeline->exchange.mesh.groups[MPP_AXIS_PP];
    MppGraphEdge *edge = mpp_graph_join(build, from, to, MPP_GRAPH_PP, MPP_GRAPH_FORWARD);
    if (!edge->title) {
        edge->title = g_strdup("message");
        edge->bytes = mpp_pipeline_cost_message_bytes(pipeline, chunk);
        edge->seconds = mpp_collective_message_s(pipeline->shard->job->cluster, edge->bytes, group);
        edge->ranks = 2;
        edge->tier = g_strdup(mpp_graph_tier(pipeline, MPP_AXIS_PP));
    }
    edge->forward_times++;
    edge->backward_times++;
}

void mpp_graph_add_flow(MppGraphBuild *build, const MppGraphSpan *span)
{
    for (guint i = span->head; i < span->tail; i++) {
        MppGraphSpan here = { i, i }, next = { i + 1, i + 1 };
        mpp_graph_join(build, &here, &next, MPP_GRAPH_FLOW, MPP_GRAPH_FORWARD);
    }
}

/** Between all chunks; those whose ends stand for several are counted together. */
static void add_messages(MppGraphBuild *build, const MppGraphSpan *spans)
{
    MppPipelineCost *pipeline = build->pipeline;
    const MppOrder *order = mpp_pipeline_cost_order(pipeline);
    for (int64_t c = 0; c < pipeline->n_chunks; c++) {
        mpp_graph_add_flow(build, &spans[c]);
        if (mpp_order_ends(order, c))
            continue;
        if (order->rank_of[c] != order->rank_of[c + 1])
            mpp_graph_add_message(build, &spans[c], &spans[c + 1], c);
        else
            mpp_graph_join(build, &spans[c], &spans[c + 1], MPP_GRAPH_FLOW, MPP_GRAPH_FORWARD);
    }
}

/** Equal but for what the micro-batches in flight take. */
static bool same_stage(const MppPipelineCost *pipeline, int64_t a, int64_t b)
{
    const MppStageCost *x = &pipeline->stages[a], *y = &pipeline->stages[b];
    return x->forward_s == y->forward_s && x->backward_s == y->backward_s && x->parameters == y->parameters &&
           pipeline->peaks[a].n_local == pipeline->peaks[b].n_local;
}

/** Returns: the cluster's index. */
static int64_t add_cluster(MppGraphBuild *build, int64_t replica, int64_t first, int64_t last, int64_t *fullest)
{
    const MppPipelineCost *pipeline = build->pipeline;
    const MppStageCost *cost = &pipeline->stages[first];
    MppGraphCluster *cluster = mpp_partition_graph_add_cluster(build->graph);
    cluster->title = mpp_graph_stage_title(first, last);
    cluster->place = mpp_graph_place(pipeline->shard->job, pipeline->strategy, replica, first, last);
    cluster->first = first;
    cluster->last = last;
    cluster->forward_s = cost->forward_s;
    cluster->backward_s = cost->backward_s;
    cluster->least_peak_bytes = G_MAXDOUBLE;
    for (int64_t k = first; k <= last; k++) {
        double bytes = mpp_memory_stage(pipeline, &build->rates, k).allocated_bytes;
        *fullest = bytes > cluster->peak_bytes ? k : *fullest;
        cluster->peak_bytes = MAX(cluster->peak_bytes, bytes);
        cluster->least_peak_bytes = MIN(cluster->least_peak_bytes, bytes);
    }
    return build->graph->clusters->len - 1;
}

static void add_tied(MppGraphBuild *build, const MppGraphSpan *first, const MppGraphSpan *last)
{
    const MppPipelineCost *pipeline = build->pipeline;
    double seconds = mpp_step_end_tied_s(pipeline);
    if (!(seconds > 0))
        return;
    MppGraphSpan embedding = { first->head, first->head }, head = { last->tail, last->tail };
    MppGraphEdge *edge = mpp_graph_join(build, &embedding, &head, MPP_GRAPH_DP, MPP_GRAPH_BACKWARD);
    edge->title = g_strdup("gradients of the shared embedding");
    edge->bytes = pipeline->shard->embedding.parameters * mpp_job_reduce_bytes(pipeline->shard->job);
    edge->seconds = seconds;
    edge->step_times = 1;
    edge->ranks = 2;
    edge->tier = g_strdup(mpp_graph_tier(pipeline, MPP_AXIS_PP));
}

/** Gives each chunk of stages @first … @last the spans of the stage that stands for them. */
static void share_spans(const MppPipelineCost *pipeline, int64_t first, int64_t last, const MppGraphSpan *local,
                        MppGraphSpan *spans)
{
    for (int64_t k = first; k <= last; k++)
        for (int64_t i = 0; i < pipeline->peaks[k].n_local; i++)
            spans[pipeline->peaks[k].chunks[i]] = local[i];
}

void mpp_graph_build_plan(MppGraphBuild *build, int64_t replica)
{
    MppPipelineCost *pipeline = build->pipeline;
    int64_t pp = pipeline->strategy->pp;
    g_autofree MppGraphSpan *spans = g_new0(MppGraphSpan, pipeline->n_chunks), *local = g_new0(MppGraphSpan, pipeline->n_chunks);
    for (int64_t first = 0, last; first < pp; first = last + 1) {
        for (last = first; replica < 0 && last + 1 < pp && same_stage(pipeline, first, last + 1); last++)
            ;
        int64_t fullest = first, cluster = add_cluster(build, replica, first, last, &fullest);
        mpp_graph_add_stage(build, cluster, fullest, true, local);
        share_spans(pipeline, first, last, local, spans);
    }
    add_messages(build, spans);
    add_tied(build, &spans[0], &spans[pipeline->model_chunks - 1]);
}
