#include "planner/schedule/program.h"

#include "planner/schedule/schedule.h"

static const char *const action_names[] = { "receive", "pass", "send", "reduce", "drain", "tied", "barrier", "update", "gather" };
const MppNames mpp_action_names = MPP_NAMES("action", action_names);

char *mpp_action_to_text(const MppAction *action)
{
    const char *kind = mpp_names_get(&mpp_action_names, action->kind);
    if (action->kind > MPP_ACTION_REDUCE)
        return g_strdup(kind);
    if (action->kind == MPP_ACTION_REDUCE)
        return g_strdup_printf("%s %d", kind, action->chunk);
    return g_strdup_printf("%s %d%s%d", kind, action->chunk, mpp_names_get(&mpp_pass_names, action->pass), action->micro_batch);
}

static void clear_peer(gpointer data)
{
    g_array_unref(((MppPeer *)data)->sends);
}

void mpp_program_free(MppProgram *program)
{
    if (!program)
        return;
    for (int64_t k = 0; k < program->pp; k++) {
        g_array_unref(program->stages[k].actions);
        g_array_unref(program->stages[k].peers);
    }
    g_free(program->stages);
    g_free(program);
}

static int16_t peer_index(MppStageProgram *stage, int32_t peer_stage)
{
    for (guint i = 0; i < stage->peers->len; i++)
        if (g_array_index(stage->peers, MppPeer, i).stage == peer_stage)
            return (int16_t)i;
    MppPeer peer = { peer_stage, g_array_new(FALSE, FALSE, sizeof(int32_t)) };
    g_array_append_val(stage->peers, peer);
    return (int16_t)(stage->peers->len - 1);
}

static void add(MppStageProgram *stage, MppActionKind kind, const MppSlot *slot, int16_t peer)
{
    MppAction action = { .kind = (uint8_t)kind, .peer = peer };
    if (slot) {
        action.pass = (uint8_t)slot->pass;
        action.chunk = slot->chunk;
        action.micro_batch = slot->micro_batch;
    }
    g_array_append_val(stage->actions, action);
}

/** The chunk @step further along the slot's route; -1 beyond its ends. */
static int32_t neighbour(const MppOrder *order, const MppSlot *slot, int step)
{
    int64_t n_visited, first = mpp_order_route(order, slot->micro_batch, &n_visited);
    int64_t chunk = slot->chunk + step;
    return chunk < first || chunk >= first + n_visited ? -1 : (int32_t)chunk;
}

/** A pass, its input if that comes from another rank, and its output if it goes to one. */
static void add_pass(const MppOrder *order, MppStageProgram *stage, const MppSlot *slot)
{
    int32_t own = order->rank_of[slot->chunk], step = slot->pass == MPP_PASS_FORWARD ? 1 : -1;
    bool travels = slot->pass != MPP_PASS_WEIGHT;
    int32_t source = travels ? neighbour(order, slot, -step) : -1, target = travels ? neighbour(order, slot, step) : -1;
    if (source >= 0 && order->rank_of[source] != own)
        add(stage, MPP_ACTION_RECEIVE, slot, peer_index(stage, order->rank_of[source]));
    add(stage, MPP_ACTION_PASS, slot, -1);
    if (target < 0 || order->rank_of[target] == own)
        return;
    int16_t peer = peer_index(stage, order->rank_of[target]);
    int32_t index = (int32_t)stage->actions->len;
    g_array_append_val(g_array_index(stage->peers, MppPeer, peer).sends, index);
    add(stage, MPP_ACTION_SEND, slot, peer);
}

/** Passes that add to the gradients of each chunk. */
static int32_t *count_gradients(const MppOrder *order)
{
    int32_t *left = g_new0(int32_t, order->n_chunks);
    for (int32_t k = 0; k < order->pp; k++)
        for (guint i = 0; i < order->slots[k]->len; i++) {
            const MppSlot *slot = &g_array_index(order->slots[k], MppSlot, i);
            left[slot->chunk] += slot->pass == MPP_PASS_BACKWARD || slot->pass == MPP_PASS_WEIGHT;
        }
    return left;
}

static void add_slots(const MppOrder *order, MppStageProgram *stage, int32_t k, bool reduces, int32_t *left)
{
    for (guint i = 0; i < order->slots[k]->len; i++) {
        const MppSlot *slot = &g_array_index(order->slots[k], MppSlot, i);
        add_pass(order, stage, slot);
        bool adds = slot->pass == MPP_PASS_BACKWARD || slot->pass == MPP_PASS_WEIGHT;
        if (adds && --left[slot->chunk] == 0 && reduces)
            add(stage, MPP_ACTION_REDUCE, slot, -1);
    }
}

/**
 * ZeRO 2 and 3 exchange gradients within passes, but for those between the groups of hybrid sharding. Two copies of the
 * model are replicas of each other; the ranks of a tied matrix are then the same for both of its uses.
 */
MppProgramOptions mpp_program_options(const MppJob *job, const MppStrategy *s)
{
    MppSchedule schedule = mpp_schedule_of(s, job->training.global_batch);
    bool copies = mpp_schedule_copies(&schedule) > 1;
    int64_t replicas = s->dp * s->cp, sharded = mpp_strategy_shard_ranks(s);
    int64_t expert_replicas = job->model->moe.experts ? mpp_strategy_expert_dp(s) : 1;
    return (MppProgramOptions){
        .tied_embedding = job->model->tied_embeddings && s->pp > 1 && !copies,
        .replicated = copies || (s->zero < 2 ? replicas > 1 || expert_replicas > 1 : replicas > sharded),
        .gathers = (s->zero == 1 || s->zero == 2) && (sharded > 1 || expert_replicas > 1),
        .barrier = true,
    };
}

MppProgram *mpp_program_new(const MppOrder *order, const MppProgramOptions *options)
{
    MppProgram *program = g_new0(MppProgram, 1);
    program->pp = order->pp;
    program->n_chunks = order->n_chunks;
    program->micro_batches = order->micro_batches;
    program->stages = g_new0(MppStageProgram, order->pp);
    g_autofree int32_t *left = count_gradients(order);
    int32_t first = order->rank_of[0], last = order->rank_of[order->n_chunks / order->n_routes - 1];
    for (int32_t k = 0; k < order->pp; k++) {
        MppStageProgram *stage = &program->stages[k];
        stage->actions = g_array_new(FALSE, FALSE, sizeof(MppAction));
        stage->peers = g_array_new(FALSE, FALSE, sizeof(MppPeer));
        g_array_set_clear_func(stage->peers, clear_peer);
        add_slots(order, stage, k, options->replicated, left);
        if (options->replicated)
            add(stage, MPP_ACTION_DRAIN, NULL, -1);
        if (options->tied_embedding && first != last && (k == first || k == last))
            add(stage, MPP_ACTION_TIED, NULL, -1);
        if (options->barrier)
            add(stage, MPP_ACTION_BARRIER, NULL, -1);
        add(stage, MPP_ACTION_UPDATE, NULL, -1);
        if (options->gathers)
            add(stage, MPP_ACTION_GATHER, NULL, -1);
    }
    return program;
}
