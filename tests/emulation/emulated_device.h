/**
 * Runs CUDA kernels on a CPU: included before a .cu file that a C++ compiler for the host compiles.
 *
 * The threads of a block take turns on one core. A thread runs until it waits for its warp or its block; one block
 * after the other. Every other launch lets the threads run in the opposite order, so that results which depend on the
 * order, for want of a barrier, differ. A barrier that not all threads reach ends the program. Shared memory is static.
 */
#pragma once

#include <cuda_bf16.h>
#include <cuda_runtime.h>
#include <math.h>
#include <tuple>

#include "validate/cuda/cuda.h"

#undef __global__
#undef __device__
#undef __host__
#undef __shared__
#define __global__ static
#define __device__
#define __host__
#define __shared__ static

typedef void (*EmulatedBody)(void *arguments);

/** emulated_device.cc: runs @body once a thread. */
void emulated_launch(dim3 blocks, unsigned threads, size_t shared_bytes, EmulatedBody body, void *arguments);
char *emulated_shared_memory();
void emulated_barrier(bool warp);
float *emulated_warp_slots();

extern dim3 gridDim, blockDim, blockIdx, threadIdx;

static inline void __syncthreads()
{
    emulated_barrier(false);
}

static inline void __syncwarp()
{
    emulated_barrier(true);
}

static inline float __shfl_xor_sync(unsigned, float x, int offset)
{
    unsigned lane = threadIdx.x % 32;
    emulated_warp_slots()[lane] = x;
    __syncwarp();
    float other = emulated_warp_slots()[lane ^ (unsigned)offset];
    __syncwarp();
    return other;
}

static inline void atomicAdd(float *to, float x)
{
    *to += x;
}

static inline void atomicAdd(__nv_bfloat16 *to, __nv_bfloat16 x)
{
    *to = __float2bfloat16(__bfloat162float(*to) + __bfloat162float(x));
}

#define mpp_shared_memory emulated_shared_memory

template <typename... P> struct EmulatedCall {
    void (*kernel)(P...);
    std::tuple<P...> arguments;

    static void run(void *call)
    {
        EmulatedCall *c = (EmulatedCall *)call;
        std::apply(c->kernel, c->arguments);
    }
};

template <typename... P, typename... A>
void mpp_launch(MppBackendState *s, void (*kernel)(P...), dim3 blocks, unsigned threads, size_t shared_bytes, A... arguments)
{
    if (mpp_cuda_failed(s))
        return;
    if (shared_bytes > s->shared_bytes) {
        mpp_cuda_fail(s, "a kernel needs %zu bytes of shared memory, the device has %zu", shared_bytes, s->shared_bytes);
        return;
    }
    EmulatedCall<P...> call = { kernel, std::tuple<P...>(arguments...) };
    emulated_launch(blocks, threads, shared_bytes, EmulatedCall<P...>::run, &call);
}

/** Warp products: the first lane has all of a fragment. */
namespace nvcuda
{
namespace wmma
{
struct matrix_a;
struct matrix_b;
struct accumulator;
struct row_major {
    enum { ROWS_FIRST = 1 };
};
struct col_major {
    enum { ROWS_FIRST = 0 };
};
enum layout_t { mem_row_major, mem_col_major };

template <typename Use, int M, int N, int K, typename T, typename Order = row_major> struct fragment {
    float x[16][16];
};

static inline bool first_lane()
{
    return threadIdx.x % 32 == 0;
}

template <typename Use, typename T, typename Order>
void load_matrix_sync(fragment<Use, 16, 16, 16, T, Order> &f, const __nv_bfloat16 *from, unsigned stride)
{
    if ((size_t)from % 32 || stride % 8)
        abort(); /* what the device asks */
    for (int i = 0; i < 16 && first_lane(); i++)
        for (int j = 0; j < 16; j++)
            f.x[i][j] = __bfloat162float(Order::ROWS_FIRST ? from[i * stride + j] : from[j * stride + i]);
}

template <typename F> void load_matrix_sync(F &f, const float *from, unsigned stride, layout_t)
{
    if ((size_t)from % 32 || stride % 4)
        abort();
    for (int i = 0; i < 16 && first_lane(); i++)
        for (int j = 0; j < 16; j++)
            f.x[i][j] = from[i * stride + j];
}

template <typename F> void fill_fragment(F &f, float x)
{
    for (int i = 0; i < 16 && first_lane(); i++)
        for (int j = 0; j < 16; j++)
            f.x[i][j] = x;
}

template <typename C, typename A, typename B> void mma_sync(C &c, const A &a, const B &b, const C &)
{
    for (int i = 0; i < 16 && first_lane(); i++)
        for (int j = 0; j < 16; j++)
            for (int l = 0; l < 16; l++)
                c.x[i][j] += a.x[i][l] * b.x[l][j];
}

template <typename F> void store_matrix_sync(float *to, const F &f, unsigned stride, layout_t)
{
    for (int i = 0; i < 16 && first_lane(); i++)
        for (int j = 0; j < 16; j++)
            to[i * stride + j] = f.x[i][j];
}
} // namespace wmma
} // namespace nvcuda
