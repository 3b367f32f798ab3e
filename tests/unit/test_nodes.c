/**
 * Every operation's backward pass beside finite differences of its forward pass.
 */
#include <math.h>

#include "tests/support/lone_rank.h"
#include "validate/net/nodes.h"

enum { ROWS = 6, WIDTH = 12, PIXELS = 2 * 3 * 4, N_PARAMETERS = 5 };

typedef struct {
    const LoneRank *lone;
    MppNetParameter parameters[N_PARAMETERS]; /* by what each case needs */
    MppBucket *bucket;
    MppBuffer *index, *positions, *total;
} Net;

typedef struct {
    const char *name;
    int64_t rows, columns; /* of the input; 0: none */
    int64_t shapes[N_PARAMETERS][2];
    MppValue *(*forward)(Net *net, MppTape *tape, MppValue *x); /* NULL where it ends in net->total */
} Case;

static MppValue *linear(Net *net, MppTape *tape, MppValue *x)
{
    return mpp_node_linear(tape, "linear", x, &net->parameters[0], &net->parameters[1]);
}

static MppValue *bias(Net *net, MppTape *tape, MppValue *x)
{
    return mpp_node_bias(tape, "bias", mpp_node_add(tape, "add", mpp_value_hold(x), x), &net->parameters[0]);
}

/** Two images of 3 by 4 pixels. */
static MppWindows windows(int64_t kernel, int64_t stride, int64_t padding)
{
    return (MppWindows){ .samples = 2,
                         .height = 3,
                         .width = 4,
                         .out_height = (3 + 2 * padding - kernel) / stride + 1,
                         .out_width = (4 + 2 * padding - (kernel - 1)) / stride + 1,
                         .kernel_height = kernel,
                         .kernel_width = kernel - 1,
                         .stride = stride,
                         .padding = padding };
}

static MppValue *convolution(Net *net, MppTape *tape, MppValue *x)
{
    const MppWindows w = windows(3, 1, 1);
    return mpp_node_convolution(tape, "convolution", &w, x, &net->parameters[0], &net->parameters[1]);
}

static MppValue *strided_convolution(Net *net, MppTape *tape, MppValue *x)
{
    const MppWindows w = windows(2, 2, 0);
    return mpp_node_convolution(tape, "convolution", &w, x, &net->parameters[0], NULL);
}

static MppValue *max_pool(Net *net, MppTape *tape, MppValue *x)
{
    const MppWindows w = windows(3, 2, 1);
    (void)net;
    return mpp_node_pool(tape, "max pool", MPP_MAX_POOL, &w, x);
}

static MppValue *average_pool(Net *net, MppTape *tape, MppValue *x)
{
    const MppWindows w = windows(2, 1, 1);
    (void)net;
    return mpp_node_pool(tape, "average pool", MPP_AVERAGE_POOL, &w, x);
}

static MppValue *relu(Net *net, MppTape *tape, MppValue *x)
{
    (void)net;
    return mpp_node_activation(tape, MPP_RELU, false, x);
}

static MppValue *layer_norm(Net *net, MppTape *tape, MppValue *x)
{
    return mpp_node_norm(tape, "norm", MPP_LAYER_NORM, x, &net->parameters[0], &net->parameters[1]);
}

static MppValue *rms_norm(Net *net, MppTape *tape, MppValue *x)
{
    return mpp_node_norm(tape, "norm", MPP_RMS_NORM, x, &net->parameters[0], &net->parameters[1]);
}

static MppValue *gelu(Net *net, MppTape *tape, MppValue *x)
{
    (void)net;
    return mpp_node_activation(tape, MPP_GELU, false, x);
}

static MppValue *gated_silu(Net *net, MppTape *tape, MppValue *x)
{
    (void)net;
    return mpp_node_activation(tape, MPP_SILU, true, x);
}

static MppValue *rotary(Net *net, MppTape *tape, MppValue *x)
{
    return mpp_node_rotary(tape, x, 8, 4, net->positions);
}

static MppValue *attention(Net *net, MppTape *tape, MppValue *x)
{
    const MppAttentionShape shape = { .sequences = 2, .heads = 4, .kv_heads = 2, .dim = 3, .scale = 0.7 };
    return mpp_node_attention(tape, net->lone->place, &shape, x);
}

static MppValue *window_attention(Net *net, MppTape *tape, MppValue *x)
{
    const MppAttentionShape shape = { .sequences = 1, .heads = 2, .kv_heads = 1, .dim = 3, .window = 70, .scale = 0.7 };
    return mpp_node_attention(tape, net->lone->place, &shape, x);
}

static MppValue *square(MppTape *tape, gconstpointer closure, MppValue *x)
{
    Net *net = (Net *)closure;
    return mpp_node_activation(tape, MPP_SILU, true, linear(net, tape, mpp_node_add(tape, "add", mpp_value_hold(x), x)));
}

static MppValue *recomputed(Net *net, MppTape *tape, MppValue *x)
{
    return mpp_node_again(tape, square, net, x);
}

static MppValue *experts(Net *net, MppTape *tape, MppValue *x)
{
    MppNetParameter *p = net->parameters;
    const MppExperts shape = { .place = net->lone->place,
                               .experts = 3,
                               .topk = 2,
                               .activation = MPP_SILU,
                               .gated = true,
                               .router = &p[0],
                               .router_bias = &p[1],
                               .up = &p[2],
                               .down = &p[3] };
    return mpp_node_experts(tape, &shape, x);
}

static MppValue *embedding(Net *net, MppTape *tape, MppValue *x)
{
    g_assert_null(x);
    return mpp_node_embedding(tape, "embedding", &net->parameters[0], net->index, 2);
}

static MppValue *loss(Net *net, MppTape *tape, MppValue *x)
{
    mpp_node_loss(tape, net->lone->place, MPP_GROUP_TP, x, net->index, 1, WIDTH - 3, 0.25, net->total->tensor);
    return NULL;
}

static const Case cases[] = {
    { "linear", ROWS, 5, { { WIDTH, 5 }, { WIDTH, 1 } }, linear },
    { "bias", ROWS, WIDTH, { { WIDTH, 1 } }, bias },
    { "convolution", PIXELS, 5, { { 7, 5 * 3 * 2 }, { 7, 1 } }, convolution },
    { "strided-convolution", PIXELS, 5, { { 7, 5 * 2 * 1 } }, strided_convolution },
    { "max-pool", PIXELS, 2, { { 0 } }, max_pool },
    { "average-pool", PIXELS, 5, { { 0 } }, average_pool },
    { "relu", ROWS, 5, { { 0 } }, relu },
    { "layer-norm", ROWS, WIDTH, { { WIDTH, 1 }, { WIDTH, 1 } }, layer_norm },
    { "rms-norm", ROWS, WIDTH, { { WIDTH, 1 } }, rms_norm },
    { "gelu", ROWS, WIDTH, { { 0 } }, gelu },
    { "gated-silu", ROWS, WIDTH, { { 0 } }, gated_silu },
    { "rotary", ROWS, WIDTH, { { 0 } }, rotary },
    { "attention", ROWS, 24, { { 0 } }, attention },
    { "window-attention", 137, 12, { { 0 } }, window_attention },
    { "recomputed", ROWS, 5, { { WIDTH, 5 }, { WIDTH, 1 } }, recomputed },
    { "experts", ROWS, 5, { { 3, 5 }, { 3, 1 }, { 24, 5 }, { 15, 4 } }, experts },
    { "embedding", 0, 0, { { 7, WIDTH } }, embedding },
    { "loss", ROWS, WIDTH, { { 0 } }, loss },
};

static Net *net_new(const LoneRank *lone, const Case *one)
{
    static const int32_t index[ROWS] = { 4, 2, 8, 1, 4, 9 }, positions[ROWS] = { 3, 0, 11, 1, 7, 2 };
    Net *net = g_new0(Net, 1);
    net->lone = lone;
    net->bucket = mpp_bucket_new(lone->place, MPP_ELEMENT_F32, MPP_GROUP_SHARD, MPP_GROUP_REPLICAS, false);
    for (int i = 0; i < N_PARAMETERS && one->shapes[i][0]; i++) {
        net->parameters[i].name = g_strdup_printf("p%d", i);
        net->parameters[i].split = mpp_split_whole(one->shapes[i][0], one->shapes[i][1]);
        net->parameters[i].range = 0.8;
        if (g_str_equal(one->name, "experts") && i >= 2) { /* three of them */
            net->parameters[i].split = mpp_split_whole(one->shapes[i][0] / 3, one->shapes[i][1]);
            net->parameters[i].split.blocks = 3;
        }
        mpp_bucket_add(net->bucket, &net->parameters[i]);
    }
    mpp_bucket_fill(net->bucket, 3);
    net->index = mpp_buffer_of(lone->rank, MPP_ELEMENT_I32, ROWS, 1, index);
    net->positions = mpp_buffer_of(lone->rank, MPP_ELEMENT_I32, ROWS, 1, positions);
    net->total = mpp_buffer_zeros(lone->rank, MPP_ELEMENT_F32, 1, 1);
    return net;
}

static void net_free(Net *net)
{
    for (int i = 0; i < N_PARAMETERS; i++)
        g_free(net->parameters[i].name);
    mpp_bucket_free(net->bucket);
    mpp_buffer_drop(net->index);
    mpp_buffer_drop(net->positions);
    mpp_buffer_drop(net->total);
    g_free(net);
}

/** A number made of the output; its gradient goes to @y. */
static double reduce(const Net *net, MppValue *y)
{
    if (!y) {
        g_autofree float *total = lone_rank_values(net->lone, net->total->tensor);
        return total[0];
    }
    MppBuffer *weights = lone_rank_random(net->lone, "weights", y->rows, y->columns);
    g_autofree float *w = lone_rank_values(net->lone, weights->tensor), *values = lone_rank_values(net->lone, y->data->tensor);
    double sum = 0;
    for (int64_t i = 0; i < y->rows * y->columns; i++)
        sum += (double)w[i] * values[i];
    y->gradient = weights;
    mpp_value_drop(y);
    return sum;
}

/** Runs forwards on @input, and backwards where @gradient is asked for. */
static double run(Net *net, const Case *one, const float *input, bool splits, float **gradient)
{
    const LoneRank *lone = net->lone;
    g_autoptr(MppTape) tape = mpp_tape_new(lone->rank, NULL);
    mpp_run(lone->rank, fill, net->total->tensor, 0);
    MppValue *x = one->rows ? mpp_tape_value(tape, mpp_buffer_of(lone->rank, MPP_ELEMENT_F32, one->rows, one->columns, input))
                            : NULL;
    double sum = reduce(net, one->forward(net, tape, x));
    if (!gradient)
        return sum;
    mpp_bucket_clear_gradients(net->bucket);
    mpp_tape_backward(tape, splits);
    mpp_tape_weights(tape);
    *gradient = x ? lone_rank_values(lone, x->gradient->tensor) : NULL;
    return sum;
}

/** Slope of the result as @number, somewhere in the input or the parameters, moves. */
static double slope(Net *net, const Case *one, const float *input, float *number)
{
    const float step = 1e-2f, at = *number;
    *number = at + step;
    double above = run(net, one, input, false, NULL);
    *number = at - step;
    double below = run(net, one, input, false, NULL);
    *number = at;
    return (above - below) / (2.0 * step);
}

static void expect_near(const char *what, int64_t i, double found, double expected, double scale)
{
    if (fabs(found - expected) > 2e-3 * fmax(scale, 1))
        g_error("%s: gradient %d is %g, differences give %g", what, (int)i, found, expected);
}

static double largest(const float *values, int64_t n)
{
    double most = 0;
    for (int64_t i = 0; i < n; i++)
        most = fmax(most, fabs(values[i]));
    return most;
}

static void test_gradients(gconstpointer data)
{
    const Case *one = data;
    g_autoptr(LoneRank) lone = lone_rank_new();
    if (!lone)
        return;
    Net *net = net_new(lone, one);
    int64_t n = one->rows * one->columns;
    g_autoptr(MppBuffer) start = lone_rank_random(lone, "input", MAX(1, one->rows), MAX(1, one->columns));
    g_autofree float *input = lone_rank_values(lone, start->tensor), *found = NULL, *split = NULL;
    run(net, one, input, false, &found);
    g_autofree float *weights = lone_rank_values(lone, net->bucket->gradient->tensor);
    int64_t every = MAX(1, n / 97); /* of large inputs not all */
    for (int64_t i = 0; i < n; i += every)
        expect_near(one->name, i, found[i], slope(net, one, input, &input[i]), largest(found, n));
    for (int64_t i = 0; i < net->bucket->size; i++) /* memory of the CPU backend is the host's */
        expect_near("parameters", i, weights[i], slope(net, one, input, (float *)net->bucket->data->tensor.data + i),
                    largest(weights, net->bucket->size));

    run(net, one, input, true, &split); /* put off, weights' gradients are the same */
    g_autofree float *again = lone_rank_values(lone, net->bucket->gradient->tensor);
    g_assert_cmpmem(weights, (gsize)net->bucket->size * sizeof(float), again, (gsize)net->bucket->size * sizeof(float));
    net_free(net);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strconcat("/nodes/", cases[i].name, NULL);
        g_test_add_data_func(path, &cases[i], test_gradients);
    }
    return g_test_run();
}
