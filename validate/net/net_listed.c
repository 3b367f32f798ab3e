/**
 * Layers that are listed: products over windows, pools, norms, activations, the residual sum.
 */
#include "validate/net/net.h"

static MppWindows windows_of(const MppNet *net, const MppPart *part)
{
    return (MppWindows){ .samples = mpp_batch_rows(net->job, net->place->strategy),
                         .height = part->in.height,
                         .width = part->in.width,
                         .out_height = part->out.height,
                         .out_width = part->out.width,
                         .kernel_height = part->kernel_height,
                         .kernel_width = part->kernel_width,
                         .stride = part->stride,
                         .padding = part->padding };
}

/* --- parameters --- */

static void add(const MppNet *net, MppNetLayer *layer, MppNetParameter *parameter, const char *prefix, const char *name,
                MppSplit split)
{
    mpp_net_add(net, layer->dense, parameter, g_strconcat(prefix, ".", name, NULL), split);
}

/** Rows are channels that come out, split where these are; columns those that come in, window by window. */
static MppSplit split_of(const MppNet *net, const MppPart *part, int64_t columns, bool split_in)
{
    int64_t tp = net->place->strategy->tp;
    MppSplit split = mpp_split_empty(columns);
    mpp_split_add(&split, part->out.channels, part->split_out ? tp : 1, part->split_out ? net->place->tp : 0);
    if (split_in)
        mpp_split_columns(&split, tp, net->place->tp);
    return split;
}

static void add_part(const MppNet *net, MppNetLayer *layer, MppNetPart *p, const char *prefix)
{
    const MppPart *part = p->part;
    if (mpp_part_is_product(part)) {
        int64_t window = part->kernel_height * part->kernel_width;
        add(net, layer, &p->weight, prefix, "weight", split_of(net, part, part->in.channels * window, part->split_in));
        if (!part->norm)
            add(net, layer, &p->bias, prefix, "bias", split_of(net, part, 1, false));
    }
    if (part->norm) {
        add(net, layer, &p->norm, prefix, "norm.weight", split_of(net, part, 1, false));
        add(net, layer, &p->norm_bias, prefix, "norm.bias", split_of(net, part, 1, false));
        p->norm.mean = 1;
    }
}

void mpp_net_listed_build(const MppNet *net, MppNetLayer *layer, int64_t index)
{
    const GArray *parts = layer->kind->parts;
    layer->parts = g_new0(MppNetPart, parts->len);
    for (guint i = 0; i < parts->len; i++) {
        g_autofree char *prefix = g_strdup_printf("layers.%" G_GINT64_FORMAT ".%u", index, i);
        layer->parts[i].part = &g_array_index(parts, MppPart, i);
        layer->parts[i].windows = windows_of(net, layer->parts[i].part);
        add_part(net, layer, &layer->parts[i], prefix);
    }
}

void mpp_net_listed_clear(MppNetLayer *layer)
{
    for (guint i = 0; layer->parts && i < layer->kind->parts->len; i++) {
        MppNetParameter *parameters[] = { &layer->parts[i].weight, &layer->parts[i].bias, &layer->parts[i].norm,
                                          &layer->parts[i].norm_bias };
        for (size_t k = 0; k < G_N_ELEMENTS(parameters); k++)
            g_free(parameters[k]->name);
    }
    g_free(layer->parts);
}

/* --- forward --- */

/** Parts of a sum over tp get their bias once they are summed. */
static MppValue *product(MppTape *tape, const MppNetLayer *layer, MppNetPart *p, MppValue *x)
{
    static const char *const names[] = { "convolution", "linear", "shortcut" };
    const MppTpEdge *edge = &layer->net->edge;
    const char *name = names[p->part->kind];
    bool begins = p->part->split_out && !p->part->split_in, ends = p->part->split_in && !p->part->split_out;
    x = begins ? mpp_node_enter(tape, edge, x) : x;
    x = mpp_part_gathers(p->part) ? mpp_node_convolution(tape, name, &p->windows, x, &p->weight, ends ? NULL : &p->bias)
                                  : mpp_node_linear(tape, name, x, &p->weight, ends ? NULL : &p->bias);
    return ends ? mpp_node_bias(tape, name, mpp_node_leave(tape, edge, x), &p->bias) : x;
}

static MppValue *activation(MppTape *tape, MppElementwise kind, MppValue *x)
{
    static const MppActivation kinds[] = {
        [MPP_ELEMENTWISE_RELU] = MPP_RELU, [MPP_ELEMENTWISE_GELU] = MPP_GELU, [MPP_ELEMENTWISE_SILU] = MPP_SILU
    };
    return kind ? mpp_node_activation(tape, kinds[kind], false, x) : x;
}

static MppValue *part(MppTape *tape, const MppNetLayer *layer, guint i, MppValue *x)
{
    MppNetPart *p = &layer->parts[i];
    switch (p->part->kind) {
    case MPP_PART_MAX_POOL: x = mpp_node_pool(tape, "max pool", MPP_MAX_POOL, &p->windows, x); break;
    case MPP_PART_AVERAGE_POOL: x = mpp_node_pool(tape, "average pool", MPP_AVERAGE_POOL, &p->windows, x); break;
    default: x = product(tape, layer, p, x);
    }
    if (p->part->norm)
        x = mpp_node_norm(tape, "norm", MPP_LAYER_NORM, x, &p->norm, &p->norm_bias);
    return activation(tape, p->part->activation, x);
}

MppValue *mpp_net_listed_forward(MppTape *tape, const MppNetLayer *layer, MppValue *x)
{
    const MppSequentialLayer *listed = layer->kind->listed;
    guint n_ops = listed->ops->len;
    MppValue *y = listed->residual ? mpp_value_hold(x) : x;
    for (guint i = 0; i < n_ops; i++)
        y = part(tape, layer, i, y);
    if (!listed->residual)
        return y;
    x = layer->kind->parts->len > n_ops ? part(tape, layer, n_ops, x) : x;
    return activation(tape, listed->activation, mpp_node_add(tape, "residual", x, y));
}
