#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "validate/cpu/cpu.h"

void mpp_cpu_fail(MppBackendState *s, const char *format, ...)
{
    if (mpp_cpu_failed(s))
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(s->failure, sizeof s->failure, format, arguments);
    va_end(arguments);
}

static MppBackendState *open_device(const MppBackendStart *start, char *message, size_t size)
{
    MppBackendState *s = calloc(1, sizeof *s);
    if (!s) {
        snprintf(message, size, "out of memory");
        return NULL;
    }
    /* freed memory is kept and used again: giving it back costs a page fault a page on the next use */
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
    mallopt(M_TRIM_THRESHOLD, -1);
    s->alone = start->alone;
    s->size = 1;
    s->most_bytes = start->memory_bytes;
    if (s->alone || mpp_cpu_ranks_open(s, message, size))
        return s;
    free(s);
    return NULL;
}

static void close_device(MppBackendState *s, bool failed)
{
    if (!s->alone)
        mpp_cpu_ranks_close(s, failed);
    free(s->scratch);
    free(s->marks_s);
    free(s);
}

static void world(const MppBackendState *s, MppBackendWorld *world)
{
    *world = (MppBackendWorld){ s->rank, s->size, s->host };
}

static const char *failure(const MppBackendState *s)
{
    return mpp_cpu_failed(s) ? s->failure : NULL;
}

static void settle(MppBackendState *s)
{
    (void)s; /* nothing is queued */
}

/** Nor does anything run beside anything. */
static void lane(MppBackendState *s, MppLane which)
{
    (void)s;
    (void)which;
}

static double now_s(MppBackendState *s)
{
    (void)s;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int64_t mark(MppBackendState *s)
{
    if (s->n_marks == s->most_marks) {
        size_t most = 2 * s->most_marks + 1024;
        double *marks_s = realloc(s->marks_s, most * sizeof *marks_s);
        if (!marks_s) {
            mpp_cpu_fail(s, "out of memory");
            return 0;
        }
        s->marks_s = marks_s;
        s->most_marks = most;
    }
    s->marks_s[s->n_marks] = now_s(s);
    return (int64_t)s->n_marks++;
}

static double marked_s(MppBackendState *s, int64_t mark)
{
    return mpp_cpu_failed(s) ? 0 : s->marks_s[mark] - s->marks_s[0];
}

static void forget_marks(MppBackendState *s)
{
    s->n_marks = 0;
}

__attribute__((visibility("default"))) extern const MppBackend mpp_backend;

const MppBackend mpp_backend = {
    .abi = MPP_BACKEND_ABI,
    .name = "cpu",
    .open = open_device,
    .close = close_device,
    .world = world,
    .failure = failure,
    .settle = settle,
    .now_s = now_s,
    .mark = mark,
    .marked_s = marked_s,
    .forget_marks = forget_marks,
    .lane = lane,
    .join = settle,
    .alloc = mpp_cpu_alloc,
    .free = mpp_cpu_free,
    .peak_bytes = mpp_cpu_peak_bytes,
    .upload = mpp_cpu_move,
    .download = mpp_cpu_move,
    .fill = mpp_cpu_fill,
    .copy = mpp_cpu_copy,
    .add = mpp_cpu_add,
    .add_bias = mpp_cpu_add_bias,
    .add_columns = mpp_cpu_add_columns,
    .scale_rows = mpp_cpu_scale_rows,
    .dot_rows = mpp_cpu_dot_rows,
    .add_squares = mpp_cpu_add_squares,
    .matmul = mpp_cpu_matmul,
    .norm = mpp_cpu_norm,
    .norm_backward = mpp_cpu_norm_backward,
    .activation = mpp_cpu_activation,
    .activation_backward = mpp_cpu_activation_backward,
    .rotary = mpp_cpu_rotary,
    .attention = mpp_cpu_attention,
    .attention_backward = mpp_cpu_attention_backward,
    .dot_heads = mpp_cpu_dot_heads,
    .take_rows = mpp_cpu_take_rows,
    .add_rows = mpp_cpu_add_rows,
    .route = mpp_cpu_route,
    .route_backward = mpp_cpu_route_backward,
    .windows = mpp_cpu_windows,
    .windows_backward = mpp_cpu_windows_backward,
    .pool = mpp_cpu_pool,
    .pool_backward = mpp_cpu_pool_backward,
    .loss_maximum = mpp_cpu_loss_maximum,
    .loss_sums = mpp_cpu_loss_sums,
    .loss_total = mpp_cpu_loss_total,
    .loss_gradient = mpp_cpu_loss_gradient,
    .adam = mpp_cpu_adam,
    .group_new = mpp_cpu_group_new,
    .group_free = mpp_cpu_group_free,
    .all_reduce = mpp_cpu_all_reduce,
    .reduce_scatter = mpp_cpu_reduce_scatter,
    .all_gather = mpp_cpu_all_gather,
    .all_to_all = mpp_cpu_all_to_all,
    .barrier = mpp_cpu_barrier,
    .connect = mpp_cpu_connect,
    .send = mpp_cpu_send,
    .receive = mpp_cpu_receive,
    .done = mpp_cpu_done,
    .wait = mpp_cpu_wait,
};
