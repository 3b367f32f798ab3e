#include <math.h>

#include "validate/net/net.h"

/** Embeddings and norms are of one kind in a model. */
static MppNormType norm_type(const MppNet *net)
{
    return net->job->model->norm == MPP_NORM_LAYER ? MPP_LAYER_NORM : MPP_RMS_NORM;
}

static MppNetParameter *parameter(const MppNetLayer *layer, MppLayerParameterKind kind)
{
    return (MppNetParameter *)&layer->parameters[kind]; /* gradients change, the layer does not */
}

static MppValue *norm(MppTape *tape, const MppNetLayer *layer, const char *name, MppLayerParameterKind kind, MppValue *x)
{
    return mpp_node_norm(tape, name, norm_type(layer->net), x, parameter(layer, kind), parameter(layer, kind + 1));
}

/** @forward of x, computed again in the backward pass where selective recomputation is of @module. */
static MppValue *of_module(MppTape *tape, const MppNetLayer *layer, MppModule module, MppForward forward, MppValue *x)
{
    const MppStrategy *s = layer->net->place->strategy;
    int64_t modules = s->recompute_modules ? s->recompute_modules : 1 << MPP_MODULE_CORE_ATTENTION;
    bool again = s->recompute == MPP_RECOMPUTE_SELECTIVE && modules >> module & 1;
    return again ? mpp_node_again(tape, forward, layer, x) : forward(tape, layer, x);
}

static MppValue *attention_core(MppTape *tape, gconstpointer closure, MppValue *qkv)
{
    const MppNetLayer *layer = closure;
    return mpp_node_attention(tape, layer->net->place, &layer->attention, qkv);
}

/** From the norm's output to the part of the sum over tp. */
static MppValue *attention(MppTape *tape, const MppNetLayer *layer, MppValue *x)
{
    const MppNet *net = layer->net;
    const MppAttentionShape *shape = &layer->attention;
    x = mpp_node_linear(tape, "qkv projection", x, parameter(layer, MPP_LAYER_QKV), parameter(layer, MPP_LAYER_QKV_BIAS));
    if (net->job->model->positions == MPP_POSITIONS_ROTARY)
        x = mpp_node_rotary(tape, x, (shape->heads + shape->kv_heads) * shape->dim, shape->dim, net->positions);
    x = of_module(tape, layer, MPP_MODULE_CORE_ATTENTION, attention_core, x);
    return mpp_node_linear(tape, "output projection", x, parameter(layer, MPP_LAYER_OUT), NULL);
}

static MppValue *mlp(MppTape *tape, const MppNetLayer *layer, MppValue *x)
{
    bool gated = layer->net->job->model->gated_mlp;
    x = mpp_node_linear(tape, "mlp up projection", x, parameter(layer, MPP_LAYER_UP), parameter(layer, MPP_LAYER_UP_BIAS));
    x = mpp_node_activation(tape, gated ? MPP_SILU : MPP_GELU, gated, x);
    return mpp_node_linear(tape, "mlp down projection", x, parameter(layer, MPP_LAYER_DOWN), NULL);
}

static MppValue *parallel_block(MppTape *tape, const MppNetLayer *layer, MppValue *x)
{
    const MppTpEdge *edge = &layer->net->edge;
    bool one_norm = layer->net->job->model->norms_per_layer == 1;
    MppValue *a = mpp_node_enter(tape, edge, norm(tape, layer, "attention norm", MPP_LAYER_ATTENTION_NORM, mpp_value_hold(x)));
    MppValue *b = one_norm ? mpp_value_hold(a)
                           : mpp_node_enter(tape, edge, norm(tape, layer, "mlp norm", MPP_LAYER_MLP_NORM, mpp_value_hold(x)));
    a = attention(tape, layer, a);
    b = mlp(tape, layer, b);
    MppValue *y = mpp_node_leave(tape, edge, mpp_node_add(tape, "residual", a, b));
    y = mpp_node_bias(tape, "residual", y, parameter(layer, MPP_LAYER_OUT_BIAS));
    y = mpp_node_bias(tape, "residual", y, parameter(layer, MPP_LAYER_DOWN_BIAS));
    return mpp_node_add(tape, "residual", x, y);
}

static MppValue *attention_block(MppTape *tape, const MppNetLayer *layer, MppValue *x)
{
    const MppTpEdge *edge = &layer->net->edge;
    MppValue *y = norm(tape, layer, "attention norm", MPP_LAYER_ATTENTION_NORM, mpp_value_hold(x));
    y = mpp_node_leave(tape, edge, attention(tape, layer, mpp_node_enter(tape, edge, y)));
    y = mpp_node_bias(tape, "attention residual", y, parameter(layer, MPP_LAYER_OUT_BIAS));
    if (layer->net->job->model->norms_per_layer > 2)
        y = norm(tape, layer, "norm after block", MPP_LAYER_ATTENTION_POST_NORM, y);
    return mpp_node_add(tape, "attention residual", x, y);
}

/** The MLP between the edges of its split over tp: a dense one, or that of the shared experts. */
static MppValue *whole_mlp(MppTape *tape, gconstpointer closure, MppValue *x)
{
    const MppNetLayer *layer = closure;
    const MppTpEdge *edge = &layer->net->edge;
    return mpp_node_leave(tape, edge, mlp(tape, layer, mpp_node_enter(tape, edge, x)));
}

static MppValue *experts(MppTape *tape, gconstpointer closure, MppValue *x)
{
    const MppNetLayer *layer = closure;
    bool shared = mpp_net_parameter_exists(parameter(layer, MPP_LAYER_UP));
    MppValue *y = mpp_node_experts(tape, &layer->experts, shared ? mpp_value_hold(x) : x);
    if (!shared)
        return y;
    MppValue *all = of_module(tape, layer, MPP_MODULE_SHARED_EXPERTS, whole_mlp, x);
    return mpp_node_add(tape, "unpermute tokens", y, all);
}

static MppValue *mlp_block(MppTape *tape, const MppNetLayer *layer, MppValue *x)
{
    MppValue *y = norm(tape, layer, "mlp norm", MPP_LAYER_MLP_NORM, mpp_value_hold(x));
    y = layer->kind->moe ? of_module(tape, layer, MPP_MODULE_MOE, experts, y)
                         : of_module(tape, layer, MPP_MODULE_MLP, whole_mlp, y);
    y = mpp_node_bias(tape, "mlp residual", y, parameter(layer, MPP_LAYER_DOWN_BIAS));
    if (layer->net->job->model->norms_per_layer > 2)
        y = norm(tape, layer, "norm after block", MPP_LAYER_MLP_POST_NORM, y);
    return mpp_node_add(tape, "mlp residual", x, y);
}

static MppValue *forward(MppTape *tape, gconstpointer closure, MppValue *x)
{
    const MppNetLayer *layer = closure;
    if (layer->kind->listed)
        return mpp_net_listed_forward(tape, layer, x);
    if (layer->net->job->model->parallel_block)
        return parallel_block(tape, layer, x);
    return mlp_block(tape, layer, attention_block(tape, layer, x));
}

MppValue *mpp_net_layer_forward(MppTape *tape, const MppNetLayer *layer, MppValue *x)
{
    mpp_node_open(tape, layer->dense);
    if (layer->routed)
        mpp_node_open(tape, layer->routed);
    x = layer->recomputed ? mpp_node_again(tape, forward, layer, x) : forward(tape, layer, x);
    if (layer->routed)
        mpp_node_close(tape, layer->routed);
    mpp_node_close(tape, layer->dense);
    return x;
}

void mpp_net_layer_build(MppNet *net, MppNetChunk *chunk, MppNetLayer *layer, int64_t index)
{
    const MppModel *model = net->job->model;
    const MppStrategy *s = net->place->strategy;
    layer->net = net;
    layer->kind = &model->kinds[model->kind_of_layer[index]];
    layer->dense = mpp_net_add_bucket(net, chunk, MPP_GROUP_SHARD, MPP_GROUP_REPLICAS);
    if (layer->kind->listed) {
        mpp_net_listed_build(net, layer, index);
        return;
    }
    layer->attention = (MppAttentionShape){
        .sequences = s->micro_batch,
        .heads = model->heads / s->tp,
        .kv_heads = MAX(1, model->kv_heads / s->tp),
        .dim = model->head_dim,
        .window = layer->kind->window,
        .scale = 1 / sqrt((double)model->head_dim),
    };
    if (layer->kind->moe) {
        layer->routed = mpp_net_add_bucket(net, chunk, MPP_GROUP_EXPERT_DP, MPP_GROUP_ALONE);
        layer->experts = (MppExperts){
            .place = net->place,
            .experts = model->moe.experts,
            .topk = model->moe.topk,
            .activation = model->gated_mlp ? MPP_SILU : MPP_GELU,
            .gated = model->gated_mlp,
            .router = parameter(layer, MPP_LAYER_ROUTER),
            .router_bias = parameter(layer, MPP_LAYER_ROUTER_BIAS),
            .up = parameter(layer, MPP_LAYER_EXPERTS_UP),
            .down = parameter(layer, MPP_LAYER_EXPERTS_DOWN),
        };
    }
    mpp_net_layer_add_parameters(net, layer, index);
}
