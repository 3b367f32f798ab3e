#include <math.h>

#include "planner/schedule/schedule.h"

typedef struct {
    const MppSchedule *schedule;
    const MppDurations *durations;
    int64_t n_chunks;
    double *end_s[2]; /* by pass: n_chunks * micro_batches ends, NAN until run */
    int64_t *next;    /* next slot of each stage */
    double *free_s;   /* when each stage is free */
} Replay;

static double *end_of(const Replay *replay, MppPass pass, int64_t chunk, int64_t micro_batch)
{
    return &replay->end_s[pass][chunk * replay->schedule->micro_batches + micro_batch];
}

/** When the slot's input is there; NAN while it is not known. */
static double input_s(const Replay *replay, const MppSlot *slot)
{
    bool forward = slot->pass == MPP_PASS_FORWARD;
    int64_t source = slot->chunk + (forward ? -1 : 1);
    if (source < 0)
        return 0;
    if (source == replay->n_chunks)
        return *end_of(replay, MPP_PASS_FORWARD, slot->chunk, slot->micro_batch);
    double message_s = replay->schedule->pp > 1 ? replay->durations->message_s : 0;
    return *end_of(replay, slot->pass, source, slot->micro_batch) + message_s;
}

/** Runs the slots of one stage until one has to wait. Returns: how many ran. */
static int64_t advance(Replay *replay, int64_t stage, int64_t n_slots)
{
    int64_t before = replay->next[stage];
    int64_t warmup = mpp_schedule_warmup(replay->schedule, stage);
    for (; replay->next[stage] < n_slots; replay->next[stage]++) {
        MppSlot slot = mpp_schedule_slot_after(replay->schedule, stage, replay->next[stage], warmup);
        double ready_s = input_s(replay, &slot);
        if (isnan(ready_s))
            break;
        const double *duration_s =
            slot.pass == MPP_PASS_FORWARD ? replay->durations->forward_s : replay->durations->backward_s;
        replay->free_s[stage] = MAX(replay->free_s[stage], ready_s) + duration_s[slot.chunk];
        *end_of(replay, slot.pass, slot.chunk, slot.micro_batch) = replay->free_s[stage];
    }
    return replay->next[stage] - before;
}

double mpp_schedule_replay(const MppSchedule *schedule, const MppDurations *durations, double *stage_end_s)
{
    int64_t pp = schedule->pp, n_chunks = pp * schedule->vpp, n_slots = mpp_schedule_n_slots(schedule);
    int64_t n_ends = n_chunks * schedule->micro_batches;
    g_autofree double *ends = g_new(double, 2 * n_ends);
    g_autofree int64_t *next = g_new0(int64_t, pp);
    for (int64_t i = 0; i < 2 * n_ends; i++)
        ends[i] = NAN;
    for (int64_t k = 0; k < pp; k++)
        stage_end_s[k] = 0;

    Replay replay = { schedule, durations, n_chunks, { ends, ends + n_ends }, next, stage_end_s };
    int64_t left = pp * n_slots;
    while (left > 0) {
        int64_t ran = 0;
        for (int64_t k = 0; k < pp; k++)
            ran += advance(&replay, k, n_slots);
        for (int64_t k = pp - 1; k >= 0; k--)
            ran += advance(&replay, k, n_slots);
        g_assert(ran > 0);
        left -= ran;
    }
    double last_s = 0;
    for (int64_t k = 0; k < pp; k++)
        last_s = MAX(last_s, stage_end_s[k]);
    return last_s;
}

double mpp_schedule_bound(const MppSchedule *schedule, const MppDurations *durations)
{
    int64_t pp = schedule->pp, n_chunks = pp * schedule->vpp;
    double bound_s = 0, before_s = 0, after_s = 0;
    for (int64_t k = 0; k < pp; k++) { /* chunks 0 … k-1 run first, and their backward passes last */
        double work_s = 0;
        for (int64_t c = k; c < n_chunks; c += pp)
            work_s += durations->forward_s[c] + durations->backward_s[c];
        bound_s = MAX(bound_s, before_s + schedule->micro_batches * work_s + after_s);
        before_s += durations->forward_s[k] + durations->message_s;
        after_s += durations->backward_s[k] + durations->message_s;
    }
    return bound_s;
}
