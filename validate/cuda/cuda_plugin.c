#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "validate/cuda/cuda.h"
#include "validate/cuda/cuda_ledger.h"

void mpp_cuda_fail(MppBackendState *s, const char *format, ...)
{
    if (mpp_cuda_failed(s))
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(s->failure, sizeof s->failure, format, arguments);
    va_end(arguments);
}

bool mpp_cuda_check(MppBackendState *s, cudaError_t status, const char *what)
{
    if (status != cudaSuccess)
        mpp_cuda_fail(s, "%s: %s", what, cudaGetErrorString(status));
    return status == cudaSuccess;
}

/** Freed memory stays with the pool. */
static bool keep_memory(MppBackendState *s)
{
    cudaMemPool_t pool;
    uint64_t most = UINT64_MAX;
    return mpp_cuda_check(s, cudaDeviceGetDefaultMemPool(&pool, s->device), "memory pool") &&
           mpp_cuda_check(s, cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &most), "memory pool");
}

static bool open_streams(MppBackendState *s)
{
    int shared_bytes = 0;
    bool good = mpp_cuda_check(s, cudaSetDevice(s->device), "device") &&
                mpp_cuda_check(s, cudaDeviceGetAttribute(&shared_bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, s->device),
                               "shared memory") &&
                mpp_cuda_check(s, cudaStreamCreateWithFlags(&s->main, cudaStreamNonBlocking), "stream") &&
                mpp_cuda_check(s, cudaStreamCreateWithFlags(&s->exchange, cudaStreamNonBlocking), "stream") &&
                mpp_cuda_check(s, cudaEventCreateWithFlags(&s->turn, cudaEventDisableTiming), "event");
    s->stream = s->main;
    s->shared_bytes = (size_t)shared_bytes;
    return good;
}

static bool has_device(MppBackendState *s, char *message, size_t size)
{
    int n = 0;
    cudaError_t status = cudaGetDeviceCount(&n);
    if (status != cudaSuccess || n == 0) {
        snprintf(message, size, "no GPU: %s", cudaGetErrorString(status != cudaSuccess ? status : cudaErrorNoDevice));
        return false;
    }
    return !s->world || mpp_cuda_world_has_device(s, n, message, size);
}

static void close_device(MppBackendState *s, bool failed)
{
    if (s->stream && !failed)
        cudaDeviceSynchronize();
    if (s->world)
        mpp_cuda_world_close(s, failed);
    mpp_cuda_products_close(s);
    if (s->turn)
        cudaEventDestroy(s->turn);
    if (s->exchange)
        cudaStreamDestroy(s->exchange);
    if (s->main)
        cudaStreamDestroy(s->main);
    mpp_cuda_marks_free(s->marks);
    mpp_cuda_ledger_free(s->ledger);
    free(s);
}

/** Ranks first: which of the host's devices is this one's depends on them. */
static MppBackendState *open_device(const MppBackendStart *start, char *message, size_t size)
{
    MppBackendState *s = calloc(1, sizeof *s);
    if (!s) {
        snprintf(message, size, "out of memory");
        return NULL;
    }
    s->size = 1;
    s->ledger = mpp_cuda_ledger_new(start->memory_bytes);
    s->marks = mpp_cuda_marks_new();
    bool found = (start->alone || mpp_cuda_world_open(s, message, size)) && has_device(s, message, size);
    if (found && open_streams(s) && keep_memory(s) && mpp_cuda_products_open(s))
        return s;
    if (found)
        snprintf(message, size, "%s", s->failure);
    close_device(s, false);
    return NULL;
}

static void world(const MppBackendState *s, MppBackendWorld *world)
{
    *world = (MppBackendWorld){ s->rank, s->size, s->host };
}

static const char *failure(const MppBackendState *s)
{
    return mpp_cuda_failed(s) ? s->failure : NULL;
}

static void settle(MppBackendState *s)
{
    if (!mpp_cuda_failed(s))
        mpp_cuda_check(s, cudaStreamSynchronize(s->main), "work on the device");
}

static double now_s(MppBackendState *s)
{
    settle(s);
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void mpp_cuda_order(MppBackendState *s, cudaStream_t first, cudaStream_t behind)
{
    if (!mpp_cuda_failed(s) && mpp_cuda_check(s, cudaEventRecord(s->turn, first), "event"))
        mpp_cuda_check(s, cudaStreamWaitEvent(behind, s->turn, 0), "event");
}

static void lane(MppBackendState *s, MppLane which)
{
    s->stream = which == MPP_LANE_EXCHANGE ? s->exchange : s->main;
    if (which == MPP_LANE_EXCHANGE)
        mpp_cuda_order(s, s->main, s->exchange);
}

static void join(MppBackendState *s)
{
    mpp_cuda_order(s, s->exchange, s->main);
}

__attribute__((visibility("default"))) extern const MppBackend mpp_backend;

#define ROW(name) .name = mpp_cuda_##name,
const MppBackend mpp_backend = {
    .abi = MPP_BACKEND_ABI,
    .name = "cuda",
    .computes_bf16 = true,
    .open = open_device,
    .close = close_device,
    .world = world,
    .failure = failure,
    .settle = settle,
    .now_s = now_s,
    .mark = mpp_cuda_mark,
    .marked_s = mpp_cuda_marked_s,
    .forget_marks = mpp_cuda_forget_marks,
    .lane = lane,
    .join = join,
    .upload = mpp_cuda_upload,
    .download = mpp_cuda_download,
    MPP_BACKEND_FUNCTIONS(ROW)
};
