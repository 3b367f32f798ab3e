/*
 * Communication of lowered files. A pass whose output goes to another rank is followed by its SEND; the RECV stands on
 * the other rank before the pass that takes it. Messages between two ranks have no tags, so they must be received in
 * the order in which they are sent.
 */
#include "planner/schedule/csv_cells.h"

/** Where the actions of every stage and micro-batch stand: indices of cells, -1: nowhere. */
typedef struct {
    const MppCsvFile *file;
    const MppOrder *order;
    int32_t *at[MPP_N_CSV_KINDS]; /* n_chunks * micro_batches; passes: F, and B for every backward pass */
    int32_t *last_gradient;       /* n_chunks */
} Places;

static const MppCsvCell *cell_at(const MppCsvFile *file, int64_t i)
{
    return &g_array_index(file->cells, MppCsvCell, i);
}

static int32_t *place_of(const Places *places, MppCsvKind kind, int32_t stage, int32_t micro_batch)
{
    return &places->at[kind][(int64_t)stage * places->order->micro_batches + micro_batch];
}

/** The stage that takes what @stage's forward or backward pass makes, if it is on another rank; else -1. */
static int32_t receiver_of(const MppOrder *order, int32_t stage, bool forward)
{
    int32_t other = stage + (forward ? 1 : -1);
    return other < 0 || other >= order->n_chunks || order->rank_of[other] == order->rank_of[stage] ? -1 : other;
}

static bool is_send(MppCsvKind kind)
{
    return kind == MPP_CSV_SEND_F || kind == MPP_CSV_SEND_B;
}

static bool is_forward(MppCsvKind kind)
{
    return kind == MPP_CSV_SEND_F || kind == MPP_CSV_RECV_F || kind == MPP_CSV_FORWARD;
}

static bool refuse(const Places *places, const MppCsvCell *cell, GError **error, const char *why)
{
    g_autofree char *text = mpp_csv_cell_to_text(cell);
    return mpp_csv_refuse(places->file, cell, MPP_ERROR_INVALID, error, "%s %s", text, why);
}

/** Puts an action where later checks find it. */
static bool note(const Places *places, int32_t index, GError **error)
{
    const MppCsvCell *cell = cell_at(places->file, index);
    const MppOrder *order = places->order;
    if (cell->stage >= order->n_chunks || order->rank_of[cell->stage] != cell->rank)
        return refuse(places, cell, error, "stands on a rank that does not have the stage");
    if (cell->micro_batch >= order->micro_batches)
        return refuse(places, cell, error, "is of a micro-batch without passes");
    if (cell->kind == MPP_CSV_WEIGHT || cell->kind == MPP_CSV_BACKWARD || cell->kind == MPP_CSV_BOTH)
        places->last_gradient[cell->stage] = index;
    if (cell->micro_batch < 0 || cell->kind == MPP_CSV_WEIGHT)
        return true;
    bool backward = cell->kind == MPP_CSV_INPUT || cell->kind == MPP_CSV_BOTH;
    int32_t *place = place_of(places, backward ? MPP_CSV_BACKWARD : cell->kind, cell->stage, cell->micro_batch);
    if (*place >= 0)
        return refuse(places, cell, error, "stands twice");
    *place = index;
    return true;
}

/** A send after its pass, a receive before it, both between neighbours on two ranks. */
static bool check_message(const Places *places, int32_t index, GError **error)
{
    const MppCsvCell *cell = cell_at(places->file, index);
    bool send = is_send(cell->kind), forward = is_forward(cell->kind);
    int32_t other = receiver_of(places->order, cell->stage, forward == send);
    if (other < 0)
        return refuse(places, cell, error, "has no stage on another rank at its other end");
    int32_t pass = *place_of(places, forward ? MPP_CSV_FORWARD : MPP_CSV_BACKWARD, cell->stage, cell->micro_batch);
    if (send ? index < pass : index > pass)
        return refuse(places, cell, error, send ? "stands before the pass that makes it" : "stands after the pass that needs it");
    MppCsvKind match = send ? (forward ? MPP_CSV_RECV_F : MPP_CSV_RECV_B) : (forward ? MPP_CSV_SEND_F : MPP_CSV_SEND_B);
    if (*place_of(places, match, other, cell->micro_batch) >= 0)
        return true;
    g_autofree char *text = mpp_csv_cell_to_text(cell);
    return mpp_csv_refuse(places->file, cell, MPP_ERROR_INVALID, error, "%s has no %d%s%d on rank %d", text, other,
                          mpp_csv_kind_names[match], cell->micro_batch, places->order->rank_of[other]);
}

/** A pass whose output goes to another rank must be sent, once the file sends at all. */
static bool check_sent(const Places *places, int32_t index, GError **error)
{
    const MppCsvCell *cell = cell_at(places->file, index);
    bool forward = cell->kind == MPP_CSV_FORWARD;
    MppCsvKind kind = forward ? MPP_CSV_SEND_F : MPP_CSV_SEND_B;
    if (cell->kind == MPP_CSV_WEIGHT || receiver_of(places->order, cell->stage, forward) < 0 ||
        *place_of(places, kind, cell->stage, cell->micro_batch) >= 0)
        return true;
    return refuse(places, cell, error, "is not sent to the rank that needs it");
}

/** The send that @recv takes. */
static int32_t send_of(const Places *places, const MppCsvCell *recv)
{
    bool forward = is_forward(recv->kind);
    return *place_of(places, forward ? MPP_CSV_SEND_F : MPP_CSV_SEND_B, recv->stage + (forward ? -1 : 1), recv->micro_batch);
}

/** Of each rank's receives those from one peer come in the order of its sends. */
static bool check_fifo(const Places *places, GError **error)
{
    typedef struct {
        int32_t receiver, recv, send;
    } Last;
    g_autofree Last *last = g_new0(Last, places->order->pp); /* by sending rank */
    for (guint i = 0; i < places->file->cells->len; i++) {
        const MppCsvCell *cell = cell_at(places->file, i);
        if (cell->kind != MPP_CSV_RECV_F && cell->kind != MPP_CSV_RECV_B)
            continue;
        int32_t send = send_of(places, cell);
        Last *before = &last[cell_at(places->file, send)->rank];
        bool same = before->send > 0 && before->receiver == cell->rank; /* no send is the first cell */
        if (same && send < before->send) {
            g_autofree char *here = mpp_csv_cell_to_text(cell), *there = mpp_csv_cell_to_text(cell_at(places->file, before->recv));
            return mpp_csv_refuse(places->file, cell, MPP_ERROR_INVALID, error,
                                  "%s stands after %s, but rank %d sends them in the other order", here, there,
                                  cell_at(places->file, send)->rank);
        }
        *before = (Last){ cell->rank, (int32_t)i, send };
    }
    return true;
}

static bool check_cells(const Places *places, GError **error)
{
    bool sends = false;
    for (guint i = 0; i < places->file->cells->len; i++) {
        sends = sends || cell_at(places->file, i)->kind >= MPP_CSV_SEND_F;
        if (!note(places, (int32_t)i, error))
            return false;
    }
    for (guint i = 0; i < places->file->cells->len; i++) {
        const MppCsvCell *cell = cell_at(places->file, i);
        if (cell->kind >= MPP_CSV_SEND_F && !check_message(places, (int32_t)i, error))
            return false;
        if (sends && mpp_csv_is_pass(cell->kind) && !check_sent(places, (int32_t)i, error))
            return false;
        if (cell->kind == MPP_CSV_REDUCE_GRAD && (int32_t)i < places->last_gradient[cell->stage])
            return refuse(places, cell, error, "stands before the last gradient of the stage");
    }
    return check_fifo(places, error);
}

bool mpp_csv_check_comms(const MppCsvFile *file, const MppOrder *order, GError **error)
{
    int64_t n = (int64_t)order->n_chunks * order->micro_batches;
    g_autofree int32_t *rows = g_new(int32_t, MPP_N_CSV_KINDS * n), *last_gradient = g_new(int32_t, order->n_chunks);
    Places places = { .file = file, .order = order, .last_gradient = last_gradient };
    for (int64_t i = 0; i < MPP_N_CSV_KINDS * n; i++)
        rows[i] = -1;
    for (int kind = 0; kind < MPP_N_CSV_KINDS; kind++)
        places.at[kind] = rows + kind * n;
    return check_cells(&places, error);
}
