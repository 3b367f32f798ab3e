#include "planner/ops/parts.h"

/** Ranks that share the channels a part takes or gives. */
static double ways(const MppOpContext *at, bool split)
{
    return split ? at->tp : 1;
}

static double elements_out(const MppOpContext *at, const MppPart *part)
{
    return at->tokens * (double)mpp_shape_elements(part->out) / ways(at, part->split_out);
}

static double elements_in(const MppOpContext *at, const MppPart *part)
{
    return at->tokens * (double)mpp_shape_elements(part->in) / ways(at, part->split_in);
}

/**
 * A convolution is the product of its windows, a row each, with the kernel (im2col). Libraries read the windows from the
 * input as they go; a stack that does not writes them to memory first, and once more in the backward pass. They have the
 * product's name: who takes the time cannot tell them from it.
 */
static void add_product(const MppOpContext *at, MppOps *ops, const MppPart *part)
{
    static const char *const names[] = { "convolution", "linear", "shortcut" };
    double groups = (double)part->groups, window = (double)(part->kernel_height * part->kernel_width);
    double rows = at->tokens * (double)mpp_shape_pixels(part->out), in = elements_in(at, part);
    double k = (double)part->in.channels / groups * window / ways(at, part->split_in);
    bool writes = mpp_part_gathers(part) && at->job->runtime->writes_windows;
    if (part->split_out && !part->split_in)
        mpp_ops_add_tp_entry(at, ops, (double)mpp_shape_elements(part->in));
    if (writes) {
        MppOp *patches = mpp_ops_add_memory(at, ops, names[part->kind], in, rows * k * groups, in + rows * k * groups, 1);
        patches->backward_kernels = 2;
    }
    MppOp *op = mpp_ops_add_matmul(at, ops, names[part->kind], rows, (double)part->out.channels / groups / ways(at, part->split_out), k,
                                   !part->norm);
    op->count = groups;
    op->parameters *= groups;
    op->overlap = writes ? 1 : rows * k * groups / in;
    if (part->split_in && !part->split_out)
        mpp_ops_add_tp_exit(at, ops, (double)mpp_shape_elements(part->out));
}

/** What the largest of a window was is kept as a number of 8 bytes (PyTorch's indices). */
static void add_pool(const MppOpContext *at, MppOps *ops, const MppPart *part)
{
    bool largest = part->kind == MPP_PART_MAX_POOL;
    double in = elements_in(at, part), out = elements_out(at, part);
    MppOp *op = mpp_ops_add_memory(at, ops, largest ? "max pool" : "average pool", in, out, 0, 1);
    op->kept_bytes = largest ? out * 8 : 0;
}

/** Means and variances over a micro-batch need all of it before any of it can be scaled: one more reading, each way. */
static void add_norm(const MppOpContext *at, MppOps *ops, const MppPart *part)
{
    double elements = elements_out(at, part), again = part->norm == MPP_CHANNEL_NORM_BATCH ? elements : 0;
    MppOp *op = mpp_ops_add_memory(at, ops, "norm", elements + again, elements, elements, 1);
    op->streaming = MPP_STREAMING_NORM;
    op->backward_bytes += again * at->element;
    op->backward_kernels = 2;
    op->kept_bytes = elements * at->element;
    op->parameters = 2 * (double)part->out.channels / ways(at, part->split_out);
}

/** Keeps its output, which a ReLU's slope is told by and the next product reads; the others keep their input, too. */
static void add_activation(const MppOpContext *at, MppOps *ops, MppElementwise kind, double elements)
{
    MppOp *op = mpp_ops_add_memory(at, ops, "activation", elements, elements, elements, 1);
    op->streaming = MPP_STREAMING_ACTIVATION;
    op->kept_bytes = elements * at->element * (kind == MPP_ELEMENTWISE_RELU ? 1 : 2);
}

static MppOp *last_computed(MppOps *ops)
{
    int last = ops->n - 1;
    while (ops->ops[last].kind == MPP_OP_COLLECTIVE)
        last--;
    return &ops->ops[last];
}

/** @read: what comes out is the input of a part that keeps it. */
static void add_part(const MppOpContext *at, MppOps *ops, const MppPart *part, bool read)
{
    if (mpp_part_is_product(part))
        add_product(at, ops, part);
    else
        add_pool(at, ops, part);
    if (part->norm)
        add_norm(at, ops, part);
    if (part->activation)
        add_activation(at, ops, part->activation, elements_out(at, part));
    else if (read)
        last_computed(ops)->kept_bytes += elements_out(at, part) * at->element;
}

/** Backward, the input's gradients by both ways are added up. */
static void add_residual_sum(const MppOpContext *at, MppOps *ops)
{
    double elements = at->tokens * (double)mpp_shape_elements(at->layer->out);
    double in = at->tokens * (double)mpp_shape_elements(at->layer->in);
    MppOp *op = mpp_ops_add_memory(at, ops, "residual", 2 * elements, elements, 0, 1);
    op->backward_bytes = 3 * in * at->element;
    if (at->layer->listed->activation)
        add_activation(at, ops, at->layer->listed->activation, elements);
    else
        op->kept_bytes = elements * at->element;
}

void mpp_ops_add_listed(const MppOpContext *at, MppOps *ops)
{
    const GArray *parts = at->layer->parts;
    bool residual = at->layer->listed->residual;
    guint n_ops = at->layer->listed->ops->len;
    for (guint i = 0; i < parts->len; i++)
        add_part(at, ops, &g_array_index(parts, MppPart, i), !residual || i + 1 < n_ops);
    if (residual)
        add_residual_sum(at, ops);
}
