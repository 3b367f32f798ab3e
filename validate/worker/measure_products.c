#include "validate/worker/measure.h"

/** Time of the next, larger operation is guessed from the best rate so far; the same on all ranks. */
static bool is_worth_it(double flop, double flop_per_s)
{
    return flop <= flop_per_s * MPP_MEASURE_LONGEST_S;
}

/* --- matrix products --- */

typedef struct {
    MppTensor c, a;
    bool a_transposed;
    MppTensor b;
    bool b_transposed, accumulate;
} Product;

static void multiply(const MppRank *rank, gpointer data)
{
    const Product *p = data;
    mpp_run(rank, matmul, p->c, p->a, p->a_transposed, p->b, p->b_transposed, p->accumulate);
}

/** The three products of a linear layer; x: its inputs, w: weights, y: outputs, dw: gradient of the weights, F32. */
typedef struct {
    int64_t tokens, in, out;
    MppBuffer *x, *w, *y, *dw;
} Linear;

static double take_product(MppStopwatch *watch, const char *name, MppLayout layout, const Product *product, int64_t k)
{
    MppSample sample = mpp_samples_blank(MPP_SAMPLE_MATMUL, name);
    sample.m = product->c.rows;
    sample.n = product->c.columns;
    sample.k = k;
    sample.precision = mpp_measure_precision(product->a.element);
    sample.layout = layout;
    sample.accumulates = product->accumulate;
    return mpp_stopwatch_take(watch, sample, multiply, (gpointer)product);
}

static double take_linear(MppStopwatch *watch, const Linear *l)
{
    MppTensor x = l->x->tensor, w = l->w->tensor, y = l->y->tensor;
    const Product forward = { y, x, false, w, true, false }, input = { x, y, false, w, false, false },
                  weight = { l->dw->tensor, y, true, x, false, true };
    double seconds = take_product(watch, "forward", MPP_LAYOUT_NT, &forward, l->in);
    take_product(watch, "gradient of the input", MPP_LAYOUT_NN, &input, l->out);
    take_product(watch, "gradient of the weights", MPP_LAYOUT_TN, &weight, l->tokens);
    return seconds;
}

void mpp_measure_products(MppStopwatch *watch, MppElement element)
{
    static const struct {
        int64_t tokens, in, out;
    } shapes[] = {
        { 8, 64, 64 },        { 32, 64, 128 },     { 64, 128, 128 },     { 16, 256, 512 },     { 64, 96, 2000 },
        { 128, 256, 256 },    { 256, 128, 512 },   { 512, 64, 256 },     { 32, 512, 1024 },    { 256, 256, 512 },
        { 100, 300, 900 },    { 64, 512, 4000 },   { 512, 256, 1024 },   { 256, 512, 1408 },   { 256, 704, 512 },
        { 512, 512, 512 },    { 1024, 384, 384 },  { 256, 512, 4000 },   { 512, 1024, 1024 },  { 128, 1024, 4096 },
        { 1024, 1024, 1024 }, { 512, 768, 8000 },  { 2048, 2048, 2048 }, { 4096, 1024, 4096 }, { 1024, 4096, 32000 },
        { 4096, 4096, 4096 }, { 128, 8192, 8192 }, { 4096, 8192, 8192 }, { 8192, 8192, 8192 }, { 8192, 8192, 28672 },
    };
    double flop_per_s = G_MAXDOUBLE;
    for (size_t i = 0; i < G_N_ELEMENTS(shapes); i++) {
        int64_t tokens = shapes[i].tokens, in = shapes[i].in, out = shapes[i].out;
        double flop = 2.0 * (double)tokens * (double)in * (double)out;
        if (!is_worth_it(flop, flop_per_s))
            continue;
        g_autoptr(MppBuffer) x = mpp_measure_numbers(watch->rank, element, tokens, in);
        g_autoptr(MppBuffer) w = mpp_measure_numbers(watch->rank, element, out, in);
        g_autoptr(MppBuffer) y = mpp_measure_numbers(watch->rank, element, tokens, out);
        g_autoptr(MppBuffer) dw = mpp_buffer_zeros(watch->rank, MPP_ELEMENT_F32, out, in);
        const Linear linear = { tokens, in, out, x, w, y, dw };
        double reached = flop / take_linear(watch, &linear);
        flop_per_s = flop_per_s == G_MAXDOUBLE ? reached : MAX(flop_per_s, reached);
    }
}

/* --- attention --- */

typedef struct {
    MppAttentionShape shape;
    MppAttentionBlock block;
    MppTensor q, k, v, out, lse, dout, delta, dq, dk, dv;
} Attention;

static void attend(const MppRank *rank, gpointer data)
{
    const Attention *a = data;
    mpp_run(rank, attention, &a->shape, &a->block, a->out, a->lse, a->q, a->k, a->v);
}

static void attend_backward(const MppRank *rank, gpointer data)
{
    const Attention *a = data;
    mpp_run(rank, attention_backward, &a->shape, &a->block, a->dq, a->dk, a->dv, a->dout, a->q, a->k, a->v, a->lse, a->delta);
}

static double take_attention(MppStopwatch *watch, const Attention *a, bool backward)
{
    MppSample sample = mpp_samples_blank(MPP_SAMPLE_ATTENTION, backward ? "backward" : "forward");
    sample.precision = mpp_measure_precision(a->q.element);
    sample.count = a->shape.sequences * a->shape.heads;
    sample.m = a->block.n_queries;
    sample.n = (a->block.n_keys + 1) / 2; /* causal */
    sample.k = a->shape.dim;
    sample.v = a->shape.dim;
    sample.backward = backward;
    return mpp_stopwatch_take(watch, sample, backward ? attend_backward : attend, (gpointer)a);
}

enum { QUERY, KEY, VALUE, OUT, DOUT, DQUERY, DKEY, DVALUE, N_TENSORS };

static double take_heads(MppStopwatch *watch, MppElement element, int64_t heads, int64_t tokens, int64_t dim)
{
    const MppRank *rank = watch->rank;
    MppBuffer *buffers[N_TENSORS];
    for (int i = 0; i < N_TENSORS; i++)
        buffers[i] = mpp_measure_numbers(rank, element, tokens, heads * dim);
    g_autoptr(MppBuffer) lse = mpp_buffer_zeros(rank, MPP_ELEMENT_F32, tokens, heads);
    g_autoptr(MppBuffer) delta = mpp_buffer_zeros(rank, MPP_ELEMENT_F32, tokens, heads);
    const Attention a = {
        .shape = { 1, heads, heads, dim, 0, 0.125 },
        .block = { 0, tokens, 0, 0, tokens, 0 },
        .q = buffers[QUERY]->tensor,
        .k = buffers[KEY]->tensor,
        .v = buffers[VALUE]->tensor,
        .out = buffers[OUT]->tensor,
        .dout = buffers[DOUT]->tensor,
        .dq = buffers[DQUERY]->tensor,
        .dk = buffers[DKEY]->tensor,
        .dv = buffers[DVALUE]->tensor,
        .lse = lse->tensor,
        .delta = delta->tensor,
    };
    double forward_s = take_attention(watch, &a, false);
    take_attention(watch, &a, true);
    for (int i = 0; i < N_TENSORS; i++)
        mpp_buffer_drop(buffers[i]);
    return forward_s;
}

void mpp_measure_attention(MppStopwatch *watch, MppElement element)
{
    static const struct {
        int64_t heads, tokens, dim;
    } shapes[] = {
        { 2, 64, 32 },     { 4, 128, 64 },    { 8, 128, 32 },     { 2, 256, 64 },  { 4, 256, 128 },
        { 4, 512, 64 },    { 2, 512, 128 },   { 4, 1024, 64 },    { 4, 2048, 64 }, { 4, 2048, 128 },
        { 16, 4096, 128 }, { 32, 8192, 128 }, { 32, 16384, 128 },
    };
    double flop_per_s = G_MAXDOUBLE;
    for (size_t i = 0; i < G_N_ELEMENTS(shapes); i++) {
        int64_t heads = shapes[i].heads, tokens = shapes[i].tokens, dim = shapes[i].dim;
        double flop = 2.0 * (double)heads * (double)tokens * (double)tokens * (double)dim;
        if (!is_worth_it(flop, flop_per_s))
            continue;
        double reached = flop / take_heads(watch, element, heads, tokens, dim);
        flop_per_s = flop_per_s == G_MAXDOUBLE ? reached : MAX(flop_per_s, reached);
    }
}
