/**
 * What kernels share: typed views of tensors, launches, sums over a block.
 *
 * A kernel is compiled for each format. Elements are read and written as float.
 */
#pragma once

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include "validate/cuda/cuda.h"

typedef __nv_bfloat16 MppBf16;

enum { MPP_BLOCK = 256, MPP_WARP = 32 }; /* threads */

__host__ __device__ inline float mpp_to_float(float x)
{
    return x;
}

__host__ __device__ inline float mpp_to_float(MppBf16 x)
{
    return __bfloat162float(x);
}

__host__ __device__ inline void mpp_from_float(float *to, float x)
{
    *to = x;
}

__host__ __device__ inline void mpp_from_float(MppBf16 *to, float x)
{
    *to = __float2bfloat16(x);
}

/** A tensor of a known format; data NULL: none. */
template <typename T> struct View {
    T *data;
    int64_t rows, columns, stride;

    View(MppTensor x) : data((T *)x.data), rows(x.rows), columns(x.columns), stride(x.stride)
    {
    }

    __host__ __device__ float get(int64_t i, int64_t j) const
    {
        return mpp_to_float(data[i * stride + j]);
    }

    __host__ __device__ void set(int64_t i, int64_t j, float x) const
    {
        mpp_from_float(&data[i * stride + j], x);
    }
};

/* Where kernels are compiled for a CPU, the tests' stand-in for the device has its own of these. */
#ifdef __CUDACC__

/** The block's memory whose size the launch gives. */
__device__ inline char *mpp_shared_memory()
{
    extern __shared__ __align__(128) char memory[];
    return memory;
}

template <typename... P, typename... A>
void mpp_launch(MppBackendState *s, void (*kernel)(P...), dim3 blocks, unsigned threads, size_t shared_bytes, A... arguments)
{
    if (mpp_cuda_failed(s) || blocks.x == 0 || blocks.y == 0 || blocks.z == 0)
        return;
    if (shared_bytes > s->shared_bytes) {
        mpp_cuda_fail(s, "a kernel needs %zu bytes of shared memory, the device has %zu", shared_bytes, s->shared_bytes);
        return;
    }
    if (shared_bytes)
        mpp_cuda_check(s, cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, (int)shared_bytes), "kernel");
    kernel<<<blocks, threads, shared_bytes, s->stream>>>(arguments...);
    mpp_cuda_check(s, cudaGetLastError(), "kernel");
}

#endif

inline unsigned mpp_blocks(int64_t n, int64_t per_block)
{
    return (unsigned)((n + per_block - 1) / per_block);
}

/** Does function(row, column) for every element of rows × columns. */
template <typename F> __global__ void mpp_each_kernel(int64_t rows, int64_t columns, F function)
{
    int64_t stride = (int64_t)gridDim.x * blockDim.x;
    for (int64_t i = blockIdx.x * (int64_t)blockDim.x + threadIdx.x; i < rows * columns; i += stride)
        function(i / columns, i % columns);
}

template <typename F> void mpp_each(MppBackendState *s, int64_t rows, int64_t columns, F function)
{
    const int64_t most_blocks = 1 << 16; /* enough to fill any device many times; the rest is the loop's */
    int64_t blocks = mpp_blocks(rows * columns, MPP_BLOCK);
    mpp_launch(s, mpp_each_kernel<F>, dim3((unsigned)(blocks < most_blocks ? blocks : most_blocks)), MPP_BLOCK, 0, rows, columns,
               function);
}

struct MppSum {
    static __device__ float join(float a, float b)
    {
        return a + b;
    }
    static __device__ float none()
    {
        return 0;
    }
};

struct MppMaximum {
    static __device__ float join(float a, float b)
    {
        return fmaxf(a, b);
    }
    static __device__ float none()
    {
        return -INFINITY;
    }
};

/** Joins a number of every thread of a warp; all get the result. */
template <typename R> __device__ float mpp_warp_reduce(float x)
{
    for (int offset = MPP_WARP / 2; offset > 0; offset /= 2)
        x = R::join(x, __shfl_xor_sync(0xffffffffu, x, offset));
    return x;
}

/** The same for a block of MPP_BLOCK threads, in the same order every time. */
template <typename R> __device__ float mpp_block_reduce(float x)
{
    __shared__ float parts[MPP_BLOCK / MPP_WARP];
    x = mpp_warp_reduce<R>(x);
    __syncthreads(); /* the parts of an earlier call have been read */
    if (threadIdx.x % MPP_WARP == 0)
        parts[threadIdx.x / MPP_WARP] = x;
    __syncthreads();
    x = R::none();
    for (int i = 0; i < MPP_BLOCK / MPP_WARP; i++)
        x = R::join(x, parts[i]);
    return x;
}

/** Calls function<T> for the format of @x. */
#define MPP_BY_ELEMENT(x, function, ...)                                                                                         \
    ((x).element == MPP_ELEMENT_BF16 ? function<MppBf16>(__VA_ARGS__) : function<float>(__VA_ARGS__))
