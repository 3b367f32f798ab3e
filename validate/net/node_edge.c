/**
 * The edges of what is split over tp or sharded over replicas: each transfer's backward pass is its mirror image.
 */
#include "validate/net/nodes.h"

typedef struct {
    MppNode node;
    const MppTpEdge *edge;
} Edge;

static bool is_split(const MppTpEdge *edge)
{
    return edge->place->groups[MPP_GROUP_TP].n > 1;
}

static MppBuffer *gathered(const MppTpEdge *edge, const MppBuffer *part)
{
    MppTensor x = part->tensor;
    MppBuffer *whole = mpp_buffer_new(part->rank, x.element, x.rows * edge->place->groups[MPP_GROUP_TP].n, x.columns);
    mpp_place_gather(edge->place, MPP_GROUP_TP, whole->tensor, x);
    return whole;
}

static MppBuffer *scattered(const MppTpEdge *edge, const MppBuffer *whole)
{
    MppTensor x = whole->tensor;
    MppBuffer *part = mpp_buffer_new(whole->rank, x.element, x.rows / edge->place->groups[MPP_GROUP_TP].n, x.columns);
    mpp_place_scatter(edge->place, MPP_GROUP_TP, part->tensor, x);
    return part;
}

/** The sum over tp, in place if nobody else needs @part, which is taken over. */
static MppBuffer *summed(const MppTpEdge *edge, MppBuffer *part)
{
    part = mpp_buffer_own(part);
    mpp_place_sum(edge->place, MPP_GROUP_TP, part->tensor);
    return part;
}

static MppValue *record(MppTape *tape, const MppTpEdge *edge, const char *name, MppBackward backward, MppValue *x,
                        MppBuffer *data)
{
    MppValue *y = mpp_tape_value(tape, data);
    Edge *node = mpp_tape_add(tape, sizeof(Edge), name, backward, x, y);
    node->edge = edge;
    mpp_value_drop(x);
    return y;
}

static void enter_backward(MppTape *tape, MppNode *node)
{
    (void)tape;
    const MppTpEdge *edge = ((Edge *)node)->edge;
    MppValue *y = node->output;
    mpp_value_give(node->inputs[0],
                   edge->sequence_parallel ? scattered(edge, y->gradient) : summed(edge, g_steal_pointer(&y->gradient)));
}

MppValue *mpp_node_enter(MppTape *tape, const MppTpEdge *edge, MppValue *x)
{
    if (!is_split(edge))
        return x;
    if (edge->sequence_parallel)
        return record(tape, edge, "gather sequence", enter_backward, x, gathered(edge, x->data));
    return record(tape, edge, "sum input gradients", enter_backward, x, mpp_buffer_hold(x->data));
}

static void leave_backward(MppTape *tape, MppNode *node)
{
    (void)tape;
    const MppTpEdge *edge = ((Edge *)node)->edge;
    MppValue *y = node->output;
    mpp_value_give(node->inputs[0], edge->sequence_parallel ? gathered(edge, y->gradient) : mpp_buffer_hold(y->gradient));
}

MppValue *mpp_node_leave(MppTape *tape, const MppTpEdge *edge, MppValue *x)
{
    if (!is_split(edge))
        return x;
    if (edge->sequence_parallel)
        return record(tape, edge, "scatter outputs", leave_backward, x, scattered(edge, x->data));
    x->data = summed(edge, x->data);
    return record(tape, edge, "sum outputs", leave_backward, x, mpp_buffer_hold(x->data));
}

typedef struct {
    MppNode node;
    MppBucket *bucket;
} Gate;

static void open_backward(MppTape *tape, MppNode *node)
{
    (void)tape;
    mpp_bucket_close(((Gate *)node)->bucket, true);
}

static void close_backward(MppTape *tape, MppNode *node)
{
    (void)tape;
    mpp_bucket_open(((Gate *)node)->bucket, true);
}

static void add_gate(MppTape *tape, MppBucket *bucket, const char *name, MppBackward backward)
{
    Gate *gate = mpp_tape_add(tape, sizeof(Gate), name, backward, NULL, NULL);
    gate->bucket = bucket;
}

void mpp_node_open(MppTape *tape, MppBucket *bucket)
{
    if (bucket->zero < 2)
        return;
    mpp_bucket_open(bucket, false);
    add_gate(tape, bucket, "gather parameters", open_backward);
}

void mpp_node_close(MppTape *tape, MppBucket *bucket)
{
    if (bucket->zero < 2)
        return;
    mpp_bucket_close(bucket, false);
    add_gate(tape, bucket, "gather parameters", close_backward);
}
