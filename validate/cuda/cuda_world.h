/**
 * The ranks of a run: MPI starts them and carries what NCCL needs to know each other; NCCL moves all tensors.
 */
#pragma once

#include <glib.h>
#include <mpi.h>
#include <nccl.h>

#include "validate/cuda/cuda.h"

struct MppCudaWorld {
    int host_rank, host_ranks; /* of this host's ranks */
    GHashTable *peers;         /* rank → MppCudaPeer (cuda_links.c) */
};

struct MppBackendGroup {
    MPI_Comm comm;
    ncclComm_t nccl; /* NULL: a single rank */
    int n;
};

bool mpp_cuda_check_nccl(MppBackendState *s, ncclResult_t status, const char *what);
bool mpp_cuda_check_mpi(MppBackendState *s, int status, const char *what);

static inline ncclDataType_t mpp_cuda_nccl_type(MppElement element)
{
    return element == MPP_ELEMENT_I32 ? ncclInt32 : element == MPP_ELEMENT_BF16 ? ncclBfloat16 : ncclFloat32;
}

static inline size_t mpp_cuda_count(MppTensor x)
{
    return (size_t)(x.rows * x.columns);
}

/** Ends all links. @data: an MppCudaPeer. */
void mpp_cuda_peer_free(gpointer data);
