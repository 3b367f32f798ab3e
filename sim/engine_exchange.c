#include "sim/engine_private.h"

/* --- messages between stages --- */

int32_t mpp_engine_message_bit(const MppEngine *engine, const MppAction *action)
{
    bool forward = action->pass == MPP_PASS_FORWARD;
    int32_t local = engine->local[action->chunk];
    return ((local * 2) + forward) * engine->scene->program->micro_batches + action->micro_batch;
}

bool mpp_engine_has_arrived(const MppEngine *engine, int32_t lane, const MppAction *action)
{
    int32_t bit = mpp_engine_message_bit(engine, action);
    return engine->arrived[lane * engine->n_words + bit / 64] >> (bit % 64) & 1;
}

static const MppAction *send_action(const MppEngine *engine, int32_t lane, int32_t peer, int32_t n)
{
    const MppStageProgram *stage = &engine->scene->program->stages[mpp_scene_stage(engine->scene, lane)];
    int32_t index = g_array_index(g_array_index(stage->peers, MppPeer, peer).sends, int32_t, n);
    return &g_array_index(stage->actions, MppAction, index);
}

static int32_t receiver(const MppEngine *engine, int32_t lane, int32_t peer)
{
    const MppProgram *program = engine->scene->program;
    int32_t stage = mpp_scene_stage(engine->scene, lane);
    return lane - stage + g_array_index(program->stages[stage].peers, MppPeer, peer).stage;
}

/** Starts the channel's next message. */
static void transmit(MppEngine *engine, int32_t lane, int32_t peer, int32_t cause)
{
    const MppScene *scene = engine->scene;
    MppChannel *channel = &engine->channels[lane * engine->n_peers + peer];
    int32_t to = receiver(engine, lane, peer);
    channel->busy = true;
    const MppAction *sent = send_action(engine, lane, peer, channel->sent);
    channel->span = mpp_engine_open_span(engine, lane, sent, cause);
    engine->lanes[lane].times.message_s -= engine->now_s;
    int32_t flow = lane * engine->n_peers + peer;
    int32_t *links = &engine->message_links[2 * flow];
    int32_t n = 0;
    if (scene->message_out[lane] >= 0)
        links[n++] = scene->message_out[lane];
    if (scene->message_in[to] >= 0)
        links[n++] = scene->message_in[to];
    int32_t between = sent->pass == MPP_PASS_FORWARD ? sent->chunk : sent->chunk - 1; /* this chunk and the next */
    MppTransfer transfer = { scene->message_s[between], scene->message_bytes_per_s, links, n };
    mpp_engine_start_flow(engine, flow, &transfer);
}

void mpp_engine_send(MppEngine *engine, int32_t lane, const MppAction *action)
{
    MppChannel *channel = &engine->channels[lane * engine->n_peers + action->peer];
    channel->posted++;
    if (channel->busy)
        engine->n_queued++;
    else
        transmit(engine, lane, action->peer, engine->lanes[lane].span);
}

/** The message that @action sent is input of the pass one chunk further. */
static void arrive(MppEngine *engine, int32_t lane, const MppAction *sent, int32_t span)
{
    MppAction received = *sent;
    received.chunk += sent->pass == MPP_PASS_FORWARD ? 1 : -1;
    int32_t bit = mpp_engine_message_bit(engine, &received);
    engine->arrived[lane * engine->n_words + bit / 64] |= (uint64_t)1 << (bit % 64);
    if (engine->lanes[lane].awaited != bit)
        return;
    engine->lanes[lane].awaited = -1;
    mpp_engine_advance(engine, lane, span);
}

static void message_end(MppEngine *engine, int32_t lane, int32_t peer)
{
    MppChannel *channel = &engine->channels[lane * engine->n_peers + peer];
    int32_t span = channel->span;
    const MppAction *sent = send_action(engine, lane, peer, channel->sent++);
    mpp_engine_close_span(engine, span);
    engine->lanes[lane].times.message_s += engine->now_s;
    channel->busy = false;
    if (channel->sent < channel->posted)
        transmit(engine, lane, peer, span);
    arrive(engine, receiver(engine, lane, peer), sent, span);
}

/* --- gradients and parameters between the lanes of a stage --- */

static void begin_gang(MppEngine *engine, int32_t stage, MppActionKind kind, int32_t chunk, double work_s, double bytes_per_s)
{
    const MppScene *scene = engine->scene;
    MppGang *gang = &engine->gangs[stage];
    MppAction action = { .kind = (uint8_t)kind, .peer = -1, .chunk = chunk };
    gang->busy = true;
    gang->span = mpp_engine_open_span(engine, stage, &action, gang->cause);
    gang->since_s = engine->now_s;
    MppTransfer transfer = { work_s, bytes_per_s, scene->replica_links[stage], scene->n_replica_links[stage] };
    mpp_engine_start_flow(engine, mpp_engine_gang_flow(engine, stage), &transfer);
}

/** Begins the stage's next reduction once all its lanes have come to it. */
static void reduce_next(MppEngine *engine, int32_t stage)
{
    const MppScene *scene = engine->scene;
    MppGang *gang = &engine->gangs[stage];
    if (gang->busy || gang->reduced == gang->n_reductions || gang->n_posted[gang->reduced] < scene->n_replicas)
        return;
    int32_t chunk = engine->reduced_chunks[engine->first_reduction[stage] + gang->reduced];
    const MppReduction *reduction = &scene->reductions[chunk];
    begin_gang(engine, stage, MPP_ACTION_REDUCE, chunk, reduction->work_s, reduction->bytes_per_s);
    for (int32_t lane = stage; lane < scene->n_lanes; lane += scene->program->pp)
        mpp_engine_slow(engine, lane, true);
}

void mpp_engine_post(MppEngine *engine, int32_t index)
{
    int32_t stage = mpp_scene_stage(engine->scene, index);
    MppGang *gang = &engine->gangs[stage];
    gang->n_posted[engine->lanes[index].posted++]++;
    if (!gang->busy)
        gang->cause = engine->lanes[index].span;
    reduce_next(engine, stage);
}

bool mpp_engine_is_reduced(const MppEngine *engine, int32_t lane)
{
    const MppGang *gang = &engine->gangs[mpp_scene_stage(engine->scene, lane)];
    return gang->reduced == gang->n_reductions;
}

/** Lets the lanes of @stage go on that wait where they are. */
static void release(MppEngine *engine, int32_t stage, int32_t cause)
{
    for (int32_t lane = stage; lane < engine->scene->n_lanes; lane += engine->scene->program->pp)
        mpp_engine_release(engine, lane, cause);
}

void mpp_engine_join_barrier(MppEngine *engine, int32_t cause)
{
    if (++engine->n_at_barrier < engine->scene->n_lanes)
        return;
    for (int32_t lane = 0; lane < engine->scene->n_lanes; lane++)
        mpp_engine_release(engine, lane, cause);
}

static void reduction_end(MppEngine *engine, int32_t stage)
{
    const MppScene *scene = engine->scene;
    MppGang *gang = &engine->gangs[stage];
    gang->reduced++;
    gang->cause = gang->span;
    for (int32_t lane = stage; lane < scene->n_lanes; lane += scene->program->pp)
        mpp_engine_slow(engine, lane, false);
    reduce_next(engine, stage);
    for (int32_t lane = stage; lane < scene->n_lanes && gang->reduced == gang->n_reductions; lane += scene->program->pp)
        if (engine->lanes[lane].drains)
            mpp_engine_release(engine, lane, gang->span);
}

void mpp_engine_join_gather(MppEngine *engine, int32_t lane)
{
    const MppScene *scene = engine->scene;
    int32_t stage = mpp_scene_stage(scene, lane);
    MppGang *gang = &engine->gangs[stage];
    gang->cause = engine->lanes[lane].span;
    if (++gang->n_gathering == scene->n_replicas)
        begin_gang(engine, stage, MPP_ACTION_GATHER, -1, scene->gather_s[stage], scene->gather_bytes_per_s[stage]);
}

static void gang_end(MppEngine *engine, int32_t stage)
{
    const MppScene *scene = engine->scene;
    MppGang *gang = &engine->gangs[stage];
    gang->busy = false;
    mpp_engine_close_span(engine, gang->span);
    for (int32_t lane = stage; lane < scene->n_lanes; lane += scene->program->pp)
        engine->lanes[lane].times.data_s += engine->now_s - gang->since_s;
    if (gang->n_gathering)
        release(engine, stage, gang->span);
    else
        reduction_end(engine, stage);
}

/* --- the shared embedding --- */

void mpp_engine_join_tied(MppEngine *engine, int32_t lane, int32_t cause)
{
    int32_t replica = lane / engine->scene->program->pp;
    MppTied *tied = &engine->tied[replica];
    tied->lanes[tied->n++] = lane;
    if (tied->n < 2)
        return;
    MppAction action = { .kind = MPP_ACTION_TIED, .peer = -1 };
    tied->span = mpp_engine_open_span(engine, lane, &action, cause);
    MppTransfer transfer = { .work_s = engine->scene->tied_s };
    mpp_engine_start_flow(engine, mpp_engine_tied_flow(engine, replica), &transfer);
}

static void tied_end(MppEngine *engine, int32_t replica)
{
    const MppTied *tied = &engine->tied[replica];
    mpp_engine_close_span(engine, tied->span);
    for (int32_t i = 0; i < 2; i++) {
        engine->lanes[tied->lanes[i]].span = tied->span;
        mpp_engine_release(engine, tied->lanes[i], tied->span);
    }
}

void mpp_engine_flow_end(MppEngine *engine, int32_t flow)
{
    int32_t first_gang = mpp_engine_gang_flow(engine, 0), first_tied = mpp_engine_tied_flow(engine, 0);
    if (flow < first_gang)
        message_end(engine, flow / engine->n_peers, flow % engine->n_peers);
    else if (flow < first_tied)
        gang_end(engine, flow - first_gang);
    else
        tied_end(engine, flow - first_tied);
}
