/**
 * Attention over one block of queries and keys, backwards: one kernel for the gradients of keys and values, one for
 * those of queries. Each computes scores anew, two products more than in one kernel; in return no two thread blocks add
 * to the same number, so sums have one order.
 */
#include "validate/cuda/cuda_attention.cuh"

template <typename T> struct Backward {
    MppAttentionShape shape;
    MppAttentionBlock block;
    View<T> dq, dk, dv, dout, q, k, v;
    View<float> lse, delta;
};

/** Tile sizes: the kind a thread block keeps, and the kind that goes by. F32 takes twice the memory. */
template <typename T> struct BackwardSizes {
    enum { KEPT = 64, PASSING = 32 };
};

template <> struct BackwardSizes<float> {
    enum { KEPT = 32, PASSING = 32 };
};

/** With P the shares: dS = scale P (dO V^T - delta). */
template <typename T> struct BackwardTiles {
    int queries, keys;
    Tile<T> q, dout, k, v, shares, slopes;
    Tile<float> scores, dshares;
};

template <typename T> __device__ static BackwardTiles<T> take_tiles(char **memory, int queries, int keys, int width)
{
    BackwardTiles<T> t;
    t.queries = queries;
    t.keys = keys;
    t.q = mpp_take_tile<T>(memory, queries, width);
    t.dout = mpp_take_tile<T>(memory, queries, width);
    t.k = mpp_take_tile<T>(memory, keys, width);
    t.v = mpp_take_tile<T>(memory, keys, width);
    t.shares = mpp_take_tile<T>(memory, queries, keys);
    t.slopes = mpp_take_tile<T>(memory, queries, keys);
    t.scores = mpp_take_tile<float>(memory, queries, keys);
    t.dshares = mpp_take_tile<float>(memory, queries, keys);
    return t;
}

/** @sums: tiles of gradients, as long as what is kept. */
template <typename T> static size_t tiles_bytes(int queries, int keys, int width, int sums)
{
    return 2 * mpp_tile_bytes<T>(queries, width) + 2 * mpp_tile_bytes<T>(keys, width) + 2 * mpp_tile_bytes<T>(queries, keys) +
           2 * mpp_tile_bytes<float>(queries, keys) + sums * mpp_tile_bytes<float>(BackwardSizes<T>::KEPT, width);
}

/** A head's rows in one sequence. */
typedef struct {
    int64_t head, kv_head, row, key_row; /* rows of the block's first query and key */
} Place;

template <typename T> __device__ static Place place_of(const Backward<T> *b, int64_t head, int64_t sequence)
{
    return Place{ head, head * b->shape.kv_heads / b->shape.heads,
                  sequence * (b->q.rows / b->shape.sequences) + b->block.query_row,
                  sequence * (b->k.rows / b->shape.sequences) + b->block.key_row };
}

template <typename T>
__device__ static void load_queries(const Backward<T> *b, const BackwardTiles<T> *t, Place at, int64_t query, int width)
{
    int64_t n = b->block.n_queries - query, dim = b->shape.dim;
    mpp_load_tile(t->q, t->queries, width, b->q, at.row + query, n, at.head * dim, dim);
    mpp_load_tile(t->dout, t->queries, width, b->dout, at.row + query, n, at.head * dim, dim);
}

template <typename T>
__device__ static void load_keys(const Backward<T> *b, const BackwardTiles<T> *t, Place at, int64_t key, int width)
{
    int64_t n = b->block.n_keys - key, dim = b->shape.dim;
    mpp_load_tile(t->k, t->keys, width, b->k, at.key_row + key, n, at.kv_head * dim, dim);
    mpp_load_tile(t->v, t->keys, width, b->v, at.key_row + key, n, at.kv_head * dim, dim);
}

/** Shares and slopes of the tiles that are loaded. */
template <typename T>
__device__ static void differentiate(const Backward<T> *b, const BackwardTiles<T> *t, Place at, int64_t query, int64_t key,
                                     int width)
{
    const float scale = (float)b->shape.scale;
    __syncthreads();
    mpp_tile_product<false, true>(t->scores, t->q, t->k, t->queries, t->keys, width, false);
    mpp_tile_product<false, true>(t->dshares, t->dout, t->v, t->queries, t->keys, width, false);
    __syncthreads();
    for (int e = threadIdx.x; e < t->queries * t->keys; e += blockDim.x) {
        int i = e / t->keys, j = e % t->keys;
        bool seen = mpp_sees(&b->shape, &b->block, query + i, key + j);
        int64_t row = at.row + query + i;
        float share = seen ? expf(*t->scores.at(i, j) * scale - b->lse.get(row, at.head)) : 0;
        float slope = seen ? share * (*t->dshares.at(i, j) - b->delta.get(row, at.head)) * scale : 0;
        mpp_from_float(t->shares.at(i, j), share);
        mpp_from_float(t->slopes.at(i, j), slope);
    }
    __syncthreads();
}

/** Adds a tile to the rows of a head. */
template <typename T>
__device__ static void add_tile(View<T> x, Tile<float> tile, int rows, int64_t row, int64_t n, int64_t column, int64_t dim)
{
    for (int64_t e = threadIdx.x; e < rows * dim; e += blockDim.x) {
        int64_t i = e / dim, j = e % dim;
        if (i < n)
            x.set(row + i, column + j, x.get(row + i, column + j) + *tile.at((int)i, (int)j));
    }
}

/** A thread block takes a tile of keys of one key-value head; all queries of its heads go by. */
template <typename T> __global__ void keys_kernel(Backward<T> b)
{
    const int keys = BackwardSizes<T>::KEPT, queries = BackwardSizes<T>::PASSING, width = mpp_round_up(b.shape.dim, MPP_EDGE);
    char *memory = mpp_shared_memory();
    BackwardTiles<T> t = take_tiles<T>(&memory, queries, keys, width);
    Tile<float> dk = mpp_take_tile<float>(&memory, keys, width), dv = mpp_take_tile<float>(&memory, keys, width);
    int64_t key = blockIdx.x * (int64_t)keys, group = b.shape.heads / b.shape.kv_heads, kv_head = blockIdx.y;
    int64_t n_keys = b.block.n_keys - key;
    Place at = place_of(&b, kv_head * group, blockIdx.z);
    MppRun seeing = mpp_seeing_queries(&b.shape, &b.block, key, n_keys < keys ? n_keys : keys);

    load_keys(&b, &t, at, key, width);
    mpp_clear_tile(dk, keys, width);
    mpp_clear_tile(dv, keys, width);
    for (at.head = kv_head * group; at.head < (kv_head + 1) * group; at.head++)
        for (int64_t query = seeing.first; query < seeing.end; query += queries) {
            __syncthreads(); /* the tiles before have been used */
            load_queries(&b, &t, at, query, width);
            differentiate(&b, &t, at, query, key, width);
            mpp_tile_product<true, false>(dv, t.shares, t.dout, keys, width, queries, true);
            mpp_tile_product<true, false>(dk, t.slopes, t.q, keys, width, queries, true);
        }
    __syncthreads();
    add_tile(b.dk, dk, keys, at.key_row + key, n_keys, kv_head * b.shape.dim, b.shape.dim);
    add_tile(b.dv, dv, keys, at.key_row + key, n_keys, kv_head * b.shape.dim, b.shape.dim);
}

/** A thread block takes a tile of queries of one head; all keys they see go by. */
template <typename T> __global__ void queries_kernel(Backward<T> b)
{
    const int queries = BackwardSizes<T>::KEPT, keys = BackwardSizes<T>::PASSING, width = mpp_round_up(b.shape.dim, MPP_EDGE);
    char *memory = mpp_shared_memory();
    BackwardTiles<T> t = take_tiles<T>(&memory, queries, keys, width);
    Tile<float> dq = mpp_take_tile<float>(&memory, queries, width);
    int64_t query = blockIdx.x * (int64_t)queries, n_queries = b.block.n_queries - query;
    Place at = place_of(&b, blockIdx.y, blockIdx.z);
    MppRun seen = mpp_seen_keys(&b.shape, &b.block, query, n_queries < queries ? n_queries : queries);

    load_queries(&b, &t, at, query, width);
    mpp_clear_tile(dq, queries, width);
    for (int64_t key = seen.first; key < seen.end; key += keys) {
        __syncthreads(); /* the tiles before have been used */
        load_keys(&b, &t, at, key, width);
        differentiate(&b, &t, at, query, key, width);
        mpp_tile_product<false, false>(dq, t.slopes, t.k, queries, width, keys, true);
    }
    __syncthreads();
    add_tile(b.dq, dq, queries, at.row + query, n_queries, at.head * b.shape.dim, b.shape.dim);
}

template <typename T> static void backward(MppBackendState *s, const Backward<T> &b)
{
    const int kept = BackwardSizes<T>::KEPT, passing = BackwardSizes<T>::PASSING, width = mpp_round_up(b.shape.dim, MPP_EDGE);
    unsigned sequences = (unsigned)b.shape.sequences;
    mpp_launch(s, keys_kernel<T>, dim3(mpp_blocks(b.block.n_keys, kept), (unsigned)b.shape.kv_heads, sequences),
               MPP_ATTENTION_THREADS, tiles_bytes<T>(passing, kept, width, 2), b);
    mpp_launch(s, queries_kernel<T>, dim3(mpp_blocks(b.block.n_queries, kept), (unsigned)b.shape.heads, sequences),
               MPP_ATTENTION_THREADS, tiles_bytes<T>(kept, passing, width, 1), b);
}

void mpp_cuda_attention_backward(MppBackendState *s, const MppAttentionShape *shape, const MppAttentionBlock *block, MppTensor dq,
                                 MppTensor dk, MppTensor dv, MppTensor dout, MppTensor q, MppTensor k, MppTensor v, MppTensor lse,
                                 MppTensor delta)
{
    if (q.element == MPP_ELEMENT_BF16)
        backward<MppBf16>(s, { *shape, *block, dq, dk, dv, dout, q, k, v, lse, delta });
    else
        backward<float>(s, { *shape, *block, dq, dk, dv, dout, q, k, v, lse, delta });
}
