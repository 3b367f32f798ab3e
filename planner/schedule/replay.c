#include <math.h>

#include "planner/schedule/order.h"

/** One kind of pass through one chunk. Ends are arrays over the micro-batches, NAN until run. */
typedef struct {
    const double *source_s; /* ends of the pass that makes the input */
    double *end_s;
    double lag_s, duration_s;
} Step;

typedef struct {
    const MppOrder *order;
    Step *steps[MPP_N_PASSES]; /* n_chunks each */
    double *ends, *zeros;
    double *free_s;      /* when each rank is free */
    double *chunk_end_s; /* last pass of each chunk so far */
    guint *next;    /* slot of each rank */
} Replay;

/** Rows of ends: forward and backward passes of every chunk, and one that nobody waits for. */
static size_t n_ends(const MppOrder *order)
{
    return ((size_t)2 * order->n_chunks + 1) * order->micro_batches;
}

size_t mpp_replay_work_bytes(const MppOrder *order)
{
    size_t per_rank = sizeof(double) + sizeof(guint), pp = ((size_t)order->pp + 1) / 2 * 2;
    return MPP_N_PASSES * order->n_chunks * sizeof(Step) + (n_ends(order) + order->n_chunks + order->micro_batches) * sizeof(double) + pp * per_rank;
}

/** Finds the arrays' places in @work. */
static void lay_out(Replay *replay, const MppOrder *order, char *work)
{
    replay->order = order;
    for (int pass = 0; pass < MPP_N_PASSES; pass++, work += order->n_chunks * sizeof(Step))
        replay->steps[pass] = (Step *)work;
    replay->ends = (double *)work;
    replay->zeros = replay->ends + n_ends(order);
    replay->free_s = replay->zeros + order->micro_batches;
    replay->chunk_end_s = replay->free_s + order->pp;
    replay->next = (guint *)(replay->chunk_end_s + order->n_chunks);
}

static void begin(Replay *replay)
{
    const MppOrder *order = replay->order;
    for (size_t i = 0; i < n_ends(order); i++)
        replay->ends[i] = NAN;
    for (int32_t b = 0; b < order->micro_batches; b++)
        replay->zeros[b] = 0;
    for (int32_t k = 0; k < order->pp; k++) {
        replay->free_s[k] = 0;
        replay->next[k] = 0;
    }
}

/** A weight gradient only follows its input's on the same rank, so it waits for nothing and nobody for it. */
static void make_steps(Replay *replay, const MppDurations *durations)
{
    const MppOrder *order = replay->order;
    int64_t n = order->n_chunks, m = order->micro_batches;
    double *forward = replay->ends, *backward = forward + n * m, *unread = backward + n * m;
    for (int64_t c = 0; c < n; c++) {
        bool begins = mpp_order_begins(order, c), ends = mpp_order_ends(order, c);
        double before_s = !begins && order->rank_of[c - 1] != order->rank_of[c] ? durations->message_s[c - 1] : 0;
        double after_s = !ends && order->rank_of[c + 1] != order->rank_of[c] ? durations->message_s[c] : 0;
        const double *input = begins ? replay->zeros : forward + (c - 1) * m;
        const double *gradient = ends ? forward + c * m : backward + (c + 1) * m;
        double input_s = durations->input_s[c], weight_s = durations->weight_s[c];
        replay->steps[MPP_PASS_FORWARD][c] = (Step){ input, forward + c * m, before_s, durations->forward_s[c] };
        replay->steps[MPP_PASS_BACKWARD][c] = (Step){ gradient, backward + c * m, after_s, input_s + weight_s };
        replay->steps[MPP_PASS_INPUT][c] = (Step){ gradient, backward + c * m, after_s, input_s };
        replay->steps[MPP_PASS_WEIGHT][c] = (Step){ replay->zeros, unread, 0, weight_s };
    }
}

/** Runs the slots of one rank until one has to wait. Returns: how many ran. */
static guint advance(Replay *replay, int64_t rank)
{
    const MppSlot *slots = (const MppSlot *)replay->order->slots[rank]->data;
    guint n = replay->order->slots[rank]->len, first = replay->next[rank], i = first;
    double free_s = replay->free_s[rank];
    for (; i < n; i++) {
        const MppSlot *slot = &slots[i];
        const Step *step = &replay->steps[slot->pass][slot->chunk];
        double ready_s = step->source_s[slot->micro_batch] + step->lag_s;
        if (isnan(ready_s))
            break;
        free_s = (ready_s > free_s ? ready_s : free_s) + step->duration_s;
        step->end_s[slot->micro_batch] = free_s;
        replay->chunk_end_s[slot->chunk] = free_s;
    }
    replay->free_s[rank] = free_s;
    replay->next[rank] = i;
    return i - first;
}

/** Returns: false when ranks wait for each other. */
static bool run(Replay *replay)
{
    const MppOrder *order = replay->order;
    size_t left = 0;
    for (int32_t k = 0; k < order->pp; k++)
        left += order->slots[k]->len;
    for (size_t ran = 1; left > 0 && ran > 0; left -= ran) {
        ran = 0;
        for (int64_t k = 0; k < order->pp; k++)
            ran += advance(replay, k);
        for (int64_t k = order->pp - 1; k >= 0; k--)
            ran += advance(replay, k);
    }
    return left == 0;
}

double mpp_replay_ends(const MppOrder *order, const MppDurations *durations, void *work, double *chunk_end_s, double *stage_end_s)
{
    Replay replay;
    lay_out(&replay, order, work);
    replay.chunk_end_s = chunk_end_s;
    begin(&replay);
    make_steps(&replay, durations);
    bool done = run(&replay);
    g_assert(done);
    double last_s = 0;
    for (int32_t k = 0; k < order->pp; k++) {
        stage_end_s[k] = replay.free_s[k];
        last_s = MAX(last_s, stage_end_s[k]);
    }
    return last_s;
}

double mpp_replay_start_s(const MppOrder *order, const void *work, int64_t rank)
{
    Replay replay;
    lay_out(&replay, order, (char *)work);
    const MppSlot *first = &g_array_index(order->slots[rank], MppSlot, 0);
    const Step *step = &replay.steps[first->pass][first->chunk];
    return step->source_s[first->micro_batch] + step->lag_s;
}

/** Times of one rank's slots, all inputs known. */
static void time_slots(const Replay *run, int64_t rank, double *start_s, double *end_s)
{
    const GArray *slots = run->order->slots[rank];
    double free_s = 0;
    for (guint i = 0; i < slots->len; i++) {
        const MppSlot *slot = &g_array_index(slots, MppSlot, i);
        const Step *step = &run->steps[slot->pass][slot->chunk];
        double ready_s = step->source_s[slot->micro_batch] + step->lag_s;
        start_s[i] = ready_s > free_s ? ready_s : free_s;
        end_s[i] = free_s = start_s[i] + step->duration_s;
    }
}

double mpp_replay_again(MppReplay *replay)
{
    Replay state;
    lay_out(&state, replay->order, replay->work);
    begin(&state);
    replay->length_s = run(&state) ? 0 : INFINITY;
    for (int32_t k = 0; k < replay->order->pp; k++)
        replay->length_s = MAX(replay->length_s, state.free_s[k]);
    return replay->length_s;
}

void mpp_replay_time(MppReplay *replay)
{
    Replay state;
    lay_out(&state, replay->order, replay->work);
    for (int32_t k = 0; k < replay->order->pp; k++)
        time_slots(&state, k, replay->start_s[k], replay->end_s[k]);
}

MppReplay *mpp_replay_new(const MppOrder *order, const MppDurations *durations)
{
    MppReplay *replay = g_new(MppReplay, 1);
    *replay = (MppReplay){ order, g_new(double *, order->pp), g_new(double *, order->pp), 0, g_malloc(mpp_replay_work_bytes(order)) };
    for (int32_t k = 0; k < order->pp; k++) {
        replay->start_s[k] = g_new(double, order->slots[k]->len);
        replay->end_s[k] = g_new(double, order->slots[k]->len);
    }
    Replay state;
    lay_out(&state, order, replay->work);
    make_steps(&state, durations);
    mpp_replay_again(replay);
    mpp_replay_time(replay);
    g_assert(isfinite(replay->length_s));
    return replay;
}

void mpp_replay_free(MppReplay *replay)
{
    if (!replay)
        return;
    for (int64_t k = 0; k < replay->order->pp; k++) {
        g_free(replay->start_s[k]);
        g_free(replay->end_s[k]);
    }
    g_free(replay->start_s);
    g_free(replay->end_s);
    g_free(replay->work);
    g_free(replay);
}
