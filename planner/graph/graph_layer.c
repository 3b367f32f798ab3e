#include <math.h>

#include "planner/cost/collective.h"
#include "planner/cost/compute.h"
#include "planner/graph/graph_build.h"

/** How many times smaller @part is than @whole. */
static int64_t parts(double whole, double part)
{
    return part > 0 ? MAX((int64_t)round(whole / part), 1) : 1;
}

/** Whether a dimension is split; not always evenly: few key-value heads are held by several ranks. */
static bool is_split(double whole, double part)
{
    return part > 0 && whole / part > 1 + 1e-9;
}

/** How many ops before op @index of @ops have its name. */
static int earlier(const MppOps *ops, int index)
{
    int n = 0;
    for (int i = 0; i < index; i++)
        n += g_str_equal(ops->ops[i].name, ops->ops[index].name);
    return n;
}

/** The op of an unsplit layer that op @index of @ops is a part of: the one of its name in the same turn; NULL: none. */
static const MppOp *whole_of(const MppOps *unsplit, const MppOps *ops, int index)
{
    for (int i = 0; i < unsplit->n; i++)
        if (g_str_equal(unsplit->ops[i].name, ops->ops[index].name) && earlier(unsplit, i) == earlier(ops, index))
            return &unsplit->ops[i];
    return NULL;
}

/** Experts are spread over ranks whole, so their products' rows say nothing about a split. */
static MppGraphSplit split_of(const MppShard *shard, const MppOp *op, const MppOp *whole)
{
    int64_t ways = op->expert ? shard->etp : shard->tp;
    MppGraphSplit split = { 1, 1, 1, 1 };
    if (!whole || op->kind == MPP_OP_MEMORY)
        return split;
    split.instances = parts(whole->count, op->count);
    split.tokens = op->expert ? 1 : parts(whole->m, op->m);
    if (op->kind == MPP_OP_MATMUL && !op->attention_core) {
        split.columns = is_split(whole->n, op->n) ? ways : 1;
        split.rows = is_split(whole->k, op->k) ? ways : 1;
    }
    return split;
}

static char *sizes_text(const MppOp *op)
{
    if (op->kind == MPP_OP_MATMUL)
        return op->count > 1 ? g_strdup_printf("%.0f × [%.0f, %.0f] · [%.0f, %.0f]", op->count, op->m, op->k, op->k, op->n)
                             : g_strdup_printf("[%.0f, %.0f] · [%.0f, %.0f]", op->m, op->k, op->k, op->n);
    if (op->kind == MPP_OP_ATTENTION)
        return g_strdup_printf("%.0f heads, %.0f queries, %.0f keys each", op->count, op->m, op->n);
    return NULL;
}

typedef struct {
    MppGraphBuild *build;
    char *last[MPP_N_GRAPH_DIRECTIONS]; /* ids of the ends of both chains */
} Chains;

static void link_to(Chains *chains, const char *id, MppGraphDirection direction, bool after)
{
    char **last = &chains->last[direction];
    if (*last) {
        MppGraphEdge *edge = after ? mpp_partition_graph_add_edge(chains->build->graph, *last, id)
                                   : mpp_partition_graph_add_edge(chains->build->graph, id, *last);
        edge->axis = MPP_GRAPH_FLOW;
        edge->direction = direction;
    }
    g_free(*last);
    *last = g_strdup(id);
}

static MppGraphNode *add_op(Chains *chains, const MppOp *op, int index, MppGraphDirection direction)
{
    static const MppGraphKind kinds[] = { MPP_GRAPH_MATMUL, MPP_GRAPH_ATTENTION, MPP_GRAPH_MEMORY, MPP_GRAPH_COLLECTIVE };
    MppGraphNode *node = mpp_partition_graph_add_node(chains->build->graph, kinds[op->kind]);
    node->id = g_strdup_printf("%s-%d", mpp_names_get(&mpp_graph_direction_names, direction), index);
    node->title = g_strdup(op->name);
    node->direction = direction;
    node->cluster = 0;
    link_to(chains, node->id, direction, direction == MPP_GRAPH_FORWARD);
    return node;
}

static void add_transfer(Chains *chains, const MppOp *op, int index)
{
    const MppPipelineCost *pipeline = chains->build->pipeline;
    double seconds = mpp_collective_op_s(pipeline->shard->job->cluster, op, &pipeline->exchange.mesh.groups[op->axis]);
    const int times[] = { op->forward_times, op->backward_times };
    for (MppGraphDirection direction = 0; direction < MPP_N_GRAPH_DIRECTIONS; direction++) {
        if (!times[direction])
            continue;
        MppGraphNode *node = add_op(chains, op, index, direction);
        bool forward = direction == MPP_GRAPH_FORWARD;
        *(forward ? &node->forward_s : &node->backward_s) = times[direction] * seconds;
        node->step_s = times[direction] * seconds * chains->build->micro_batches;
        MppGraphEdge *edge = mpp_partition_graph_add_edge(chains->build->graph, node->id, node->id);
        edge->title = g_strdup(mpp_names_get(&mpp_collective_names, op->collective));
        edge->axis = mpp_graph_axis(op->axis);
        edge->direction = direction;
        edge->bytes = op->bytes;
        edge->seconds = seconds;
        *(forward ? &edge->forward_times : &edge->backward_times) = times[direction];
        edge->ranks = pipeline->exchange.mesh.groups[op->axis].n;
        edge->tier = g_strdup(mpp_graph_tier(pipeline, op->axis));
    }
}

static void add_pass(Chains *chains, const MppOp *op, const MppOp *whole, int index, MppGraphDirection direction, double seconds)
{
    MppGraphBuild *build = chains->build;
    MppGraphNode *node = add_op(chains, op, index, direction);
    node->step_s = seconds * build->micro_batches;
    node->split = split_of(&build->pipeline->shard->place.shard, op, whole);
    if (direction == MPP_GRAPH_BACKWARD) {
        node->backward_s = seconds;
        node->note = op->kind == MPP_OP_MATMUL && op->parameters > 0 ? g_strdup("gradients of input and weights") : NULL;
        return;
    }
    const MppParameterBytes *bytes = op->expert ? &build->rates.experts : &build->rates.dense;
    node->forward_s = seconds;
    node->note = sizes_text(op);
    node->parameters = op->parameters;
    node->kept_bytes = op->kept_bytes;
    node->memory_bytes = op->parameters * bytes->weights + op->kept_bytes;
}

static void add_computation(Chains *chains, const MppOp *op, const MppOp *whole, int index)
{
    MppOpTime time = mpp_compute_time(chains->build->pipeline->shard->job, op);
    add_pass(chains, op, whole, index, MPP_GRAPH_FORWARD, time.forward_s);
    add_pass(chains, op, whole, index, MPP_GRAPH_BACKWARD, time.backward_input_s + time.backward_weight_s);
    if (!(op->kept_bytes > 0))
        return;
    MppGraphEdge *kept =
        mpp_partition_graph_add_edge(chains->build->graph, chains->last[MPP_GRAPH_FORWARD], chains->last[MPP_GRAPH_BACKWARD]);
    kept->axis = MPP_GRAPH_KEPT;
    kept->bytes = op->kept_bytes;
    kept->title = g_strdup("kept");
}

static void add_stage_of(MppGraphBuild *build, int64_t layer, const MppBlockCost *block)
{
    const MppPipelineCost *pipeline = build->pipeline;
    const MppModel *model = pipeline->shard->job->model;
    int64_t chunk = 0;
    while (layer >= pipeline->chunks[chunk].first_layer + pipeline->chunks[chunk].layers)
        chunk++;
    int64_t stage = mpp_schedule_rank(&pipeline->schedule, chunk);
    g_autofree char *title = mpp_graph_layer_title(model, &model->kinds[model->kind_of_layer[layer]]);
    MppGraphCluster *cluster = mpp_partition_graph_add_cluster(build->graph);
    cluster->title = g_strdup_printf("layer %" G_GINT64_FORMAT " (%s) on stage %" G_GINT64_FORMAT ", one rank", layer, title,
                                     stage);
    cluster->place = g_strdup("left: forward pass, downwards; right: backward pass, upwards");
    cluster->first = cluster->last = stage;
    cluster->forward_s = block->by_recompute[MPP_RECOMPUTE_NONE].forward_s;
    cluster->backward_s = block->by_recompute[MPP_RECOMPUTE_NONE].backward_s;
}

void mpp_graph_build_layer(MppGraphBuild *build, int64_t layer)
{
    const MppShardCost *shard = build->pipeline->shard;
    const MppModel *model = shard->job->model;
    const MppLayerKind *kind = &model->kinds[model->kind_of_layer[layer]];
    MppShard single = { .tp = 1, .cp = 1, .ep = 1, .etp = 1, .micro_batch = shard->place.shard.micro_batch };
    MppOps ops, unsplit;
    mpp_ops_layer(shard->job, &shard->place.shard, kind, &ops);
    mpp_ops_layer(shard->job, &single, kind, &unsplit);
    build->graph->view = MPP_GRAPH_LAYER;
    add_stage_of(build, layer, &shard->kinds[model->kind_of_layer[layer]]);
    Chains chains = { .build = build };
    for (int i = 0; i < ops.n; i++) {
        if (ops.ops[i].kind == MPP_OP_COLLECTIVE)
            add_transfer(&chains, &ops.ops[i], i);
        else
            add_computation(&chains, &ops.ops[i], whole_of(&unsplit, &ops, i), i);
    }
    for (MppGraphDirection direction = 0; direction < MPP_N_GRAPH_DIRECTIONS; direction++)
        g_free(chains.last[direction]);
}
