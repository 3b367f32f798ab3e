/**
 * Memory of the device: the driver's stream-ordered pool, which keeps what is freed and gives it out again.
 *
 * Freeing and allocating are queued like work, so no buffer is reused before what was queued on it is done.
 */
#include "validate/cuda/cuda.h"
#include "validate/cuda/cuda_ledger.h"

void *mpp_cuda_alloc(MppBackendState *s, size_t bytes)
{
    if (mpp_cuda_failed(s))
        return NULL;
    void *data = NULL;
    bool allowed = mpp_cuda_ledger_allows(s->ledger, bytes);
    if (!allowed || cudaMallocAsync(&data, bytes ? bytes : 1, s->stream) != cudaSuccess) {
        mpp_cuda_fail(s, "out of memory: %.0f bytes wanted, %.0f of %.0f in use", (double)bytes,
                      mpp_cuda_ledger_used_bytes(s->ledger), mpp_cuda_ledger_most_bytes(s->ledger));
        return NULL;
    }
    mpp_cuda_ledger_add(s->ledger, data, bytes);
    return data;
}

void mpp_cuda_free(MppBackendState *s, void *data)
{
    if (data && mpp_cuda_ledger_remove(s->ledger, data))
        mpp_cuda_check(s, cudaFreeAsync(data, s->stream), "free");
}

double mpp_cuda_peak_bytes(MppBackendState *s, bool restart)
{
    return mpp_cuda_ledger_peak_bytes(s->ledger, restart);
}

/** From pageable memory the call returns when @from has been read (CUDA runtime API, "API synchronization behavior"). */
void mpp_cuda_upload(MppBackendState *s, void *to, const void *from, size_t bytes)
{
    if (!mpp_cuda_failed(s) && bytes)
        mpp_cuda_check(s, cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, s->stream), "upload");
}

void mpp_cuda_download(MppBackendState *s, void *to, const void *from, size_t bytes)
{
    if (mpp_cuda_failed(s) || !bytes)
        return;
    if (mpp_cuda_check(s, cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, s->stream), "download"))
        mpp_cuda_check(s, cudaStreamSynchronize(s->stream), "download");
}
