/**
 * Shared by the CPU plug-in's files: its state and its functions, one file a kind.
 *
 * A rank is one process on one core: BLAS with one thread, MPI between ranks. Everything is done at once, in fp32;
 * sums over many elements are taken in double.
 */
#pragma once

#include <mpi.h>

#include "validate/backend.h"

struct MppBackendState {
    int rank, size, host; /* host: lowest rank on it */
    bool alone;
    double used_bytes, peak_bytes, most_bytes;
    float *scratch; /* of attention */
    size_t n_scratch;
    double *marks_s;
    size_t n_marks, most_marks; /* most_marks: that there is room for */
    char failure[512];          /* empty: none */
};

struct MppBackendGroup {
    MPI_Comm comm;
    int n;
};

/** Keeps the first failure. */
void mpp_cpu_fail(MppBackendState *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline bool mpp_cpu_failed(const MppBackendState *s)
{
    return s->failure[0] != '\0';
}

static inline float *mpp_cpu_row(MppTensor x, int64_t row)
{
    return (float *)x.data + row * x.stride;
}

static inline int32_t mpp_cpu_index(MppTensor x, int64_t row)
{
    return ((const int32_t *)x.data)[row * x.stride];
}

/** Elements, for work memory that lives until the next call. NULL is a failure. */
float *mpp_cpu_scratch(MppBackendState *s, size_t n);

/* cpu_memory.c */
void *mpp_cpu_alloc(MppBackendState *s, size_t bytes);
void mpp_cpu_free(MppBackendState *s, void *data);
double mpp_cpu_peak_bytes(MppBackendState *s, bool restart);
void mpp_cpu_move(MppBackendState *s, void *to, const void *from, size_t bytes);

/* cpu_elementwise.c */
void mpp_cpu_fill(MppBackendState *s, MppTensor x, double value);
void mpp_cpu_copy(MppBackendState *s, MppTensor y, MppTensor x);
void mpp_cpu_add(MppBackendState *s, MppTensor y, MppTensor a, MppTensor b);
void mpp_cpu_add_bias(MppBackendState *s, MppTensor y, MppTensor bias);
void mpp_cpu_add_columns(MppBackendState *s, MppTensor sums, MppTensor x);
void mpp_cpu_scale_rows(MppBackendState *s, MppTensor y, MppTensor x, MppTensor w);
void mpp_cpu_dot_rows(MppBackendState *s, MppTensor w, MppTensor a, MppTensor b);
void mpp_cpu_dot_heads(MppBackendState *s, MppTensor delta, MppTensor a, MppTensor b);
void mpp_cpu_add_squares(MppBackendState *s, MppTensor total, MppTensor x);
void mpp_cpu_adam(MppBackendState *s, const MppAdam *adam, MppTensor parameter, MppTensor gradient, MppTensor mean,
                  MppTensor variance);

/* cpu_layer.c */
void mpp_cpu_matmul(MppBackendState *s, MppTensor c, MppTensor a, bool a_transposed, MppTensor b, bool b_transposed,
                    bool accumulate);
void mpp_cpu_norm(MppBackendState *s, MppNormType type, MppTensor y, MppTensor x, MppTensor weight, MppTensor bias,
                  MppTensor statistics, double epsilon);
void mpp_cpu_norm_backward(MppBackendState *s, MppNormType type, MppTensor dx, MppTensor dweight, MppTensor dbias, MppTensor dy,
                           MppTensor x, MppTensor weight, MppTensor statistics);
void mpp_cpu_activation(MppBackendState *s, MppActivation kind, bool gated, MppTensor y, MppTensor x);
void mpp_cpu_activation_backward(MppBackendState *s, MppActivation kind, bool gated, MppTensor dx, MppTensor dy, MppTensor x);
void mpp_cpu_rotary(MppBackendState *s, MppTensor x, MppTensor positions, int64_t dim, double base, bool backwards);

/* cpu_attention.c */
void mpp_cpu_attention(MppBackendState *s, const MppAttentionShape *shape, const MppAttentionBlock *block, MppTensor out,
                       MppTensor lse, MppTensor q, MppTensor k, MppTensor v);
void mpp_cpu_attention_backward(MppBackendState *s, const MppAttentionShape *shape, const MppAttentionBlock *block, MppTensor dq,
                                MppTensor dk, MppTensor dv, MppTensor dout, MppTensor q, MppTensor k, MppTensor v, MppTensor lse,
                                MppTensor delta);

/* cpu_rows.c */
void mpp_cpu_take_rows(MppBackendState *s, MppTensor y, MppTensor x, MppTensor index, int64_t first);
void mpp_cpu_add_rows(MppBackendState *s, MppTensor y, MppTensor x, MppTensor index, int64_t first);
void mpp_cpu_route(MppBackendState *s, MppTensor weights, MppTensor experts, MppTensor logits);
void mpp_cpu_route_backward(MppBackendState *s, MppTensor dlogits, MppTensor dweights, MppTensor weights, MppTensor experts);

/* cpu_windows.c */
void mpp_cpu_windows(MppBackendState *s, const MppWindows *windows, MppTensor y, MppTensor x);
void mpp_cpu_windows_backward(MppBackendState *s, const MppWindows *windows, MppTensor dx, MppTensor dy);
void mpp_cpu_pool(MppBackendState *s, MppPoolKind kind, const MppWindows *windows, MppTensor y, MppTensor x);
void mpp_cpu_pool_backward(MppBackendState *s, MppPoolKind kind, const MppWindows *windows, MppTensor dx, MppTensor dy, MppTensor x);

/* cpu_loss.c */
void mpp_cpu_loss_maximum(MppBackendState *s, MppTensor maximum, MppTensor logits, int64_t n_valid);
void mpp_cpu_loss_sums(MppBackendState *s, MppTensor sums, MppTensor logits, MppTensor maximum, MppTensor targets, int64_t first,
                       int64_t n_valid);
void mpp_cpu_loss_total(MppBackendState *s, MppTensor total, MppTensor sums, double scale);
void mpp_cpu_loss_gradient(MppBackendState *s, MppTensor logits, MppTensor maximum, MppTensor sums, MppTensor targets,
                           int64_t first, int64_t n_valid, double scale);

/* cpu_ranks.c */
bool mpp_cpu_ranks_open(MppBackendState *s, char *message, size_t size);
void mpp_cpu_ranks_close(MppBackendState *s, bool failed);
MppBackendGroup *mpp_cpu_group_new(MppBackendState *s, int64_t color, int64_t key);
void mpp_cpu_group_free(MppBackendState *s, MppBackendGroup *group);
void mpp_cpu_all_reduce(MppBackendState *s, MppBackendGroup *group, MppReduceKind kind, MppTensor x);
void mpp_cpu_reduce_scatter(MppBackendState *s, MppBackendGroup *group, MppTensor out, MppTensor in);
void mpp_cpu_all_gather(MppBackendState *s, MppBackendGroup *group, MppTensor out, MppTensor in);
void mpp_cpu_all_to_all(MppBackendState *s, MppBackendGroup *group, MppTensor out, const int64_t *received_rows, MppTensor in,
                        const int64_t *sent_rows);
void mpp_cpu_barrier(MppBackendState *s, MppBackendGroup *group);
void mpp_cpu_connect(MppBackendState *s, const int64_t *peers, int64_t n);
MppBackendTransfer *mpp_cpu_send(MppBackendState *s, MppTensor x, int64_t to);
MppBackendTransfer *mpp_cpu_receive(MppBackendState *s, MppTensor x, int64_t from);
bool mpp_cpu_done(MppBackendState *s, MppBackendTransfer *transfer);
void mpp_cpu_wait(MppBackendState *s, MppBackendTransfer *transfer);
