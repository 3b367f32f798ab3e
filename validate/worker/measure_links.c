#include "validate/worker/measure.h"

typedef struct {
    const MppStopwatch *watch;
    MppBackendGroup *handle;
    int64_t n, index, nodes; /* members of the group, place in it, hosts they lie on */
    MppTensor whole, part, other;
} Link;

static void all_reduce(const MppRank *rank, gpointer data)
{
    const Link *l = data;
    mpp_run(rank, all_reduce, l->handle, MPP_SUM, l->whole);
}

static void all_gather(const MppRank *rank, gpointer data)
{
    const Link *l = data;
    mpp_run(rank, all_gather, l->handle, l->whole, l->part);
}

static void reduce_scatter(const MppRank *rank, gpointer data)
{
    const Link *l = data;
    mpp_run(rank, reduce_scatter, l->handle, l->part, l->whole);
}

static void all_to_all(const MppRank *rank, gpointer data)
{
    const Link *l = data;
    g_autofree int64_t *rows = g_new(int64_t, l->n);
    for (int64_t i = 0; i < l->n; i++)
        rows[i] = l->whole.rows / l->n;
    mpp_run(rank, all_to_all, l->handle, l->other, rows, l->whole, rows);
}

/** Every member to its neighbour, round a ring. */
static void exchange(const MppRank *rank, gpointer data)
{
    const Link *l = data;
    int64_t first = rank->index - l->index;
    MppBackendTransfer *in = mpp_run(rank, receive, l->other, first + (l->index + l->n - 1) % l->n);
    MppBackendTransfer *out = mpp_run(rank, send, l->whole, first + (l->index + 1) % l->n);
    mpp_run(rank, wait, in);
    mpp_run(rank, wait, out);
}

static const struct {
    MppCollective collective;
    MppStopwatchCall call;
} collectives[] = {
    { MPP_COLLECTIVE_ALL_REDUCE, all_reduce },
    { MPP_COLLECTIVE_ALL_GATHER, all_gather },
    { MPP_COLLECTIVE_REDUCE_SCATTER, reduce_scatter },
    { MPP_COLLECTIVE_ALL_TO_ALL, all_to_all },
    { MPP_COLLECTIVE_EXCHANGE, exchange },
};

static void measure_size(MppStopwatch *watch, Link link, int64_t bytes)
{
    const MppRank *rank = watch->rank;
    int64_t columns = MAX(bytes / (int64_t)sizeof(float) / link.n, 1);
    g_autoptr(MppBuffer) whole = mpp_buffer_zeros(rank, MPP_ELEMENT_F32, link.n, columns);
    g_autoptr(MppBuffer) other = mpp_buffer_zeros(rank, MPP_ELEMENT_F32, link.n, columns);
    g_autoptr(MppBuffer) part = mpp_buffer_zeros(rank, MPP_ELEMENT_F32, 1, columns);
    link.whole = whole->tensor;
    link.other = other->tensor;
    link.part = part->tensor;
    for (size_t i = 0; i < G_N_ELEMENTS(collectives); i++) {
        MppSample sample = mpp_samples_blank(MPP_SAMPLE_COLLECTIVE,
                                             mpp_names_get(&mpp_collective_names, collectives[i].collective));
        sample.collective = collectives[i].collective;
        sample.bytes = (double)(columns * link.n) * sizeof(float);
        sample.ranks = link.n;
        sample.nodes = link.nodes;
        mpp_stopwatch_take(watch, sample, collectives[i].call, &link);
    }
}

static void connect_ring(const MppRank *rank, const Link *l)
{
    int64_t first = rank->index - l->index;
    const int64_t peers[] = { first + (l->index + l->n - 1) % l->n, first + (l->index + 1) % l->n };
    mpp_run(rank, connect, peers, l->n > 2 ? 2 : 1);
}

/** Groups of every size that divides the ranks, all at work at once; those that lie unevenly on hosts are left out. */
void mpp_measure_links(MppStopwatch *watch)
{
    static const int64_t sizes[] = { 64, 4096, 65536, 524288, 4194304, 16777216 };
    const MppRank *rank = watch->rank;
    for (int64_t n = 2; n <= rank->size; n++) {
        int64_t nodes = rank->size % n == 0 ? mpp_stopwatch_nodes(watch->hosts, rank->size, n) : 0;
        if (!nodes)
            continue;
        MppBackendGroup *group = mpp_run(rank, group_new, rank->index / n, rank->index);
        const Link link = { watch, group, n, rank->index % n, nodes };
        connect_ring(rank, &link);
        for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++)
            measure_size(watch, link, sizes[i]);
        mpp_run(rank, group_free, group);
    }
}
