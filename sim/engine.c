#include "sim/engine_private.h"

static int32_t most_peers(const MppProgram *program)
{
    guint most = 1;
    for (int32_t k = 0; k < program->pp; k++)
        most = MAX(most, program->stages[k].peers->len);
    return (int32_t)most;
}

/** Numbers each chunk on its rank, and lists the chunks that each stage reduces, in order. */
static void number_chunks(MppEngine *engine)
{
    const MppProgram *program = engine->scene->program;
    engine->local = g_new0(int32_t, program->n_chunks);
    engine->reduced_chunks = g_new0(int32_t, program->n_chunks);
    engine->first_reduction = g_new0(int32_t, program->pp);
    int32_t n_reductions = 0, most_local = 1;
    for (int32_t k = 0; k < program->pp; k++) {
        const GArray *actions = program->stages[k].actions;
        g_autofree bool *seen = g_new0(bool, program->n_chunks);
        int32_t n_local = 0;
        engine->first_reduction[k] = n_reductions;
        for (guint i = 0; i < actions->len; i++) {
            const MppAction *action = &g_array_index(actions, MppAction, i);
            if (action->kind == MPP_ACTION_REDUCE)
                engine->reduced_chunks[n_reductions++] = action->chunk;
            if (action->kind != MPP_ACTION_PASS || seen[action->chunk])
                continue;
            seen[action->chunk] = true;
            engine->local[action->chunk] = n_local++;
        }
        engine->gangs[k].n_reductions = n_reductions - engine->first_reduction[k];
        engine->gangs[k].n_posted = g_new0(int32_t, engine->gangs[k].n_reductions);
        most_local = MAX(most_local, n_local);
    }
    engine->n_words = ((int64_t)most_local * 2 * program->micro_batches + 63) / 64;
}

static void reset_lanes(MppEngine *engine)
{
    for (int32_t lane = 0; lane < engine->scene->n_lanes; lane++) {
        engine->lanes[lane].awaited = engine->lanes[lane].span = -1;
        engine->lanes[lane].times.first_s = -1;
    }
    for (int32_t k = 0; k < engine->scene->program->pp; k++)
        engine->gangs[k].span = engine->gangs[k].cause = -1;
}

/** No more spans than actions. */
static void make_room_for_spans(MppEngine *engine)
{
    gsize n = 0;
    for (int32_t lane = 0; lane < engine->scene->n_lanes; lane++)
        if (!engine->recorded || engine->recorded[lane])
            n += engine->scene->program->stages[mpp_scene_stage(engine->scene, lane)].actions->len;
    g_assert(n <= G_MAXINT32);
    engine->spans = g_array_new(FALSE, FALSE, sizeof(MppSpan));
    g_array_set_size(engine->spans, (guint)n);
}

MppEngine *mpp_engine_new(const MppScene *scene, const bool *recorded)
{
    MppEngine *engine = g_new0(MppEngine, 1);
    engine->scene = scene;
    engine->recorded = recorded;
    engine->heap = mpp_heap_new();
    engine->random = gsl_rng_alloc(gsl_rng_mt19937);
    gsl_rng_set(engine->random, scene->jitter.seed);
    make_room_for_spans(engine);
    engine->lanes = g_new0(MppLane, scene->n_lanes);
    engine->n_gangs = scene->program->pp;
    engine->gangs = g_new0(MppGang, engine->n_gangs);
    engine->tied = g_new0(MppTied, scene->n_replicas);
    engine->n_peers = most_peers(scene->program);
    number_chunks(engine);
    engine->arrived = g_new0(uint64_t, scene->n_lanes * engine->n_words);
    engine->channels = g_new0(MppChannel, (gsize)scene->n_lanes * engine->n_peers);
    engine->message_links = g_new0(int32_t, 2 * (gsize)scene->n_lanes * engine->n_peers);
    engine->network = mpp_network_new(scene->capacity_bytes_per_s, scene->n_links,
                                      mpp_engine_tied_flow(engine, scene->n_replicas));
    reset_lanes(engine);
    for (int32_t lane = 0; lane < scene->n_lanes; lane++)
        mpp_engine_advance(engine, lane, -1);
    return engine;
}

void mpp_engine_free(MppEngine *engine)
{
    if (!engine)
        return;
    for (int32_t k = 0; k < engine->n_gangs; k++)
        g_free(engine->gangs[k].n_posted);
    mpp_heap_free(engine->heap);
    mpp_network_free(engine->network);
    gsl_rng_free(engine->random);
    g_array_unref(engine->spans);
    void *arrays[] = { engine->lanes, engine->arrived,  engine->local, engine->reduced_chunks, engine->first_reduction,
                       engine->tied,  engine->channels, engine->gangs, engine->message_links };
    for (gsize i = 0; i < G_N_ELEMENTS(arrays); i++)
        g_free(arrays[i]);
    g_free(engine);
}

int32_t mpp_engine_open_span(MppEngine *engine, int32_t lane, const MppAction *action, int32_t cause)
{
    if (engine->recorded && !engine->recorded[lane])
        return -1;
    g_array_index(engine->spans, MppSpan, engine->n_spans) = (MppSpan){ .start_s = engine->now_s,
                                                                        .lane = lane,
                                                                        .chunk = action->chunk,
                                                                        .micro_batch = action->micro_batch,
                                                                        .cause = cause,
                                                                        .action = action->kind,
                                                                        .pass = action->pass };
    return engine->n_spans++;
}

void mpp_engine_close_span(MppEngine *engine, int32_t span)
{
    if (span >= 0)
        g_array_index(engine->spans, MppSpan, span).end_s = engine->now_s;
}

/** Transfers that started or ended now share their links before time goes on. */
static void settle(MppEngine *engine)
{
    const GArray *moved = mpp_network_settle(engine->network, engine->now_s);
    for (guint i = 0; i < moved->len; i++) {
        const MppFlowEnd *end = &g_array_index(moved, MppFlowEnd, i);
        mpp_heap_push(engine->heap, end->end_s, MPP_EVENT_FLOW_END, end->flow, end->version);
    }
    engine->unsettled = false;
}

void mpp_engine_start_flow(MppEngine *engine, int32_t flow, const MppTransfer *transfer)
{
    mpp_network_start(engine->network, flow, transfer, engine->now_s);
    engine->unsettled = true;
}

static void end_flow(MppEngine *engine, int32_t flow)
{
    mpp_network_end(engine->network, flow, engine->now_s);
    engine->unsettled = true;
    mpp_engine_flow_end(engine, flow);
}

/** Whether the event still means something: passes and flows may have been put off. */
static bool is_current(const MppEngine *engine, const MppEvent *event)
{
    if (event->kind == MPP_EVENT_PASS_END)
        return (engine->lanes[event->subject].version) == event->version;
    return event->kind != MPP_EVENT_FLOW_END ||
           mpp_network_is_due(engine->network, event->subject, event->version);
}

bool mpp_engine_step(MppEngine *engine)
{
    MppEvent event;
    do {
        if (engine->unsettled && mpp_heap_next_s(engine->heap) > engine->now_s)
            settle(engine);
        if (!mpp_heap_pop(engine->heap, &event)) {
            g_assert(engine->n_done == engine->scene->n_lanes);
            g_array_set_size(engine->spans, engine->n_spans);
            return false;
        }
    } while (!is_current(engine, &event));
    engine->now_s = event.time_s;
    engine->n_events++;
    switch ((MppEventKind)event.kind) {
    case MPP_EVENT_PASS_END:
        mpp_engine_pass_end(engine, event.subject);
        break;
    case MPP_EVENT_UPDATE_END:
        mpp_engine_close_span(engine, engine->lanes[event.subject].span);
        mpp_engine_release(engine, event.subject, engine->lanes[event.subject].span);
        break;
    case MPP_EVENT_POST:
        mpp_engine_post(engine, event.subject);
        break;
    case MPP_EVENT_FLOW_END:
        end_flow(engine, event.subject);
        break;
    }
    return true;
}

double mpp_engine_now_s(const MppEngine *engine)
{
    return engine->now_s;
}

int64_t mpp_engine_n_events(const MppEngine *engine)
{
    return engine->n_events;
}

int64_t mpp_engine_n_queued(const MppEngine *engine)
{
    return engine->n_queued;
}

const MppLaneTimes *mpp_engine_lane(const MppEngine *engine, int32_t lane)
{
    return &engine->lanes[lane].times;
}

const GArray *mpp_engine_spans(const MppEngine *engine)
{
    return engine->spans;
}

const MppNetwork *mpp_engine_network(const MppEngine *engine)
{
    return engine->network;
}
