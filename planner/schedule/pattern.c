#include "planner/schedule/pattern.h"

enum { MOST_TRACKS = 4 };

/** Repetition @n of a track: groups go through the waves in turn, backwards the last wave first. */
static MppSlot slot_of(const MppTrack *track, const MppWaves *waves, int64_t n)
{
    if (waves->waves == 1)
        return (MppSlot){ track->pass, (int32_t)track->chunk, (int32_t)(track->micro_batch + n * track->step) };
    int64_t first = n / (waves->waves * waves->group) * waves->group, within = n - first * waves->waves;
    int64_t size = MIN(waves->group, waves->micro_batches - first), wave = within / size;
    if (track->pass != MPP_PASS_FORWARD)
        wave = waves->waves - 1 - wave;
    return (MppSlot){ track->pass, (int32_t)(wave * waves->per_wave + track->chunk), (int32_t)(first + within % size) };
}

static int64_t repetitions(const MppTrack *track, const MppWaves *waves)
{
    return waves->waves * ((waves->micro_batches - track->micro_batch + track->step - 1) / track->step);
}

void mpp_pattern_merge(const MppTrack *tracks, int n_tracks, int64_t interval, const MppWaves *waves, GArray *slots)
{
    int64_t next[MOST_TRACKS] = { 0 }, count[MOST_TRACKS], total = 0;
    g_assert(n_tracks <= MOST_TRACKS);
    for (int i = 0; i < n_tracks; i++)
        total += count[i] = repetitions(&tracks[i], waves);
    g_array_set_size(slots, (guint)total);
    for (int64_t at = 0; at < total; at++) {
        int first = -1;
        for (int i = 0; i < n_tracks; i++)
            if (next[i] < count[i] &&
                (first < 0 || tracks[i].start + interval * next[i] < tracks[first].start + interval * next[first]))
                first = i;
        g_array_index(slots, MppSlot, at) = slot_of(&tracks[first], waves, next[first]++);
    }
}

typedef struct {
    MppOrder *order;
    int32_t *end[2]; /* forward and backward passes: n_chunks * micro_batches times, 0 until run */
    GArray **filled; /* of each rank: slots with weight gradients */
    guint *next;     /* of order->slots */
    guint *paid;     /* inputs' gradients in filled[] whose weights' have run, as a place in it */
    int64_t *held;
    int64_t most;
} Fill;

static int32_t *end_of(const Fill *fill, bool forward, int64_t chunk, int64_t micro_batch)
{
    return &fill->end[!forward][chunk * fill->order->micro_batches + micro_batch];
}

static bool has_ended(const Fill *fill, bool forward, int64_t chunk, int64_t micro_batch, int32_t now)
{
    int32_t end = *end_of(fill, forward, chunk, micro_batch);
    return end > 0 && end <= now;
}

static bool may_run(const Fill *fill, int64_t rank, const MppSlot *slot, int32_t now)
{
    if (slot->pass == MPP_PASS_FORWARD)
        return fill->held[rank] < fill->most &&
               (mpp_order_begins(fill->order, slot->chunk) || has_ended(fill, true, slot->chunk - 1, slot->micro_batch, now));
    return mpp_order_ends(fill->order, slot->chunk) ? has_ended(fill, true, slot->chunk, slot->micro_batch, now)
                                                    : has_ended(fill, false, slot->chunk + 1, slot->micro_batch, now);
}

/** The oldest gradient of an input whose weights' gradient has not run, or NULL. */
static const MppSlot *next_unpaid(Fill *fill, int64_t rank)
{
    const GArray *filled = fill->filled[rank];
    while (fill->paid[rank] < filled->len && g_array_index(filled, MppSlot, fill->paid[rank]).pass != MPP_PASS_INPUT)
        fill->paid[rank]++;
    return fill->paid[rank] < filled->len ? &g_array_index(filled, MppSlot, fill->paid[rank]) : NULL;
}

/** One pass of @rank from @now to @now + 1, if there is one to run. */
static void run_one(Fill *fill, int64_t rank, int32_t now)
{
    const GArray *slots = fill->order->slots[rank];
    const MppSlot *due = fill->next[rank] < slots->len ? &g_array_index(slots, MppSlot, fill->next[rank]) : NULL, *unpaid;
    if (due && may_run(fill, rank, due, now)) {
        bool forward = due->pass == MPP_PASS_FORWARD;
        *end_of(fill, forward, due->chunk, due->micro_batch) = now + 1;
        g_array_append_val(fill->filled[rank], *due);
        fill->next[rank]++;
        fill->held[rank] += forward;
    } else if ((unpaid = next_unpaid(fill, rank))) {
        MppSlot weight = { MPP_PASS_WEIGHT, unpaid->chunk, unpaid->micro_batch };
        g_array_append_val(fill->filled[rank], weight);
        fill->paid[rank]++;
        fill->held[rank]--;
    }
}

static void run_all(Fill *fill)
{
    int64_t n_chunks = fill->order->n_chunks, per_rank = n_chunks / fill->order->pp * fill->order->micro_batches;
    int64_t left = fill->order->pp;
    for (int32_t now = 0; left > 0; now++) {
        g_assert(now <= 3 * (per_rank + n_chunks) * n_chunks); /* one after the other takes no longer */
        left = 0;
        for (int64_t k = 0; k < fill->order->pp; k++) {
            run_one(fill, k, now);
            left += fill->filled[k]->len < 3 * per_rank;
        }
    }
}

void mpp_pattern_fill_weights(MppOrder *order, int64_t most)
{
    size_t n = (size_t)order->n_chunks * order->micro_batches;
    g_autofree int32_t *ends = g_new0(int32_t, 2 * n);
    g_autofree guint *next = g_new0(guint, order->pp), *paid = g_new0(guint, order->pp);
    g_autofree int64_t *held = g_new0(int64_t, order->pp);
    g_autofree GArray **filled = g_new(GArray *, order->pp);
    for (int32_t k = 0; k < order->pp; k++)
        filled[k] = g_array_sized_new(FALSE, FALSE, sizeof(MppSlot), order->slots[k]->len * 3 / 2);
    Fill fill = { order, { ends, ends + n }, filled, next, paid, held, most };
    run_all(&fill);
    for (int32_t k = 0; k < order->pp; k++) {
        g_array_unref(order->slots[k]);
        order->slots[k] = filled[k];
    }
}
