#include "validate/net/nodes.h"

static const double norm_epsilon = 1e-5; /* of Llama and GPT alike */

typedef struct {
    MppNode node; /* saved: x, statistics */
    MppNormType type;
    MppNetParameter *weight, *bias;
} Norm;

static void norm_backward(MppTape *tape, MppNode *node)
{
    const Norm *norm = (const Norm *)node;
    MppTensor x = node->saved[0]->tensor;
    MppBuffer *dx = mpp_buffer_new(mpp_tape_rank(tape), x.element, x.rows, x.columns);
    mpp_run(mpp_tape_rank(tape), norm_backward, norm->type, dx->tensor, norm->weight->gradient, norm->bias->gradient,
            node->output->gradient->tensor, x, norm->weight->data, node->saved[1]->tensor);
    mpp_value_give(node->inputs[0], dx);
}

MppValue *mpp_node_norm(MppTape *tape, const char *name, MppNormType type, MppValue *x, MppNetParameter *weight,
                        MppNetParameter *bias)
{
    const MppRank *rank = mpp_tape_rank(tape);
    MppValue *y = mpp_tape_result(tape, x->element, x->rows, x->columns);
    MppBuffer *statistics = mpp_buffer_new(rank, MPP_ELEMENT_F32, x->rows, 2);
    mpp_run(rank, norm, type, y->data->tensor, x->data->tensor, weight->data, bias->data, statistics->tensor, norm_epsilon);
    Norm *norm = mpp_tape_add(tape, sizeof(Norm), name, norm_backward, x, y);
    norm->node.saved[0] = mpp_buffer_hold(x->data);
    norm->node.saved[1] = statistics;
    norm->type = type;
    norm->weight = weight;
    norm->bias = bias;
    mpp_value_drop(x);
    return y;
}

static void add_backward(MppTape *tape, MppNode *node)
{
    (void)tape;
    mpp_value_give(node->inputs[0], mpp_buffer_hold(node->output->gradient));
    mpp_value_give(node->inputs[1], mpp_buffer_hold(node->output->gradient));
}

MppValue *mpp_node_add(MppTape *tape, const char *name, MppValue *a, MppValue *b)
{
    MppValue *y = mpp_tape_result(tape, a->element, a->rows, a->columns);
    mpp_run(mpp_tape_rank(tape), add, y->data->tensor, a->data->tensor, b->data->tensor);
    MppNode *node = mpp_tape_add(tape, sizeof(MppNode), name, add_backward, a, y);
    node->inputs[1] = b;
    mpp_value_drop(a);
    mpp_value_drop(b);
    return y;
}

typedef struct {
    MppNode node; /* saved: x */
    MppActivation kind;
    bool gated;
} Activation;

static void activation_backward(MppTape *tape, MppNode *node)
{
    const Activation *activation = (const Activation *)node;
    MppTensor x = node->saved[0]->tensor;
    MppBuffer *dx = mpp_buffer_new(mpp_tape_rank(tape), x.element, x.rows, x.columns);
    mpp_run(mpp_tape_rank(tape), activation_backward, activation->kind, activation->gated, dx->tensor,
            node->output->gradient->tensor, x);
    mpp_value_give(node->inputs[0], dx);
}

MppValue *mpp_node_activation(MppTape *tape, MppActivation kind, bool gated, MppValue *x)
{
    MppValue *y = mpp_tape_result(tape, x->element, x->rows, gated ? x->columns / 2 : x->columns);
    mpp_run(mpp_tape_rank(tape), activation, kind, gated, y->data->tensor, x->data->tensor);
    Activation *node = mpp_tape_add(tape, sizeof(Activation), "activation", activation_backward, x, y);
    node->node.saved[0] = mpp_buffer_hold(x->data);
    node->kind = kind;
    node->gated = gated;
    mpp_value_drop(x);
    return y;
}
