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
    int64_t n_slots;
    double *forward_end_s, *backward_end_s; /* n_chunks * micro_batches; NAN until run */
    int32_t *forward_at, *backward_at;      /* places of those passes on their ranks */
    double **start_s, **end_s;              /* of the slots of each rank */
    double *duration_s[MPP_N_PASSES];       /* n_chunks */
    double *free_s;                         /* pp */
    guint *next;                            /* pp */
    GArray *chain;                          /* Link: pairs of neighbours on a rank that the length hangs on */
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

static int64_t index_of(const Moves *moves, int64_t chunk, int64_t micro_batch)
{
    return chunk * moves->problem->micro_batches + micro_batch;
}

/** When the input of @slot is there; NAN: not yet. */
static double ready_s(const Moves *moves, const MppSlot *slot)
{
    const MppListProblem *problem = moves->problem;
    int64_t c = slot->chunk, at = index_of(moves, c, slot->micro_batch), m = problem->micro_batches;
    if (slot->pass == MPP_PASS_WEIGHT)
        return moves->backward_end_s[at];
    if (slot->pass == MPP_PASS_FORWARD)
        return c == 0 ? 0 : moves->forward_end_s[at - m] + mpp_list_message_s(problem, c - 1, c);
    return c == problem->n_chunks - 1 ? moves->forward_end_s[at] : moves->backward_end_s[at + m] + mpp_list_message_s(problem, c + 1, c);
}

/** Runs the slots of @rank until one has to wait. Returns: how many ran. */
static int64_t advance(Moves *moves, int64_t rank)
{
    const MppSlot *slots = slots_of(moves, rank);
    guint n = moves->order->slots[rank]->len, first = moves->next[rank], i = first;
    double free_s = moves->free_s[rank];
    for (; i < n; i++) {
        double at_s = ready_s(moves, &slots[i]);
        if (isnan(at_s))
            break;
        moves->start_s[rank][i] = MAX(at_s, free_s);
        free_s = moves->end_s[rank][i] = moves->start_s[rank][i] + moves->duration_s[slots[i].pass][slots[i].chunk];
        if (slots[i].pass == MPP_PASS_WEIGHT)
            continue;
        bool forward = slots[i].pass == MPP_PASS_FORWARD;
        int64_t at = index_of(moves, slots[i].chunk, slots[i].micro_batch);
        (forward ? moves->forward_end_s : moves->backward_end_s)[at] = free_s;
        (forward ? moves->forward_at : moves->backward_at)[at] = (int32_t)i;
    }
    moves->free_s[rank] = free_s;
    moves->next[rank] = i;
    return i - first;
}

/** Returns: the length of the order; INFINITY when ranks wait for each other. */
static double replay(Moves *moves)
{
    int64_t pp = moves->problem->pp, n = moves->problem->n_chunks * moves->problem->micro_batches, left = moves->n_slots;
    for (int64_t i = 0; i < n; i++)
        moves->forward_end_s[i] = moves->backward_end_s[i] = NAN;
    memset(moves->free_s, 0, pp * sizeof(double));
    memset(moves->next, 0, pp * sizeof(guint));
    for (int64_t ran = 1; left > 0 && ran > 0; left -= ran) {
        ran = 0;
        for (int64_t k = 0; k < pp; k++)
            ran += advance(moves, k);
        for (int64_t k = pp - 1; k >= 0; k--)
            ran += advance(moves, k);
    }
    double length_s = 0;
    for (int64_t k = 0; k < pp; k++)
        length_s = MAX(length_s, moves->free_s[k]);
    return left > 0 ? INFINITY : length_s;
}

/** The slot that makes the input of the one at *@rank, *@slot. Returns: false when it has none. */
static bool step_to_input(const Moves *moves, int64_t *rank, guint *slot)
{
    const MppSlot *at = &slots_of(moves, *rank)[*slot];
    bool forward = at->pass == MPP_PASS_FORWARD, loss = !forward && at->chunk == moves->problem->n_chunks - 1;
    int64_t chunk = at->chunk + (forward ? -1 : loss || at->pass == MPP_PASS_WEIGHT ? 0 : 1);
    if (chunk < 0)
        return false;
    const int32_t *places = forward || (loss && at->pass != MPP_PASS_WEIGHT) ? moves->forward_at : moves->backward_at;
    *slot = (guint)places[index_of(moves, chunk, at->micro_batch)];
    *rank = moves->problem->rank_of[chunk];
    return true;
}

/** Follows the chain back from the slot that ends last. */
static void find_chain(Moves *moves)
{
    int64_t rank = 0;
    for (int64_t k = 1; k < moves->problem->pp; k++)
        rank = moves->free_s[k] > moves->free_s[rank] ? k : rank;
    guint slot = moves->order->slots[rank]->len - 1;
    g_array_set_size(moves->chain, 0);
    for (;;) {
        bool bound = slot > 0 && moves->end_s[rank][slot - 1] == moves->start_s[rank][slot];
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
        length_s = replay(moves);
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
    double current_s = replay(moves), best_s = current_s, history[HISTORY];
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

static void set_durations(Moves *moves)
{
    const MppDurations *d = &moves->problem->durations;
    for (int64_t c = 0; c < moves->problem->n_chunks; c++) {
        moves->duration_s[MPP_PASS_FORWARD][c] = d->forward_s[c];
        moves->duration_s[MPP_PASS_INPUT][c] = d->input_s[c];
        moves->duration_s[MPP_PASS_WEIGHT][c] = d->weight_s[c];
        moves->duration_s[MPP_PASS_BACKWARD][c] = d->input_s[c] + d->weight_s[c];
    }
}

static Moves *moves_new(const MppListProblem *problem, MppOrder *order)
{
    int64_t n = problem->n_chunks, pp = problem->pp, n_passes = n * problem->micro_batches;
    Moves *moves = g_new0(Moves, 1);
    *moves = (Moves){ .problem = problem, .order = order, .rand = g_rand_new_with_seed(SEED) };
    moves->chain = g_array_new(FALSE, FALSE, sizeof(Link));
    moves->forward_end_s = g_new(double, 2 * n_passes + MPP_N_PASSES * n + pp);
    moves->backward_end_s = moves->forward_end_s + n_passes;
    for (int pass = 0; pass < MPP_N_PASSES; pass++)
        moves->duration_s[pass] = moves->backward_end_s + n_passes + pass * n;
    moves->free_s = moves->backward_end_s + n_passes + MPP_N_PASSES * n;
    moves->forward_at = g_new(int32_t, 2 * n_passes);
    moves->backward_at = moves->forward_at + n_passes;
    moves->next = g_new(guint, pp);
    moves->start_s = g_new(double *, 2 * pp);
    moves->end_s = moves->start_s + pp;
    for (int64_t k = 0; k < pp; k++) {
        moves->start_s[k] = g_new(double, 2 * order->slots[k]->len);
        moves->end_s[k] = moves->start_s[k] + order->slots[k]->len;
        moves->n_slots += order->slots[k]->len;
    }
    set_durations(moves);
    return moves;
}

static void moves_free(Moves *moves)
{
    for (int64_t k = 0; k < moves->problem->pp; k++)
        g_free(moves->start_s[k]);
    void *const blocks[] = { moves->start_s, moves->next, moves->forward_at, moves->forward_end_s };
    for (size_t i = 0; i < G_N_ELEMENTS(blocks); i++)
        g_free(blocks[i]);
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
