/**
 * NCCL over MPI, as far as the plug-in uses it. Collectives are done at once; messages are under way until their stream
 * is waited for, and a group's messages until it ends.
 */
#include <nccl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "tests/emulation/emulated_runtime.h"

struct ncclComm {
    MPI_Comm comm;
};

typedef struct {
    int root, number; /* rank that made it, how many it had made before */
} Id;

enum { FIRST_TAG = 1000, MOST_IDS = 10000 };

static GPtrArray *grouped; /* streams with messages of the group; NULL outside of one */

const char *ncclGetErrorString(ncclResult_t status)
{
    return status == ncclSuccess ? "no error" : "an emulated error";
}

ncclResult_t ncclGetUniqueId(ncclUniqueId *unique)
{
    static int number;
    Id id = { .number = number++ };
    MPI_Comm_rank(MPI_COMM_WORLD, &id.root);
    memset(unique, 0, sizeof *unique);
    memcpy(unique->internal, &id, sizeof id);
    return ncclSuccess;
}

/** Members tell the id's maker who they are; it tells them all. */
ncclResult_t ncclCommInitRank(ncclComm_t *comm, int n, ncclUniqueId unique, int rank)
{
    Id id;
    memcpy(&id, unique.internal, sizeof id);
    int own, tag = FIRST_TAG + id.number % MOST_IDS;
    MPI_Comm_rank(MPI_COMM_WORLD, &own);
    g_autofree int *ranks = g_new(int, n);
    if (own == id.root) {
        ranks[rank] = own;
        for (int i = 0; i < n - 1; i++) {
            int member[2];
            MPI_Recv(member, 2, MPI_INT, MPI_ANY_SOURCE, tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
            ranks[member[0]] = member[1];
        }
        for (int i = 0; i < n; i++)
            if (i != rank)
                MPI_Send(ranks, n, MPI_INT, ranks[i], tag, MPI_COMM_WORLD);
    } else {
        MPI_Send((int[]){ rank, own }, 2, MPI_INT, id.root, tag, MPI_COMM_WORLD);
        MPI_Recv(ranks, n, MPI_INT, id.root, tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    }
    MPI_Group world, members;
    MPI_Comm_group(MPI_COMM_WORLD, &world);
    MPI_Group_incl(world, n, ranks, &members);
    *comm = g_new(struct ncclComm, 1);
    MPI_Comm_create_group(MPI_COMM_WORLD, members, tag, &(*comm)->comm);
    MPI_Group_free(&members);
    MPI_Group_free(&world);
    return ncclSuccess;
}

ncclResult_t ncclCommDestroy(ncclComm_t comm)
{
    MPI_Comm_free(&comm->comm);
    g_free(comm);
    return ncclSuccess;
}

static MPI_Datatype type_of(ncclDataType_t type)
{
    return type == ncclInt32 ? MPI_INT32_T : type == ncclBfloat16 ? MPI_UINT16_T : MPI_FLOAT;
}

/** BF16 as F32 and back, rounded to the nearest. */
static float *widened(const uint16_t *from, size_t n)
{
    float *wide = g_new(float, n);
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = (uint32_t)from[i] << 16;
        memcpy(&wide[i], &bits, sizeof bits);
    }
    return wide;
}

static void narrow(uint16_t *to, const float *from, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &from[i], sizeof bits);
        to[i] = (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
    }
}

ncclResult_t ncclAllReduce(const void *from, void *to, size_t n, ncclDataType_t type, ncclRedOp_t op, ncclComm_t comm,
                           cudaStream_t stream)
{
    emulated_finish(stream);
    MPI_Op mpi_op = op == ncclSum ? MPI_SUM : MPI_MAX;
    if (from != to)
        return ncclInvalidArgument;
    if (type != ncclBfloat16) {
        MPI_Allreduce(MPI_IN_PLACE, to, (int)n, type_of(type), mpi_op, comm->comm);
        return ncclSuccess;
    }
    g_autofree float *wide = widened(to, n);
    MPI_Allreduce(MPI_IN_PLACE, wide, (int)n, MPI_FLOAT, mpi_op, comm->comm);
    narrow(to, wide, n);
    return ncclSuccess;
}

ncclResult_t ncclReduceScatter(const void *from, void *to, size_t n, ncclDataType_t type, ncclRedOp_t op, ncclComm_t comm,
                               cudaStream_t stream)
{
    emulated_finish(stream);
    int size;
    MPI_Comm_size(comm->comm, &size);
    if (op != ncclSum)
        return ncclInvalidArgument;
    if (type != ncclBfloat16) {
        MPI_Reduce_scatter_block(from, to, (int)n, type_of(type), MPI_SUM, comm->comm);
        return ncclSuccess;
    }
    g_autofree float *wide = widened(from, n * (size_t)size), *part = g_new(float, n);
    MPI_Reduce_scatter_block(wide, part, (int)n, MPI_FLOAT, MPI_SUM, comm->comm);
    narrow(to, part, n);
    return ncclSuccess;
}

ncclResult_t ncclAllGather(const void *from, void *to, size_t n, ncclDataType_t type, ncclComm_t comm, cudaStream_t stream)
{
    emulated_finish(stream);
    int rank;
    size_t bytes = type == ncclBfloat16 ? 2 : 4;
    MPI_Comm_rank(comm->comm, &rank);
    bool in_place = from == (char *)to + (size_t)rank * n * bytes;
    MPI_Allgather(in_place ? MPI_IN_PLACE : from, (int)n, type_of(type), to, (int)n, type_of(type), comm->comm);
    return ncclSuccess;
}

static ncclResult_t queue(cudaStream_t stream, MPI_Request message)
{
    g_array_append_val(stream->messages, message);
    if (grouped && !g_ptr_array_find(grouped, stream, NULL))
        g_ptr_array_add(grouped, stream);
    return ncclSuccess;
}

ncclResult_t ncclSend(const void *from, size_t n, ncclDataType_t type, int to, ncclComm_t comm, cudaStream_t stream)
{
    MPI_Request message;
    MPI_Isend(from, (int)n, type_of(type), to, 0, comm->comm, &message);
    return queue(stream, message);
}

ncclResult_t ncclRecv(void *to, size_t n, ncclDataType_t type, int from, ncclComm_t comm, cudaStream_t stream)
{
    MPI_Request message;
    MPI_Irecv(to, (int)n, type_of(type), from, 0, comm->comm, &message);
    return queue(stream, message);
}

ncclResult_t ncclGroupStart(void)
{
    grouped = g_ptr_array_new();
    return ncclSuccess;
}

ncclResult_t ncclGroupEnd(void)
{
    for (guint i = 0; i < grouped->len; i++)
        emulated_finish(grouped->pdata[i]);
    g_clear_pointer(&grouped, g_ptr_array_unref);
    return ncclSuccess;
}
