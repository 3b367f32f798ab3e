#include "validate/net/nodes.h"

typedef struct {
    MppNode node; /* saved: x */
    MppForward forward;
    gconstpointer closure;
} Again;

static void again_backward(MppTape *tape, MppNode *node)
{
    const Again *again = (const Again *)node;
    MppTape *part = mpp_tape_part(tape);
    MppValue *x = mpp_value_hold(mpp_tape_value(part, mpp_buffer_hold(node->saved[0])));
    MppValue *y = again->forward(part, again->closure, x);
    y->gradient = g_steal_pointer(&node->output->gradient);
    mpp_value_drop(y);
    mpp_tape_part_backward(part, tape);
    mpp_value_give(node->inputs[0], g_steal_pointer(&x->gradient));
    mpp_tape_part_free(part, tape);
}

MppValue *mpp_node_again(MppTape *tape, MppForward forward, gconstpointer closure, MppValue *x)
{
    MppBuffer *kept = mpp_buffer_hold(x->data);
    MppTape *part = mpp_tape_part(tape);
    MppValue *once = forward(part, closure, mpp_tape_value(part, mpp_buffer_hold(kept)));
    MppValue *y = mpp_tape_value(tape, mpp_buffer_hold(once->data));
    mpp_tape_part_free(part, tape);
    Again *again = mpp_tape_add(tape, sizeof(Again), NULL, again_backward, x, y);
    again->node.saved[0] = kept;
    again->forward = forward;
    again->closure = closure;
    mpp_value_drop(x);
    return y;
}
