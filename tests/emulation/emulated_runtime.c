#include "tests/emulation/emulated_runtime.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SHARED_BYTES = 227 << 10 }; /* of a Hopper block (CUDA C++ Programming Guide, table of compute capabilities) */

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void emulated_finish(cudaStream_t stream)
{
    if (!stream->messages->len)
        return; /* a rank alone has no MPI */
    MPI_Waitall((int)stream->messages->len, (MPI_Request *)(void *)stream->messages->data, MPI_STATUSES_IGNORE);
    g_array_set_size(stream->messages, 0);
}

const char *cudaGetErrorString(cudaError_t error)
{
    return error == cudaSuccess ? "no error" : "an emulated error";
}

cudaError_t cudaGetDeviceCount(int *count)
{
    const char *said = getenv("EMULATED_GPUS"); /* so many, not 64 */
    *count = said ? atoi(said) : 64;
    return *count ? cudaSuccess : cudaErrorNoDevice;
}

cudaError_t cudaSetDevice(int device)
{
    return device >= 0 ? cudaSuccess : cudaErrorInvalidDevice;
}

cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr attribute, int device)
{
    *value = SHARED_BYTES;
    return attribute == cudaDevAttrMaxSharedMemoryPerBlockOptin && device >= 0 ? cudaSuccess : cudaErrorInvalidValue;
}

cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t *pool, int device)
{
    *pool = NULL;
    return device >= 0 ? cudaSuccess : cudaErrorInvalidDevice;
}

cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t pool, enum cudaMemPoolAttr attribute, void *value)
{
    return !pool && attribute == cudaMemPoolAttrReleaseThreshold && value ? cudaSuccess : cudaErrorInvalidValue;
}

cudaError_t cudaDeviceSynchronize(void)
{
    return cudaSuccess;
}

/* --- streams and events --- */

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags)
{
    *stream = g_new(struct CUstream_st, 1);
    (*stream)->messages = g_array_new(FALSE, FALSE, sizeof(MPI_Request));
    return flags == cudaStreamNonBlocking ? cudaSuccess : cudaErrorInvalidValue;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    emulated_finish(stream);
    g_array_unref(stream->messages);
    g_free(stream);
    return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
    emulated_finish(stream);
    return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags)
{
    *event = g_new0(struct CUevent_st, 1);
    (*event)->timed = flags == cudaEventDefault;
    return flags == cudaEventDefault || flags == cudaEventDisableTiming ? cudaSuccess : cudaErrorInvalidValue;
}

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    g_free(event);
    return cudaSuccess;
}

/** A timed one stands behind the messages of its stream. */
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
    event->stream = stream;
    if (event->timed) {
        emulated_finish(stream);
        event->recorded_ns = now_ns();
    }
    return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t event)
{
    return event->stream ? cudaSuccess : cudaErrorInvalidValue;
}

cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t start, cudaEvent_t end)
{
    *ms = (float)(1e-6 * (double)(end->recorded_ns - start->recorded_ns));
    return start->timed && end->timed ? cudaSuccess : cudaErrorInvalidValue;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags)
{
    if (!stream || !event->stream || flags)
        return cudaErrorInvalidValue;
    emulated_finish(event->stream);
    return cudaSuccess;
}

cudaError_t cudaEventQuery(cudaEvent_t event)
{
    GArray *messages = event->stream->messages;
    int done = 0;
    MPI_Testall((int)messages->len, (MPI_Request *)(void *)messages->data, &done, MPI_STATUSES_IGNORE);
    return done ? cudaSuccess : cudaErrorNotReady;
}

/* --- memory: rounded up as the driver's pool aligns it --- */

cudaError_t cudaMalloc(void **data, size_t bytes)
{
    *data = aligned_alloc(256, (bytes + 255) / 256 * 256);
    memset(*data, 0x7f, bytes); /* 3.4e38: nothing may rely on zeros */
    return cudaSuccess;
}

cudaError_t cudaFree(void *data)
{
    free(data);
    return cudaSuccess;
}

cudaError_t cudaMallocAsync(void **data, size_t bytes, cudaStream_t stream)
{
    return stream && bytes ? cudaMalloc(data, bytes) : cudaErrorInvalidValue;
}

/** A buffer may be freed while messages into it are queued before; here they must have come. */
cudaError_t cudaFreeAsync(void *data, cudaStream_t stream)
{
    emulated_finish(stream);
    return cudaFree(data);
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind, cudaStream_t stream)
{
    (void)kind;
    emulated_finish(stream);
    memcpy(to, from, bytes);
    return cudaSuccess;
}
