#include "planner/graph/graph_build.h"

enum { MOST_SHARDS = 16 };

/** The chunks before and after those of the stage, as nodes outside it. */
static MppGraphSpan add_neighbour(MppGraphBuild *build, int64_t stage)
{
    MppPartitionGraph *graph = build->graph;
    g_autofree char *id = g_strdup_printf("stage-%" G_GINT64_FORMAT, stage);
    guint index = 0;
    while (index < graph->nodes->len && !g_str_equal(g_array_index(graph->nodes, MppGraphNode, index).id, id))
        index++;
    if (index == graph->nodes->len) {
        MppGraphNode *node = mpp_partition_graph_add_node(graph, MPP_GRAPH_NEIGHBOUR);
        node->id = g_strdup(id);
        node->title = mpp_graph_stage_title(stage, stage);
    }
    return (MppGraphSpan){ index, index };
}

static int64_t coordinate(const MppStrategy *s, int64_t rank, MppAxis axis, int64_t degree)
{
    return rank / mpp_mesh_stride(s, axis) % degree;
}

/** "tp 3, cp 1, ep 5": the rank's place in what the stage is split over. */
static char *shard_note(const MppPipelineCost *pipeline, int64_t rank)
{
    const MppStrategy *s = pipeline->strategy;
    const MppJob *job = pipeline->shard->job;
    int64_t per_node = mpp_cluster_domain(job->cluster, 0, job->gpus);
    g_autoptr(GString) note = g_string_new(NULL);
    g_string_append_printf(note, "node %" G_GINT64_FORMAT ", GPU %" G_GINT64_FORMAT, rank / per_node, rank % per_node);
    if (s->tp > 1)
        g_string_append_printf(note, ", tp %" G_GINT64_FORMAT, coordinate(s, rank, MPP_AXIS_TP, s->tp));
    if (s->cp > 1)
        g_string_append_printf(note, ", cp %" G_GINT64_FORMAT, coordinate(s, rank, MPP_AXIS_CP, s->cp));
    if (s->ep > 1)
        g_string_append_printf(note, ", ep %" G_GINT64_FORMAT, rank / s->etp % s->ep);
    return g_strdup(note->str);
}

static char *add_shard(MppGraphBuild *build, int64_t stage, int64_t rank)
{
    const MppPipelineCost *pipeline = build->pipeline;
    const MppStageCost *cost = &pipeline->stages[stage];
    MppGraphNode *node = mpp_partition_graph_add_node(build->graph, MPP_GRAPH_SHARD);
    node->id = g_strdup_printf("rank-%" G_GINT64_FORMAT, rank);
    node->title = g_strdup_printf("rank %" G_GINT64_FORMAT, rank);
    node->note = shard_note(pipeline, rank);
    node->cluster = 0;
    node->parameters = cost->parameters + cost->expert_parameters;
    node->memory_bytes = mpp_memory_stage(pipeline, &build->rates, stage).allocated_bytes;
    return g_strdup(node->id);
}

static void add_link(MppGraphBuild *build, const char *from, const char *to, MppAxis axis)
{
    MppGraphEdge *edge = mpp_partition_graph_add_edge(build->graph, from, to);
    edge->axis = mpp_graph_axis(axis);
    edge->title = g_strdup(mpp_names_get(&mpp_axis_names, axis));
    edge->ranks = build->pipeline->exchange.mesh.groups[axis].n;
    edge->tier = g_strdup(mpp_graph_tier(build->pipeline, axis));
}

/** Ranks of one replica of the stage, joined to their neighbours in tp and cp: the first MOST_SHARDS of them. */
static void add_shards(MppGraphBuild *build, int64_t replica, int64_t stage)
{
    const MppStrategy *s = build->pipeline->strategy;
    int64_t first = replica * mpp_mesh_stride(s, MPP_AXIS_DP) + stage * mpp_mesh_stride(s, MPP_AXIS_PP);
    int64_t all = s->tp * s->cp, shown = MIN(all, MOST_SHARDS);
    g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);
    for (int64_t i = 0; i < shown; i++) {
        int64_t rank = first + i % s->tp + i / s->tp * mpp_mesh_stride(s, MPP_AXIS_CP);
        g_ptr_array_add(ids, add_shard(build, stage, rank));
        if (i % s->tp)
            add_link(build, ids->pdata[i - 1], ids->pdata[i], MPP_AXIS_TP);
        if (i >= s->tp)
            add_link(build, ids->pdata[i - s->tp], ids->pdata[i], MPP_AXIS_CP);
    }
    if (shown == all)
        return;
    MppGraphNode *rest = mpp_partition_graph_add_node(build->graph, MPP_GRAPH_SHARD);
    rest->id = g_strdup("ranks-beyond");
    rest->title = g_strdup_printf("%" G_GINT64_FORMAT " more ranks", all - shown);
    rest->cluster = 0;
}

/** Joins the stage's chunks, whose spans are @local, to one another and to the stages before and after. */
static void add_chunks(MppGraphBuild *build, int64_t stage, const MppGraphSpan *local)
{
    const MppOrder *order = mpp_pipeline_cost_order(build->pipeline);
    const MppPeaks *peaks = &build->pipeline->peaks[stage];
    for (int64_t i = 0; i < peaks->n_local; i++) {
        int32_t chunk = peaks->chunks[i];
        mpp_graph_add_flow(build, &local[i]);
        if (!mpp_order_begins(order, chunk) && order->rank_of[chunk - 1] != stage) {
            MppGraphSpan before = add_neighbour(build, order->rank_of[chunk - 1]);
            mpp_graph_add_message(build, &before, &local[i], chunk - 1);
        }
        if (mpp_order_ends(order, chunk))
            continue;
        if (order->rank_of[chunk + 1] == stage) {
            mpp_graph_join(build, &local[i], &local[i + 1], MPP_GRAPH_FLOW, MPP_GRAPH_FORWARD);
        } else {
            MppGraphSpan after = add_neighbour(build, order->rank_of[chunk + 1]);
            mpp_graph_add_message(build, &local[i], &after, chunk);
        }
    }
}

void mpp_graph_build_stage(MppGraphBuild *build, int64_t replica, int64_t stage)
{
    MppPipelineCost *pipeline = build->pipeline;
    build->graph->view = MPP_GRAPH_STAGE;
    MppGraphCluster *cluster = mpp_partition_graph_add_cluster(build->graph);
    cluster->title = mpp_graph_stage_title(stage, stage);
    cluster->place = mpp_graph_place(pipeline->shard->job, pipeline->strategy, replica, stage, stage);
    cluster->first = cluster->last = stage;
    cluster->forward_s = pipeline->stages[stage].forward_s;
    cluster->backward_s = pipeline->stages[stage].backward_s;
    cluster->peak_bytes = cluster->least_peak_bytes = mpp_memory_stage(pipeline, &build->rates, stage).allocated_bytes;
    g_autofree MppGraphSpan *local = g_new0(MppGraphSpan, pipeline->peaks[stage].n_local);
    mpp_graph_add_stage(build, 0, stage, false, local);
    add_chunks(build, stage, local);
    add_shards(build, replica, stage);
}
