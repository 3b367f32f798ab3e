#include "sim/pass_pieces.h"

bool mpp_pass_pieces_is_exchange(MppShare share)
{
    return share == MPP_SHARE_TP || share == MPP_SHARE_CP || share == MPP_SHARE_EP || share == MPP_SHARE_DP;
}

/** A block's, as planned. */
typedef struct {
    int32_t layer;
    MppShares shares;
} Block;

/**
 * The part of a block's whole backward pass, @inout, that @pass runs. Weights' gradients are matrix products with
 * their share of the host's time; recomputation and collectives come before, with the input's gradient.
 */
static void split_backward(MppPass pass, double weight_s, MppShares *inout)
{
    double products_s = MIN(weight_s, inout->s[MPP_SHARE_MATMUL]);
    double host_s = MIN(weight_s - products_s, inout->s[MPP_SHARE_HOST]);
    if (pass == MPP_PASS_WEIGHT) {
        *inout = (MppShares){ { 0 } };
        inout->s[MPP_SHARE_MATMUL] = products_s;
        inout->s[MPP_SHARE_HOST] = host_s;
    } else if (pass == MPP_PASS_INPUT) {
        inout->s[MPP_SHARE_MATMUL] -= products_s;
        inout->s[MPP_SHARE_HOST] -= host_s;
    }
}

static void add_block(const MppPipelineCost *pipeline, const MppBlockCost *cost, MppRecompute recompute, MppPass pass,
                      int32_t layer, GArray *blocks)
{
    const MppPassCost *passes = &cost->by_recompute[recompute];
    MppShardedLayer sharded = mpp_exchange_layer(&pipeline->exchange, cost, passes);
    Block block = { layer, pass == MPP_PASS_FORWARD ? passes->forward : passes->backward };
    block.shares.s[MPP_SHARE_DP] += pass == MPP_PASS_FORWARD ? sharded.forward_s : sharded.backward_s;
    split_backward(pass, passes->weight_s, &block.shares);
    g_array_append_val(blocks, block);
}

/** A chunk's layers: the recomputed ones come first. */
static void add_layers(const MppPipelineCost *pipeline, const MppSpan *span, GArray *blocks)
{
    const MppChunkCost *chunk = &pipeline->chunks[span->chunk];
    const MppModel *model = pipeline->shard->job->model;
    int64_t n_recomputed = 0;
    for (int64_t kind = 0; kind < model->n_kinds; kind++)
        n_recomputed += chunk->recomputed.n[kind];
    for (int64_t i = 0; i < chunk->layers; i++) {
        int64_t local = span->pass == MPP_PASS_FORWARD ? i : chunk->layers - 1 - i, layer = chunk->first_layer + local;
        MppRecompute recompute = local < n_recomputed ? pipeline->strategy->recompute : MPP_RECOMPUTE_NONE;
        add_block(pipeline, &pipeline->shard->kinds[model->kind_of_layer[layer]], recompute, span->pass, (int32_t)layer, blocks);
    }
}

/** Beside its blocks a chunk gathers its first layer's sharded parameters, or scatters the last gradients. */
static void add_chunk_end(const MppPipelineCost *pipeline, const MppSpan *span, GArray *blocks)
{
    const MppChunkCost *chunk = &pipeline->chunks[span->chunk];
    const MppShardCost *shard = pipeline->shard;
    Block block = { .layer = -1 };
    if (chunk->layers && span->pass != MPP_PASS_WEIGHT) {
        const MppBlockCost *first = &shard->kinds[shard->job->model->kind_of_layer[chunk->first_layer]];
        MppShardedLayer ends = mpp_exchange_layer(&pipeline->exchange, first, &first->by_recompute[MPP_RECOMPUTE_NONE]);
        block.shares.s[MPP_SHARE_DP] = span->pass == MPP_PASS_FORWARD ? ends.first_s : ends.last_s;
        block.shares.s[MPP_SHARE_OFFLOAD] = span->pass == MPP_PASS_FORWARD ? chunk->copies_forward_s : chunk->copies_backward_s;
    }
    if (span->pass == MPP_PASS_FORWARD)
        block.shares.s[MPP_SHARE_HOST] = shard->job->runtime->host.micro_batch_s / pipeline->strategy->vpp;
    g_array_append_val(blocks, block);
}

static void add_end(const MppPipelineCost *pipeline, const MppSpan *span, bool last, GArray *blocks)
{
    int64_t chunk = last ? pipeline->model_chunks - 1 : 0;
    if (span->chunk % pipeline->model_chunks == chunk)
        add_block(pipeline, last ? &pipeline->shard->head : &pipeline->shard->embedding, MPP_RECOMPUTE_NONE, span->pass, -1,
                  blocks);
}

/** Block, in the order in which the pass visits them. */
static GArray *blocks_of(const MppPipelineCost *pipeline, const MppSpan *span)
{
    GArray *blocks = g_array_new(FALSE, FALSE, sizeof(Block));
    bool forward = span->pass == MPP_PASS_FORWARD;
    if (forward)
        add_chunk_end(pipeline, span, blocks);
    add_end(pipeline, span, !forward, blocks);
    add_layers(pipeline, span, blocks);
    add_end(pipeline, span, forward, blocks);
    if (!forward)
        add_chunk_end(pipeline, span, blocks);
    return blocks;
}

/** What stretches computation [0] and collectives [1] from the plan's times to the span's. */
static void stretch(const MppSimulation *simulation, const MppSpan *span, const GArray *blocks, double factors[2])
{
    double planned_s[2] = { 0 };
    for (guint b = 0; b < blocks->len; b++)
        for (int i = 0; i < MPP_N_SHARES; i++)
            planned_s[mpp_pass_pieces_is_exchange((MppShare)i)] += g_array_index(blocks, Block, b).shares.s[i];
    double compute_s = mpp_tracks_compute_s(simulation, span);
    double took_s[2] = { compute_s, span->end_s - span->start_s - compute_s };
    for (int i = 0; i < 2; i++)
        factors[i] = planned_s[i] > 0 ? took_s[i] / planned_s[i] : 0;
}

void mpp_pass_pieces_shares(const MppSimulation *simulation, const MppSpan *pass, MppShares *out)
{
    g_autoptr(GArray) blocks = blocks_of(simulation->pipeline, pass);
    double factors[2];
    stretch(simulation, pass, blocks, factors);
    *out = (MppShares){ { 0 } };
    for (guint b = 0; b < blocks->len; b++)
        for (int i = 0; i < MPP_N_SHARES; i++)
            out->s[i] += g_array_index(blocks, Block, b).shares.s[i] * factors[mpp_pass_pieces_is_exchange((MppShare)i)];
}

void mpp_pass_pieces(const MppSimulation *simulation, const MppSpan *pass, GArray *out)
{
    g_autoptr(GArray) blocks = blocks_of(simulation->pipeline, pass);
    double factors[2], at_s = pass->start_s;
    stretch(simulation, pass, blocks, factors);
    g_array_set_size(out, 0);
    for (guint b = 0; b < blocks->len; b++) {
        const Block *block = &g_array_index(blocks, Block, b);
        for (int i = 0; i < MPP_N_SHARES; i++) {
            double end_s = MIN(pass->end_s, at_s + block->shares.s[i] * factors[mpp_pass_pieces_is_exchange((MppShare)i)]);
            if (end_s <= at_s)
                continue;
            MppPassPiece piece = { at_s, end_s, block->layer, (MppShare)i };
            g_array_append_val(out, piece);
            at_s = end_s;
        }
    }
    if (out->len) /* rounding */
        g_array_index(out, MppPassPiece, out->len - 1).end_s = pass->end_s;
}
