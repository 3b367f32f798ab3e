/**
 * Attention over one block of queries and keys, a tile of queries and one head at a time.
 *
 * Scores of a tile live in work memory only. Tiles skip the keys that none of their queries sees. Partial results
 * are merged through the log-sum-exp of each row (arXiv:2205.14135 §3.1).
 */
#include <cblas.h>
#include <math.h>

#include "validate/cpu/cpu.h"

enum { TILE = 64 }; /* queries */

/** One head's tile: queries [row, row + n), keys [key, key + n_keys) of one sequence. */
typedef struct {
    int64_t sequence, head, kv_head;
    int64_t row, n, position; /* of the tensors; position of the first query */
    int64_t key, n_keys, key_position;
} Tile;

static int64_t min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/** Cuts away keys after the last query and before the first one's window. */
static Tile cut(Tile tile, int64_t window)
{
    int64_t after = tile.position + tile.n - tile.key_position; /* keys from here on are later than every query */
    tile.n_keys = min(tile.n_keys, after);
    int64_t before = window > 0 ? tile.position - window + 1 - tile.key_position : 0;
    if (before > 0) {
        tile.key += before;
        tile.key_position += before;
        tile.n_keys -= before;
    }
    return tile;
}

static bool sees(const MppAttentionShape *shape, const Tile *tile, int64_t i, int64_t j)
{
    int64_t distance = tile->position + i - (tile->key_position + j);
    return distance >= 0 && (shape->window <= 0 || distance < shape->window);
}

static const float *at(MppTensor x, int64_t row, int64_t head, int64_t dim)
{
    return mpp_cpu_row(x, row) + head * dim;
}

static float *into(MppTensor x, int64_t row, int64_t head, int64_t dim)
{
    return mpp_cpu_row(x, row) + head * dim;
}

/** scores = scale * queries keys^T */
static void scores_of(const MppAttentionShape *shape, const Tile *t, MppTensor q, MppTensor k, float *scores)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)t->n, (int)t->n_keys, (int)shape->dim, (float)shape->scale,
                at(q, t->row, t->head, shape->dim), (int)q.stride, at(k, t->key, t->kv_head, shape->dim), (int)k.stride, 0,
                scores, (int)t->n_keys);
}

/** Turns a row of scores into its share of the probabilities; returns how much of the earlier output stays. */
static float merge_row(const MppAttentionShape *shape, const Tile *t, int64_t i, float *row, float *lse)
{
    float most = *lse;
    for (int64_t j = 0; j < t->n_keys; j++)
        if (sees(shape, t, i, j))
            most = fmaxf(most, row[j]);
    if (most == -INFINITY) {
        for (int64_t j = 0; j < t->n_keys; j++)
            row[j] = 0;
        return 1;
    }
    double earlier = exp((double)*lse - most), sum = earlier;
    for (int64_t j = 0; j < t->n_keys; j++) {
        row[j] = sees(shape, t, i, j) ? expf(row[j] - most) : 0;
        sum += row[j];
    }
    for (int64_t j = 0; j < t->n_keys; j++)
        row[j] *= (float)(1 / sum);
    *lse = (float)(most + log(sum));
    return (float)(earlier / sum);
}

static void forward_tile(const MppAttentionShape *shape, const Tile *t, MppTensor out, MppTensor lse, MppTensor q, MppTensor k,
                         MppTensor v, float *scores)
{
    int64_t dim = shape->dim;
    scores_of(shape, t, q, k, scores);
    for (int64_t i = 0; i < t->n; i++) {
        float stays = merge_row(shape, t, i, scores + i * t->n_keys, &mpp_cpu_row(lse, t->row + i)[t->head]);
        float *to = into(out, t->row + i, t->head, dim);
        for (int64_t j = 0; j < dim; j++)
            to[j] *= stays;
    }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)t->n, (int)dim, (int)t->n_keys, 1, scores, (int)t->n_keys,
                at(v, t->key, t->kv_head, dim), (int)v.stride, 1, into(out, t->row, t->head, dim), (int)out.stride);
}

typedef struct {
    MppTensor dq, dk, dv, dout, q, k, v, lse, delta;
} Backward;

/** With P the probabilities: dV += P^T dO; dS = scale P (dO V^T - delta); dQ += dS K; dK += dS^T Q. */
static void backward_tile(const MppAttentionShape *shape, const Tile *t, const Backward *b, float *scores, float *slopes)
{
    int dim = (int)shape->dim, n = (int)t->n, keys = (int)t->n_keys;
    const float *given = at(b->dout, t->row, t->head, dim), *values = at(b->v, t->key, t->kv_head, dim);
    scores_of(shape, t, b->q, b->k, scores);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < keys; j++) {
            float *score = &scores[i * keys + j];
            *score = sees(shape, t, i, j) ? expf(*score - mpp_cpu_row(b->lse, t->row + i)[t->head]) : 0;
        }
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, keys, dim, n, 1, scores, keys, given, (int)b->dout.stride, 1,
                into(b->dv, t->key, t->kv_head, dim), (int)b->dv.stride);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, keys, dim, 1, given, (int)b->dout.stride, values, (int)b->v.stride, 0,
                slopes, keys);
    for (int64_t i = 0; i < n; i++) {
        float delta = mpp_cpu_row(b->delta, t->row + i)[t->head];
        for (int64_t j = 0; j < keys; j++)
            slopes[i * keys + j] = (slopes[i * keys + j] - delta) * scores[i * keys + j] * (float)shape->scale;
    }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, dim, keys, 1, slopes, keys, at(b->k, t->key, t->kv_head, dim),
                (int)b->k.stride, 1, into(b->dq, t->row, t->head, dim), (int)b->dq.stride);
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, keys, dim, n, 1, slopes, keys, at(b->q, t->row, t->head, dim),
                (int)b->q.stride, 1, into(b->dk, t->key, t->kv_head, dim), (int)b->dk.stride);
}

/** The @index-th tile of the block, sequences slowest; false when there is none. */
static bool tile_of(const MppAttentionShape *shape, const MppAttentionBlock *block, int64_t rows, int64_t key_rows, int64_t index,
                    Tile *tile)
{
    int64_t per_head = (block->n_queries + TILE - 1) / TILE, sequence = index / per_head / shape->heads;
    if (sequence >= shape->sequences)
        return false;
    int64_t head = index / per_head % shape->heads, first = index % per_head * TILE;
    *tile = cut(
        (Tile){
            .sequence = sequence,
            .head = head,
            .kv_head = head * shape->kv_heads / shape->heads,
            .row = sequence * (rows / shape->sequences) + block->query_row + first,
            .n = min(TILE, block->n_queries - first),
            .position = block->query_position + first,
            .key = sequence * (key_rows / shape->sequences) + block->key_row,
            .n_keys = block->n_keys,
            .key_position = block->key_position,
        },
        shape->window);
    return true;
}

void mpp_cpu_attention(MppBackendState *s, const MppAttentionShape *shape, const MppAttentionBlock *block, MppTensor out,
                       MppTensor lse, MppTensor q, MppTensor k, MppTensor v)
{
    float *scores = mpp_cpu_failed(s) ? NULL : mpp_cpu_scratch(s, (size_t)(TILE * block->n_keys));
    Tile tile;
    for (int64_t i = 0; scores && tile_of(shape, block, q.rows, k.rows, i, &tile); i++)
        if (tile.n_keys > 0)
            forward_tile(shape, &tile, out, lse, q, k, v, scores);
}

void mpp_cpu_attention_backward(MppBackendState *s, const MppAttentionShape *shape, const MppAttentionBlock *block, MppTensor dq,
                                MppTensor dk, MppTensor dv, MppTensor dout, MppTensor q, MppTensor k, MppTensor v, MppTensor lse,
                                MppTensor delta)
{
    size_t n_scores = (size_t)(TILE * block->n_keys);
    float *scores = mpp_cpu_failed(s) ? NULL : mpp_cpu_scratch(s, 2 * n_scores);
    Backward tensors = { dq, dk, dv, dout, q, k, v, lse, delta };
    Tile tile;
    for (int64_t i = 0; scores && tile_of(shape, block, q.rows, k.rows, i, &tile); i++)
        if (tile.n_keys > 0)
            backward_tile(shape, &tile, &tensors, scores, scores + n_scores);
}
