/**
 * Shared by the CUDA plug-in's files: its state and its functions, one file a kind.
 *
 * A rank is one process on one GPU. Layers compute in F32 or BF16; sums are taken in F32. What is C runs on the host
 * (libraries, memory, ranks); .cu files hold the kernels. Everything is queued on the stream of the current lane.
 */
#pragma once

#include <cublasLt.h>
#include <cuda_runtime_api.h>

#include "validate/backend.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct MppCudaLedger MppCudaLedger;     /* cuda_ledger.h */
typedef struct MppCudaMarks MppCudaMarks;       /* cuda_marks.c */
typedef struct MppCudaProducts MppCudaProducts; /* cuda_products.c */
typedef struct MppCudaWorld MppCudaWorld;       /* cuda_world.h */

struct MppBackendState {
    int rank, size, host, device; /* host: lowest rank on it */
    size_t shared_bytes;                 /* most a block can have */
    cudaStream_t main, exchange, stream; /* stream: of the current lane */
    cudaEvent_t turn;                    /* orders one lane behind the other */
    MppCudaLedger *ledger;
    MppCudaMarks *marks;
    MppCudaProducts *products;
    MppCudaWorld *world; /* NULL: alone */
    char failure[512];   /* empty: none */
};

/** Keeps the first failure. */
void mpp_cuda_fail(MppBackendState *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Whether @status is good; else it is the failure of @what. */
bool mpp_cuda_check(MppBackendState *s, cudaError_t status, const char *what);

/** What is queued on @behind from now on waits for what is on @first by now. */
void mpp_cuda_order(MppBackendState *s, cudaStream_t first, cudaStream_t behind);

static inline bool mpp_cuda_failed(const MppBackendState *s)
{
    return s->failure[0] != '\0';
}

#define DECLARE(name) __typeof__(*((MppBackend *)NULL)->name) mpp_cuda_##name;
MPP_BACKEND_FUNCTIONS(DECLARE)
#undef DECLARE

/* cuda_memory.c */
void mpp_cuda_upload(MppBackendState *s, void *to, const void *from, size_t bytes);
void mpp_cuda_download(MppBackendState *s, void *to, const void *from, size_t bytes);

/* cuda_marks.c */
MppCudaMarks *mpp_cuda_marks_new(void);
void mpp_cuda_marks_free(MppCudaMarks *marks);
int64_t mpp_cuda_mark(MppBackendState *s);
double mpp_cuda_marked_s(MppBackendState *s, int64_t mark);
void mpp_cuda_forget_marks(MppBackendState *s);

/* cuda_products.c */
bool mpp_cuda_products_open(MppBackendState *s);
void mpp_cuda_products_close(MppBackendState *s);

/* cuda_world.c, cuda_collectives.c and cuda_links.c */
bool mpp_cuda_world_open(MppBackendState *s, char *message, size_t size);
bool mpp_cuda_world_has_device(MppBackendState *s, int n_devices, char *message, size_t size);
void mpp_cuda_world_close(MppBackendState *s, bool failed);

#ifdef __cplusplus
}
#endif
