/**
 * What stands before the first layer and after the last.
 */
#include "planner/ops/op.h"
#include "validate/net/net.h"

/** The vocabulary's rows on this rank, and the first of them. */
static int64_t local_vocabulary(const MppNet *net, int64_t *first)
{
    int64_t tp = net->place->strategy->tp, n = mpp_ops_padded_vocab(net->job, tp) / tp;
    *first = net->place->tp * n;
    return n;
}

/** A matrix of the vocabulary, by rows; the padding depends on tp and is never used. */
static MppSplit vocabulary_split(const MppNet *net, int64_t columns)
{
    int64_t tp = net->place->strategy->tp;
    MppSplit split = mpp_split_empty(columns);
    mpp_split_add(&split, mpp_ops_padded_vocab(net->job, tp), tp, net->place->tp);
    return split;
}

/** Once a rank. */
static void add_vocabulary(MppNet *net, MppNetChunk *chunk)
{
    if (net->ends.vocabulary_bucket) {
        if (!g_ptr_array_find(chunk->buckets, net->ends.vocabulary_bucket, NULL))
            mpp_net_use_bucket(chunk, net->ends.vocabulary_bucket);
        return;
    }
    net->ends.vocabulary_bucket = mpp_net_add_bucket(net, chunk, MPP_GROUP_SHARD, MPP_GROUP_REPLICAS);
    mpp_net_add(net, net->ends.vocabulary_bucket, &net->ends.vocabulary, g_strdup("vocabulary.weight"),
                vocabulary_split(net, net->job->model->hidden));
}

static void add_positions(MppNet *net, MppNetChunk *chunk)
{
    const MppModel *model = net->job->model;
    if (model->positions != MPP_POSITIONS_LEARNED)
        return;
    net->ends.positions_bucket = mpp_net_add_bucket(net, chunk, MPP_GROUP_SHARD, MPP_GROUP_REPLICAS);
    mpp_net_add(net, net->ends.positions_bucket, &net->ends.positions, g_strdup("positions.weight"),
                mpp_split_whole(model->learned_positions, model->hidden));
    net->ends.positions.partial = net->edge.sequence_parallel ? MPP_PARTIAL_TP : MPP_PARTIAL_NONE;
}

static void add_head(MppNet *net, MppNetChunk *chunk)
{
    const MppModel *model = net->job->model;
    MppNetEnds *ends = &net->ends;
    ends->head_bucket = mpp_net_add_bucket(net, chunk, MPP_GROUP_SHARD, MPP_GROUP_REPLICAS);
    if (model->final_norm)
        mpp_net_add_norm(net, ends->head_bucket, &ends->final_norm, &ends->final_norm_bias, "final_norm", model->hidden);
    if (!model->tied_embeddings)
        mpp_net_add(net, ends->head_bucket, &ends->head, g_strdup("head.weight"), vocabulary_split(net, model->hidden));
    if (model->head_bias)
        mpp_net_add(net, ends->head_bucket, &ends->head_bias, g_strdup("head.bias"), vocabulary_split(net, 1));
}

/** Embedding and head may share a tied matrix on one rank, in one chunk or in two. */
void mpp_net_ends_build(MppNet *net)
{
    if (net->job->model->sequential)
        return;
    for (int64_t c = 0; c < net->n_chunks; c++)
        if (net->chunks[c].begins) {
            add_vocabulary(net, &net->chunks[c]);
            add_positions(net, &net->chunks[c]);
        }
    for (int64_t c = 0; c < net->n_chunks; c++)
        if (net->chunks[c].ends) {
            if (net->job->model->tied_embeddings)
                add_vocabulary(net, &net->chunks[c]);
            add_head(net, &net->chunks[c]);
        }
}

MppValue *mpp_net_ends_embed(const MppNet *net, MppTape *tape, const MppBatch *batch)
{
    if (batch->samples)
        return mpp_node_input(tape, net->element, batch->samples);
    MppNetEnds *ends = (MppNetEnds *)&net->ends;
    int64_t first;
    local_vocabulary(net, &first);
    mpp_node_open(tape, ends->vocabulary_bucket);
    MppValue *x = mpp_node_embedding(tape, "token embedding", &ends->vocabulary, batch->tokens, first);
    mpp_node_close(tape, ends->vocabulary_bucket);
    x = mpp_node_leave(tape, &net->edge, x);
    if (!ends->positions_bucket)
        return x;
    mpp_node_open(tape, ends->positions_bucket);
    MppValue *positions = mpp_node_embedding(tape, "position embedding", &ends->positions, net->own_positions, 0);
    mpp_node_close(tape, ends->positions_bucket);
    return mpp_node_add(tape, "position embedding", x, positions);
}

void mpp_net_ends_loss(const MppNet *net, MppTape *tape, MppValue *x, const MppBatch *batch)
{
    const MppModel *model = net->job->model;
    MppNetEnds *ends = (MppNetEnds *)&net->ends;
    int64_t first, n = local_vocabulary(net, &first), valid = CLAMP(model->vocab - first, 0, n);
    double tokens = (double)net->job->training.global_batch * (double)net->job->training.seq;
    if (model->sequential) {
        mpp_node_loss(tape, net->place, MPP_GROUP_ALONE, x, batch->targets, 0, model->classes, 1 / tokens, net->loss->tensor);
        return;
    }
    mpp_node_open(tape, ends->head_bucket);
    if (model->final_norm)
        x = mpp_node_norm(tape, "final norm", model->norm == MPP_NORM_LAYER ? MPP_LAYER_NORM : MPP_RMS_NORM, x, &ends->final_norm,
                          &ends->final_norm_bias);
    x = mpp_node_enter(tape, &net->edge, x);
    if (model->tied_embeddings)
        mpp_node_open(tape, ends->vocabulary_bucket);
    x = mpp_node_linear(tape, "vocabulary projection", x, model->tied_embeddings ? &ends->vocabulary : &ends->head,
                        &ends->head_bias);
    if (model->tied_embeddings)
        mpp_node_close(tape, ends->vocabulary_bucket);
    mpp_node_loss(tape, net->place, MPP_GROUP_TP, x, batch->targets, first, valid, 1 / tokens, net->loss->tensor);
    mpp_node_close(tape, ends->head_bucket);
}
