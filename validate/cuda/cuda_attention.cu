/**
 * Attention over one block of queries and keys, forwards: a thread block takes a tile of queries of one head.
 */
#include "validate/cuda/cuda_attention.cuh"

template <typename T> struct Forward {
    MppAttentionShape shape;
    MppAttentionBlock block;
    View<T> out, q, k, v;
    View<float> lse;
};

/** Tile sizes: queries and keys. F32 takes twice the memory. */
template <typename T> struct ForwardSizes {
    enum { QUERIES = 64, KEYS = 64 };
};

template <> struct ForwardSizes<float> {
    enum { QUERIES = 32, KEYS = 32 };
};

/** Shared memory of a thread block; of each query the largest score so far and the sum of exponents. */
template <typename T> struct ForwardTiles {
    Tile<T> q, k, v, shares;
    Tile<float> scores, out;
    float *most, *sum;
};

template <typename T> static size_t tiles_bytes(int width)
{
    const int queries = ForwardSizes<T>::QUERIES, keys = ForwardSizes<T>::KEYS;
    return mpp_tile_bytes<T>(queries, width) + 2 * mpp_tile_bytes<T>(keys, width) + mpp_tile_bytes<T>(queries, keys) +
           mpp_tile_bytes<float>(queries, keys) + mpp_tile_bytes<float>(queries, width) + 2 * queries * sizeof(float);
}

template <typename T> __device__ static ForwardTiles<T> take_tiles(int width)
{
    const int queries = ForwardSizes<T>::QUERIES, keys = ForwardSizes<T>::KEYS;
    char *memory = mpp_shared_memory();
    ForwardTiles<T> t;
    t.q = mpp_take_tile<T>(&memory, queries, width);
    t.k = mpp_take_tile<T>(&memory, keys, width);
    t.v = mpp_take_tile<T>(&memory, keys, width);
    t.shares = mpp_take_tile<T>(&memory, queries, keys);
    t.scores = mpp_take_tile<float>(&memory, queries, keys);
    t.out = mpp_take_tile<float>(&memory, queries, width);
    t.most = (float *)memory;
    t.sum = t.most + queries;
    return t;
}

/** Scores of a tile of keys become shares, and earlier output shrinks to what is left of it; a warp takes a query. */
template <typename T>
__device__ static void soften(const Forward<T> *f, const ForwardTiles<T> *t, int width, int64_t query, int64_t key)
{
    int lane = threadIdx.x % MPP_WARP;
    for (int i = threadIdx.x / MPP_WARP; i < ForwardSizes<T>::QUERIES; i += MPP_ATTENTION_THREADS / MPP_WARP) {
        float most = -INFINITY, sum = 0;
        for (int j = lane; j < ForwardSizes<T>::KEYS; j += MPP_WARP)
            if (mpp_sees(&f->shape, &f->block, query + i, key + j))
                most = fmaxf(most, *t->scores.at(i, j) * (float)f->shape.scale);
        float before = t->most[i];
        most = fmaxf(before, mpp_warp_reduce<MppMaximum>(most));
        for (int j = lane; j < ForwardSizes<T>::KEYS; j += MPP_WARP) {
            bool seen = mpp_sees(&f->shape, &f->block, query + i, key + j);
            float share = seen ? expf(*t->scores.at(i, j) * (float)f->shape.scale - most) : 0;
            mpp_from_float(t->shares.at(i, j), share);
            sum += share;
        }
        sum = mpp_warp_reduce<MppSum>(sum);
        float stays = before == -INFINITY ? 0 : expf(before - most);
        for (int j = lane; j < width; j += MPP_WARP)
            *t->out.at(i, j) *= stays;
        if (lane == 0) {
            t->most[i] = most;
            t->sum[i] = t->sum[i] * stays + sum;
        }
    }
}

/** Merges a query's output with that of earlier blocks (arXiv:2205.14135 §3.1). */
template <typename T>
__device__ static void merge(const Forward<T> *f, const ForwardTiles<T> *t, int i, int64_t row, int64_t head)
{
    float sum = t->sum[i];
    if (sum == 0)
        return;
    float earlier = f->lse.get(row, head), own = t->most[i] + logf(sum), most = fmaxf(earlier, own);
    float total = most + logf(expf(earlier - most) + expf(own - most));
    float stays = expf(earlier - total), joins = expf(own - total) / sum;
    int lane = threadIdx.x % MPP_WARP;
    __syncwarp();
    for (int j = lane; j < f->shape.dim; j += MPP_WARP) {
        int64_t column = head * f->shape.dim + j;
        f->out.set(row, column, f->out.get(row, column) * stays + *t->out.at(i, j) * joins);
    }
    if (lane == 0)
        f->lse.set(row, head, total);
}

template <typename T> __global__ void attention_kernel(Forward<T> f)
{
    const int queries = ForwardSizes<T>::QUERIES, keys = ForwardSizes<T>::KEYS, width = mpp_round_up(f.shape.dim, MPP_EDGE);
    ForwardTiles<T> t = take_tiles<T>(width);
    int64_t query = blockIdx.x * (int64_t)queries, head = blockIdx.y, kv_head = head * f.shape.kv_heads / f.shape.heads;
    int64_t n = f.block.n_queries - query < queries ? f.block.n_queries - query : queries, dim = f.shape.dim;
    int64_t row = blockIdx.z * (f.q.rows / f.shape.sequences) + f.block.query_row + query;
    int64_t key_row = blockIdx.z * (f.k.rows / f.shape.sequences) + f.block.key_row;
    MppRun seen = mpp_seen_keys(&f.shape, &f.block, query, n);

    mpp_load_tile(t.q, queries, width, f.q, row, n, head * dim, dim);
    mpp_clear_tile(t.out, queries, width);
    for (int i = threadIdx.x; i < queries; i += blockDim.x) {
        t.most[i] = -INFINITY;
        t.sum[i] = 0;
    }
    __syncthreads();
    for (int64_t key = seen.first; key < seen.end; key += keys) {
        int64_t n_keys = f.block.n_keys - key;
        mpp_load_tile(t.k, keys, width, f.k, key_row + key, n_keys, kv_head * dim, dim);
        mpp_load_tile(t.v, keys, width, f.v, key_row + key, n_keys, kv_head * dim, dim);
        __syncthreads();
        mpp_tile_product<false, true>(t.scores, t.q, t.k, queries, keys, width, false);
        __syncthreads();
        soften(&f, &t, width, query, key);
        __syncthreads();
        mpp_tile_product<false, false>(t.out, t.shares, t.v, queries, width, keys, true);
        __syncthreads();
    }
    for (int i = threadIdx.x / MPP_WARP; i < n; i += MPP_ATTENTION_THREADS / MPP_WARP)
        merge(&f, &t, i, row + i, head);
}

template <typename T>
static void attention(MppBackendState *s, const MppAttentionShape *shape, const MppAttentionBlock *block, MppTensor out,
                      MppTensor lse, MppTensor q, MppTensor k, MppTensor v)
{
    Forward<T> f = { *shape, *block, out, q, k, v, lse };
    dim3 blocks(mpp_blocks(block->n_queries, ForwardSizes<T>::QUERIES), (unsigned)shape->heads, (unsigned)shape->sequences);
    mpp_launch(s, attention_kernel<T>, blocks, MPP_ATTENTION_THREADS, tiles_bytes<T>(mpp_round_up(shape->dim, MPP_EDGE)), f);
}

void mpp_cuda_attention(MppBackendState *s, const MppAttentionShape *shape, const MppAttentionBlock *block, MppTensor out,
                        MppTensor lse, MppTensor q, MppTensor k, MppTensor v)
{
    MPP_BY_ELEMENT(q, attention, s, shape, block, out, lse, q, k, v);
}
