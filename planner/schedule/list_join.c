#include "planner/schedule/list_parts.h"

typedef struct {
    const MppListProblem *problem;
    double *taken_s; /* n_chunks * micro_batches: when a pass's gradient must be on its way to the pass that takes it */
} Taken;

static int64_t index_of(const MppListProblem *problem, const MppSlot *slot)
{
    return (int64_t)slot->chunk * problem->micro_batches + slot->micro_batch;
}

static void note_starts(const Taken *taken, const MppOrder *order, const MppReplay *replay)
{
    for (int64_t k = 0; k < order->pp; k++)
        for (guint i = 0; i < order->slots[k]->len; i++) {
            const MppSlot *slot = &g_array_index(order->slots[k], MppSlot, i);
            int64_t at = index_of(taken->problem, slot);
            if (slot->pass == MPP_PASS_FORWARD || slot->pass == MPP_PASS_WEIGHT || slot->chunk == order->n_chunks - 1)
                continue;
            taken->taken_s[at + order->micro_batches] = replay->start_s[k][i] - mpp_list_message_s(taken->problem, slot->chunk + 1, slot->chunk);
        }
}

/** Whether slot @i and the one after it are the halves of a backward pass whose output can wait for the second half. */
static bool may_join(const Taken *taken, const GArray *slots, const double *end_s, guint i)
{
    const MppSlot *input = &g_array_index(slots, MppSlot, i), *weight = input + 1;
    if (i + 1 == slots->len || input->pass != MPP_PASS_INPUT || weight->pass != MPP_PASS_WEIGHT || input->chunk != weight->chunk ||
        input->micro_batch != weight->micro_batch)
        return false;
    return input->chunk == 0 || end_s[i + 1] <= taken->taken_s[index_of(taken->problem, input)];
}

/** No slot starts later: the length and what ranks hold stay as they are. */
void mpp_list_join(const MppListProblem *problem, MppOrder *order)
{
    g_autoptr(MppReplay) replay = mpp_replay_new(order, &problem->durations);
    g_autofree double *taken_s = g_new0(double, problem->n_chunks * problem->micro_batches);
    Taken taken = { problem, taken_s };
    note_starts(&taken, order, replay);
    for (int64_t k = 0; k < order->pp; k++) {
        GArray *slots = order->slots[k], *joined = g_array_sized_new(FALSE, FALSE, sizeof(MppSlot), slots->len);
        for (guint i = 0; i < slots->len; i++) {
            MppSlot slot = g_array_index(slots, MppSlot, i);
            if (may_join(&taken, slots, replay->end_s[k], i)) {
                slot.pass = MPP_PASS_BACKWARD;
                i++;
            }
            g_array_append_val(joined, slot);
        }
        g_array_unref(slots);
        order->slots[k] = joined;
    }
}
