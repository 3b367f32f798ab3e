/**
 * Which parameters a layer has, how each is split, and what it starts from.
 */
#include <math.h>
#include <string.h>

#include "validate/net/net.h"

static const char *const names[MPP_N_LAYER_PARAMETERS] = {
#define PARAMETER(kind, name) name,
    MPP_LAYER_PARAMETERS(PARAMETER)
#undef PARAMETER
};

/** Norm weights lie around 1, biases around 0; both vary, so that a wrong one shows. */
static const double vector_range = 0.1;

/** Matrices start uniform in ± 1 / sqrt(inputs), which keeps values of order 1 through the net. */
void mpp_net_add(const MppNet *net, MppBucket *bucket, MppNetParameter *parameter, char *name, MppSplit split)
{
    (void)net;
    parameter->name = name;
    parameter->split = split;
    parameter->mean = 0;
    parameter->range = split.columns > 1 ? 1 / sqrt((double)split.columns) : vector_range;
    mpp_bucket_add(bucket, parameter);
}

/** What acts on a rank's own rows only has a part of its gradient there. */
static MppPartial outside_blocks(const MppNet *net)
{
    return net->edge.sequence_parallel ? MPP_PARTIAL_TP : MPP_PARTIAL_NONE;
}

void mpp_net_add_norm(const MppNet *net, MppBucket *bucket, MppNetParameter *weight, MppNetParameter *bias, const char *prefix,
                      int64_t width)
{
    const MppModel *model = net->job->model;
    if (!model->norm_weights)
        return;
    mpp_net_add(net, bucket, weight, g_strconcat(prefix, ".weight", NULL), mpp_split_whole(width, 1));
    weight->mean = 1;
    weight->partial = outside_blocks(net);
    if (model->norm != MPP_NORM_LAYER || !model->norm_bias)
        return;
    mpp_net_add(net, bucket, bias, g_strconcat(prefix, ".bias", NULL), mpp_split_whole(width, 1));
    bias->partial = outside_blocks(net);
}

static MppNetParameter *add(const MppNet *net, MppBucket *bucket, MppNetLayer *layer, int64_t index, MppLayerParameterKind kind,
                            MppSplit split)
{
    char *name = g_strdup_printf("layers.%" G_GINT64_FORMAT ".%s", index, names[kind]);
    mpp_net_add(net, bucket, &layer->parameters[kind], name, split);
    return &layer->parameters[kind];
}

static void add_layer_norm(const MppNet *net, MppNetLayer *layer, int64_t index, MppLayerParameterKind kind)
{
    g_autofree char *prefix = g_strdup_printf("layers.%" G_GINT64_FORMAT ".%s", index, names[kind]);
    *strrchr(prefix, '.') = '\0';
    mpp_net_add_norm(net, layer->dense, &layer->parameters[kind], &layer->parameters[kind + 1], prefix, net->job->model->hidden);
}

/** Fewer key-value heads than ranks are held several times over. */
static MppSplit qkv_split(const MppNet *net, int64_t columns)
{
    const MppModel *model = net->job->model;
    int64_t tp = net->place->strategy->tp, kv_parts = MIN(tp, model->kv_heads);
    MppSplit split = mpp_split_empty(columns);
    mpp_split_add(&split, model->heads * model->head_dim, tp, net->place->tp);
    for (int i = 0; i < 2; i++)
        mpp_split_add(&split, model->kv_heads * model->head_dim, kv_parts, net->place->tp * kv_parts / tp);
    return split;
}

static MppSplit column_parallel(int64_t rows, int64_t columns, bool gated, int64_t parts, int64_t part)
{
    MppSplit split = mpp_split_empty(columns);
    for (int i = 0; i < (gated ? 2 : 1); i++)
        mpp_split_add(&split, rows, parts, part);
    return split;
}

static MppSplit row_parallel(int64_t rows, int64_t columns, int64_t parts, int64_t part)
{
    MppSplit split = mpp_split_whole(rows, columns);
    mpp_split_columns(&split, parts, part);
    return split;
}

static void add_attention(const MppNet *net, MppNetLayer *layer, int64_t index)
{
    const MppModel *model = net->job->model;
    int64_t tp = net->place->strategy->tp;
    MppPartial partial = tp > model->kv_heads ? MPP_PARTIAL_KV : MPP_PARTIAL_NONE;
    add(net, layer->dense, layer, index, MPP_LAYER_QKV, qkv_split(net, model->hidden))->partial = partial;
    if (model->qkv_bias)
        add(net, layer->dense, layer, index, MPP_LAYER_QKV_BIAS, qkv_split(net, 1))->partial = partial;
    add(net, layer->dense, layer, index, MPP_LAYER_OUT,
        row_parallel(model->hidden, model->heads * model->head_dim, tp, net->place->tp));
    if (model->output_bias)
        add(net, layer->dense, layer, index, MPP_LAYER_OUT_BIAS, mpp_split_whole(model->hidden, 1))->partial = outside_blocks(
            net);
}

static void add_mlp(const MppNet *net, MppNetLayer *layer, int64_t index, int64_t ffn, bool bias)
{
    const MppModel *model = net->job->model;
    int64_t tp = net->place->strategy->tp, part = net->place->tp;
    add(net, layer->dense, layer, index, MPP_LAYER_UP, column_parallel(ffn, model->hidden, model->gated_mlp, tp, part));
    if (bias)
        add(net, layer->dense, layer, index, MPP_LAYER_UP_BIAS, column_parallel(ffn, 1, model->gated_mlp, tp, part));
    add(net, layer->dense, layer, index, MPP_LAYER_DOWN, row_parallel(model->hidden, ffn, tp, part));
    if (bias)
        add(net, layer->dense, layer, index, MPP_LAYER_DOWN_BIAS, mpp_split_whole(model->hidden, 1))->partial = outside_blocks(
            net);
}

static void add_experts(const MppNet *net, MppNetLayer *layer, int64_t index)
{
    const MppMoe *moe = &net->job->model->moe;
    const MppPlace *place = net->place;
    int64_t hidden = net->job->model->hidden, etp = place->strategy->etp, here = moe->experts / place->strategy->ep;
    add(net, layer->dense, layer, index, MPP_LAYER_ROUTER, mpp_split_whole(moe->experts, hidden))->partial = outside_blocks(net);
    if (moe->router_bias)
        add(net, layer->dense, layer, index, MPP_LAYER_ROUTER_BIAS, mpp_split_whole(moe->experts, 1))->partial = outside_blocks(
            net);
    MppSplit up = column_parallel(moe->ffn, hidden, net->job->model->gated_mlp, etp, place->etp);
    MppSplit down = row_parallel(hidden, moe->ffn, etp, place->etp);
    up.blocks = down.blocks = here;
    up.first_block = down.first_block = here * place->ep;
    add(net, layer->routed, layer, index, MPP_LAYER_EXPERTS_UP, up);
    add(net, layer->routed, layer, index, MPP_LAYER_EXPERTS_DOWN, down);
}

void mpp_net_layer_add_parameters(MppNet *net, MppNetLayer *layer, int64_t index)
{
    const MppModel *model = net->job->model;
    bool second_norm = model->norms_per_layer > 1, post_norms = model->norms_per_layer > 2;
    add_layer_norm(net, layer, index, MPP_LAYER_ATTENTION_NORM);
    add_attention(net, layer, index);
    if (post_norms)
        add_layer_norm(net, layer, index, MPP_LAYER_ATTENTION_POST_NORM);
    if (second_norm)
        add_layer_norm(net, layer, index, MPP_LAYER_MLP_NORM);
    if (layer->kind->moe) {
        const MppMoe *moe = &model->moe;
        int64_t shared = moe->shared_ffn ? moe->shared_ffn : moe->shared_experts * moe->ffn;
        add_experts(net, layer, index);
        if (shared)
            add_mlp(net, layer, index, shared, false);
    } else {
        add_mlp(net, layer, index, model->ffn, model->mlp_bias);
    }
    if (post_norms)
        add_layer_norm(net, layer, index, MPP_LAYER_MLP_POST_NORM);
}
