/*
 * Local search. The length of an order is that of a chain of slots without gaps, each bound to the one before by its
 * rank or by its input; only an order in which some slot of the chain has passed another on its rank is shorter. So a
 * slot of the chain is moved before the one it follows on its rank, or that one after it, now and then further. A
 * longer order is accepted while it is no longer than the one held some moves ago.
 */
#include <math.h>
#include <string.h>

#include "planner/schedule/list_parts.h"

enum { SEED = 20240607, HISTORY = 400, IDLE_MOVES_PER_SLOT = 600, FURTHEST = 12, STRAY = 4 };

typedef struct {
    const MppListProblem *problem;
    MppOrder *order;
    MppReplay *replay;
    int64_t n_slots;
    int32_t *forward_at, *backward_at; /* n_chunks * micro_batches: places of those passes on their ranks */
    GArray *chain;                     /* Link: pairs of neighbours on a rank that the length hangs on */
    GRand *rand;
} Moves;

typedef struct {
    int32_t rank;
    guint slot; /* bound to the one before it */
} Link;

/** A slot goes from one place of its rank to another. */
typedef struct {
    int32_t rank;
    guint from, to;
} Move;

static MppSlot *slots_of(const Moves *moves, int64_t rank)
{
    return (MppSlot *)moves->order->slots[rank]->data;
}

static int64_t index_of(const Moves *moves, const MppSlot *slot)
{
    return slot->chunk * moves->problem->micro_batches + slot->micro_batch;
}

static void note_places(Moves *moves)
{
    for (int64_t k = 0; k < moves->problem->pp; k++) {
        const MppSlot *slots = slots_of(moves, k);
        for (guint i = 0; i < moves->order->slots[k]->len; i++)
            if (slots[i].pass != MPP_PASS_WEIGHT)
                (slots[i].pass == MPP_PASS_FORWARD ? moves->forward_at : moves->backward_at)[index_of(moves, &slots[i])] = (int32_t)i;
    }
}

/** The slot that makes the input of the one at *@rank, *@slot, which is not of weights. Returns: false when it has none. */
static bool step_to_input(const Moves *moves, int64_t *rank, guint *slot)
{
    MppSlot at = slots_of(moves, *rank)[*slot];
    bool forward = at.pass == MPP_PASS_FORWARD, loss = !forward && at.chunk == moves->problem->n_chunks - 1;
    at.chunk += forward ? -1 : loss ? 0 : 1;
    if (at.chunk < 0)
        return false;
    *slot = (guint)(forward || loss ? moves->forward_at : moves->backward_at)[index_of(moves, &at)];
    *rank = moves->problem->rank_of[at.chunk];
    return true;
}

/** Follows the chain back from the slot that ends last. */
static void find_chain(Moves *moves)
{
    int64_t rank = 0;
    double *const *end_s = moves->replay->end_s;
    mpp_replay_time(moves->replay);
    note_places(moves);
    for (int64_t k = 1; k < moves->problem->pp; k++)
        rank = end_s[k][moves->order->slots[k]->len - 1] > end_s[rank][moves->order->slots[rank]->len - 1] ? k : rank;
    guint slot = moves->order->slots[rank]->len - 1;
    g_array_set_size(moves->chain, 0);
    for (;;) {
        bool bound = slot > 0 && end_s[rank][slot - 1] == moves->replay->start_s[rank][slot];
        if (bound) {
            Link link = { (int32_t)rank, slot-- };
            g_array_append_val(moves->chain, link);
        } else if (!step_to_input(moves, &rank, &slot)) {
            break;
        }
    }
}

static void apply(Moves *moves, const Move *move)
{
    MppSlot *slots = slots_of(moves, move->rank), moved = slots[move->from];
    if (move->to < move->from)
        memmove(&slots[move->to + 1], &slots[move->to], (move->from - move->to) * sizeof *slots);
    else
        memmove(&slots[move->from], &slots[move->from + 1], (move->to - move->from) * sizeof *slots);
    slots[move->to] = moved;
}

/** Whether the slot passes none of its own micro-batch and chunk, and none of the same pass, which it would only rename. */
static bool may_pass(const Moves *moves, const Move *move)
{
    const MppSlot *slots = slots_of(moves, move->rank), *moved = &slots[move->from];
    for (guint i = MIN(move->from, move->to); i <= MAX(move->from, move->to); i++)
        if (i != move->from && slots[i].chunk == moved->chunk &&
            (slots[i].micro_batch == moved->micro_batch || slots[i].pass == moved->pass))
            return false;
    return true;
}

static bool fits(const Moves *moves, int64_t rank)
{
    const MppSlot *slots = slots_of(moves, rank);
    double held = 0, cap = moves->problem->cap_bytes[rank] * (1 + MPP_LIST_ROUNDING);
    for (guint i = 0; i < moves->order->slots[rank]->len; i++) {
        double kept = moves->problem->kept_bytes[slots[i].chunk];
        held += slots[i].pass == MPP_PASS_FORWARD ? kept : slots[i].pass == MPP_PASS_INPUT ? 0 : -kept;
        if (held > cap)
            return false;
    }
    return true;
}

/** A link of the chain, or one time in STRAY a slot anywhere: what has to give way first need not lie on the chain. */
static Link draw_link(Moves *moves)
{
    if (moves->chain->len > 0 && g_rand_int_range(moves->rand, 0, STRAY) > 0)
        return g_array_index(moves->chain, Link, g_rand_int_range(moves->rand, 0, (gint32)moves->chain->len));
    int32_t rank = g_rand_int_range(moves->rand, 0, (gint32)moves->problem->pp);
    return (Link){ rank, (guint)g_rand_int_range(moves->rand, 1, (gint32)moves->order->slots[rank]->len) };
}

/** A random move: either slot of a link past the other, one time in three further. Returns: false when it is pointless. */
static bool draw(Moves *moves, Move *move)
{
    Link link = draw_link(moves);
    bool later = g_rand_boolean(moves->rand);
    int32_t further = g_rand_int_range(moves->rand, 0, 3) ? 0 : g_rand_int_range(moves->rand, 1, FURTHEST);
    int64_t last = moves->order->slots[link.rank]->len - 1;
    int64_t to = later ? MIN((int64_t)link.slot + further, last) : MAX((int64_t)link.slot - 1 - further, 0);
    *move = (Move){ link.rank, later ? link.slot - 1 : link.slot, (guint)to };
    return may_pass(moves, move);
}

/** Tries one move. Returns: the length then, INFINITY when it was taken back because it is not legal. */
static double try_move(Moves *moves, Move *move, int64_t *effort)
{
    apply(moves, move);
    double length_s = INFINITY;
    *effort -= moves->order->slots[move->rank]->len / 4;
    if (fits(moves, move->rank)) {
        *effort -= moves->n_slots;
        length_s = mpp_replay_again(moves->replay);
    }
    return length_s;
}

static void take_back(Moves *moves, const Move *move)
{
    apply(moves, &(Move){ move->rank, move->to, move->from });
}

static void copy_slots(const MppOrder *from, MppOrder *to)
{
    for (int32_t k = 0; k < from->pp; k++) {
        g_array_set_size(to->slots[k], 0);
        g_array_append_vals(to->slots[k], from->slots[k]->data, from->slots[k]->len);
    }
}

/** Late acceptance: a move stays if the order is then no longer than it is now, or than it was HISTORY moves ago. */
static double climb(Moves *moves, MppOrder *best, double bound_s, int64_t effort)
{
    double current_s = moves->replay->length_s, best_s = current_s, history[HISTORY];
    int64_t idle = 0, most_idle = IDLE_MOVES_PER_SLOT * moves->n_slots;
    for (int i = 0; i < HISTORY; i++)
        history[i] = current_s;
    find_chain(moves);
    for (int64_t i = 0; effort > 0 && idle < most_idle && best_s > bound_s * (1 + 1e-12); i++, idle++) {
        Move move;
        if (!draw(moves, &move))
            continue;
        double length_s = try_move(moves, &move, &effort), *late_s = &history[i % HISTORY];
        if (length_s <= current_s || length_s <= *late_s) {
            current_s = length_s;
            find_chain(moves);
        } else {
            take_back(moves, &move);
        }
        *late_s = current_s;
        if (current_s < best_s) {
            best_s = current_s;
            idle = 0;
            copy_slots(moves->order, best);
        }
    }
    return best_s;
}

static Moves *moves_new(const MppListProblem *problem, MppOrder *order)
{
    int64_t n_passes = problem->n_chunks * problem->micro_batches;
    Moves *moves = g_new0(Moves, 1);
    *moves = (Moves){ .problem = problem, .order = order, .rand = g_rand_new_with_seed(SEED) };
    moves->replay = mpp_replay_new(order, &problem->durations);
    moves->chain = g_array_new(FALSE, FALSE, sizeof(Link));
    moves->forward_at = g_new(int32_t, 2 * n_passes);
    moves->backward_at = moves->forward_at + n_passes;
    for (int64_t k = 0; k < problem->pp; k++)
        moves->n_slots += order->slots[k]->len;
    return moves;
}

static void moves_free(Moves *moves)
{
    mpp_replay_free(moves->replay);
    g_free(moves->forward_at);
    g_array_unref(moves->chain);
    g_rand_free(moves->rand);
    g_free(moves);
}

double mpp_list_improve(const MppListProblem *problem, MppOrder *order, double bound_s, int64_t effort)
{
    g_autoptr(MppOrder) work = mpp_order_new(problem->pp, problem->n_chunks, problem->micro_batches);
    memcpy(work->rank_of, problem->rank_of, problem->n_chunks * sizeof(int32_t));
    copy_slots(order, work);
    Moves *moves = moves_new(problem, work);
    double best_s = climb(moves, order, bound_s, effort);
    moves_free(moves);
    return best_s;
}
