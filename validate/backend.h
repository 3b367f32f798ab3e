/**
 * What a device must be able to do to run training steps: the plug-in interface.
 *
 * A plug-in is a shared library that exports one constant MppBackend called MPP_BACKEND_SYMBOL. Host code knows
 * nothing else of it, so MPI, CUDA and their libraries stay out of the program. This header needs no other.
 *
 * Work is queued and done in order: a function may return before its work is done; download(), settle(), now_s()
 * and marked_s() wait for it, free() and wait() are queued like the rest. The first failure is kept: from then on every function returns at once without doing anything, and
 * failure() tells what happened. So callers look for failures where it suits them.
 *
 * Every backend computes in F32, some in BF16 too: then activations and the parameters that layers use are BF16, sums
 * are taken in F32, and F32 are: gradients of parameters, optimizer states, statistics, experts' weights, and what
 * attention and loss keep of a row. Indexes are I32.
 *
 * Where a tensor's sizes are not said they follow from the others'. Tensors with data NULL stand for "none" where a
 * function allows it. Collectives and messages take tensors without gaps between rows.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MPP_BACKEND_ABI = 3 };
#define MPP_BACKEND_SYMBOL "mpp_backend"

typedef enum { MPP_ELEMENT_F32, MPP_ELEMENT_BF16, MPP_ELEMENT_I32, MPP_N_ELEMENTS } MppElement;

static inline size_t mpp_element_bytes(MppElement element)
{
    return element == MPP_ELEMENT_BF16 ? 2 : 4;
}

/** A matrix on the device; owns nothing. Row i begins at element i * stride. */
typedef struct {
    void *data;
    MppElement element;
    int64_t rows, columns, stride;
} MppTensor;

typedef struct MppBackendState MppBackendState;       /* an opened device */
typedef struct MppBackendGroup MppBackendGroup;       /* ranks that work together */
typedef struct MppBackendTransfer MppBackendTransfer; /* a message under way */

typedef struct {
    bool alone;          /* one rank without a launcher */
    double memory_bytes; /* allocations beyond this fail; 0: as far as the device goes */
} MppBackendStart;

typedef struct {
    int64_t rank, size;
    int64_t host; /* lowest rank on the same host */
} MppBackendWorld;

typedef enum { MPP_LANE_MAIN, MPP_LANE_EXCHANGE } MppLane;
typedef enum { MPP_SUM, MPP_MAX } MppReduceKind;
typedef enum { MPP_LAYER_NORM, MPP_RMS_NORM } MppNormType;
typedef enum { MPP_GELU, MPP_SILU, MPP_RELU } MppActivation; /* GELU by tanh (arXiv:1606.08415 §2) */
typedef enum { MPP_MAX_POOL, MPP_AVERAGE_POOL } MppPoolKind;

/** Rows are sequences × tokens, columns heads × dim. Query head h reads key-value head h * kv_heads / heads. */
typedef struct {
    int64_t sequences, heads, kv_heads, dim;
    int64_t window; /* positions a query sees, its own included; 0: all before it */
    double scale;   /* of scores */
} MppAttentionShape;

/** Neighbouring queries and keys of every sequence: their first row in the sequence, and its position in the text. */
typedef struct {
    int64_t query_row, n_queries, query_position;
    int64_t key_row, n_keys, key_position;
} MppAttentionBlock;

/** Windows over images. Rows of images are pixels, sample by sample and line by line; columns are channels. */
typedef struct {
    int64_t samples, height, width;      /* of the images */
    int64_t out_height, out_width;       /* windows of an image, down and across */
    int64_t kernel_height, kernel_width; /* pixels of a window */
    int64_t stride, padding;             /* between windows; beyond each edge, where all is 0 */
} MppWindows;

typedef struct {
    double rate, beta1, beta2, epsilon;
    int64_t step; /* from 1 */
} MppAdam;

typedef struct {
    int32_t abi; /* MPP_BACKEND_ABI; stays the first member */
    const char *name;
    bool computes_bf16;

    /* --- the device --- */

    /** Returns: NULL after writing the reason to @message. */
    MppBackendState *(*open)(const MppBackendStart *start, char *message, size_t size);
    /** With @failed, takes the other ranks down too instead of waiting for them; may then not return. */
    void (*close)(MppBackendState *state, bool failed);
    void (*world)(const MppBackendState *state, MppBackendWorld *world);
    const char *(*failure)(const MppBackendState *state); /* NULL: none so far */
    void (*settle)(MppBackendState *state);               /* waits for the main lane */
    double (*now_s)(MppBackendState *state);
    /** Notes the time once all that is queued on the main lane is done, and does not wait for it. Returns: 0, 1, 2, … */
    int64_t (*mark)(MppBackendState *state);
    /** Seconds from mark 0 to @mark; waits for it. */
    double (*marked_s)(MppBackendState *state, int64_t mark);
    void (*forget_marks)(MppBackendState *state); /* the next is 0 */
    /** Queues what follows on @lane, after all that was queued before; the exchange lane runs beside the main one. */
    void (*lane)(MppBackendState *state, MppLane lane);
    void (*join)(MppBackendState *state); /* what follows on the main lane waits for the exchange lane */

    /* --- memory --- */

    void *(*alloc)(MppBackendState *state, size_t bytes); /* NULL is a failure */
    void (*free)(MppBackendState *state, void *data);
    double (*peak_bytes)(MppBackendState *state, bool restart); /* most that was allocated at once */
    void (*upload)(MppBackendState *state, void *to, const void *from, size_t bytes);
    void (*download)(MppBackendState *state, void *to, const void *from, size_t bytes);

    /* --- elementwise, F32 or BF16 --- */

    void (*fill)(MppBackendState *state, MppTensor x, double value);
    void (*copy)(MppBackendState *state, MppTensor y, MppTensor x);                    /* rounds where y is BF16 and x is not */
    void (*add)(MppBackendState *state, MppTensor y, MppTensor a, MppTensor b);        /* y may be a or b */
    void (*add_bias)(MppBackendState *state, MppTensor y, MppTensor bias);             /* to every row */
    void (*add_columns)(MppBackendState *state, MppTensor sums, MppTensor x);          /* sums += over rows; 1 row */
    void (*scale_rows)(MppBackendState *state, MppTensor y, MppTensor x, MppTensor w); /* w: one a row; y may be x */
    void (*dot_rows)(MppBackendState *state, MppTensor w, MppTensor a, MppTensor b);
    void (*add_squares)(MppBackendState *state, MppTensor total, MppTensor x); /* total: one element, += */

    /* --- parts of layers --- */

    /** c = a b, or c += with @accumulate; either factor may be transposed. F32 c of BF16 factors is not rounded. */
    void (*matmul)(MppBackendState *state, MppTensor c, MppTensor a, bool a_transposed, MppTensor b, bool b_transposed,
                   bool accumulate);
    /** @statistics: 2 a row, for the backward pass. @weight and @bias may be none. */
    void (*norm)(MppBackendState *state, MppNormType type, MppTensor y, MppTensor x, MppTensor weight, MppTensor bias,
                 MppTensor statistics, double epsilon);
    /** Adds to @dweight and @dbias. */
    void (*norm_backward)(MppBackendState *state, MppNormType type, MppTensor dx, MppTensor dweight, MppTensor dbias,
                          MppTensor dy, MppTensor x, MppTensor weight, MppTensor statistics);
    /** @gated: x has two halves side by side, y = activation(left) * right. */
    void (*activation)(MppBackendState *state, MppActivation kind, bool gated, MppTensor y, MppTensor x);
    void (*activation_backward)(MppBackendState *state, MppActivation kind, bool gated, MppTensor dx, MppTensor dy, MppTensor x);
    /** Turns the two halves of each of x's heads against each other (arXiv:2104.09864), in place. @positions: one a row. */
    void (*rotary)(MppBackendState *state, MppTensor x, MppTensor positions, int64_t dim, double base, bool backwards);
    /** Merges one block into @out and @lse (log of the sum of exponents, one a head), which hold what came before. */
    void (*attention)(MppBackendState *state, const MppAttentionShape *shape, const MppAttentionBlock *block, MppTensor out,
                      MppTensor lse, MppTensor q, MppTensor k, MppTensor v);
    /** Adds one block's gradients. @lse: of all blocks. @delta: products of out and dout summed over each head. */
    void (*attention_backward)(MppBackendState *state, const MppAttentionShape *shape, const MppAttentionBlock *block,
                               MppTensor dq, MppTensor dk, MppTensor dv, MppTensor dout, MppTensor q, MppTensor k, MppTensor v,
                               MppTensor lse, MppTensor delta);
    void (*dot_heads)(MppBackendState *state, MppTensor delta, MppTensor a, MppTensor b);
    /** y[i] = x[index[i] - first], zero where x has no such row. */
    void (*take_rows)(MppBackendState *state, MppTensor y, MppTensor x, MppTensor index, int64_t first);
    /** y[index[i] - first] += x[i] where y has such a row. */
    void (*add_rows)(MppBackendState *state, MppTensor y, MppTensor x, MppTensor index, int64_t first);
    /** The k largest of each row, ties to the left, and the softmax over them. @experts: I32; k is its columns. */
    void (*route)(MppBackendState *state, MppTensor weights, MppTensor experts, MppTensor logits);
    void (*route_backward)(MppBackendState *state, MppTensor dlogits, MppTensor dweights, MppTensor weights, MppTensor experts);

    /** A row for each window, in it one channel after another, each line by line (im2col). */
    void (*windows)(MppBackendState *state, const MppWindows *windows, MppTensor y, MppTensor x);
    void (*windows_backward)(MppBackendState *state, const MppWindows *windows, MppTensor dx, MppTensor dy); /* all of dx */
    /** Of each window's channels the largest (the first of equals, none beyond the edge) or the mean (with what is beyond it). */
    void (*pool)(MppBackendState *state, MppPoolKind kind, const MppWindows *windows, MppTensor y, MppTensor x);
    void (*pool_backward)(MppBackendState *state, MppPoolKind kind, const MppWindows *windows, MppTensor dx, MppTensor dy,
                          MppTensor x); /* all of dx; x: of the largest only */

    /* --- cross entropy over a split vocabulary; columns from n_valid on are padding, @first is the first column's token --- */

    void (*loss_maximum)(MppBackendState *state, MppTensor maximum, MppTensor logits, int64_t n_valid);
    /** Of each row: the sum of exponents, and the target's logit where it is here, both less the maximum. */
    void (*loss_sums)(MppBackendState *state, MppTensor sums, MppTensor logits, MppTensor maximum, MppTensor targets,
                      int64_t first, int64_t n_valid);
    void (*loss_total)(MppBackendState *state, MppTensor total, MppTensor sums, double scale); /* += */
    void (*loss_gradient)(MppBackendState *state, MppTensor logits, MppTensor maximum, MppTensor sums, MppTensor targets,
                          int64_t first, int64_t n_valid, double scale); /* in place of the logits */

    /* --- optimizer --- */

    void (*adam)(MppBackendState *state, const MppAdam *adam, MppTensor parameter, MppTensor gradient, MppTensor mean,
                 MppTensor variance);

    /* --- between ranks --- */

    /** All ranks call it in the same order; those with the same @color make a group, ordered by @key. */
    MppBackendGroup *(*group_new)(MppBackendState *state, int64_t color, int64_t key);
    void (*group_free)(MppBackendState *state, MppBackendGroup *group);
    void (*all_reduce)(MppBackendState *state, MppBackendGroup *group, MppReduceKind kind, MppTensor x);
    void (*reduce_scatter)(MppBackendState *state, MppBackendGroup *group, MppTensor out, MppTensor in); /* sums */
    void (*all_gather)(MppBackendState *state, MppBackendGroup *group, MppTensor out, MppTensor in);
    /** Rows by member, as many as @sent_rows and @received_rows say. */
    void (*all_to_all)(MppBackendState *state, MppBackendGroup *group, MppTensor out, const int64_t *received_rows, MppTensor in,
                       const int64_t *sent_rows);
    void (*barrier)(MppBackendState *state, MppBackendGroup *group);
    /** Before the first message: the ranks that this one will send to or receive from, which call it with this one's. */
    void (*connect)(MppBackendState *state, const int64_t *peers, int64_t n);
    /** Messages between two ranks arrive in the order they were sent. The tensor is lent until wait(). */
    MppBackendTransfer *(*send)(MppBackendState *state, MppTensor x, int64_t to);
    MppBackendTransfer *(*receive)(MppBackendState *state, MppTensor x, int64_t from);
    bool (*done)(MppBackendState *state, MppBackendTransfer *transfer); /* whether wait() would return at once */
    void (*wait)(MppBackendState *state, MppBackendTransfer *transfer); /* what follows waits for it; frees it; NULL: nothing */
} MppBackend;

/** Functions that each backend calls by these names with a prefix: its header declares, its table lists them by this. */
#define MPP_BACKEND_FUNCTIONS(DO)                                                                                       \
    DO(alloc) DO(free) DO(peak_bytes)                                                                                   \
    DO(fill) DO(copy) DO(add) DO(add_bias) DO(add_columns) DO(scale_rows) DO(dot_rows) DO(add_squares)                  \
    DO(matmul) DO(norm) DO(norm_backward) DO(activation) DO(activation_backward) DO(rotary)                             \
    DO(attention) DO(attention_backward) DO(dot_heads)                                                                  \
    DO(take_rows) DO(add_rows) DO(route) DO(route_backward) DO(windows) DO(windows_backward) DO(pool) DO(pool_backward) \
    DO(loss_maximum) DO(loss_sums) DO(loss_total) DO(loss_gradient) DO(adam)                                            \
    DO(group_new) DO(group_free) DO(all_reduce) DO(reduce_scatter) DO(all_gather) DO(all_to_all) DO(barrier)            \
    DO(connect) DO(send) DO(receive) DO(done) DO(wait)
