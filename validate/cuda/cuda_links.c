/**
 * Messages between two ranks. Each direction has a communicator and a stream of its own: a message that waits for its
 * receiver holds up neither computation nor messages to or from others.
 */
#include "validate/cuda/cuda_world.h"

typedef struct {
    ncclComm_t nccl;
    cudaStream_t stream;
} Link;

typedef struct {
    Link out, in;
} Peer;

enum { SENDER, RECEIVER, ENDS }; /* ranks in a link's communicator */

struct MppBackendTransfer {
    cudaEvent_t done;
};

static void close_link(Link *link)
{
    if (link->nccl)
        ncclCommDestroy(link->nccl);
    if (link->stream)
        cudaStreamDestroy(link->stream);
}

void mpp_cuda_peer_free(gpointer data)
{
    Peer *peer = data;
    close_link(&peer->out);
    close_link(&peer->in);
    g_free(peer);
}

static bool open_link(MppBackendState *s, Link *link, int other, int end)
{
    ncclUniqueId id = { 0 };
    bool good = end == SENDER ? mpp_cuda_check_nccl(s, ncclGetUniqueId(&id), "link") &&
                                    mpp_cuda_check_mpi(s, MPI_Send(&id, sizeof id, MPI_BYTE, other, 0, MPI_COMM_WORLD), "link")
                              : mpp_cuda_check_mpi(
                                    s, MPI_Recv(&id, sizeof id, MPI_BYTE, other, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE), "link");
    return good && mpp_cuda_check_nccl(s, ncclCommInitRank(&link->nccl, ENDS, id, end), "link") &&
           mpp_cuda_check(s, cudaStreamCreateWithFlags(&link->stream, cudaStreamNonBlocking), "stream");
}

/** Of two ranks the lower one sends first. */
static void connect_peer(MppBackendState *s, int other)
{
    Peer *peer = g_new0(Peer, 1);
    g_hash_table_insert(s->world->peers, GINT_TO_POINTER(other), peer);
    bool low = s->rank < other;
    if (open_link(s, low ? &peer->out : &peer->in, other, low ? SENDER : RECEIVER))
        open_link(s, low ? &peer->in : &peer->out, other, low ? RECEIVER : SENDER);
}

static int by_rank(gconstpointer a, gconstpointer b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

/**
 * Each rank goes through its peers in rising order, which goes through all pairs of ranks (low, high) in one order:
 * the first pair that is left has nothing else to wait for, so no circle of ranks wait for each other.
 */
void mpp_cuda_connect(MppBackendState *s, const int64_t *peers, int64_t n)
{
    g_autofree int64_t *sorted = g_memdup2(peers, (gsize)n * sizeof(int64_t));
    qsort(sorted, (size_t)n, sizeof(int64_t), by_rank);
    for (int64_t i = 0; i < n && !mpp_cuda_failed(s); i++)
        if (!g_hash_table_contains(s->world->peers, GINT_TO_POINTER(sorted[i])))
            connect_peer(s, (int)sorted[i]);
}

/** Queues a message behind all that is queued now. */
static MppBackendTransfer *start(MppBackendState *s, MppTensor x, int64_t other, int end)
{
    Peer *peer = mpp_cuda_failed(s) ? NULL : g_hash_table_lookup(s->world->peers, GINT_TO_POINTER(other));
    if (!peer) {
        mpp_cuda_fail(s, "no link to rank %lld", (long long)other);
        return NULL;
    }
    const Link *link = end == SENDER ? &peer->out : &peer->in;
    MppBackendTransfer *transfer = g_new0(MppBackendTransfer, 1);
    mpp_cuda_order(s, s->stream, link->stream);
    if (end == SENDER)
        mpp_cuda_check_nccl(
            s, ncclSend(x.data, mpp_cuda_count(x), mpp_cuda_nccl_type(x.element), RECEIVER, link->nccl, link->stream), "send");
    else
        mpp_cuda_check_nccl(
            s, ncclRecv(x.data, mpp_cuda_count(x), mpp_cuda_nccl_type(x.element), SENDER, link->nccl, link->stream), "receive");
    if (mpp_cuda_check(s, cudaEventCreateWithFlags(&transfer->done, cudaEventDisableTiming), "event"))
        mpp_cuda_check(s, cudaEventRecord(transfer->done, link->stream), "event");
    return transfer;
}

MppBackendTransfer *mpp_cuda_send(MppBackendState *s, MppTensor x, int64_t to)
{
    return start(s, x, to, SENDER);
}

MppBackendTransfer *mpp_cuda_receive(MppBackendState *s, MppTensor x, int64_t from)
{
    return start(s, x, from, RECEIVER);
}

bool mpp_cuda_done(MppBackendState *s, MppBackendTransfer *transfer)
{
    if (!transfer || mpp_cuda_failed(s))
        return true;
    cudaError_t status = cudaEventQuery(transfer->done);
    if (status == cudaErrorNotReady)
        return false;
    mpp_cuda_check(s, status, "message");
    return true;
}

void mpp_cuda_wait(MppBackendState *s, MppBackendTransfer *transfer)
{
    if (!transfer)
        return;
    if (transfer->done && !mpp_cuda_failed(s))
        mpp_cuda_check(s, cudaStreamWaitEvent(s->stream, transfer->done, 0), "message");
    if (transfer->done)
        cudaEventDestroy(transfer->done);
    g_free(transfer);
}
