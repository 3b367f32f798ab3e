#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "validate/cpu/cpu.h"

struct MppBackendTransfer {
    MPI_Request request;
};

static void check(MppBackendState *s, int status, const char *what)
{
    if (status == MPI_SUCCESS)
        return;
    char text[MPI_MAX_ERROR_STRING];
    int length;
    MPI_Error_string(status, text, &length);
    mpp_cpu_fail(s, "%s: %.*s", what, length, text);
}

bool mpp_cpu_ranks_open(MppBackendState *s, char *message, size_t size)
{
    int provided;
    if (MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided) != MPI_SUCCESS) {
        snprintf(message, size, "MPI could not be started");
        return false;
    }
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm_rank(MPI_COMM_WORLD, &s->rank);
    MPI_Comm_size(MPI_COMM_WORLD, &s->size);
    s->host = s->rank;
    MPI_Comm host;
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, s->rank, MPI_INFO_NULL, &host);
    MPI_Bcast(&s->host, 1, MPI_INT, 0, host);
    MPI_Comm_free(&host);
    return true;
}

void mpp_cpu_ranks_close(MppBackendState *s, bool failed)
{
    (void)s;
    if (failed)
        MPI_Abort(MPI_COMM_WORLD, 1);
    MPI_Finalize();
}

MppBackendGroup *mpp_cpu_group_new(MppBackendState *s, int64_t color, int64_t key)
{
    MppBackendGroup *group = calloc(1, sizeof *group);
    if (!group || mpp_cpu_failed(s)) {
        mpp_cpu_fail(s, "out of memory");
        free(group);
        return NULL;
    }
    check(s, MPI_Comm_split(MPI_COMM_WORLD, (int)color, (int)key, &group->comm), "group of ranks");
    MPI_Comm_size(group->comm, &group->n);
    return group;
}

void mpp_cpu_group_free(MppBackendState *s, MppBackendGroup *group)
{
    if (!group)
        return;
    if (!mpp_cpu_failed(s))
        MPI_Comm_free(&group->comm);
    free(group);
}

static MPI_Datatype type_of(MppTensor x)
{
    return x.element == MPP_ELEMENT_I32 ? MPI_INT32_T : MPI_FLOAT;
}

static int count_of(MppTensor x)
{
    return (int)(x.rows * x.columns);
}

void mpp_cpu_all_reduce(MppBackendState *s, MppBackendGroup *group, MppReduceKind kind, MppTensor x)
{
    if (mpp_cpu_failed(s))
        return;
    MPI_Op op = kind == MPP_SUM ? MPI_SUM : MPI_MAX;
    check(s, MPI_Allreduce(MPI_IN_PLACE, x.data, count_of(x), type_of(x), op, group->comm), "all-reduce");
}

/** Open MPI's reduction in equal blocks goes through one rank; the one in any blocks is a ring. */
void mpp_cpu_reduce_scatter(MppBackendState *s, MppBackendGroup *group, MppTensor out, MppTensor in)
{
    int *counts = mpp_cpu_failed(s) ? NULL : malloc((size_t)group->n * sizeof(int));
    if (!counts) {
        mpp_cpu_fail(s, "out of memory");
        return;
    }
    for (int i = 0; i < group->n; i++)
        counts[i] = count_of(out);
    check(s, MPI_Reduce_scatter(in.data, out.data, counts, type_of(in), MPI_SUM, group->comm), "reduce-scatter");
    free(counts);
}

/** @in may be the caller's own part of @out. */
void mpp_cpu_all_gather(MppBackendState *s, MppBackendGroup *group, MppTensor out, MppTensor in)
{
    if (mpp_cpu_failed(s))
        return;
    int rank;
    MPI_Comm_rank(group->comm, &rank);
    bool in_place = in.data == (char *)out.data + (size_t)rank * (size_t)count_of(in) * sizeof(float);
    check(s,
          MPI_Allgather(in_place ? MPI_IN_PLACE : in.data, count_of(in), type_of(in), out.data, count_of(in), type_of(in),
                        group->comm),
          "all-gather");
}

/** Row counts as elements and their running sums: @counts then @offsets, n each. */
static void lay_out(const int64_t *rows, int64_t columns, int n, int *counts, int *offsets)
{
    int offset = 0;
    for (int i = 0; i < n; i++) {
        counts[i] = (int)(rows[i] * columns);
        offsets[i] = offset;
        offset += counts[i];
    }
}

void mpp_cpu_all_to_all(MppBackendState *s, MppBackendGroup *group, MppTensor out, const int64_t *received_rows, MppTensor in,
                        const int64_t *sent_rows)
{
    if (mpp_cpu_failed(s))
        return;
    int n = group->n, *work = malloc((size_t)(4 * n) * sizeof(int));
    if (!work) {
        mpp_cpu_fail(s, "out of memory");
        return;
    }
    lay_out(sent_rows, in.columns, n, work, work + n);
    lay_out(received_rows, out.columns, n, work + 2 * n, work + 3 * n);
    check(s, MPI_Alltoallv(in.data, work, work + n, type_of(in), out.data, work + 2 * n, work + 3 * n, type_of(out), group->comm),
          "all-to-all");
    free(work);
}

void mpp_cpu_barrier(MppBackendState *s, MppBackendGroup *group)
{
    if (!mpp_cpu_failed(s))
        check(s, MPI_Barrier(group ? group->comm : MPI_COMM_WORLD), "barrier");
}

/** MPI connects by itself. */
void mpp_cpu_connect(MppBackendState *s, const int64_t *peers, int64_t n)
{
    (void)s;
    (void)peers;
    (void)n;
}

static MppBackendTransfer *new_transfer(MppBackendState *s)
{
    MppBackendTransfer *transfer = mpp_cpu_failed(s) ? NULL : malloc(sizeof *transfer);
    if (!transfer)
        mpp_cpu_fail(s, "out of memory");
    return transfer;
}

MppBackendTransfer *mpp_cpu_send(MppBackendState *s, MppTensor x, int64_t to)
{
    MppBackendTransfer *transfer = new_transfer(s);
    if (transfer)
        check(s, MPI_Isend(x.data, count_of(x), type_of(x), (int)to, 0, MPI_COMM_WORLD, &transfer->request), "send");
    return transfer;
}

MppBackendTransfer *mpp_cpu_receive(MppBackendState *s, MppTensor x, int64_t from)
{
    MppBackendTransfer *transfer = new_transfer(s);
    if (transfer)
        check(s, MPI_Irecv(x.data, count_of(x), type_of(x), (int)from, 0, MPI_COMM_WORLD, &transfer->request), "receive");
    return transfer;
}

bool mpp_cpu_done(MppBackendState *s, MppBackendTransfer *transfer)
{
    int done = true;
    if (transfer && !mpp_cpu_failed(s))
        check(s, MPI_Test(&transfer->request, &done, MPI_STATUS_IGNORE), "message");
    return done;
}

/** A rank that waits long leaves its processor to the others: they are slower beside one that polls. */
void mpp_cpu_wait(MppBackendState *s, MppBackendTransfer *transfer)
{
    enum { POLLS = 2000, NAP_NS = 20000 };
    for (int i = 0; transfer && !mpp_cpu_done(s, transfer); i++)
        if (i >= POLLS)
            nanosleep(&(struct timespec){ .tv_nsec = NAP_NS }, NULL);
    free(transfer);
}
