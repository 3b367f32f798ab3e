#include "validate/cuda/cuda_world.h"

#include <stdio.h>

bool mpp_cuda_check_nccl(MppBackendState *s, ncclResult_t status, const char *what)
{
    if (status != ncclSuccess)
        mpp_cuda_fail(s, "%s: %s", what, ncclGetErrorString(status));
    return status == ncclSuccess;
}

bool mpp_cuda_check_mpi(MppBackendState *s, int status, const char *what)
{
    if (status == MPI_SUCCESS)
        return true;
    char text[MPI_MAX_ERROR_STRING];
    int length;
    MPI_Error_string(status, text, &length);
    mpp_cuda_fail(s, "%s: %.*s", what, length, text);
    return false;
}

bool mpp_cuda_world_open(MppBackendState *s, char *message, size_t size)
{
    int provided;
    if (MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided) != MPI_SUCCESS) {
        snprintf(message, size, "MPI could not be started");
        return false;
    }
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm_rank(MPI_COMM_WORLD, &s->rank);
    MPI_Comm_size(MPI_COMM_WORLD, &s->size);
    s->world = g_new0(MppCudaWorld, 1);
    s->world->peers = g_hash_table_new_full(NULL, NULL, NULL, mpp_cuda_peer_free);
    MPI_Comm host;
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, s->rank, MPI_INFO_NULL, &host);
    MPI_Comm_rank(host, &s->world->host_rank);
    MPI_Comm_size(host, &s->world->host_ranks);
    s->host = s->rank;
    MPI_Bcast(&s->host, 1, MPI_INT, 0, host);
    MPI_Comm_free(&host);
    return true;
}

/** A launcher may show each rank its own GPU only: then that is it. */
bool mpp_cuda_world_has_device(MppBackendState *s, int n_devices, char *message, size_t size)
{
    const MppCudaWorld *world = s->world;
    if (n_devices > 1 && n_devices < world->host_ranks) {
        snprintf(message, size, "%d ranks on a host with %d GPUs: each rank needs its own", world->host_ranks, n_devices);
        return false;
    }
    s->device = n_devices == 1 ? 0 : world->host_rank;
    return true;
}

void mpp_cuda_world_close(MppBackendState *s, bool failed)
{
    if (failed)
        MPI_Abort(MPI_COMM_WORLD, 1);
    g_hash_table_unref(s->world->peers);
    g_free(s->world);
    MPI_Finalize();
}

/** All ranks of @group call it. */
static bool connect_group(MppBackendState *s, MppBackendGroup *group, int index)
{
    ncclUniqueId id = { 0 };
    if (index == 0 && !mpp_cuda_check_nccl(s, ncclGetUniqueId(&id), "group of ranks"))
        return false;
    return mpp_cuda_check_mpi(s, MPI_Bcast(&id, sizeof id, MPI_BYTE, 0, group->comm), "group of ranks") &&
           mpp_cuda_check_nccl(s, ncclCommInitRank(&group->nccl, group->n, id, index), "group of ranks");
}

MppBackendGroup *mpp_cuda_group_new(MppBackendState *s, int64_t color, int64_t key)
{
    if (mpp_cuda_failed(s))
        return NULL;
    MppBackendGroup *group = g_new0(MppBackendGroup, 1);
    int index = 0;
    if (!mpp_cuda_check_mpi(s, MPI_Comm_split(MPI_COMM_WORLD, (int)color, (int)key, &group->comm), "group of ranks")) {
        g_free(group);
        return NULL;
    }
    MPI_Comm_size(group->comm, &group->n);
    MPI_Comm_rank(group->comm, &index);
    if (group->n > 1)
        connect_group(s, group, index);
    return group;
}

void mpp_cuda_group_free(MppBackendState *s, MppBackendGroup *group)
{
    if (!group)
        return;
    if (!mpp_cuda_failed(s) && group->nccl) {
        cudaDeviceSynchronize();
        ncclCommDestroy(group->nccl);
    }
    if (!mpp_cuda_failed(s))
        MPI_Comm_free(&group->comm);
    g_free(group);
}
