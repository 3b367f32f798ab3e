#include "validate/worker/mailbox.h"

#include "validate/net/counter_random.h"

typedef struct {
    MppBuffer *buffer;
    MppBackendTransfer *transfer;
} Sent;

struct MppMailbox {
    const MppNet *net;
    const MppPlace *place;
    const MppProgram *program;
    GHashTable *letters; /* int64_t key → MppBuffer */
    GArray *sent;        /* Sent: not known to have arrived */
    MppBuffer **made_up; /* what a slice receives: what enters each chunk, and what leaves the last; NULL until it is asked for */
    int32_t *received;   /* of each peer's messages to here, how many so far */
};

static void drop_buffer(gpointer buffer)
{
    mpp_buffer_drop(buffer);
}

static void connect(const MppMailbox *mailbox)
{
    if (mailbox->place->rank->slice)
        return;
    const GArray *peers = mailbox->program->stages[mailbox->place->pp].peers;
    g_autofree int64_t *ranks = g_new(int64_t, peers->len);
    for (guint i = 0; i < peers->len; i++)
        ranks[i] = mpp_place_stage_rank(mailbox->place, g_array_index(peers, MppPeer, i).stage);
    mpp_run(mailbox->place->rank, connect, ranks, peers->len);
}

/** As large as what enters @chunk, or leaves the one before. */
static MppBuffer *letter_new(const MppMailbox *mailbox, int64_t chunk)
{
    int64_t rows, columns;
    mpp_net_size_between(mailbox->net, chunk, &rows, &columns);
    return mpp_buffer_new(mailbox->place->rank, mailbox->net->element, rows, columns);
}

/** Uniform in ± 1: the size of what goes between layers. */
static MppBuffer *made_up(const MppMailbox *mailbox, int64_t chunk)
{
    MppBuffer *buffer = letter_new(mailbox, chunk);
    int64_t n = buffer->tensor.rows * buffer->tensor.columns;
    uint64_t stream = mpp_counter_random_stream("messages", 0);
    g_autofree float *values = g_new(float, n);
    for (int64_t i = 0; i < n; i++)
        values[i] = (float)mpp_counter_random_signed(stream, (uint64_t)i);
    g_autoptr(MppBuffer) exact = mpp_buffer_of(buffer->rank, MPP_ELEMENT_F32, buffer->tensor.rows, buffer->tensor.columns, values);
    mpp_run(buffer->rank, copy, buffer->tensor, exact->tensor);
    return buffer;
}

MppMailbox *mpp_mailbox_new(const MppNet *net, const MppProgram *program)
{
    MppMailbox *mailbox = g_new0(MppMailbox, 1);
    *mailbox = (MppMailbox){ .net = net, .place = net->place, .program = program };
    connect(mailbox);
    mailbox->made_up = g_new0(MppBuffer *, program->n_chunks + 1);
    mailbox->letters = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, drop_buffer);
    mailbox->sent = g_array_new(FALSE, FALSE, sizeof(Sent));
    mailbox->received = g_new0(int32_t, program->pp);
    return mailbox;
}

void mpp_mailbox_free(MppMailbox *mailbox)
{
    if (!mailbox)
        return;
    mpp_mailbox_finish(mailbox);
    g_hash_table_unref(mailbox->letters);
    g_array_unref(mailbox->sent);
    for (int32_t c = 0; c <= mailbox->program->n_chunks; c++)
        mpp_buffer_drop(mailbox->made_up[c]);
    g_free(mailbox->made_up);
    g_free(mailbox->received);
    g_free(mailbox);
}

static int64_t key_of(const MppMailbox *mailbox, bool forward, int64_t chunk, int64_t micro_batch)
{
    return (chunk * mailbox->program->micro_batches + micro_batch) * 2 + forward;
}

void mpp_mailbox_put(MppMailbox *mailbox, bool forward, int64_t chunk, int64_t micro_batch, MppBuffer *buffer)
{
    int64_t *key = g_new(int64_t, 1);
    *key = key_of(mailbox, forward, chunk, micro_batch);
    g_hash_table_insert(mailbox->letters, key, buffer);
}

MppBuffer *mpp_mailbox_take(MppMailbox *mailbox, bool forward, int64_t chunk, int64_t micro_batch)
{
    int64_t key = key_of(mailbox, forward, chunk, micro_batch);
    gpointer own_key = NULL, buffer = NULL;
    g_hash_table_steal_extended(mailbox->letters, &key, &own_key, &buffer);
    g_free(own_key);
    return buffer;
}

static bool is_forward(const MppAction *action)
{
    return action->pass == MPP_PASS_FORWARD;
}

/** The chunk that takes in what @sent sends. */
static int64_t target_chunk(const MppAction *sent)
{
    return sent->chunk + (is_forward(sent) ? 1 : -1);
}

/** Frees the buffers of messages that have arrived. */
static void reap(MppMailbox *mailbox, bool all)
{
    const MppRank *rank = mailbox->place->rank;
    for (guint i = mailbox->sent->len; i-- > 0;) {
        Sent *sent = &g_array_index(mailbox->sent, Sent, i);
        if (!all && !mpp_run(rank, done, sent->transfer))
            continue;
        mpp_run(rank, wait, sent->transfer);
        mpp_buffer_drop(sent->buffer);
        g_array_remove_index_fast(mailbox->sent, i);
    }
}

static int64_t peer_rank(const MppMailbox *mailbox, const MppPeer *peer)
{
    return mpp_place_stage_rank(mailbox->place, peer->stage);
}

static const MppPeer *peer_of(const MppMailbox *mailbox, const MppAction *action)
{
    return &g_array_index(mailbox->program->stages[mailbox->place->pp].peers, MppPeer, action->peer);
}

void mpp_mailbox_send(MppMailbox *mailbox, const MppAction *action)
{
    reap(mailbox, false);
    MppBuffer *buffer = mpp_mailbox_take(mailbox, is_forward(action), target_chunk(action), action->micro_batch);
    if (mailbox->place->rank->slice) {
        mpp_buffer_drop(buffer);
        return;
    }
    Sent sent = { buffer, mpp_run(mailbox->place->rank, send, buffer->tensor, peer_rank(mailbox, peer_of(mailbox, action))) };
    g_array_append_val(mailbox->sent, sent);
}

/** The @n-th message that @peer's stage sends to this one. */
static const MppAction *nth_message(const MppMailbox *mailbox, const MppPeer *peer, int32_t n)
{
    const MppStageProgram *stage = &mailbox->program->stages[peer->stage];
    for (guint i = 0; i < stage->peers->len; i++) {
        const MppPeer *back = &g_array_index(stage->peers, MppPeer, i);
        if (back->stage == mailbox->place->pp)
            return mpp_program_action(mailbox->program, peer->stage, g_array_index(back->sends, int32_t, n));
    }
    g_assert_not_reached();
}

void mpp_mailbox_receive(MppMailbox *mailbox, const MppAction *action)
{
    const MppRank *rank = mailbox->place->rank;
    const MppPeer *peer = peer_of(mailbox, action);
    int64_t wanted = key_of(mailbox, is_forward(action), action->chunk, action->micro_batch);
    while (!g_hash_table_contains(mailbox->letters, &wanted)) {
        const MppAction *next = nth_message(mailbox, peer, mailbox->received[peer->stage]++);
        int64_t enters = is_forward(next) ? target_chunk(next) : next->chunk; /* the chunk that takes it, or took its like forwards */
        MppBuffer *buffer = letter_new(mailbox, enters);
        if (rank->slice && !mailbox->made_up[enters])
            mailbox->made_up[enters] = made_up(mailbox, enters);
        if (rank->slice)
            mpp_run(rank, copy, buffer->tensor, mailbox->made_up[enters]->tensor);
        else
            mpp_run(rank, wait, mpp_run(rank, receive, buffer->tensor, peer_rank(mailbox, peer)));
        mpp_mailbox_put(mailbox, is_forward(next), target_chunk(next), next->micro_batch, buffer);
    }
}

void mpp_mailbox_finish(MppMailbox *mailbox)
{
    reap(mailbox, true);
    for (int32_t k = 0; k < mailbox->program->pp; k++)
        mailbox->received[k] = 0;
}
