#include "validate/net/net.h"

static void free_parameter(MppNetParameter *parameter)
{
    g_free(parameter->name);
}

static void free_layer(MppNetLayer *layer)
{
    for (int i = 0; i < MPP_N_LAYER_PARAMETERS; i++)
        free_parameter(&layer->parameters[i]);
    mpp_net_listed_clear(layer);
}

static void free_bucket(gpointer bucket)
{
    mpp_bucket_free(bucket);
}

void mpp_net_free(MppNet *net)
{
    if (!net)
        return;
    for (int64_t c = 0; c < net->n_chunks; c++) {
        for (int64_t i = 0; i < net->chunks[c].n_layers; i++)
            free_layer(&net->chunks[c].layers[i]);
        g_free(net->chunks[c].layers);
        g_ptr_array_unref(net->chunks[c].buckets);
    }
    MppNetEnds *ends = &net->ends;
    MppNetParameter *others[] = { &ends->vocabulary,      &ends->positions, &ends->final_norm,
                                  &ends->final_norm_bias, &ends->head,      &ends->head_bias };
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
        free_parameter(others[i]);
    mpp_buffer_drop(net->positions);
    mpp_buffer_drop(net->own_positions);
    mpp_buffer_drop(net->loss);
    if (net->buckets)
        g_ptr_array_unref(net->buckets);
    g_free(net->chunks);
    g_free(net);
}

/** Rows of tokens between chunks, and outside of blocks: those of a micro-batch that this rank has. */
static int64_t own_rows(const MppNet *net)
{
    return mpp_batch_rows(net->job, net->place->strategy) / (net->edge.sequence_parallel ? net->place->strategy->tp : 1);
}

/** @first: out, the model's layers before them. Chunks of a second copy are cut like the first's. */
static int64_t chunk_layers(const MppNet *net, int64_t chunk, int64_t *first)
{
    const GArray *layers = net->place->strategy->stage_layers;
    int64_t stage = chunk % layers->len;
    *first = 0;
    for (int64_t c = 0; c < stage; c++)
        *first += g_array_index(layers, int64_t, c);
    return g_array_index(layers, int64_t, stage);
}

void mpp_net_size_between(const MppNet *net, int64_t chunk, int64_t *rows, int64_t *columns)
{
    int64_t layer;
    chunk_layers(net, chunk, &layer);
    MppShape shape = mpp_model_shape_at(net->job->model, layer);
    *rows = own_rows(net) * mpp_shape_pixels(shape);
    *columns = shape.channels;
}

static bool is_recomputed(const MppStrategy *s, int64_t in_chunk)
{
    return s->recompute == MPP_RECOMPUTE_FULL && in_chunk < mpp_strategy_recomputed(s, INT64_MAX);
}

void mpp_net_use_bucket(MppNetChunk *chunk, MppBucket *bucket)
{
    g_ptr_array_add(chunk->buckets, bucket);
    bucket->users++;
}

MppBucket *mpp_net_add_bucket(MppNet *net, MppNetChunk *chunk, MppGroupKind shard, MppGroupKind replicas)
{
    MppBucket *bucket = mpp_bucket_new(net->place, net->element, shard, replicas, !net->job->runtime->state.zero1_reduce_scatter);
    g_ptr_array_add(net->buckets, bucket);
    mpp_net_use_bucket(chunk, bucket);
    return bucket;
}

static void build_chunk(MppNet *net, const MppOrder *order, int64_t chunk)
{
    MppNetChunk *out = &net->chunks[net->n_chunks++];
    int64_t first;
    *out = (MppNetChunk){ .chunk = chunk, .begins = mpp_order_begins(order, chunk), .ends = mpp_order_ends(order, chunk) };
    out->n_layers = chunk_layers(net, chunk, &first);
    out->layers = g_new0(MppNetLayer, out->n_layers);
    out->buckets = g_ptr_array_new();
    for (int64_t i = 0; i < out->n_layers; i++) {
        out->layers[i].recomputed = is_recomputed(net->place->strategy, i);
        mpp_net_layer_build(net, out, &out->layers[i], first + i);
    }
}

static void set_positions(MppNet *net)
{
    net->positions = mpp_batch_positions(net->job, net->place);
    if (!net->edge.sequence_parallel) {
        net->own_positions = mpp_buffer_hold(net->positions);
        return;
    }
    int64_t n = own_rows(net);
    g_autofree int32_t *own = g_new0(int32_t, n);
    MppTensor part = mpp_tensor_rows(net->positions->tensor, net->place->tp * n, n);
    mpp_run(net->place->rank, download, own, part.data, (size_t)n * sizeof(int32_t));
    net->own_positions = mpp_buffer_of(net->place->rank, MPP_ELEMENT_I32, n, 1, own);
}

static void fill_bucket(MppBucket *bucket, gpointer seed)
{
    mpp_bucket_fill(bucket, *(const uint64_t *)seed);
}

MppElement mpp_net_element(const MppJob *job)
{
    return job->training.precision == MPP_PRECISION_BF16 ? MPP_ELEMENT_BF16 : MPP_ELEMENT_F32;
}

MppNet *mpp_net_new(const MppJob *job, const MppPlace *place, const MppOrder *order, uint64_t seed)
{
    MppNet *net = g_new0(MppNet, 1);
    net->job = job;
    net->place = place;
    net->seed = seed;
    net->element = mpp_net_element(job);
    net->edge = (MppTpEdge){ place, place->strategy->sequence_parallel && place->strategy->tp > 1 };
    net->buckets = g_ptr_array_new_with_free_func(free_bucket);
    net->chunks = g_new0(MppNetChunk, order->n_chunks);
    for (int32_t c = 0; c < order->n_chunks; c++)
        if (order->rank_of[c] == place->pp)
            build_chunk(net, order, c);
    mpp_net_ends_build(net);
    set_positions(net);
    net->loss = mpp_buffer_zeros(place->rank, MPP_ELEMENT_F32, 1, 1);
    mpp_net_each_bucket(net, fill_bucket, &seed);
    return net;
}

MppNetChunk *mpp_net_chunk(const MppNet *net, int64_t chunk)
{
    for (int64_t c = 0; c < net->n_chunks; c++)
        if (net->chunks[c].chunk == chunk)
            return &net->chunks[c];
    g_assert_not_reached();
}

MppValue *mpp_net_forward(const MppNet *net, MppTape *tape, const MppNetChunk *chunk, MppValue *x, const MppBatch *batch)
{
    if (chunk->begins)
        x = mpp_net_ends_embed(net, tape, batch);
    for (int64_t i = 0; i < chunk->n_layers; i++)
        x = mpp_net_layer_forward(tape, &chunk->layers[i], x);
    if (!chunk->ends)
        return x;
    mpp_net_ends_loss(net, tape, x, batch);
    return NULL;
}

void mpp_net_each_bucket(const MppNet *net, void (*visit)(MppBucket *bucket, gpointer data), gpointer data)
{
    for (guint i = 0; i < net->buckets->len; i++)
        visit(net->buckets->pdata[i], data);
}
