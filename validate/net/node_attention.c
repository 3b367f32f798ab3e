#include <math.h>

#include "validate/net/context.h"
#include "validate/net/nodes.h"

typedef struct {
    MppNode node; /* saved: qkv, out, lse */
    const MppPlace *place;
    MppAttentionShape shape;
} Attention;

static int64_t query_width(const MppAttentionShape *shape)
{
    return shape->heads * shape->dim;
}

static int64_t kv_width(const MppAttentionShape *shape)
{
    return shape->kv_heads * shape->dim;
}

/** Keys side by side with values, as they go round the ring. */
typedef struct {
    MppTensor k, v;
} Keys;

static Keys keys_of(const MppAttentionShape *shape, MppTensor kv)
{
    int64_t width = kv_width(shape);
    return (Keys){ mpp_tensor_columns(kv, 0, width), mpp_tensor_columns(kv, width, width) };
}

static Keys own_keys(const MppAttentionShape *shape, MppTensor qkv)
{
    return keys_of(shape, mpp_tensor_columns(qkv, query_width(shape), 2 * kv_width(shape)));
}

/** The rank's and another's @i-th pair of runs. Returns: false when no query of one sees a key of the other, or none is left. */
static bool block_of(const Attention *a, int64_t rows, int64_t source, int i, MppAttentionBlock *block)
{
    int64_t cp = a->place->groups[MPP_GROUP_CP].n, seq = rows / a->shape.sequences * cp;
    int n_runs = mpp_context_n_runs(cp);
    MppContextRun queries = mpp_context_run(seq, cp, a->place->cp, i / n_runs);
    MppContextRun keys = mpp_context_run(seq, cp, source, i % n_runs);
    *block = (MppAttentionBlock){ queries.row, queries.n, queries.position, keys.row, keys.n, keys.position };
    int64_t nearest = queries.position - (keys.position + keys.n - 1); /* first query, last key */
    return keys.position < queries.position + queries.n && (!a->shape.window || nearest < a->shape.window);
}

static int n_blocks(const Attention *a)
{
    int n_runs = mpp_context_n_runs(a->place->groups[MPP_GROUP_CP].n);
    return n_runs * n_runs;
}

/** Sends @from to the next rank of the ring and receives the previous one's into @to. */
static void pass_on(const Attention *a, MppTensor from, MppTensor to)
{
    const MppRankGroup *ring = &a->place->groups[MPP_GROUP_CP];
    mpp_place_turn(a->place, from, mpp_place_cp_rank(a->place, (ring->index + 1) % ring->n), to,
                   mpp_place_cp_rank(a->place, (ring->index + ring->n - 1) % ring->n));
}

/** Replaces @buffer by the previous rank's. */
static MppBuffer *turned(const Attention *a, MppBuffer *buffer)
{
    MppBuffer *next = mpp_buffer_new(buffer->rank, buffer->tensor.element, buffer->tensor.rows, buffer->tensor.columns);
    pass_on(a, buffer->tensor, next->tensor);
    mpp_buffer_drop(buffer);
    return next;
}

static MppBuffer *copied(const MppRank *rank, MppTensor x)
{
    MppBuffer *copy = mpp_buffer_new(rank, x.element, x.rows, x.columns);
    mpp_run(rank, copy, copy->tensor, x);
    return copy;
}

/** Whose keys and values are here after @step steps round the ring. */
static int64_t source_at(const Attention *a, int64_t step)
{
    int64_t cp = a->place->groups[MPP_GROUP_CP].n;
    return (a->place->cp + cp - step) % cp;
}

static void attend(const Attention *a, MppTensor qkv, Keys keys, int64_t source, MppTensor out, MppTensor lse)
{
    MppAttentionBlock block;
    MppTensor q = mpp_tensor_columns(qkv, 0, query_width(&a->shape));
    for (int i = 0; i < n_blocks(a); i++)
        if (block_of(a, qkv.rows, source, i, &block))
            mpp_run(a->place->rank, attention, &a->shape, &block, out, lse, q, keys.k, keys.v);
}

static void attend_ring(const Attention *a, MppTensor qkv, MppTensor out, MppTensor lse)
{
    const MppRank *rank = a->place->rank;
    int64_t cp = a->place->groups[MPP_GROUP_CP].n, width = 2 * kv_width(&a->shape);
    attend(a, qkv, own_keys(&a->shape, qkv), a->place->cp, out, lse);
    g_autoptr(MppBuffer) kv = cp > 1 ? copied(rank, mpp_tensor_columns(qkv, query_width(&a->shape), width)) : NULL;
    for (int64_t step = 1; step < cp; step++) {
        kv = turned(a, kv);
        attend(a, qkv, keys_of(&a->shape, kv->tensor), source_at(a, step), out, lse);
    }
}

static bool gathers(const Attention *a)
{
    return a->place->groups[MPP_GROUP_CP].n > 1 && a->place->strategy->cp_kind == MPP_CP_ALL_GATHER;
}

/** Keys side by side with values of all ranks, one rank's rows after another's. */
static MppBuffer *gathered(const Attention *a, MppTensor qkv)
{
    const MppRank *rank = a->place->rank;
    int64_t width = 2 * kv_width(&a->shape);
    g_autoptr(MppBuffer) own = copied(rank, mpp_tensor_columns(qkv, query_width(&a->shape), width));
    MppBuffer *all = mpp_buffer_new(rank, qkv.element, a->place->groups[MPP_GROUP_CP].n * qkv.rows, width);
    mpp_place_gather(a->place, MPP_GROUP_CP, all->tensor, own->tensor);
    return all;
}

static void attend_gathered(const Attention *a, MppTensor qkv, MppTensor out, MppTensor lse)
{
    g_autoptr(MppBuffer) kv = gathered(a, qkv);
    for (int64_t source = 0; source < a->place->groups[MPP_GROUP_CP].n; source++)
        attend(a, qkv, keys_of(&a->shape, mpp_tensor_rows(kv->tensor, source * qkv.rows, qkv.rows)), source, out, lse);
}

typedef struct {
    MppTensor qkv, dout, lse, delta, dq;
} Gradients;

static void attend_backward(const Attention *a, const Gradients *g, Keys keys, Keys dkeys, int64_t source)
{
    MppAttentionBlock block;
    MppTensor q = mpp_tensor_columns(g->qkv, 0, query_width(&a->shape));
    for (int i = 0; i < n_blocks(a); i++)
        if (block_of(a, g->qkv.rows, source, i, &block))
            mpp_run(a->place->rank, attention_backward, &a->shape, &block, g->dq, dkeys.k, dkeys.v, g->dout, q, keys.k, keys.v,
                    g->lse, g->delta);
}

/** The gradients of a rank's keys and values go round with them and come home after cp steps. */
static void attend_backward_ring(const Attention *a, const Gradients *g, MppTensor dqkv)
{
    const MppRank *rank = a->place->rank;
    int64_t cp = a->place->groups[MPP_GROUP_CP].n, first = query_width(&a->shape), width = 2 * kv_width(&a->shape);
    MppTensor own = mpp_tensor_columns(dqkv, first, width);
    attend_backward(a, g, own_keys(&a->shape, g->qkv), keys_of(&a->shape, own), a->place->cp);
    if (cp == 1)
        return;
    g_autoptr(MppBuffer) kv = copied(rank, mpp_tensor_columns(g->qkv, first, width));
    g_autoptr(MppBuffer) dkv = copied(rank, own);
    for (int64_t step = 1; step < cp; step++) {
        kv = turned(a, kv);
        dkv = turned(a, dkv);
        attend_backward(a, g, keys_of(&a->shape, kv->tensor), keys_of(&a->shape, dkv->tensor), source_at(a, step));
    }
    dkv = turned(a, dkv);
    mpp_run(rank, copy, own, dkv->tensor);
}

/** Keys and values are gathered again; a rank gets the sums of all ranks' gradients of its own. */
static void attend_backward_gathered(const Attention *a, const Gradients *g, MppTensor dqkv)
{
    const MppRank *rank = a->place->rank;
    int64_t rows = g->qkv.rows, first = query_width(&a->shape), width = 2 * kv_width(&a->shape);
    g_autoptr(MppBuffer) kv = gathered(a, g->qkv);
    g_autoptr(MppBuffer) dkv = mpp_buffer_zeros(rank, dqkv.element, kv->tensor.rows, width);
    g_autoptr(MppBuffer) own = mpp_buffer_new(rank, dqkv.element, rows, width);
    for (int64_t source = 0; source < a->place->groups[MPP_GROUP_CP].n; source++) {
        Keys keys = keys_of(&a->shape, mpp_tensor_rows(kv->tensor, source * rows, rows));
        attend_backward(a, g, keys, keys_of(&a->shape, mpp_tensor_rows(dkv->tensor, source * rows, rows)), source);
    }
    mpp_place_scatter(a->place, MPP_GROUP_CP, own->tensor, dkv->tensor);
    mpp_run(rank, copy, mpp_tensor_columns(dqkv, first, width), own->tensor);
}

static void attention_backward(MppTape *tape, MppNode *node)
{
    const Attention *a = (const Attention *)node;
    const MppRank *rank = mpp_tape_rank(tape);
    MppTensor qkv = node->saved[0]->tensor, dout = node->output->gradient->tensor;
    g_autoptr(MppBuffer) delta = mpp_buffer_new(rank, MPP_ELEMENT_F32, qkv.rows, a->shape.heads);
    mpp_run(rank, dot_heads, delta->tensor, node->saved[1]->tensor, dout);
    MppBuffer *dqkv = mpp_buffer_zeros(rank, qkv.element, qkv.rows, qkv.columns);
    Gradients g = { qkv, dout, node->saved[2]->tensor, delta->tensor,
                    mpp_tensor_columns(dqkv->tensor, 0, query_width(&a->shape)) };
    (gathers(a) ? attend_backward_gathered : attend_backward_ring)(a, &g, dqkv->tensor);
    mpp_value_give(node->inputs[0], dqkv);
}

MppValue *mpp_node_attention(MppTape *tape, const MppPlace *place, const MppAttentionShape *shape, MppValue *qkv)
{
    const MppRank *rank = mpp_tape_rank(tape);
    const Attention core = { .place = place, .shape = *shape };
    MppValue *out = mpp_tape_value(tape, mpp_buffer_zeros(rank, qkv->element, qkv->rows, query_width(shape)));
    MppBuffer *lse = mpp_buffer_new(rank, MPP_ELEMENT_F32, qkv->rows, shape->heads);
    mpp_run(rank, fill, lse->tensor, -INFINITY);
    (gathers(&core) ? attend_gathered : attend_ring)(&core, qkv->data->tensor, out->data->tensor, lse->tensor);
    Attention *a = mpp_tape_add(tape, sizeof(Attention), "attention core", attention_backward, qkv, out);
    a->node.saved[0] = mpp_buffer_hold(qkv->data);
    a->node.saved[1] = mpp_buffer_hold(out->data);
    a->node.saved[2] = lse;
    a->place = place;
    a->shape = *shape;
    mpp_value_drop(qkv);
    return out;
}
