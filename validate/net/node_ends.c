/**
 * The two ends of a net: rows of a table in, cross entropy out.
 */
#include "validate/net/nodes.h"

static void nothing_backward(MppTape *tape, MppNode *node)
{
    (void)tape;
    (void)node;
}

MppValue *mpp_node_input(MppTape *tape, MppElement element, const MppBuffer *exact)
{
    MppValue *x = mpp_tape_result(tape, element, exact->tensor.rows, exact->tensor.columns);
    mpp_run(mpp_tape_rank(tape), copy, x->data->tensor, exact->tensor);
    mpp_tape_add(tape, sizeof(MppNode), "input", nothing_backward, NULL, x);
    return x;
}

typedef struct {
    MppNode node; /* saved: index */
    MppNetParameter *table;
    int64_t first;
} Embedding;

static void embedding_backward(MppTape *tape, MppNode *node)
{
    const Embedding *embedding = (const Embedding *)node;
    mpp_run(mpp_tape_rank(tape), add_rows, embedding->table->gradient, node->output->gradient->tensor, node->saved[0]->tensor,
            embedding->first);
}

MppValue *mpp_node_embedding(MppTape *tape, const char *name, MppNetParameter *table, MppBuffer *index, int64_t first)
{
    MppValue *y = mpp_tape_result(tape, table->data.element, index->tensor.rows, table->split.n_columns);
    mpp_run(mpp_tape_rank(tape), take_rows, y->data->tensor, table->data, index->tensor, first);
    Embedding *embedding = mpp_tape_add(tape, sizeof(Embedding), name, embedding_backward, NULL, y);
    embedding->node.saved[0] = mpp_buffer_hold(index);
    embedding->table = table;
    embedding->first = first;
    return y;
}

typedef struct {
    MppNode node; /* saved: logits, maximum, sums, targets */
    int64_t first, n_valid;
    double scale;
} Loss;

static void loss_backward(MppTape *tape, MppNode *node)
{
    const Loss *loss = (const Loss *)node;
    MppBuffer *logits = g_steal_pointer(&node->saved[0]);
    mpp_run(mpp_tape_rank(tape), loss_gradient, logits->tensor, node->saved[1]->tensor, node->saved[2]->tensor,
            node->saved[3]->tensor, loss->first, loss->n_valid, loss->scale);
    mpp_value_give(node->inputs[0], logits);
}

void mpp_node_loss(MppTape *tape, const MppPlace *place, MppGroupKind group, MppValue *logits, MppBuffer *targets, int64_t first, int64_t n_valid,
                   double scale, MppTensor total)
{
    const MppRank *rank = mpp_tape_rank(tape);
    MppBuffer *maximum = mpp_buffer_new(rank, MPP_ELEMENT_F32, logits->rows, 1);
    MppBuffer *sums = mpp_buffer_new(rank, MPP_ELEMENT_F32, logits->rows, 2);
    mpp_run(rank, loss_maximum, maximum->tensor, logits->data->tensor, n_valid);
    if (place->groups[group].handle)
        mpp_run(rank, all_reduce, place->groups[group].handle, MPP_MAX, maximum->tensor);
    mpp_run(rank, loss_sums, sums->tensor, logits->data->tensor, maximum->tensor, targets->tensor, first, n_valid);
    mpp_place_sum(place, group, sums->tensor);
    mpp_run(rank, loss_total, total, sums->tensor, scale);

    Loss *loss = mpp_tape_add(tape, sizeof(Loss), "cross entropy", loss_backward, logits, NULL);
    loss->node.saved[0] = mpp_buffer_hold(logits->data);
    loss->node.saved[1] = maximum;
    loss->node.saved[2] = sums;
    loss->node.saved[3] = mpp_buffer_hold(targets);
    loss->first = first;
    loss->n_valid = n_valid;
    loss->scale = scale;
    mpp_value_drop(logits);
}
