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

/* cuda_memory.c */
void *mpp_cuda_alloc(MppBackendState *s, size_t bytes);
void mpp_cuda_free(MppBackendState *s, void *data);
double mpp_cuda_peak_bytes(MppBackendState *s, bool restart);
void mpp_cuda_upload(MppBackendState *s, void *to, const void *from, size_t bytes);
void mpp_cuda_download(MppBackendState *s, void *to, const void *from, size_t bytes);

/* cuda_marks.c */
MppCudaMarks *mpp_cuda_marks_new(void);
void mpp_cuda_marks_free(MppCudaMarks *marks);
int64_t mpp_cuda_mark(MppBackendState *s);
double mpp_cuda_marked_s(MppBackendState *s, int64_t mark);
void mpp_cuda_forget_marks(MppBackendState *s);

/* cuda_elementwise.cu */
void mpp_cuda_fill(MppBackendState *s, MppTensor x, double value);
void mpp_cuda_copy(MppBackendState *s, MppTensor y, MppTensor x);
void mpp_cuda_add(MppBackendState *s, MppTensor y, MppTensor a, MppTensor b);
void mpp_cuda_add_bias(MppBackendState *s, MppTensor y, MppTensor bias);
void mpp_cuda_scale_rows(MppBackendState *s, MppTensor y, MppTensor x, MppTensor w);
void mpp_cuda_activation(MppBackendState *s, MppActivation kind, bool gated, MppTensor y, MppTensor x);
void mpp_cuda_activation_backward(MppBackendState *s, MppActivation kind, bool gated, MppTensor dx, MppTensor dy, MppTensor x);
void mpp_cuda_rotary(MppBackendState *s, MppTensor x, MppTensor positions, int64_t dim, double base, bool backwards);
void mpp_cuda_adam(MppBackendState *s, const MppAdam *adam, MppTensor parameter, MppTensor gradient, MppTensor mean,
                   MppTensor variance);

/* cuda_sums.cu and cuda_norm.cu */
void mpp_cuda_add_columns(MppBackendState *s, MppTensor sums, MppTensor x);
void mpp_cuda_dot_rows(MppBackendState *s, MppTensor w, MppTensor a, MppTensor b);
void mpp_cuda_dot_heads(MppBackendState *s, MppTensor delta, MppTensor a, MppTensor b);
void mpp_cuda_add_squares(MppBackendState *s, MppTensor total, MppTensor x);
void mpp_cuda_norm(MppBackendState *s, MppNormType type, MppTensor y, MppTensor x, MppTensor weight, MppTensor bias,
                   MppTensor statistics, double epsilon);
void mpp_cuda_norm_backward(MppBackendState *s, MppNormType type, MppTensor dx, MppTensor dweight, MppTensor dbias, MppTensor dy,
                            MppTensor x, MppTensor weight, MppTensor statistics);

/* cuda_rows.cu */
void mpp_cuda_take_rows(MppBackendState *s, MppTensor y, MppTensor x, MppTensor index, int64_t first);
void mpp_cuda_add_rows(MppBackendState *s, MppTensor y, MppTensor x, MppTensor index, int64_t first);
void mpp_cuda_route(MppBackendState *s, MppTensor weights, MppTensor experts, MppTensor logits);
void mpp_cuda_route_backward(MppBackendState *s, MppTensor dlogits, MppTensor dweights, MppTensor weights, MppTensor experts);

/* cuda_windows.cu */
void mpp_cuda_windows(MppBackendState *s, const MppWindows *windows, MppTensor y, MppTensor x);
void mpp_cuda_windows_backward(MppBackendState *s, const MppWindows *windows, MppTensor dx, MppTensor dy);
void mpp_cuda_pool(MppBackendState *s, MppPoolKind kind, const MppWindows *windows, MppTensor y, MppTensor x);
void mpp_cuda_pool_backward(MppBackendState *s, MppPoolKind kind, const MppWindows *windows, MppTensor dx, MppTensor dy,
                            MppTensor x);

/* cuda_loss.cu */
void mpp_cuda_loss_maximum(MppBackendState *s, MppTensor maximum, MppTensor logits, int64_t n_valid);
void mpp_cuda_loss_sums(MppBackendState *s, MppTensor sums, MppTensor logits, MppTensor maximum, MppTensor targets, int64_t first,
                        int64_t n_valid);
void mpp_cuda_loss_total(MppBackendState *s, MppTensor total, MppTensor sums, double scale);
void mpp_cuda_loss_gradient(MppBackendState *s, MppTensor logits, MppTensor maximum, MppTensor sums, MppTensor targets,
                            int64_t first, int64_t n_valid, double scale);

/* cuda_attention.cu and cuda_attention_backward.cu */
void mpp_cuda_attention(MppBackendState *s, const MppAttentionShape *shape, const MppAttentionBlock *block, MppTensor out,
                        MppTensor lse, MppTensor q, MppTensor k, MppTensor v);
void mpp_cuda_attention_backward(MppBackendState *s, const MppAttentionShape *shape, const MppAttentionBlock *block, MppTensor dq,
                                 MppTensor dk, MppTensor dv, MppTensor dout, MppTensor q, MppTensor k, MppTensor v, MppTensor lse,
                                 MppTensor delta);

/* cuda_products.c */
bool mpp_cuda_products_open(MppBackendState *s);
void mpp_cuda_products_close(MppBackendState *s);
void mpp_cuda_matmul(MppBackendState *s, MppTensor c, MppTensor a, bool a_transposed, MppTensor b, bool b_transposed,
                     bool accumulate);

/* cuda_world.c, cuda_collectives.c and cuda_links.c */
bool mpp_cuda_world_open(MppBackendState *s, char *message, size_t size);
bool mpp_cuda_world_has_device(MppBackendState *s, int n_devices, char *message, size_t size);
void mpp_cuda_world_close(MppBackendState *s, bool failed);
MppBackendGroup *mpp_cuda_group_new(MppBackendState *s, int64_t color, int64_t key);
void mpp_cuda_group_free(MppBackendState *s, MppBackendGroup *group);
void mpp_cuda_all_reduce(MppBackendState *s, MppBackendGroup *group, MppReduceKind kind, MppTensor x);
void mpp_cuda_reduce_scatter(MppBackendState *s, MppBackendGroup *group, MppTensor out, MppTensor in);
void mpp_cuda_all_gather(MppBackendState *s, MppBackendGroup *group, MppTensor out, MppTensor in);
void mpp_cuda_all_to_all(MppBackendState *s, MppBackendGroup *group, MppTensor out, const int64_t *received_rows, MppTensor in,
                         const int64_t *sent_rows);
void mpp_cuda_barrier(MppBackendState *s, MppBackendGroup *group);
void mpp_cuda_connect(MppBackendState *s, const int64_t *peers, int64_t n);
MppBackendTransfer *mpp_cuda_send(MppBackendState *s, MppTensor x, int64_t to);
MppBackendTransfer *mpp_cuda_receive(MppBackendState *s, MppTensor x, int64_t from);
bool mpp_cuda_done(MppBackendState *s, MppBackendTransfer *transfer);
void mpp_cuda_wait(MppBackendState *s, MppBackendTransfer *transfer);

#ifdef __cplusplus
}
#endif
