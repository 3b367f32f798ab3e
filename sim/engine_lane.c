#include "sim/engine_private.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

/**
 * A layer's time against its mean, on the slowest of the lane's ranks: the largest of n values below quantile u has
 * distribution u^n, so one draw serves all ranks. A layer sums independent kernels, hence the square root.
 */
static double slowest_rank(const MppJitter *jitter, gsl_rng *random)
{
    double spread = jitter->kernel_frac / sqrt(MAX(jitter->kernels_per_layer, 1));
    double u = pow(gsl_rng_uniform_pos(random), 1.0 / MAX(jitter->ranks, 1));
    if (jitter->kind == MPP_JITTER_GAMMA)
        return gsl_cdf_gamma_Pinv(u, 1 / (spread * spread), spread * spread);
    if (jitter->kind == MPP_JITTER_GAUSSIAN)
        return MAX(0, 1 + spread * gsl_cdf_ugaussian_Pinv(u));
    double sigma = sqrt(log1p(spread * spread)); /* of the logarithm; the mean stays 1 */
    return exp(sigma * gsl_cdf_ugaussian_Pinv(u) - sigma * sigma / 2);
}

static double jittered(const MppEngine *engine, int32_t chunk)
{
    const MppJitter *jitter = &engine->scene->jitter;
    int32_t layers = MAX(engine->scene->layers[chunk], 1);
    double sum = 0;
    for (int32_t i = 0; i < layers; i++)
        sum += slowest_rank(jitter, engine->random);
    return sum / layers;
}

static double pass_s(const MppEngine *engine, int32_t lane, const MppAction *action)
{
    const MppScene *scene = engine->scene;
    const MppChunkTime *time = mpp_scene_time(scene, scene->pool_of_lane[lane], action->pass, action->chunk);
    double compute_s = time->compute_s * scene->compute_factor[lane];
    if (scene->jitter.kernel_frac > 0)
        compute_s *= jittered(engine, action->chunk);
    return compute_s + time->exchange_s * scene->exchange_factor[lane];
}

/** Lanes of @index's host that are in a pass. */
static int busy_lanes(const MppEngine *engine, int32_t index)
{
    const MppScene *scene = engine->scene;
    int n = 0;
    for (int32_t i = 0; i < scene->n_lanes; i++)
        n += engine->lanes[i].state == MPP_LANE_IN_PASS && scene->host_of_lane[i] == scene->host_of_lane[index];
    return n;
}

/** Against the pass's time, in which the stage's own ranks have the host to themselves. */
static double speed(const MppEngine *engine, int32_t index)
{
    const MppScene *scene = engine->scene;
    double full = engine->lanes[index].slowed ? 1 / (1 + scene->slowdown_frac) : 1;
    if (scene->host_capacity <= 0)
        return full;
    double slowdown = MAX(1, busy_lanes(engine, index) * scene->lane_ranks / scene->host_capacity);
    return full * scene->pass_slowdown / slowdown;
}

static void schedule_end(MppEngine *engine, int32_t index)
{
    MppLane *lane = &engine->lanes[index];
    lane->updated_s = engine->now_s;
    lane->speed = speed(engine, index);
    mpp_heap_push(engine->heap, engine->now_s + lane->left_s / lane->speed, MPP_EVENT_PASS_END, index, ++lane->version);
}

/** What slows the lane has changed. */
static void reschedule_end(MppEngine *engine, int32_t index)
{
    MppLane *lane = &engine->lanes[index];
    if (lane->state != MPP_LANE_IN_PASS)
        return;
    lane->left_s = MAX(0, lane->left_s - (engine->now_s - lane->updated_s) * lane->speed);
    schedule_end(engine, index);
}

/** A pass of @index has begun or ended: the others on its host have less or more of it. */
static void share_host(MppEngine *engine, int32_t index)
{
    const MppScene *scene = engine->scene;
    for (int32_t i = 0; scene->host_capacity > 0 && i < scene->n_lanes; i++)
        if (i != index && scene->host_of_lane[i] == scene->host_of_lane[index])
            reschedule_end(engine, i);
}

void mpp_engine_slow(MppEngine *engine, int32_t index, bool slowed)
{
    MppLane *lane = &engine->lanes[index];
    if (lane->slowed == slowed || engine->scene->slowdown_frac <= 0)
        return;
    lane->slowed = slowed;
    reschedule_end(engine, index);
}

/** The reduction that @action's pass completes, NULL if none does. */
static const MppReduction *completes(const MppEngine *engine, int32_t index, const MppAction *action)
{
    const GArray *actions = engine->scene->program->stages[mpp_scene_stage(engine->scene, index)].actions;
    guint next = engine->lanes[index].next + 1;
    while (next < actions->len && g_array_index(actions, MppAction, next).kind == MPP_ACTION_SEND)
        next++;
    bool reduces = next < actions->len && g_array_index(actions, MppAction, next).kind == MPP_ACTION_REDUCE;
    return reduces ? &engine->scene->reductions[action->chunk] : NULL;
}

static void start_pass(MppEngine *engine, int32_t index, const MppAction *action, int32_t cause)
{
    MppLane *lane = &engine->lanes[index];
    lane->state = MPP_LANE_IN_PASS;
    lane->left_s = pass_s(engine, index, action);
    lane->span = mpp_engine_open_span(engine, index, action, cause);
    if (lane->times.first_s < 0)
        lane->times.first_s = engine->now_s;
    lane->times.pass_s -= engine->now_s;
    const MppReduction *reduction = completes(engine, index, action);
    if (reduction && reduction->hidden_s > 0)
        mpp_heap_push(engine->heap, engine->now_s + MAX(0, lane->left_s - reduction->hidden_s), MPP_EVENT_POST, index, 0);
    schedule_end(engine, index);
    share_host(engine, index);
}

void mpp_engine_pass_end(MppEngine *engine, int32_t index)
{
    MppLane *lane = &engine->lanes[index];
    lane->times.pass_s += engine->now_s;
    lane->times.last_s = engine->now_s;
    mpp_engine_close_span(engine, lane->span);
    lane->state = MPP_LANE_READY;
    share_host(engine, index);
    mpp_engine_release(engine, index, lane->span);
}

static void start_update(MppEngine *engine, int32_t index, const MppAction *action, int32_t cause)
{
    MppLane *lane = &engine->lanes[index];
    lane->state = MPP_LANE_WAITS;
    lane->span = mpp_engine_open_span(engine, index, action, cause);
    mpp_heap_push(engine->heap, engine->now_s + engine->scene->update_s[index], MPP_EVENT_UPDATE_END, index, 0);
}

static void finish(MppEngine *engine, int32_t index)
{
    MppLane *lane = &engine->lanes[index];
    lane->state = MPP_LANE_DONE;
    lane->times.end_s = engine->now_s;
    engine->n_done++;
}

/** One action. Returns: whether the lane can go on at once. */
static bool act(MppEngine *engine, int32_t index, const MppAction *action, int32_t cause)
{
    MppLane *lane = &engine->lanes[index];
    switch ((MppActionKind)action->kind) {
    case MPP_ACTION_RECEIVE:
        if (!mpp_engine_has_arrived(engine, index, action))
            lane->awaited = mpp_engine_message_bit(engine, action);
        return lane->awaited < 0;
    case MPP_ACTION_PASS: start_pass(engine, index, action, cause); return false;
    case MPP_ACTION_SEND: mpp_engine_send(engine, index, action); return true;
    case MPP_ACTION_REDUCE:
        if (engine->scene->reductions[action->chunk].hidden_s <= 0)
            mpp_engine_post(engine, index);
        return true;
    case MPP_ACTION_DRAIN: lane->drains = !mpp_engine_is_reduced(engine, index); return !lane->drains;
    case MPP_ACTION_TIED: mpp_engine_join_tied(engine, index, cause); return false;
    case MPP_ACTION_BARRIER: mpp_engine_join_barrier(engine, cause); return false;
    case MPP_ACTION_UPDATE: start_update(engine, index, action, cause); return false;
    case MPP_ACTION_GATHER: mpp_engine_join_gather(engine, index); return false;
    case MPP_N_ACTIONS: break;
    }
    g_assert_not_reached();
}

void mpp_engine_advance(MppEngine *engine, int32_t index, int32_t cause)
{
    MppLane *lane = &engine->lanes[index];
    const GArray *actions = engine->scene->program->stages[mpp_scene_stage(engine->scene, index)].actions;
    lane->state = MPP_LANE_READY;
    for (; lane->next < (int32_t)actions->len; lane->next++)
        if (!act(engine, index, &g_array_index(actions, MppAction, lane->next), cause)) {
            if (lane->state == MPP_LANE_READY)
                lane->state = MPP_LANE_WAITS;
            return;
        }
    finish(engine, index);
}

void mpp_engine_release(MppEngine *engine, int32_t index, int32_t cause)
{
    engine->lanes[index].next++;
    mpp_engine_advance(engine, index, cause);
}
