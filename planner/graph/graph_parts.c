#include "planner/cost/collective.h"
#include "planner/cost/step_end.h"
#include "planner/graph/graph_build.h"

#include <string.h>

/** The edge of @id to itself for such transfers, new if there is none. */
static MppGraphEdge *own_edge(MppGraphBuild *build, const char *id, MppAxis axis, MppCollective kind, double bytes,
                              double seconds)
{
    MppPartitionGraph *graph = build->graph;
    const char *title = mpp_names_get(&mpp_collective_names, kind);
    for (guint i = 0; i < graph->edges->len; i++) {
        MppGraphEdge *edge = &g_array_index(graph->edges, MppGraphEdge, i);
        if (strcmp(edge->from, id) == 0 && strcmp(edge->to, id) == 0 && edge->axis == mpp_graph_axis(axis) &&
            strcmp(edge->title, title) == 0 && edge->bytes == bytes)
            return edge;
    }
    MppGraphEdge *edge = mpp_partition_graph_add_edge(graph, id, id);
    edge->axis = mpp_graph_axis(axis);
    edge->title = g_strdup(title);
    edge->bytes = bytes;
    edge->seconds = seconds;
    edge->ranks = build->pipeline->exchange.mesh.groups[axis].n;
    edge->tier = g_strdup(mpp_graph_tier(build->pipeline, axis));
    return edge;
}

/** What the collectives among @ops move between the ranks of node @id, in @layers layers; @again: recomputed from the start. */
static void add_collectives(MppGraphBuild *build, const char *id, const MppOps *ops, double layers, bool again)
{
    const MppPipelineCost *pipeline = build->pipeline;
    for (int i = 0; i < ops->n; i++) {
        const MppOp *op = &ops->ops[i];
        if (op->kind != MPP_OP_COLLECTIVE || pipeline->exchange.mesh.groups[op->axis].n == 1)
            continue;
        double seconds = mpp_collective_op_s(pipeline->shard->job->cluster, op, &pipeline->exchange.mesh.groups[op->axis]);
        MppGraphEdge *edge = own_edge(build, id, op->axis, op->collective, op->bytes, seconds);
        edge->forward_times += layers * op->forward_times;
        edge->backward_times += layers * (op->backward_times + (again ? op->forward_times : 0));
    }
}

static MppGraphEdge *exchange_edge(MppGraphBuild *build, const char *id, const MppExchangeTransfer *transfer)
{
    return own_edge(build, id, transfer->axis, transfer->kind, transfer->bytes, transfer->time_s / transfer->calls);
}

/** Sharded parameters and gradients of @layers layers (ZeRO 2 and 3). */
static void add_sharded(MppGraphBuild *build, const char *id, const MppBlockCost *block, double layers)
{
    MppExchangeTransfer transfers[MPP_EXCHANGE_MOST];
    int n = mpp_exchange_each(&build->pipeline->exchange, block->parameters, block->expert_parameters, transfers);
    for (int i = 0; i < n; i++) {
        MppGraphEdge *edge = exchange_edge(build, id, &transfers[i]);
        edge->forward_times += transfers[i].gather ? layers * transfers[i].calls : 0;
        edge->backward_times += layers * transfers[i].calls;
    }
}

/** Equal layers of a chunk, or of several equal ones. */
typedef struct {
    int64_t stage, chunk, cluster;
    int64_t first, last; /* layers; -1: not layers */
    double layers;       /* in all chunks */
    double in_flight;    /* micro-batches that the rank holds of them, summed over their chunks and divided by them */
    bool recomputed;
} Part;

static double weights_bytes(const MppGraphBuild *build, const MppBlockCost *block)
{
    return block->parameters * build->rates.dense.weights + block->expert_parameters * build->rates.experts.weights;
}

static MppGraphNode *add_block(MppGraphBuild *build, const Part *part, MppGraphKind kind, const MppBlockCost *block,
                               const MppOps *ops)
{
    const MppPipelineCost *pipeline = build->pipeline;
    MppRecompute recompute = part->recomputed ? pipeline->strategy->recompute : MPP_RECOMPUTE_NONE;
    const MppPassCost *cost = &block->by_recompute[recompute];
    MppShardedLayer sharded = mpp_exchange_layer(&pipeline->exchange, block, cost);
    MppGraphNode *node = mpp_partition_graph_add_node(build->graph, kind);
    node->id = g_strdup_printf("%s-%" G_GINT64_FORMAT "-%" G_GINT64_FORMAT "-%" G_GINT64_FORMAT,
                               mpp_names_get(&mpp_graph_kind_names, kind), part->stage, part->chunk, MAX(part->first, 0));
    node->cluster = part->cluster;
    node->forward_s = part->layers * (cost->forward_s + sharded.forward_s);
    node->backward_s = part->layers * (cost->backward_s + sharded.backward_s);
    node->step_s = (node->forward_s + node->backward_s) * (double)build->micro_batches * pipeline->model_chunks /
                   pipeline->n_chunks;
    node->parameters = part->layers * (block->parameters + block->expert_parameters);
    double kept = mpp_pipeline_cost_kept_bytes(pipeline, block, recompute);
    node->kept_bytes = part->layers * kept;
    node->memory_bytes = part->layers * (weights_bytes(build, block) + part->in_flight * kept);
    add_collectives(build, node->id, ops, part->layers, recompute == MPP_RECOMPUTE_FULL);
    add_sharded(build, node->id, block, part->layers);
    return node;
}

/** "layers 3–4 of stage 2" where other stages are alike, "4 chunks of 2, first layers 1–2", what is recomputed. */
static char *layers_note(const MppGraphBuild *build, const Part *part, int64_t chunks)
{
    const MppGraphCluster *cluster = &g_array_index(build->graph->clusters, MppGraphCluster, part->cluster);
    g_autoptr(GString) note = g_string_new(NULL);
    if (chunks > 1)
        g_string_append_printf(note, "%" G_GINT64_FORMAT " chunks of %.0f, first ", chunks, part->layers / chunks);
    if (part->last > part->first)
        g_string_append_printf(note, "layers %" G_GINT64_FORMAT "–%" G_GINT64_FORMAT, part->first, part->last);
    else
        g_string_append_printf(note, "layer %" G_GINT64_FORMAT, part->first);
    if (cluster->last > cluster->first)
        g_string_append_printf(note, " of stage %" G_GINT64_FORMAT, part->stage);
    const MppStrategy *strategy = build->pipeline->strategy;
    g_autofree char *modules = mpp_strategy_modules(strategy, ", ");
    if (part->recomputed && strategy->recompute == MPP_RECOMPUTE_OFFLOAD)
        g_string_append(note, ", activations in the host's memory");
    else if (part->recomputed)
        g_string_append_printf(note, ", %s recomputation",
                               *modules ? modules : mpp_names_get(&mpp_recompute_names, strategy->recompute));
    return g_strdup(note->str);
}

/** The chunk's layers of one kind, counted from its first of that kind. */
static void add_kind(MppGraphBuild *build, Part part, int64_t kind, int64_t chunks)
{
    const MppPipelineCost *pipeline = build->pipeline;
    const MppJob *job = pipeline->shard->job;
    MppOps ops;
    mpp_ops_layer(job, &pipeline->shard->place.shard, &job->model->kinds[kind], &ops);
    MppGraphNode *node = add_block(build, &part, MPP_GRAPH_LAYERS, &pipeline->shard->kinds[kind], &ops);
    g_autofree char *title = mpp_graph_layer_title(job->model, &job->model->kinds[kind]);
    node->title = part.layers > 1 ? g_strdup_printf("%.0f × %s", part.layers, title) : g_strdup(title);
    node->note = layers_note(build, &part, chunks);
}

/** Layers of one kind in order of their first, the recomputed ones (which come first in a chunk) apart. */
static void add_layers(MppGraphBuild *build, Part part, int64_t chunks)
{
    const MppPipelineCost *pipeline = build->pipeline;
    const MppModel *model = pipeline->shard->job->model;
    const MppChunkCost *chunk = &pipeline->chunks[part.chunk];
    int64_t again = 0, end = chunk->first_layer + chunk->layers;
    for (int64_t kind = 0; kind < model->n_kinds; kind++)
        again += chunk->recomputed.n[kind];
    for (int turn = 0; turn < 2; turn++) {
        int64_t from = turn ? chunk->first_layer + again : chunk->first_layer, to = turn ? end : chunk->first_layer + again;
        bool seen[MPP_MODEL_MOST_KINDS] = { false };
        for (int64_t i = from; i < to; i++) {
            int kind = model->kind_of_layer[i];
            if (seen[kind])
                continue;
            seen[kind] = true;
            part.first = part.last = i;
            for (int64_t k = i; k < to; k++)
                part.last = model->kind_of_layer[k] == kind ? k : part.last;
            part.recomputed = turn == 0;
            part.layers = (double)chunks * (turn ? chunk->stored.n[kind] : chunk->recomputed.n[kind]);
            add_kind(build, part, kind, chunks);
        }
    }
}

static void add_end(MppGraphBuild *build, Part part, bool head)
{
    const MppPipelineCost *pipeline = build->pipeline;
    const MppJob *job = pipeline->shard->job;
    MppOps ops;
    part.first = -1;
    part.layers = 1;
    part.recomputed = false;
    if (head)
        mpp_ops_head(job, &pipeline->shard->place.shard, &ops);
    else
        mpp_ops_embedding(job, &pipeline->shard->place.shard, &ops);
    MppGraphNode *node = add_block(build, &part, head ? MPP_GRAPH_HEAD : MPP_GRAPH_EMBEDDING,
                                   head ? &pipeline->shard->head : &pipeline->shard->embedding, &ops);
    static const char *const titles[2][2] = { { "embedding", "head and loss" }, { "input", "loss" } };
    node->title = g_strdup(titles[job->model->sequential != NULL][head]);
    node->memory_bytes += head ? mpp_memory_stage(pipeline, &build->rates, part.stage).bytes[MPP_MEMORY_LOSS] : 0;
}

/** Of either copy of the model. */
static bool is_first(const MppPipelineCost *pipeline, int64_t chunk)
{
    return chunk % pipeline->model_chunks == 0;
}

static bool is_last(const MppPipelineCost *pipeline, int64_t chunk)
{
    return chunk % pipeline->model_chunks == pipeline->model_chunks - 1;
}

/** Whether the next chunk of a rank is as this one. */
static bool same_chunk(const MppPipelineCost *pipeline, int64_t a, int64_t b)
{
    const MppChunkCost *x = &pipeline->chunks[a], *y = &pipeline->chunks[b];
    bool ends = is_first(pipeline, a) || is_first(pipeline, b) || is_last(pipeline, a) || is_last(pipeline, b);
    return !ends && x->layers == y->layers && memcmp(&x->stored, &y->stored, sizeof x->stored) == 0 &&
           memcmp(&x->recomputed, &y->recomputed, sizeof x->recomputed) == 0;
}

/** Micro-batches of each local chunk at the rank's fullest moment: a row of its peaks. */
static const int32_t *fullest_row(const MppPipelineCost *pipeline, const MppPeaks *peaks)
{
    int64_t fullest = 0;
    double most = -1;
    for (int64_t row = 0; row < peaks->n_rows; row++) {
        double sum = 0;
        for (int64_t i = 0; i < peaks->n_local; i++)
            sum += peaks->counts[row * peaks->n_local + i] * pipeline->kept_bytes[peaks->chunks[i]];
        if (sum > most) {
            most = sum;
            fullest = row;
        }
    }
    return &peaks->counts[fullest * peaks->n_local];
}

/** nanotron leaves stages without a layer: micro-batches pass through. */
static void add_nothing(MppGraphBuild *build, const Part *part)
{
    MppGraphNode *node = mpp_partition_graph_add_node(build->graph, MPP_GRAPH_LAYERS);
    node->id = g_strdup_printf("nothing-%" G_GINT64_FORMAT "-%" G_GINT64_FORMAT, part->stage, part->chunk);
    node->title = g_strdup("no layers");
    node->cluster = part->cluster;
}

static void add_states(MppGraphBuild *build, int64_t cluster, int64_t stage)
{
    const MppPipelineCost *pipeline = build->pipeline;
    const MppStageCost *cost = &pipeline->stages[stage];
    MppMemory memory = mpp_memory_stage(pipeline, &build->rates, stage);
    MppGraphNode *node = mpp_partition_graph_add_node(build->graph, MPP_GRAPH_STATES);
    node->id = g_strdup_printf("states-%" G_GINT64_FORMAT, stage);
    node->title = g_strdup("gradients and optimizer");
    if (pipeline->strategy->zero)
        node->note = g_strdup_printf("ZeRO-%" G_GINT64_FORMAT ", over %" G_GINT64_FORMAT " ranks", pipeline->strategy->zero,
                                     mpp_strategy_shard_ranks(pipeline->strategy));
    node->cluster = cluster;
    node->parameters = cost->parameters + cost->expert_parameters;
    node->memory_bytes = memory.bytes[MPP_MEMORY_GRADIENTS] + memory.bytes[MPP_MEMORY_OPTIMIZER] +
                         memory.bytes[MPP_MEMORY_BUFFERS];
    node->step_s = mpp_exchange_update_s(&pipeline->exchange, cost->parameters, cost->expert_parameters);
    MppExchangeTransfer transfers[MPP_EXCHANGE_MOST];
    int n = mpp_exchange_once(&pipeline->exchange, cost->parameters, cost->expert_parameters, transfers);
    g_autofree char *id = g_strdup(node->id);
    for (int i = 0; i < n; i++) {
        exchange_edge(build, id, &transfers[i])->step_times += transfers[i].calls;
        node->step_s += transfers[i].time_s;
    }
}

void mpp_graph_add_stage(MppGraphBuild *build, int64_t cluster, int64_t stage, bool folds, MppGraphSpan *spans)
{
    const MppPipelineCost *pipeline = build->pipeline;
    const MppPeaks *peaks = &pipeline->peaks[stage];
    const int32_t *counts = fullest_row(pipeline, peaks);
    for (int64_t i = 0, last; i < peaks->n_local; i = last + 1) {
        Part part = { .stage = stage, .chunk = peaks->chunks[i], .cluster = cluster, .in_flight = counts[i] };
        for (last = i; folds && last + 1 < peaks->n_local && same_chunk(pipeline, peaks->chunks[last], peaks->chunks[last + 1]);
             last++)
            part.in_flight += counts[last + 1];
        int64_t chunks = last - i + 1;
        part.in_flight /= (double)chunks;
        MppGraphSpan span = { .head = build->graph->nodes->len };
        if (is_first(pipeline, part.chunk))
            add_end(build, part, false);
        add_layers(build, part, chunks);
        if (is_last(pipeline, part.chunk))
            add_end(build, part, true);
        if (span.head == build->graph->nodes->len)
            add_nothing(build, &part);
        span.tail = build->graph->nodes->len - 1;
        for (int64_t k = i; k <= last; k++)
            spans[k] = span;
    }
    add_states(build, cluster, stage);
}
