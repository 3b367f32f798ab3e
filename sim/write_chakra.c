/**
 * Chakra execution traces (arXiv:2305.14516), one file a rank, which ASTRA-sim and others replay.
 *
 * A trace is the rank's program as a graph: computation with its time, messages and collectives with their sizes,
 * edges for what waits for what. Whoever replays it times the network itself. Collectives stand where the plan has
 * them, between computations; that a stack hides some of them within a layer is not expressed, nor the exchange
 * between the two copies of a bidirectional pipeline. Groups of ranks are numbered and listed in a further file, as
 * ASTRA-sim's --comm-group-configuration reads them.
 * Format: a length before each message, metadata first; attributes as ASTRA-sim's workload layer asks for them.
 */
#include <math.h>

#include "sim/chakra_node.h"
#include "sim/rank_groups.h"
#include "sim/recipe.h"
#include "sim/writers.h"

typedef struct {
    const MppSimulation *simulation;
    const MppWriterOptions *options;
    MppOutput *output;
    int64_t rank;
    int32_t lane;
    uint64_t n_nodes;
    /* nodes that later ones wait for; 0: none */
    uint64_t last;     /* of what the rank does in order */
    uint64_t received; /* message for the next pass */
    uint64_t reduced;  /* exchanges of gradients, beside the passes */
    uint64_t drained;  /* the last of them, waited for next */
    GByteArray *packed;
    GArray **recipes; /* [pass][chunk], made when first needed */
} Trace;

static void begin_node(Trace *trace, Chakra__NodeKind kind, char *name, MppChakraNode *node)
{
    mpp_chakra_node_begin(node, ++trace->n_nodes, kind, name);
}

/** Returns: its number. */
static uint64_t put_node(Trace *trace, MppChakraNode *node)
{
    mpp_chakra_node_add_bool(node, "is_cpu_op", false);
    mpp_chakra_node_put(&node->node.base, trace->packed, trace->output);
    return node->node.id;
}

/** The node joins what the rank does in order. */
static void chain(Trace *trace, MppChakraNode *node)
{
    mpp_chakra_node_depend(node, trace->last);
    mpp_chakra_node_depend(node, trace->received);
    mpp_chakra_node_depend(node, trace->drained);
    trace->last = put_node(trace, node);
    trace->received = trace->drained = 0;
}

static void put_compute(Trace *trace, char *name, double duration_s)
{
    MppChakraNode node;
    begin_node(trace, CHAKRA__NODE_KIND__COMPUTE, name, &node);
    node.node.duration_us = (uint64_t)llround(duration_s * 1e6);
    chain(trace, &node);
}

/* --- collectives --- */

/** Numbers of groups start at 1; 0 is all ranks. */
static int64_t group_number(const MppSimulation *simulation, MppAxis axis, int64_t rank)
{
    return 1 + axis * simulation->job->gpus + mpp_rank_group_first(simulation->pipeline->strategy, axis, rank);
}

/** CollectiveCommType of the schema. An exchange with all neighbours in turn brings every rank's part to all. */
static int64_t schema_kind(MppCollective kind)
{
    enum { ALL_REDUCE = 0, ALL_GATHER = 2, ALL_TO_ALL = 6, REDUCE_SCATTER = 7 };
    switch (kind) {
    case MPP_COLLECTIVE_ALL_REDUCE: return ALL_REDUCE;
    case MPP_COLLECTIVE_REDUCE_SCATTER: return REDUCE_SCATTER;
    case MPP_COLLECTIVE_ALL_TO_ALL: return ALL_TO_ALL;
    default: return ALL_GATHER;
    }
}

/** The schema counts what a rank brings along. */
static double schema_bytes(const MppRecipeStep *step, int64_t members)
{
    if (step->collective == MPP_COLLECTIVE_ALL_GATHER)
        return step->bytes / members;
    return step->collective == MPP_COLLECTIVE_EXCHANGE ? step->bytes / MAX(members - 1, 1) : step->bytes;
}

/** @number: its group; it is not written for 0. */
static void begin_collective(Trace *trace, int64_t kind, double bytes, const char *number, char *name, MppChakraNode *node)
{
    begin_node(trace, CHAKRA__NODE_KIND__COLLECTIVE, name, node);
    mpp_chakra_node_add_int64(node, "comm_type", (double)kind);
    mpp_chakra_node_add_int64(node, "comm_size", bytes);
    if (number)
        mpp_chakra_node_add_string(node, "pg_name", number);
}

static void begin_step(Trace *trace, const MppRecipeStep *step, char *number, size_t size, char *name, MppChakraNode *node)
{
    int64_t members = trace->simulation->pipeline->exchange.mesh.groups[step->axis].n;
    g_snprintf(number, size, "%" G_GINT64_FORMAT, group_number(trace->simulation, step->axis, trace->rank));
    begin_collective(trace, schema_kind(step->collective), schema_bytes(step, members), number, name, node);
}

static void put_steps(Trace *trace, const GArray *steps, const char *what)
{
    for (guint i = 0; i < steps->len; i++) {
        const MppRecipeStep *step = &g_array_index(steps, MppRecipeStep, i);
        char number[24], name[64], layer[16] = "";
        if (step->layer >= 0)
            g_snprintf(layer, sizeof layer, " layer %d", step->layer);
        if (step->compute_s > 0) {
            g_snprintf(name, sizeof name, "%s%s", what, layer);
            put_compute(trace, name, step->compute_s);
            continue;
        }
        MppChakraNode node;
        g_snprintf(name, sizeof name, "%s%s %s %s", what, layer, mpp_names_get(&mpp_axis_names, step->axis),
                   mpp_names_get(&mpp_collective_names, step->collective));
        begin_step(trace, step, number, sizeof number, name, &node);
        chain(trace, &node);
    }
}

/** Beside what follows: each waits for the rank's last node and for the exchange before it. */
static void put_reductions(Trace *trace, int32_t chunk)
{
    g_autoptr(GArray) steps = mpp_recipe_reduce(trace->simulation, chunk);
    for (guint i = 0; i < steps->len; i++) {
        MppChakraNode node;
        char number[24], name[32];
        g_snprintf(name, sizeof name, "reduce %d", chunk);
        begin_step(trace, &g_array_index(steps, MppRecipeStep, i), number, sizeof number, name, &node);
        mpp_chakra_node_depend(&node, trace->last);
        mpp_chakra_node_depend(&node, trace->reduced);
        trace->reduced = put_node(trace, &node);
    }
}

static void put_tied(Trace *trace)
{
    MppChakraNode node;
    char number[24];
    const MppSimulation *simulation = trace->simulation;
    double bytes = simulation->pipeline->shard->embedding.parameters * mpp_job_reduce_bytes(simulation->job);
    g_snprintf(number, sizeof number, "%" G_GINT64_FORMAT, group_number(simulation, MPP_AXIS_PP, trace->rank));
    begin_collective(trace, schema_kind(MPP_COLLECTIVE_ALL_REDUCE), bytes, number, "tied embedding", &node);
    chain(trace, &node);
}

/** All ranks agree on the norm of the gradients: one number. */
static void put_barrier(Trace *trace)
{
    enum { NORM_BYTES = 4 };
    MppChakraNode node;
    begin_collective(trace, schema_kind(MPP_COLLECTIVE_ALL_REDUCE), NORM_BYTES, NULL, "gradient norm", &node);
    chain(trace, &node);
}

/* --- passes and messages --- */

static void put_pass(Trace *trace, const MppAction *action)
{
    GArray **recipe = &trace->recipes[action->pass * trace->simulation->program->n_chunks + action->chunk];
    if (!*recipe)
        *recipe = mpp_recipe_pass(trace->simulation, trace->lane, action->pass, action->chunk, trace->options->detail);
    char name[32];
    g_snprintf(name, sizeof name, "%d%s%d", action->chunk, mpp_names_get(&mpp_pass_names, action->pass), action->micro_batch);
    put_steps(trace, *recipe, name);
}

/** Of the message that the pass of @chunk sends. */
static int64_t tag_of(const Trace *trace, MppPass pass, int32_t chunk, int32_t micro_batch)
{
    const MppProgram *program = trace->simulation->program;
    return ((int64_t)chunk * 2 + (pass == MPP_PASS_FORWARD)) * program->micro_batches + micro_batch;
}

static void put_message(Trace *trace, const MppAction *action, bool receives)
{
    const MppSimulation *simulation = trace->simulation;
    int32_t stage = trace->lane % simulation->program->pp, step = action->pass == MPP_PASS_FORWARD ? 1 : -1;
    int32_t other = g_array_index(simulation->program->stages[stage].peers, MppPeer, action->peer).stage;
    int64_t between = (step > 0) == receives ? action->chunk - 1 : action->chunk; /* this chunk and the next */
    int64_t peer = trace->rank + (other - stage) * mpp_mesh_stride(simulation->pipeline->strategy, MPP_AXIS_PP);
    MppChakraNode node;
    char name[32];
    g_snprintf(name, sizeof name, "%s %d%s%d", receives ? "receive" : "send", action->chunk,
               mpp_names_get(&mpp_pass_names, action->pass), action->micro_batch);
    begin_node(trace, receives ? CHAKRA__NODE_KIND__RECEIVE : CHAKRA__NODE_KIND__SEND, name, &node);
    mpp_chakra_node_add_int64(&node, "comm_size", mpp_pipeline_cost_message_bytes(simulation->pipeline, between));
    mpp_chakra_node_add_int32(&node, "comm_src", receives ? peer : trace->rank);
    mpp_chakra_node_add_int32(&node, "comm_dst", receives ? trace->rank : peer);
    mpp_chakra_node_add_int32(&node, "comm_tag",
                              tag_of(trace, action->pass, action->chunk - (receives ? step : 0), action->micro_batch));
    mpp_chakra_node_depend(&node, trace->last);
    uint64_t number = put_node(trace, &node);
    if (receives)
        trace->received = number;
}

static void put_action(Trace *trace, const MppAction *action)
{
    const MppSimulation *simulation = trace->simulation;
    switch ((MppActionKind)action->kind) {
    case MPP_ACTION_RECEIVE: put_message(trace, action, true); break;
    case MPP_ACTION_SEND: put_message(trace, action, false); break;
    case MPP_ACTION_PASS: put_pass(trace, action); break;
    case MPP_ACTION_REDUCE: put_reductions(trace, action->chunk); break;
    case MPP_ACTION_DRAIN: trace->drained = trace->reduced; break;
    case MPP_ACTION_TIED: put_tied(trace); break;
    case MPP_ACTION_BARRIER: put_barrier(trace); break;
    case MPP_ACTION_UPDATE: put_compute(trace, "update", simulation->scene.update_s[trace->lane]); break;
    case MPP_ACTION_GATHER: {
        g_autoptr(GArray) steps = mpp_recipe_gather(simulation, trace->lane % simulation->program->pp);
        put_steps(trace, steps, "gather");
        break;
    }
    case MPP_N_ACTIONS: break;
    }
}

static void write_chakra(const MppTracks *tracks, const MppWriterOptions *options, int64_t rank, MppOutput *output)
{
    const MppSimulation *simulation = tracks->simulation;
    const MppProgram *program = simulation->program;
    Trace trace = { .simulation = simulation, .options = options, .output = output, .rank = rank };
    trace.lane = mpp_lanes_of_rank(&simulation->ranks, rank);
    trace.packed = g_byte_array_new();
    trace.recipes = g_new0(GArray *, (gsize)MPP_N_PASSES * program->n_chunks);
    Chakra__Metadata metadata = CHAKRA__METADATA__INIT;
    metadata.version = "0.0.4";
    mpp_chakra_node_put(&metadata.base, trace.packed, output);
    const GArray *actions = program->stages[trace.lane % program->pp].actions;
    for (guint i = 0; i < actions->len; i++)
        put_action(&trace, &g_array_index(actions, MppAction, i));
    for (int32_t i = 0; i < MPP_N_PASSES * program->n_chunks; i++)
        if (trace.recipes[i])
            g_array_unref(trace.recipes[i]);
    g_free(trace.recipes);
    g_byte_array_unref(trace.packed);
}

static void put_group(const MppSimulation *simulation, MppAxis axis, int64_t rank, bool first, MppOutput *output)
{
    g_autoptr(GArray) members = mpp_rank_group_members(simulation->pipeline->strategy, axis, rank);
    mpp_output_format(output, "%s\n\"%" G_GINT64_FORMAT "\": [", first ? "" : ",", group_number(simulation, axis, rank));
    for (guint i = 0; i < members->len; i++)
        mpp_output_format(output, "%s%" G_GINT64_FORMAT, i ? ", " : "", g_array_index(members, int64_t, i));
    mpp_output_text(output, "]");
}

/** Groups of more than one rank, each once: where its lowest rank comes up. */
static void write_groups(const MppTracks *tracks, const MppWriterOptions *options, MppOutput *output)
{
    (void)options;
    const MppSimulation *simulation = tracks->simulation;
    bool none = true;
    mpp_output_text(output, "{");
    for (int axis = 0; axis < MPP_N_AXES; axis++)
        for (int64_t rank = 0; rank < simulation->job->gpus && simulation->pipeline->exchange.mesh.groups[axis].n > 1; rank++)
            if (mpp_rank_group_first(simulation->pipeline->strategy, (MppAxis)axis, rank) == rank) {
                put_group(simulation, (MppAxis)axis, rank, none, output);
                none = false;
            }
    mpp_output_text(output, "\n}\n");
}

const MppWriter mpp_write_chakra = {
    .name = "chakra",
    .suffix = ".et",
    .summary = "folder of execution traces that ASTRA-sim replays, one for every rank",
    .folder = true,
    .every_rank = true,
    .prefix = "plan",
    .extra = "groups.json",
    .write = write_chakra,
    .write_extra = write_groups,
};
