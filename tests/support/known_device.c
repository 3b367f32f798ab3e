#include "tests/support/known_device.h"

#include <string.h>

#include "validate/backend.h"

#pragma GCC diagnostic ignored "-Wunused-parameter" /* most of what an operation is told does not matter here */

struct MppBackendState {
    KnownTimes times;
    double now_s, factor;
    int64_t calls;
    GArray *marks; /* double */
};

typedef MppBackendState State;

static void take(State *s, double seconds)
{
    s->now_s += s->factor * seconds;
    s->calls++;
}

static double bytes_of(MppTensor x)
{
    return (double)(x.rows * x.columns) * (double)mpp_element_bytes(x.element);
}

static double rate(const State *s, MppTensor x)
{
    return x.element == MPP_ELEMENT_BF16 ? s->times.bf16_flop_per_s : s->times.f32_flop_per_s;
}

static void stream(State *s, MppTensor x)
{
    take(s, s->times.launch_s + bytes_of(x) / s->times.bytes_per_s);
}

static void transfer(State *s, MppTensor x)
{
    take(s, s->times.latency_s + bytes_of(x) / s->times.link_bytes_per_s);
}

/* --- the device --- */

static const char *failure(const State *s)
{
    return NULL;
}

static void settle(State *s)
{
}

static double now_s(State *s)
{
    return s->now_s;
}

static int64_t mark(State *s)
{
    g_array_append_val(s->marks, s->now_s);
    return s->marks->len - 1;
}

static double marked_s(State *s, int64_t mark)
{
    return g_array_index(s->marks, double, mark) - g_array_index(s->marks, double, 0);
}

static void forget_marks(State *s)
{
    g_array_set_size(s->marks, 0);
}

static void *alloc(State *s, size_t bytes)
{
    return g_malloc0(bytes);
}

static void release(State *s, void *data)
{
    g_free(data);
}

static void copy_bytes(State *s, void *to, const void *from, size_t bytes)
{
    memcpy(to, from, bytes);
    s->now_s += s->factor * (double)bytes / s->times.host_bytes_per_s;
}

/* --- operations --- */

static void fill(State *s, MppTensor x, double value)
{
    stream(s, x);
}

static void copy(State *s, MppTensor y, MppTensor x)
{
    stream(s, y);
}

static void add(State *s, MppTensor y, MppTensor a, MppTensor b)
{
    stream(s, y);
}

static void add_squares(State *s, MppTensor total, MppTensor x)
{
    stream(s, x);
}

static void matmul(State *s, MppTensor c, MppTensor a, bool a_transposed, MppTensor b, bool b_transposed, bool accumulate)
{
    int64_t k = a_transposed ? a.rows : a.columns;
    g_assert_cmpint(k, ==, b_transposed ? b.columns : b.rows);
    take(s, s->times.launch_s + 2.0 * (double)c.rows * (double)c.columns * (double)k / rate(s, a));
}

static void norm(State *s, MppNormType type, MppTensor y, MppTensor x, MppTensor weight, MppTensor bias, MppTensor statistics,
                 double epsilon)
{
    stream(s, y);
}

static void norm_backward(State *s, MppNormType type, MppTensor dx, MppTensor dweight, MppTensor dbias, MppTensor dy, MppTensor x,
                          MppTensor weight, MppTensor statistics)
{
    stream(s, dx);
}

static void activation(State *s, MppActivation kind, bool gated, MppTensor y, MppTensor x)
{
    stream(s, y);
}

static void activation_backward(State *s, MppActivation kind, bool gated, MppTensor dx, MppTensor dy, MppTensor x)
{
    stream(s, dx);
}

static void rotary(State *s, MppTensor x, MppTensor positions, int64_t dim, double base, bool backwards)
{
    stream(s, x);
}

/** Two products over the keys that a causal query sees. */
static double attention_flop(const MppAttentionShape *shape, const MppAttentionBlock *block)
{
    double keys = 0.5 * (double)(block->n_keys + 1);
    return 4.0 * (double)(shape->sequences * shape->heads * block->n_queries) * keys * (double)shape->dim;
}

static void attention(State *s, const MppAttentionShape *shape, const MppAttentionBlock *block, MppTensor out, MppTensor lse,
                      MppTensor q, MppTensor k, MppTensor v)
{
    take(s, s->times.launch_s + attention_flop(shape, block) / rate(s, q));
}

static void attention_backward(State *s, const MppAttentionShape *shape, const MppAttentionBlock *block, MppTensor dq,
                               MppTensor dk, MppTensor dv, MppTensor dout, MppTensor q, MppTensor k, MppTensor v, MppTensor lse,
                               MppTensor delta)
{
    take(s, s->times.launch_s + 2.5 * attention_flop(shape, block) / rate(s, q));
}

static void rows(State *s, MppTensor y, MppTensor x, MppTensor index, int64_t first)
{
    stream(s, y);
}

static void loss_maximum(State *s, MppTensor maximum, MppTensor logits, int64_t n_valid)
{
    stream(s, logits);
}

static void loss_sums(State *s, MppTensor sums, MppTensor logits, MppTensor maximum, MppTensor targets, int64_t first,
                      int64_t n_valid)
{
    stream(s, logits);
}

static void loss_total(State *s, MppTensor total, MppTensor sums, double scale)
{
    stream(s, sums);
}

static void loss_gradient(State *s, MppTensor logits, MppTensor maximum, MppTensor sums, MppTensor targets, int64_t first,
                          int64_t n_valid, double scale)
{
    stream(s, logits);
}

static void adam(State *s, const MppAdam *adam, MppTensor parameter, MppTensor gradient, MppTensor mean, MppTensor variance)
{
    g_assert_cmpint(parameter.element, ==, MPP_ELEMENT_F32);
    stream(s, parameter);
}

/* --- between ranks --- */

static MppBackendGroup *group_new(State *s, int64_t color, int64_t key)
{
    return (MppBackendGroup *)s;
}

static void group_free(State *s, MppBackendGroup *group)
{
}

static void all_reduce(State *s, MppBackendGroup *group, MppReduceKind kind, MppTensor x)
{
    transfer(s, x);
}

static void reduce_scatter(State *s, MppBackendGroup *group, MppTensor out, MppTensor in)
{
    transfer(s, in);
}

/** Everybody's part is as the own one. */
static void all_gather(State *s, MppBackendGroup *group, MppTensor out, MppTensor in)
{
    for (int64_t r = 0; r < out.rows / in.rows; r++)
        memcpy(mpp_tensor_rows(out, r * in.rows, in.rows).data, in.data, (size_t)bytes_of(in));
    transfer(s, out);
}

static void all_to_all(State *s, MppBackendGroup *group, MppTensor out, const int64_t *received_rows, MppTensor in,
                       const int64_t *sent_rows)
{
    transfer(s, in);
}

static void barrier(State *s, MppBackendGroup *group)
{
}

static void connect_peers(State *s, const int64_t *peers, int64_t n)
{
}

static MppBackendTransfer *send_message(State *s, MppTensor x, int64_t to)
{
    transfer(s, x);
    return NULL;
}

/** Both ways at once. */
static MppBackendTransfer *receive_message(State *s, MppTensor x, int64_t from)
{
    return NULL;
}

static void wait_for(State *s, MppBackendTransfer *message)
{
}

MppRank *known_device_new(const KnownTimes *times)
{
    static const MppBackend functions = {
        .abi = MPP_BACKEND_ABI,
        .name = "known",
        .failure = failure,
        .settle = settle,
        .now_s = now_s,
        .mark = mark,
        .marked_s = marked_s,
        .forget_marks = forget_marks,
        .alloc = alloc,
        .free = release,
        .upload = copy_bytes,
        .download = copy_bytes,
        .fill = fill,
        .copy = copy,
        .add = add,
        .add_squares = add_squares,
        .matmul = matmul,
        .norm = norm,
        .norm_backward = norm_backward,
        .activation = activation,
        .activation_backward = activation_backward,
        .rotary = rotary,
        .attention = attention,
        .attention_backward = attention_backward,
        .take_rows = rows,
        .add_rows = rows,
        .loss_maximum = loss_maximum,
        .loss_sums = loss_sums,
        .loss_total = loss_total,
        .loss_gradient = loss_gradient,
        .adam = adam,
        .group_new = group_new,
        .group_free = group_free,
        .all_reduce = all_reduce,
        .reduce_scatter = reduce_scatter,
        .all_gather = all_gather,
        .all_to_all = all_to_all,
        .barrier = barrier,
        .connect = connect_peers,
        .send = send_message,
        .receive = receive_message,
        .wait = wait_for,
    };
    MppBackend *backend = g_memdup2(&functions, sizeof functions);
    backend->computes_bf16 = times->computes_bf16;
    MppRank *rank = g_new0(MppRank, 1);
    State *state = g_new0(State, 1);
    *state = (State){ .times = *times, .factor = 1, .marks = g_array_new(FALSE, FALSE, sizeof(double)) };
    *rank = (MppRank){ .backend = backend, .state = state, .size = times->ranks };
    return rank;
}

void known_device_free(MppRank *rank)
{
    g_array_unref(rank->state->marks);
    g_free(rank->state);
    g_free((gpointer)rank->backend);
    g_free(rank);
}

void known_device_slow(MppRank *rank, double factor)
{
    rank->state->factor = factor;
}

int64_t known_device_calls(const MppRank *rank)
{
    return rank->state->calls;
}
