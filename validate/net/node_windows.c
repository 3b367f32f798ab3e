/**
 * Convolutions and pools over images whose rows are pixels.
 */
#include "validate/net/nodes.h"

/** Rows of the windows. */
static int64_t window_rows(const MppWindows *w)
{
    return w->samples * w->out_height * w->out_width;
}

typedef struct {
    MppNode node; /* saved: x */
    MppWindows windows;
    MppNetParameter *weight, *bias;
} Convolution;

/** A row for each window; not kept: several times what came in. */
static MppBuffer *gathered(const MppRank *rank, const MppWindows *w, MppTensor x)
{
    MppBuffer *rows = mpp_buffer_new(rank, x.element, window_rows(w), x.columns * w->kernel_height * w->kernel_width);
    mpp_run(rank, windows, w, rows->tensor, x);
    return rows;
}

static void convolution_backward(MppTape *tape, MppNode *node)
{
    const Convolution *convolution = (const Convolution *)node;
    const MppRank *rank = mpp_tape_rank(tape);
    const MppWindows *w = &convolution->windows;
    MppBuffer *dy = node->output->gradient;
    MppTensor x = node->saved[0]->tensor;
    g_autoptr(MppBuffer) rows = gathered(rank, w, x);
    mpp_tape_weight(tape, node->name, convolution->weight->gradient, dy, rows, 0, rows->tensor.rows);
    if (mpp_net_parameter_exists(convolution->bias))
        mpp_run(rank, add_columns, convolution->bias->gradient, dy->tensor);
    g_autoptr(MppBuffer) drows = mpp_buffer_new(rank, x.element, rows->tensor.rows, rows->tensor.columns);
    mpp_run(rank, matmul, drows->tensor, dy->tensor, false, convolution->weight->data, false, false);
    MppBuffer *dx = mpp_buffer_new(rank, x.element, x.rows, x.columns);
    mpp_run(rank, windows_backward, w, dx->tensor, drows->tensor);
    mpp_value_give(node->inputs[0], dx);
}

MppValue *mpp_node_convolution(MppTape *tape, const char *name, const MppWindows *windows, MppValue *x, MppNetParameter *weight,
                               MppNetParameter *bias)
{
    const MppRank *rank = mpp_tape_rank(tape);
    g_autoptr(MppBuffer) rows = gathered(rank, windows, x->data->tensor);
    MppValue *y = mpp_tape_result(tape, x->element, rows->tensor.rows, mpp_split_rows(&weight->split));
    mpp_run(rank, matmul, y->data->tensor, rows->tensor, false, weight->data, true, false);
    if (mpp_net_parameter_exists(bias))
        mpp_run(rank, add_bias, y->data->tensor, bias->data);
    Convolution *convolution = mpp_tape_add(tape, sizeof(Convolution), name, convolution_backward, x, y);
    convolution->node.saved[0] = mpp_buffer_hold(x->data);
    convolution->windows = *windows;
    convolution->weight = weight;
    convolution->bias = bias;
    mpp_value_drop(x);
    return y;
}

typedef struct {
    MppNode node; /* saved: x, of a mean nothing */
    MppWindows windows;
    MppPoolKind kind;
} Pool;

static void pool_backward(MppTape *tape, MppNode *node)
{
    const Pool *pool = (const Pool *)node;
    MppTensor x = node->saved[0] ? node->saved[0]->tensor : (MppTensor){ 0 }, dy = node->output->gradient->tensor;
    const MppValue *in = node->inputs[0];
    MppBuffer *dx = mpp_buffer_new(mpp_tape_rank(tape), in->element, in->rows, in->columns);
    mpp_run(mpp_tape_rank(tape), pool_backward, pool->kind, &pool->windows, dx->tensor, dy, x);
    mpp_value_give(node->inputs[0], dx);
}

MppValue *mpp_node_pool(MppTape *tape, const char *name, MppPoolKind kind, const MppWindows *windows, MppValue *x)
{
    MppValue *y = mpp_tape_result(tape, x->element, window_rows(windows), x->columns);
    mpp_run(mpp_tape_rank(tape), pool, kind, windows, y->data->tensor, x->data->tensor);
    Pool *pool = mpp_tape_add(tape, sizeof(Pool), name, pool_backward, x, y);
    pool->node.saved[0] = kind == MPP_MAX_POOL ? mpp_buffer_hold(x->data) : NULL;
    pool->windows = *windows;
    pool->kind = kind;
    mpp_value_drop(x);
    return y;
}
