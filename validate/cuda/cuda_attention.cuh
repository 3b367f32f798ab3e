/**
 * What the attention kernels share: tiles in shared memory and products between them.
 *
 * Flash attention (arXiv:2205.14135, 2307.08691): scores of a tile of queries and a tile of keys live in shared memory
 * only. BF16 products run on tensor cores (warps' 16 × 16 × 16 products, "WMMA"), F32 ones do not. All tiles are
 * multiples of 16 wide; what lies beyond queries, keys or the head is zero.
 */
#pragma once

#include <mma.h>

#include "validate/cuda/cuda_kernel.cuh"

enum { MPP_EDGE = 16, MPP_ATTENTION_THREADS = 128 };

/** Rows in shared memory are padded by this many elements, so that neighbouring rows lie in different banks. */
enum { MPP_PADDING = 8 };

__host__ __device__ inline int mpp_round_up(int64_t n, int multiple)
{
    return (int)((n + multiple - 1) / multiple * multiple);
}

/** A matrix in shared memory. */
template <typename T> struct Tile {
    T *data;
    int stride;

    __device__ T *at(int i, int j) const
    {
        return data + i * stride + j;
    }
};

__host__ __device__ inline int mpp_tile_stride(int columns)
{
    return columns + MPP_PADDING;
}

template <typename T> __host__ __device__ size_t mpp_tile_bytes(int rows, int columns)
{
    return (size_t)rows * (size_t)mpp_tile_stride(columns) * sizeof(T);
}

/** Takes a tile from @memory and moves that on. Sizes are multiples of 32 bytes, as tensor cores ask. */
template <typename T> __device__ Tile<T> mpp_take_tile(char **memory, int rows, int columns)
{
    Tile<T> tile = { (T *)*memory, mpp_tile_stride(columns) };
    *memory += mpp_tile_bytes<T>(rows, columns);
    return tile;
}

/** Rows of one head: of @n rows from @row on, @dim columns; zero up to @rows × @columns. */
template <typename T>
__device__ void mpp_load_tile(Tile<T> tile, int rows, int columns, View<T> x, int64_t row, int64_t n, int64_t column, int64_t dim)
{
    for (int e = threadIdx.x; e < rows * columns; e += blockDim.x) {
        int i = e / columns, j = e % columns;
        mpp_from_float(tile.at(i, j), i < n && j < dim ? x.get(row + i, column + j) : 0);
    }
}

inline __device__ void mpp_clear_tile(Tile<float> tile, int rows, int columns)
{
    for (int e = threadIdx.x; e < rows * columns; e += blockDim.x)
        *tile.at(e / columns, e % columns) = 0;
}

/** c (m × n) = or += a b over k. With A_T, a lies as k × m; with B_T, b lies as n × k. The block works together. */
template <bool A_T, bool B_T>
__device__ void mpp_tile_product(Tile<float> c, Tile<float> a, Tile<float> b, int m, int n, int k, bool accumulate)
{
    for (int e = threadIdx.x; e < m * n; e += blockDim.x) {
        int i = e / n, j = e % n;
        float sum = accumulate ? *c.at(i, j) : 0;
        for (int l = 0; l < k; l++)
            sum += *(A_T ? a.at(l, i) : a.at(i, l)) * *(B_T ? b.at(j, l) : b.at(l, j));
        *c.at(i, j) = sum;
    }
}

template <bool TRANSPOSED> struct MppOrder {
    typedef nvcuda::wmma::row_major type;
};

template <> struct MppOrder<true> {
    typedef nvcuda::wmma::col_major type;
};

template <bool A_T, bool B_T>
__device__ void mpp_tile_product(Tile<float> c, Tile<MppBf16> a, Tile<MppBf16> b, int m, int n, int k, bool accumulate)
{
    using namespace nvcuda::wmma;
    int warp = threadIdx.x / MPP_WARP, n_warps = blockDim.x / MPP_WARP, across = n / MPP_EDGE;
    for (int part = warp; part < m / MPP_EDGE * across; part += n_warps) {
        int i = part / across * MPP_EDGE, j = part % across * MPP_EDGE;
        fragment<accumulator, MPP_EDGE, MPP_EDGE, MPP_EDGE, float> sum;
        if (accumulate)
            load_matrix_sync(sum, c.at(i, j), c.stride, mem_row_major);
        else
            fill_fragment(sum, 0.0f);
        for (int l = 0; l < k; l += MPP_EDGE) {
            fragment<matrix_a, MPP_EDGE, MPP_EDGE, MPP_EDGE, MppBf16, typename MppOrder<A_T>::type> left;
            fragment<matrix_b, MPP_EDGE, MPP_EDGE, MPP_EDGE, MppBf16, typename MppOrder<B_T>::type> right;
            load_matrix_sync(left, A_T ? a.at(l, i) : a.at(i, l), a.stride);
            load_matrix_sync(right, B_T ? b.at(j, l) : b.at(l, j), b.stride);
            mma_sync(sum, left, right, sum);
        }
        store_matrix_sync(c.at(i, j), sum, c.stride, mem_row_major);
    }
}

/** Queries and keys of a block that see each other: a run of rows [first, end). */
typedef struct {
    int64_t first, end;
} MppRun;

__host__ __device__ inline int64_t mpp_clamp(int64_t x, int64_t least, int64_t most)
{
    return x < least ? least : x > most ? most : x;
}

/** Keys of the block that some of the queries [query, query + n) see. */
__host__ __device__ inline MppRun mpp_seen_keys(const MppAttentionShape *shape, const MppAttentionBlock *block, int64_t query,
                                                int64_t n)
{
    int64_t position = block->query_position + query - block->key_position; /* of the first query, the first key's being 0 */
    int64_t first = shape->window > 0 ? position - shape->window + 1 : 0;
    return MppRun{ mpp_clamp(first, 0, block->n_keys), mpp_clamp(position + n, 0, block->n_keys) };
}

/** Queries of the block that see some of the keys [key, key + n). */
__host__ __device__ inline MppRun mpp_seeing_queries(const MppAttentionShape *shape, const MppAttentionBlock *block, int64_t key,
                                                     int64_t n)
{
    int64_t position = block->key_position + key - block->query_position;
    int64_t end = shape->window > 0 ? position + n - 1 + shape->window : block->n_queries;
    return MppRun{ mpp_clamp(position, 0, block->n_queries), mpp_clamp(end, 0, block->n_queries) };
}

__host__ __device__ inline bool mpp_sees(const MppAttentionShape *shape, const MppAttentionBlock *block, int64_t query,
                                         int64_t key)
{
    int64_t distance = block->query_position + query - (block->key_position + key);
    return query < block->n_queries && key < block->n_keys && distance >= 0 && (shape->window <= 0 || distance < shape->window);
}
