/*
 * Lowering as PyTorch does it: parameters of the next stages are gathered before they are needed, gradients reduced
 * after the last pass that adds to them, and every message received in the order in which its rank comes to send it.
 */
#include "planner/schedule/csv_cells.h"

enum { GATHERED_STAGES = 3 }; /* max_active_stages of torch.distributed.pipelining.schedules */

static void add(GArray *actions, MppCsvKind kind, int32_t stage, int32_t micro_batch)
{
    MppCsvCell cell = { .kind = kind, .stage = stage, .micro_batch = micro_batch };
    g_array_append_val(actions, cell);
}

static const MppCsvCell *action_at(const GArray *actions, guint i)
{
    return &g_array_index(actions, MppCsvCell, i);
}

static bool has(const int32_t *stages, int n, int32_t stage)
{
    for (int i = 0; i < n; i++)
        if (stages[i] == stage)
            return true;
    return false;
}

/** The stages that the rank's actions from @from on work with next. Returns: how many. */
static int next_stages(const GArray *actions, guint from, int most, int32_t *stages)
{
    int n = 0;
    for (guint i = from; i < actions->len && n < most; i++)
        if (!has(stages, n, action_at(actions, i)->stage))
            stages[n++] = action_at(actions, i)->stage;
    return n;
}

typedef struct {
    GArray *out;
    int32_t gathered[GATHERED_STAGES];
    int n_gathered;
} Shards;

/** Drops the stages not needed soon, then gathers those that are and are not there. */
static void gather(Shards *shards, const int32_t *needed, int n_needed)
{
    int kept = 0;
    for (int i = 0; i < shards->n_gathered; i++) {
        if (has(needed, n_needed, shards->gathered[i]))
            shards->gathered[kept++] = shards->gathered[i];
        else
            add(shards->out, MPP_CSV_RESHARD, shards->gathered[i], -1);
    }
    for (int i = 0; i < n_needed; i++)
        if (!has(shards->gathered, kept, needed[i])) {
            add(shards->out, MPP_CSV_UNSHARD, needed[i], -1);
            shards->gathered[kept++] = needed[i];
        }
    shards->n_gathered = kept;
}

/** Passes left of each stage, and how many stages have any. */
static int count_stages(const GArray *passes, int32_t *left)
{
    int n = 0;
    for (guint i = 0; i < passes->len; i++)
        n += left[action_at(passes, i)->stage]++ == 0;
    return n;
}

/** A rank's passes with what happens to parameters and gradients. @gradients: of each stage, to come */
static GArray *add_state(const MppOrder *order, const GArray *passes, int32_t *gradients)
{
    Shards shards = { .out = g_array_new(FALSE, FALSE, sizeof(MppCsvCell)) };
    g_autofree int32_t *left = g_new0(int32_t, order->n_chunks);
    int n_left = count_stages(passes, left);
    for (guint i = 0; i < passes->len; i++) {
        const MppCsvCell *pass = action_at(passes, i);
        int32_t needed[GATHERED_STAGES];
        if (i == 0 || !action_at(passes, i - 1)->paired)
            gather(&shards, needed, next_stages(passes, i, MIN(GATHERED_STAGES, n_left), needed));
        g_array_append_val(shards.out, *pass);
        n_left -= --left[pass->stage] == 0;
        bool adds = pass->kind == MPP_CSV_BACKWARD || pass->kind == MPP_CSV_WEIGHT;
        if (adds && --gradients[pass->stage] == 0) /* never within a pair: its forward pass has gradients to come */
            add(shards.out, MPP_CSV_REDUCE_GRAD, pass->stage, -1);
    }
    gather(&shards, NULL, 0);
    return shards.out;
}

/** Lists while messages are added. Bits of done: 1 forward, 2 backward pass there or its output received. */
typedef struct {
    const MppOrder *order;
    GArray **in, **out;
    guint *next;
    uint8_t *done; /* n_chunks * micro_batches */
} Lower;

enum { DONE_FORWARD = 1, DONE_BACKWARD = 2 };

static uint8_t *done_of(const Lower *lower, int32_t stage, int32_t micro_batch)
{
    return &lower->done[(int64_t)stage * lower->order->micro_batches + micro_batch];
}

static bool makes_output(MppCsvKind kind)
{
    return kind == MPP_CSV_FORWARD || kind == MPP_CSV_INPUT || kind == MPP_CSV_BACKWARD;
}

/** Whether what the action takes has been made; a receive is in place as soon as it has been sent. */
static bool is_ready(const Lower *lower, const MppCsvCell *action)
{
    if (!makes_output(action->kind))
        return true;
    bool forward = action->kind == MPP_CSV_FORWARD;
    int32_t source = action->stage + (forward ? -1 : 1);
    if (source < 0)
        return true;
    if (source == lower->order->n_chunks)
        return *done_of(lower, action->stage, action->micro_batch) & DONE_FORWARD;
    return *done_of(lower, source, action->micro_batch) & (forward ? DONE_FORWARD : DONE_BACKWARD);
}

static void send(const Lower *lower, const MppCsvCell *action)
{
    const MppOrder *order = lower->order;
    bool forward = action->kind == MPP_CSV_FORWARD;
    int32_t target = action->stage + (forward ? 1 : -1), rank = order->rank_of[action->stage];
    *done_of(lower, action->stage, action->micro_batch) |= forward ? DONE_FORWARD : DONE_BACKWARD;
    if (target < 0 || target >= order->n_chunks || order->rank_of[target] == rank)
        return;
    add(lower->out[rank], forward ? MPP_CSV_SEND_F : MPP_CSV_SEND_B, action->stage, action->micro_batch);
    add(lower->out[order->rank_of[target]], forward ? MPP_CSV_RECV_F : MPP_CSV_RECV_B, target, action->micro_batch);
}

/** The next action of a rank, a pair as one. Returns: how many actions it was, 0: it must wait. */
static int lower_next(Lower *lower, int32_t rank)
{
    const GArray *in = lower->in[rank];
    guint next = lower->next[rank];
    if (next == in->len)
        return 0;
    int n = action_at(in, next)->paired ? 2 : 1;
    for (int i = 0; i < n; i++)
        if (!is_ready(lower, action_at(in, next + i)))
            return 0;
    g_array_append_vals(lower->out[rank], action_at(in, next), n);
    for (int i = 0; i < n; i++)
        if (makes_output(action_at(in, next + i)->kind))
            send(lower, action_at(in, next + i));
    lower->next[rank] += n;
    return n;
}

/** Ranks take turns, an action each. Returns: false when they wait for each other. */
static bool add_messages(Lower *lower)
{
    gsize left = 0;
    for (int32_t k = 0; k < lower->order->pp; k++)
        left += lower->in[k]->len;
    while (left > 0) {
        int ran = 0;
        for (int32_t k = 0; k < lower->order->pp; k++)
            ran += lower_next(lower, k);
        if (!ran)
            return false;
        left -= ran;
    }
    return true;
}

bool mpp_csv_add_comms(const MppOrder *order, GArray **actions)
{
    g_autofree int32_t *gradients = g_new(int32_t, order->n_chunks);
    g_autofree guint *next = g_new0(guint, order->pp);
    g_autofree uint8_t *done = g_new0(uint8_t, (gsize)order->n_chunks * order->micro_batches);
    g_autofree GArray **out = g_new(GArray *, order->pp);
    Lower lower = { order, actions, out, next, done };
    for (int32_t c = 0; c < order->n_chunks; c++)
        gradients[c] = order->micro_batches;
    for (int32_t k = 0; k < order->pp; k++) {
        GArray *passes = actions[k];
        actions[k] = add_state(order, passes, gradients);
        g_array_unref(passes);
        out[k] = g_array_new(FALSE, FALSE, sizeof(MppCsvCell));
    }
    bool lowered = add_messages(&lower);
    for (int32_t k = 0; k < order->pp; k++) {
        g_array_unref(actions[k]);
        actions[k] = out[k];
    }
    return lowered;
}
