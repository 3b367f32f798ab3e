#include "validate/net/nodes.h"

typedef struct {
    MppNode node; /* saved: x */
    MppNetParameter *weight, *bias;
} Linear;

static void add_bias_gradient(MppTape *tape, MppNetParameter *bias, const MppBuffer *dy)
{
    if (mpp_net_parameter_exists(bias))
        mpp_run(mpp_tape_rank(tape), add_columns, bias->gradient, dy->tensor);
}

static void linear_backward(MppTape *tape, MppNode *node)
{
    const Linear *linear = (const Linear *)node;
    MppBuffer *dy = node->output->gradient, *x = node->saved[0];
    MppBuffer *dx = mpp_buffer_new(mpp_tape_rank(tape), x->tensor.element, x->tensor.rows, x->tensor.columns);
    mpp_run(mpp_tape_rank(tape), matmul, dx->tensor, dy->tensor, false, linear->weight->data, false, false);
    mpp_value_give(node->inputs[0], dx);
    mpp_tape_weight(tape, node->name, linear->weight->gradient, dy, x, 0, x->tensor.rows);
    add_bias_gradient(tape, linear->bias, dy);
}

MppValue *mpp_node_linear(MppTape *tape, const char *name, MppValue *x, MppNetParameter *weight, MppNetParameter *bias)
{
    const MppRank *rank = mpp_tape_rank(tape);
    MppValue *y = mpp_tape_result(tape, x->element, x->rows, mpp_split_rows(&weight->split));
    mpp_run(rank, matmul, y->data->tensor, x->data->tensor, false, weight->data, true, false);
    if (mpp_net_parameter_exists(bias))
        mpp_run(rank, add_bias, y->data->tensor, bias->data);
    Linear *linear = mpp_tape_add(tape, sizeof(Linear), name, linear_backward, x, y);
    linear->node.saved[0] = mpp_buffer_hold(x->data);
    linear->weight = weight;
    linear->bias = bias;
    mpp_value_drop(x);
    return y;
}

static void bias_backward(MppTape *tape, MppNode *node)
{
    add_bias_gradient(tape, ((Linear *)node)->bias, node->output->gradient);
    mpp_value_give(node->inputs[0], mpp_buffer_hold(node->output->gradient));
}

/** A value whose data is @x's, changed in place. */
static MppValue *in_place(MppTape *tape, MppValue *x)
{
    x->data = mpp_buffer_own(x->data);
    MppValue *y = mpp_tape_value(tape, mpp_buffer_hold(x->data));
    mpp_value_drop(x);
    return y;
}

MppValue *mpp_node_bias(MppTape *tape, const char *name, MppValue *x, MppNetParameter *bias)
{
    if (!mpp_net_parameter_exists(bias))
        return x;
    MppValue *y = in_place(tape, x);
    mpp_run(mpp_tape_rank(tape), add_bias, y->data->tensor, bias->data);
    Linear *node = mpp_tape_add(tape, sizeof(Linear), name, bias_backward, x, y);
    node->bias = bias;
    return y;
}

typedef struct {
    MppNode node; /* saved: positions */
    int64_t turned, dim;
} Rotary;

static const double rotary_base = 10000; /* arXiv:2104.09864 §3.3 */

static void rotary_backward(MppTape *tape, MppNode *node)
{
    const Rotary *rotary = (const Rotary *)node;
    MppBuffer *gradient = mpp_buffer_own(g_steal_pointer(&node->output->gradient));
    mpp_run(mpp_tape_rank(tape), rotary, mpp_tensor_columns(gradient->tensor, 0, rotary->turned), node->saved[0]->tensor,
            rotary->dim, rotary_base, true);
    mpp_value_give(node->inputs[0], gradient);
}

MppValue *mpp_node_rotary(MppTape *tape, MppValue *x, int64_t turned, int64_t dim, MppBuffer *positions)
{
    MppValue *y = in_place(tape, x);
    mpp_run(mpp_tape_rank(tape), rotary, mpp_tensor_columns(y->data->tensor, 0, turned), positions->tensor, dim, rotary_base,
            false);
    Rotary *node = mpp_tape_add(tape, sizeof(Rotary), "rotary embedding", rotary_backward, x, y);
    node->node.saved[0] = mpp_buffer_hold(positions);
    node->turned = turned;
    node->dim = dim;
    return y;
}
