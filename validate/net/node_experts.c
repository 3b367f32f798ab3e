#include "validate/net/nodes.h"
#include "validate/net/routing.h"

/* --- the router: weights of the experts chosen for each token --- */

static void route_backward(MppTape *tape, MppNode *node)
{
    const MppRank *rank = mpp_tape_rank(tape);
    MppValue *logits = node->inputs[0];
    MppBuffer *dlogits = mpp_buffer_new(rank, logits->element, logits->rows, logits->columns);
    mpp_run(rank, route_backward, dlogits->tensor, node->output->gradient->tensor, node->saved[0]->tensor,
            node->saved[1]->tensor);
    mpp_value_give(logits, dlogits);
}

/** The @topk best experts of each token, with the softmax over their logits. @chosen: out, the caller's to drop. */
static MppValue *route(MppTape *tape, MppValue *logits, int64_t topk, MppBuffer **chosen)
{
    MppValue *weights = mpp_tape_result(tape, MPP_ELEMENT_F32, logits->rows, topk);
    *chosen = mpp_buffer_new(mpp_tape_rank(tape), MPP_ELEMENT_I32, logits->rows, topk);
    mpp_run(mpp_tape_rank(tape), route, weights->data->tensor, (*chosen)->tensor, logits->data->tensor);
    MppNode *node = mpp_tape_add(tape, sizeof(MppNode), "routing", route_backward, logits, weights);
    node->saved[0] = mpp_buffer_hold(weights->data);
    node->saved[1] = mpp_buffer_hold(*chosen);
    mpp_value_drop(logits);
    return weights;
}

/* --- tokens to their experts --- */

typedef struct {
    MppNode node;
    const MppRouting *routing;
} Routed;

static void dispatch_backward(MppTape *tape, MppNode *node)
{
    const MppRouting *routing = ((Routed *)node)->routing;
    g_autoptr(MppBuffer) returned = mpp_routing_return(routing, node->output->gradient);
    MppBuffer *dx = mpp_buffer_zeros(mpp_tape_rank(tape), returned->tensor.element, node->inputs[0]->rows,
                                     node->inputs[0]->columns);
    mpp_run(mpp_tape_rank(tape), add_rows, dx->tensor, returned->tensor, routing->tokens->tensor, 0);
    mpp_value_give(node->inputs[0], dx);
}

static void free_routing(gpointer routing)
{
    mpp_routing_free(routing);
}

/** Takes @routing over. */
static MppValue *dispatch(MppTape *tape, MppRouting *routing, MppValue *x)
{
    const MppRank *rank = mpp_tape_rank(tape);
    g_autoptr(MppBuffer) sent = mpp_buffer_new(rank, x->element, routing->n_sent, x->columns);
    mpp_run(rank, take_rows, sent->tensor, x->data->tensor, routing->tokens->tensor, 0);
    MppValue *y = mpp_tape_value(tape, mpp_routing_send(routing, sent));
    Routed *node = mpp_tape_add(tape, sizeof(Routed), "dispatch", dispatch_backward, x, y);
    node->node.owned = routing;
    node->node.free_owned = free_routing;
    node->routing = routing;
    mpp_value_drop(x);
    return y;
}

/* --- each expert's product over its own rows --- */

typedef struct {
    MppNode node; /* saved: x */
    const MppRouting *routing;
    MppNetParameter *weight;
} Grouped;

static void grouped_backward(MppTape *tape, MppNode *node)
{
    const Grouped *grouped = (const Grouped *)node;
    MppBuffer *x = node->saved[0], *dy = node->output->gradient;
    MppBuffer *dx = mpp_buffer_new(mpp_tape_rank(tape), x->tensor.element, x->tensor.rows, x->tensor.columns);
    int64_t out = mpp_split_block_rows(&grouped->weight->split), first = 0;
    for (int64_t e = 0; e < grouped->routing->n_experts; e++) {
        int64_t n = grouped->routing->expert_rows[e];
        mpp_run(mpp_tape_rank(tape), matmul, mpp_tensor_rows(dx->tensor, first, n), mpp_tensor_rows(dy->tensor, first, n), false,
                mpp_tensor_rows(grouped->weight->data, e * out, out), false, false);
        mpp_tape_weight(tape, node->name, mpp_tensor_rows(grouped->weight->gradient, e * out, out), dy, x, first, n);
        first += n;
    }
    mpp_value_give(node->inputs[0], dx);
}

static MppValue *grouped_linear(MppTape *tape, const char *name, const MppRouting *routing, MppValue *x, MppNetParameter *weight)
{
    int64_t out = mpp_split_block_rows(&weight->split), first = 0;
    MppValue *y = mpp_tape_result(tape, x->element, x->rows, out);
    for (int64_t e = 0; e < routing->n_experts; e++) {
        int64_t n = routing->expert_rows[e];
        mpp_run(mpp_tape_rank(tape), matmul, mpp_tensor_rows(y->data->tensor, first, n),
                mpp_tensor_rows(x->data->tensor, first, n), false, mpp_tensor_rows(weight->data, e * out, out), true, false);
        first += n;
    }
    Grouped *node = mpp_tape_add(tape, sizeof(Grouped), name, grouped_backward, x, y);
    node->node.saved[0] = mpp_buffer_hold(x->data);
    node->routing = routing;
    node->weight = weight;
    mpp_value_drop(x);
    return y;
}

/* --- and back, weighted --- */

static void combine_backward(MppTape *tape, MppNode *node)
{
    const MppRank *rank = mpp_tape_rank(tape);
    const MppRouting *routing = ((Routed *)node)->routing;
    MppTensor returned = node->saved[0]->tensor, w = node->saved[1]->tensor;
    MppValue *weights = node->inputs[1];
    g_autoptr(MppBuffer) given = mpp_buffer_new(rank, returned.element, routing->n_sent, returned.columns);
    g_autoptr(MppBuffer) dw = mpp_buffer_new(rank, MPP_ELEMENT_F32, routing->n_sent, 1);
    mpp_run(rank, take_rows, given->tensor, node->output->gradient->tensor, routing->tokens->tensor, 0);
    mpp_run(rank, dot_rows, dw->tensor, given->tensor, returned);
    MppBuffer *dweights = mpp_buffer_zeros(rank, MPP_ELEMENT_F32, weights->rows, weights->columns);
    MppTensor flat = mpp_tensor_shaped(dweights->tensor, weights->rows * weights->columns, 1);
    mpp_run(rank, add_rows, flat, dw->tensor, routing->slots->tensor, 0);
    mpp_run(rank, scale_rows, given->tensor, given->tensor, w);
    mpp_value_give(weights, dweights);
    mpp_value_give(node->inputs[0], mpp_routing_send(routing, given));
}

static MppValue *combine(MppTape *tape, const MppRouting *routing, MppValue *y, MppValue *weights)
{
    const MppRank *rank = mpp_tape_rank(tape);
    MppBuffer *returned = mpp_routing_return(routing, y->data);
    MppBuffer *w = mpp_buffer_new(rank, MPP_ELEMENT_F32, routing->n_sent, 1);
    mpp_run(rank, take_rows, w->tensor, mpp_tensor_shaped(weights->data->tensor, weights->rows * weights->columns, 1),
            routing->slots->tensor, 0);
    g_autoptr(MppBuffer) weighted = mpp_buffer_new(rank, y->element, routing->n_sent, y->columns);
    mpp_run(rank, scale_rows, weighted->tensor, returned->tensor, w->tensor);
    MppValue *out = mpp_tape_value(tape, mpp_buffer_zeros(rank, y->element, weights->rows, y->columns));
    mpp_run(rank, add_rows, out->data->tensor, weighted->tensor, routing->tokens->tensor, 0);
    Routed *node = mpp_tape_add(tape, sizeof(Routed), "combine", combine_backward, y, out);
    node->node.inputs[1] = weights;
    node->node.saved[0] = returned;
    node->node.saved[1] = w;
    node->routing = routing;
    mpp_value_drop(y);
    mpp_value_drop(weights);
    return out;
}

MppValue *mpp_node_experts(MppTape *tape, const MppExperts *experts, MppValue *x)
{
    g_autoptr(MppBuffer) chosen = NULL;
    MppValue *logits = mpp_node_linear(tape, "router", mpp_value_hold(x), experts->router, experts->router_bias);
    MppValue *weights = route(tape, logits, experts->topk, &chosen);
    MppRouting *routing = mpp_routing_new(experts->place, experts->experts, chosen);
    MppValue *y = dispatch(tape, routing, x);
    y = grouped_linear(tape, "mlp up projection", routing, y, experts->up);
    y = mpp_node_activation(tape, experts->activation, experts->gated, y);
    y = grouped_linear(tape, "mlp down projection", routing, y, experts->down);
    return combine(tape, routing, y, weights);
}
