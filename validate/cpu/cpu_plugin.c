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

#define ROW(name) .name = mpp_cpu_##name,
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
    .upload = mpp_cpu_move,
    .download = mpp_cpu_move,
    MPP_BACKEND_FUNCTIONS(ROW)
};
