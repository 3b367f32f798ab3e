#include "planner/schedule/order.h"

#include <string.h>

typedef struct {
    const MppOrder *order;
    uint8_t *done; /* n_chunks * micro_batches sets of passes */
    guint *next;   /* of each rank */
} Check;

static uint8_t *done_of(const Check *check, int64_t chunk, int64_t micro_batch)
{
    return &check->done[chunk * check->order->micro_batches + micro_batch];
}

static bool has(uint8_t passes, MppPass pass)
{
    return passes & (1 << pass);
}

static bool refuse(const MppSlot *slot, int64_t rank, guint index, GError **error, const char *why)
{
    g_autofree char *text = mpp_slot_to_text(slot);
    return mpp_error_set(error, MPP_ERROR_INVALID, "rank %d, slot %u: %s %s", (int)rank, index, text, why);
}

static bool check_slot(const Check *check, int64_t rank, guint index, GError **error)
{
    const MppOrder *order = check->order;
    const MppSlot *slot = &g_array_index(order->slots[rank], MppSlot, index);
    if (slot->chunk < 0 || slot->chunk >= order->n_chunks)
        return refuse(slot, rank, index, error, "is of a chunk that the pipeline does not have");
    if (slot->micro_batch < 0 || slot->micro_batch >= order->micro_batches)
        return refuse(slot, rank, index, error, "is of a micro-batch that the step does not have");
    if (order->rank_of[slot->chunk] != rank)
        return refuse(slot, rank, index, error, "stands on a rank that does not hold its chunk");
    if (slot->chunk / (order->n_chunks / order->n_routes) != order->route_of[slot->micro_batch])
        return refuse(slot, rank, index, error, "is of a chunk that its micro-batch does not visit");
    uint8_t *done = done_of(check, slot->chunk, slot->micro_batch);
    bool backward = slot->pass == MPP_PASS_BACKWARD || slot->pass == MPP_PASS_INPUT;
    if (has(*done, slot->pass) || (backward && (has(*done, MPP_PASS_BACKWARD) || has(*done, MPP_PASS_INPUT))))
        return refuse(slot, rank, index, error, "stands twice");
    if (slot->pass != MPP_PASS_FORWARD && !has(*done, MPP_PASS_FORWARD))
        return refuse(slot, rank, index, error, "stands before its forward pass");
    if (slot->pass == MPP_PASS_WEIGHT && !has(*done, MPP_PASS_INPUT))
        return refuse(slot, rank, index, error, "stands before the gradient of its input");
    *done |= 1 << slot->pass;
    return true;
}

static bool check_complete(const Check *check, int64_t micro_batch, GError **error)
{
    int64_t n_visited, first = mpp_order_route(check->order, micro_batch, &n_visited);
    for (int64_t c = first; c < first + n_visited; c++) {
        uint8_t done = *done_of(check, c, micro_batch);
        MppPass missing = !has(done, MPP_PASS_FORWARD)                                   ? MPP_PASS_FORWARD
                          : has(done, MPP_PASS_BACKWARD)                                 ? MPP_N_PASSES
                          : !has(done, MPP_PASS_INPUT)                                   ? MPP_PASS_BACKWARD
                          : !has(done, MPP_PASS_WEIGHT)                                  ? MPP_PASS_WEIGHT
                                                                                         : MPP_N_PASSES;
        if (missing == MPP_N_PASSES)
            continue;
        g_autofree char *text = mpp_slot_to_text(&(MppSlot){ missing, (int32_t)c, (int32_t)micro_batch });
        return mpp_error_set(error, MPP_ERROR_INVALID, "%s is missing on rank %d", text, check->order->rank_of[c]);
    }
    return true;
}

/** The slot that makes this one's input on another chunk, pass BACKWARD standing for either kind; false: none. */
static bool source_of(const MppOrder *order, const MppSlot *slot, MppSlot *source)
{
    bool forward = slot->pass == MPP_PASS_FORWARD;
    if (slot->pass == MPP_PASS_WEIGHT || (forward ? mpp_order_begins(order, slot->chunk) : mpp_order_ends(order, slot->chunk)))
        return false; /* what a rank made itself was checked to stand before */
    *source = (MppSlot){ forward ? MPP_PASS_FORWARD : MPP_PASS_BACKWARD, slot->chunk + (forward ? -1 : 1), slot->micro_batch };
    return true;
}

static bool has_run(const Check *check, const MppSlot *source)
{
    uint8_t done = *done_of(check, source->chunk, source->micro_batch);
    return has(done, source->pass) || (source->pass == MPP_PASS_BACKWARD && has(done, MPP_PASS_INPUT));
}

/** Runs @rank as far as it gets. Returns: how many slots ran. */
static int64_t advance(Check *check, int64_t rank)
{
    const GArray *slots = check->order->slots[rank];
    int64_t ran = 0;
    for (; check->next[rank] < slots->len; check->next[rank]++, ran++) {
        const MppSlot *slot = &g_array_index(slots, MppSlot, check->next[rank]);
        MppSlot source;
        if (source_of(check->order, slot, &source) && !has_run(check, &source))
            break;
        *done_of(check, slot->chunk, slot->micro_batch) |= 1 << slot->pass;
    }
    return ran;
}

/** The slot that runs @source, a backward pass of either kind. */
static const MppSlot *find_slot(const Check *check, int64_t rank, const MppSlot *source)
{
    const GArray *slots = check->order->slots[rank];
    for (guint i = check->next[rank]; i < slots->len; i++) {
        const MppSlot *slot = &g_array_index(slots, MppSlot, i);
        bool same = source->pass == MPP_PASS_FORWARD ? slot->pass == MPP_PASS_FORWARD
                                                     : slot->pass == MPP_PASS_BACKWARD || slot->pass == MPP_PASS_INPUT;
        if (same && slot->chunk == source->chunk && slot->micro_batch == source->micro_batch)
            return slot;
    }
    g_assert_not_reached();
}

/** Adds what the blocked @rank waits for to @text. Returns: the rank that should run it. */
static int64_t describe_wait(const Check *check, int64_t rank, GString *text)
{
    const MppOrder *order = check->order;
    const MppSlot *slot = &g_array_index(order->slots[rank], MppSlot, check->next[rank]);
    MppSlot source;
    source_of(order, slot, &source);
    int64_t other = order->rank_of[source.chunk];
    const MppSlot *awaited = find_slot(check, other, &source);
    const MppSlot *blocked = &g_array_index(order->slots[other], MppSlot, check->next[other]);
    g_autofree char *here = mpp_slot_to_text(slot), *there = mpp_slot_to_text(awaited), *before = mpp_slot_to_text(blocked);
    g_string_append_printf(text, "%s%s on rank %d waits for %s on rank %d", text->len ? ", " : "", here, (int)rank, there, (int)other);
    if (awaited != blocked)
        g_string_append_printf(text, " that stands after %s", before);
    return other;
}

/** Every rank waits for the next until one comes twice: from there on it is a cycle. */
static void describe_cycle(const Check *check, int64_t rank, GError **error)
{
    g_autofree bool *seen = g_new0(bool, check->order->pp);
    g_autoptr(GString) text = g_string_new(NULL);
    while (!seen[rank]) {
        seen[rank] = true;
        rank = describe_wait(check, rank, text);
    }
    g_string_truncate(text, 0);
    int64_t first = rank;
    do
        rank = describe_wait(check, rank, text);
    while (rank != first);
    g_set_error(error, MPP_ERROR, MPP_ERROR_INVALID, "deadlock: %s", text->str);
}

static bool check_runs(Check *check, GError **error)
{
    const MppOrder *order = check->order;
    memset(check->done, 0, (size_t)order->n_chunks * order->micro_batches);
    for (int64_t ran = 1; ran > 0;) {
        ran = 0;
        for (int64_t k = 0; k < order->pp; k++)
            ran += advance(check, k);
        for (int64_t k = order->pp - 1; k >= 0; k--)
            ran += advance(check, k);
    }
    for (int64_t k = 0; k < order->pp; k++)
        if (check->next[k] < order->slots[k]->len) {
            describe_cycle(check, k, error);
            return false;
        }
    return true;
}

bool mpp_order_check(const MppOrder *order, GError **error)
{
    g_autofree uint8_t *done = g_new0(uint8_t, (size_t)order->n_chunks * order->micro_batches);
    g_autofree guint *next = g_new0(guint, order->pp);
    Check check = { order, done, next };
    for (int64_t k = 0; k < order->pp; k++)
        for (guint i = 0; i < order->slots[k]->len; i++)
            if (!check_slot(&check, k, i, error))
                return false;
    for (int64_t b = 0; b < order->micro_batches; b++)
        if (!check_complete(&check, b, error))
            return false;
    return check_runs(&check, error);
}
