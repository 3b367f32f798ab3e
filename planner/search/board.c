#include "planner/search/board.h"

#include <math.h>

MppBoard *mpp_board_new(int top, double slack)
{
    MppBoard *board = g_new(MppBoard, 1);
    *board = (MppBoard){ .top = top, .slack = slack };
    board->fastest = g_array_new(FALSE, FALSE, sizeof(MppCandidate));
    board->front = g_array_new(FALSE, FALSE, sizeof(MppCandidate));
    board->contenders = g_array_new(FALSE, FALSE, sizeof(MppCandidate));
    return board;
}

MppBoard *mpp_board_copy(const MppBoard *board)
{
    MppBoard *copy = g_new(MppBoard, 1);
    *copy = *board;
    copy->fastest = g_array_copy(board->fastest);
    copy->front = g_array_copy(board->front);
    copy->contenders = g_array_copy(board->contenders);
    return copy;
}

void mpp_board_free(MppBoard *board)
{
    if (!board)
        return;
    g_array_unref(board->fastest);
    g_array_unref(board->front);
    g_array_unref(board->contenders);
    g_free(board);
}

static const MppCandidate *at(const GArray *list, guint i)
{
    return &g_array_index(list, MppCandidate, i);
}

bool mpp_board_same_layout(const MppStrategy *a, const MppStrategy *b)
{
    return a->tp == b->tp && a->cp == b->cp && a->pp == b->pp && a->ep == b->ep && a->recompute == b->recompute;
}

/** Faster; among equals the smaller, then the one enumerated first. */
static bool better(const MppCandidate *a, const MppCandidate *b)
{
    if (a->step_s != b->step_s)
        return a->step_s < b->step_s;
    if (a->peak_bytes != b->peak_bytes)
        return a->peak_bytes < b->peak_bytes;
    return a->family != b->family ? a->family < b->family : a->member < b->member;
}

static int find_layout(const MppBoard *board, const MppStrategy *strategy)
{
    for (guint i = 0; i < board->fastest->len; i++)
        if (mpp_board_same_layout(&at(board->fastest, i)->strategy, strategy))
            return (int)i;
    return -1;
}

/** Step time at which the list of the fastest is full. */
static double entry_s(const MppBoard *board)
{
    if (!board->top)
        return -INFINITY;
    return (int)board->fastest->len < board->top ? INFINITY : at(board->fastest, board->fastest->len - 1)->step_s;
}

static double front_reach_s(const MppBoard *board)
{
    if (board->slack <= 0)
        return -INFINITY;
    return board->fastest->len ? at(board->fastest, 0)->step_s * board->slack : INFINITY;
}

/** Step time that contenders are below. */
static double contest_s(const MppBoard *board)
{
    double best_s = board->fastest->len ? at(board->fastest, 0)->step_s : INFINITY;
    return MAX(board->within_s, board->near_frac > 0 ? best_s * (1 + board->near_frac) : 0);
}

double mpp_board_limit_s(const MppBoard *board)
{
    return MAX(contest_s(board), MAX(entry_s(board), front_reach_s(board)));
}

static bool dominated(const MppBoard *board, double step_s, double peak_bytes)
{
    for (guint i = 0; i < board->front->len && at(board->front, i)->step_s <= step_s; i++)
        if (at(board->front, i)->peak_bytes <= peak_bytes)
            return true;
    return false;
}

bool mpp_board_wants(const MppBoard *board, const MppStrategy *strategy, double bound_s, double peak_bytes)
{
    if (bound_s < contest_s(board))
        return true;
    if (bound_s <= entry_s(board)) {
        int same = find_layout(board, strategy);
        if (same < 0 || bound_s <= at(board->fastest, same)->step_s)
            return true;
    }
    return bound_s <= front_reach_s(board) && !dominated(board, bound_s, peak_bytes);
}

static void insert(GArray *list, const MppCandidate *candidate)
{
    guint i = 0;
    while (i < list->len && !better(candidate, at(list, i)))
        i++;
    g_array_insert_vals(list, i, candidate, 1);
}

static void add_fastest(MppBoard *board, const MppCandidate *candidate)
{
    int same = find_layout(board, &candidate->strategy);
    if (same >= 0 && !better(candidate, at(board->fastest, same)))
        return;
    if (same >= 0)
        g_array_remove_index(board->fastest, same);
    insert(board->fastest, candidate);
    if ((int)board->fastest->len > board->top)
        g_array_set_size(board->fastest, board->top);
}

static void add_to_front(MppBoard *board, const MppCandidate *candidate)
{
    if (dominated(board, candidate->step_s, candidate->peak_bytes))
        return;
    insert(board->front, candidate);
    double reach_s = front_reach_s(board), least = INFINITY;
    guint kept = 0;
    for (guint i = 0; i < board->front->len; i++) {
        MppCandidate one = *at(board->front, i);
        if (one.peak_bytes < least && one.step_s <= reach_s) {
            g_array_index(board->front, MppCandidate, kept++) = one;
            least = one.peak_bytes;
        }
    }
    g_array_set_size(board->front, kept);
}

/** A merge brings candidates again that are known; a new best one leaves some behind. */
static void add_contender(MppBoard *board, const MppCandidate *candidate)
{
    double limit_s = contest_s(board);
    guint kept = board->contenders->len;
    while (kept && at(board->contenders, kept - 1)->step_s >= limit_s)
        kept--;
    g_array_set_size(board->contenders, kept);
    if (candidate->step_s >= limit_s)
        return;
    for (guint i = 0; i < board->contenders->len && at(board->contenders, i)->step_s <= candidate->step_s; i++)
        if (at(board->contenders, i)->family == candidate->family && at(board->contenders, i)->member == candidate->member)
            return;
    insert(board->contenders, candidate);
}

void mpp_board_add(MppBoard *board, const MppCandidate *candidate)
{
    if (board->top)
        add_fastest(board, candidate);
    add_contender(board, candidate);
    if (candidate->step_s <= front_reach_s(board))
        add_to_front(board, candidate);
}

void mpp_board_merge(MppBoard *board, const MppBoard *other)
{
    for (guint i = 0; i < other->fastest->len; i++)
        mpp_board_add(board, at(other->fastest, i));
    for (guint i = 0; i < other->front->len; i++)
        mpp_board_add(board, at(other->front, i));
    for (guint i = 0; i < other->contenders->len; i++)
        mpp_board_add(board, at(other->contenders, i));
}
