#include "planner/spec/sequential.h"

#define N G_GINT64_FORMAT

enum { MOST_CHANNELS = 1 << 24, MOST_PIXELS = 1 << 16, MOST_LAYERS = 4096, MOST_PARTS = 8, NOT_GIVEN = -1 };

static const MppField shape_rows[] = {
    MPP_FIELD_INT(MppShape, channels, 1, MOST_CHANNELS, MPP_REQUIRED, "channels; of what is no image, all its numbers"),
    MPP_FIELD_INT(MppShape, height, 1, MOST_PIXELS, 1, "pixels"),
    MPP_FIELD_INT(MppShape, width, 1, MOST_PIXELS, 1, "pixels"),
};
const MppFields mpp_shape_fields = MPP_FIELDS("shape", MppShape, shape_rows);

static const char *const norm_names[] = { "none", "batchnorm", "layernorm" };
static const MppNames norms = MPP_NAMES("norm", norm_names);
static const char *const elementwise_names[] = { "none", "relu", "gelu", "silu" };
static const MppNames activations = MPP_NAMES("activation", elementwise_names);

static const MppField op_rows[] = {
    MPP_FIELD_INT(MppSequentialOp, conv, 1, MOST_CHANNELS, 0, "a convolution: channels it gives"),
    MPP_FIELD_INT(MppSequentialOp, linear, 1, MOST_CHANNELS, 0, "a linear layer of all that comes in: numbers it gives"),
    MPP_FIELD_INT(MppSequentialOp, max_pool, 1, MOST_PIXELS, 0, "the largest of a window: its pixels a side"),
    MPP_FIELD_INT(MppSequentialOp, average_pool, 1, MOST_PIXELS, 0, "the mean of a window: its pixels a side"),
    MPP_FIELD_INT(MppSequentialOp, kernel, 1, MOST_PIXELS, 0, "pixels a side of a convolution's window"),
    MPP_FIELD_INT(MppSequentialOp, stride, 1, MOST_PIXELS, 0,
                  "pixels from one window to the next; if not given 1, of a pool its window's"),
    MPP_FIELD_INT(MppSequentialOp, padding, 0, MOST_PIXELS, NOT_GIVEN,
                  "pixels added on each side; if not given half the kernel, of a pool 0"),
    MPP_FIELD_INT(MppSequentialOp, groups, 1, MOST_CHANNELS, 1, "groups of channels that a convolution keeps apart"),
    MPP_FIELD_ENUM(MppSequentialOp, norm, &norms, MPP_CHANNEL_NORM_NONE, "norm that follows, instead of a bias"),
    MPP_FIELD_ENUM(MppSequentialOp, activation, &activations, MPP_ELEMENTWISE_NONE, "activation that follows"),
};
static const MppFields op_fields = MPP_FIELDS("operation", MppSequentialOp, op_rows);

static const MppField layer_rows[] = {
    MPP_FIELD_STRUCTS(MppSequentialLayer, ops, &op_fields, MPP_REQUIRED, "its operations in order"),
    MPP_FIELD_BOOL(MppSequentialLayer, residual, 0, "its input is added to what comes out"),
    MPP_FIELD_ENUM(MppSequentialLayer, activation, &activations, MPP_ELEMENTWISE_NONE, "activation after the residual sum"),
    MPP_FIELD_INT(MppSequentialLayer, repeat, 1, MOST_LAYERS, 1, "layers like this one, one after another"),
};
const MppFields mpp_sequential_layer_fields = MPP_FIELDS("layer", MppSequentialLayer, layer_rows);

bool mpp_part_is_product(const MppPart *part)
{
    return part->kind != MPP_PART_MAX_POOL && part->kind != MPP_PART_AVERAGE_POOL;
}

bool mpp_part_gathers(const MppPart *part)
{
    return mpp_shape_pixels(part->in) > 1 && (part->kernel_height * part->kernel_width > 1 || part->stride > 1 || part->padding > 0);
}

/** Weights that one output channel has. */
static double weights_of_channel(const MppPart *part)
{
    return (double)part->in.channels / (double)part->groups * (double)(part->kernel_height * part->kernel_width);
}

double mpp_part_products(const MppPart *part)
{
    return mpp_part_is_product(part) ? (double)mpp_shape_elements(part->out) * weights_of_channel(part) : 0;
}

double mpp_part_parameters(const MppPart *part)
{
    double channels = (double)part->out.channels, vectors = part->norm ? 2 : mpp_part_is_product(part);
    return channels * vectors + (mpp_part_is_product(part) ? channels * weights_of_channel(part) : 0);
}

/* --- from what is listed to parts --- */

/** Where a listed layer stands, for messages. */
typedef struct {
    const MppJson *json;
    const cJSON *list;
    int64_t layer, op; /* op -1: the layer itself */
    GError **error;
} Place;

static bool invalid(const Place *place, const char *format, ...) G_GNUC_PRINTF(2, 3);

static bool invalid(const Place *place, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    const cJSON *layer = place->list ? cJSON_GetArrayItem(place->list, (int)place->layer) : NULL;
    const cJSON *op = place->op >= 0 ? cJSON_GetArrayItem(mpp_json_get(layer, "ops"), (int)place->op) : NULL;
    if (place->json)
        return mpp_json_error(place->error, place->json, op ? op : layer, MPP_ERROR_INVALID, "%s", message);
    g_set_error(place->error, MPP_ERROR, MPP_ERROR_INVALID, "layer %" N " of the list: %s", place->layer, message);
    return false;
}

static bool check_op(const MppSequentialOp *op, const Place *place)
{
    bool pool = op->max_pool || op->average_pool;
    if ((op->conv > 0) + (op->linear > 0) + (op->max_pool > 0) + (op->average_pool > 0) != 1)
        return invalid(place, "expected one of conv, linear, max_pool, average_pool");
    if (op->conv && !op->kernel)
        return invalid(place, "a convolution needs a kernel");
    if (!op->conv && (op->kernel || op->groups > 1))
        return invalid(place, "kernel and groups are a convolution's");
    if (op->linear && (op->stride || op->padding != NOT_GIVEN))
        return invalid(place, "a linear layer has neither stride nor padding");
    if (pool && op->padding * 2 > op->max_pool + op->average_pool)
        return invalid(place, "a pool's padding is at most half its window");
    return true;
}

/** Windows of @kernel along @size pixels; 0: none fits. */
static int64_t windows(int64_t size, int64_t kernel, const MppPart *part)
{
    int64_t room = size + 2 * part->padding - kernel;
    return room < 0 ? 0 : room / part->stride + 1;
}

/** The part that @op is on what is @in. */
static MppPart part_of(const MppSequentialOp *op, MppShape in)
{
    int64_t pool = op->max_pool + op->average_pool, side = op->conv ? op->kernel : pool;
    MppPart part = { .kind = op->conv       ? MPP_PART_CONV
                             : op->linear   ? MPP_PART_LINEAR
                             : op->max_pool ? MPP_PART_MAX_POOL
                                            : MPP_PART_AVERAGE_POOL,
                     .in = in,
                     .kernel_height = op->linear ? in.height : side,
                     .kernel_width = op->linear ? in.width : side,
                     .stride = op->stride ? op->stride : MAX(pool, 1),
                     .padding = op->padding != NOT_GIVEN ? op->padding : op->conv ? (op->kernel - 1) / 2 : 0,
                     .groups = op->groups,
                     .norm = op->norm,
                     .activation = op->activation };
    part.out = (MppShape){ pool ? in.channels : op->conv + op->linear, windows(in.height, part.kernel_height, &part),
                           windows(in.width, part.kernel_width, &part) };
    return part;
}

static bool add_part(const MppSequentialOp *op, MppShape in, const Place *place, GArray *parts)
{
    if (!check_op(op, place))
        return false;
    MppPart part = part_of(op, in);
    if (mpp_shape_pixels(part.out) == 0)
        return invalid(place, "a window of %" N " × %" N " does not fit into %" N " × %" N " pixels", part.kernel_height,
                       part.kernel_width, in.height, in.width);
    if (in.channels % op->groups || part.out.channels % op->groups)
        return invalid(place, "groups (%" N ") must divide the channels, %" N " in and %" N " out", op->groups, in.channels,
                       part.out.channels);
    g_array_append_val(parts, part);
    return true;
}

static int64_t shrinks(int64_t from, int64_t to)
{
    return (from + to - 1) / to;
}

/** Where the shape changes, the input is projected to what comes out: with strides, and with the last op's norm. */
static bool add_shortcut(MppShape in, const Place *place, GArray *parts)
{
    const MppPart *last = &g_array_index(parts, MppPart, parts->len - 1);
    if (mpp_shape_equal(in, last->out))
        return true;
    const MppSequentialOp projection = { .conv = last->out.channels,
                                         .kernel = 1,
                                         .stride = MAX(shrinks(in.height, last->out.height), shrinks(in.width, last->out.width)),
                                         .groups = 1,
                                         .norm = last->norm };
    MppPart part = part_of(&projection, in);
    part.kind = MPP_PART_SHORTCUT;
    if (!mpp_shape_equal(part.out, last->out))
        return invalid(place,
                       "no strided projection of %" N " × %" N " pixels has %" N " × %" N " to be added to what comes out",
                       in.height, in.width, last->out.height, last->out.width);
    g_array_append_val(parts, part);
    return true;
}

/* --- tensor parallelism --- */

/** Norms over channels and groups of them need whole pixels. */
static bool works_by_channel(const MppPart *part)
{
    return part->norm != MPP_CHANNEL_NORM_LAYER && part->groups == 1;
}

/** The product that takes what the one at @first gives, channel by channel; 0: none. */
static guint partner(const GArray *parts, guint first)
{
    for (guint i = first; i + 1 < parts->len; i++) {
        const MppPart *next = &g_array_index(parts, MppPart, i + 1);
        if (!works_by_channel(&g_array_index(parts, MppPart, i)) || next->kind == MPP_PART_SHORTCUT)
            return 0;
        if (mpp_part_is_product(next))
            return next->groups == 1 ? i + 1 : 0;
    }
    return 0;
}

static void split_pairs(GArray *parts)
{
    MppPart *all = &g_array_index(parts, MppPart, 0);
    for (guint i = 0; i < parts->len; i++) {
        guint last = mpp_part_is_product(&all[i]) ? partner(parts, i) : 0;
        for (; i < last; i++)
            all[i].split_out = all[i + 1].split_in = true;
    }
}

int64_t mpp_sequential_undivided(const GArray *parts, int64_t tp)
{
    for (guint i = 0; parts && i < parts->len; i++) {
        const MppPart *part = &g_array_index(parts, MppPart, i);
        if (part->split_out && part->out.channels % tp)
            return part->out.channels;
    }
    return 0;
}

/* --- */

GArray *mpp_sequential_parts(const MppSequentialLayer *layer, int64_t index, MppShape in, const MppJson *json, const cJSON *list,
                             GError **error)
{
    Place place = { json, list, index, -1, error };
    g_autoptr(GArray) parts = g_array_new(FALSE, FALSE, sizeof(MppPart));
    if (layer->ops->len < 1 || layer->ops->len > MOST_PARTS) {
        invalid(&place, "expected 1 to %d operations, got %u", MOST_PARTS, layer->ops->len);
        return NULL;
    }
    MppShape at = in;
    for (place.op = 0; place.op < layer->ops->len; place.op++) {
        if (!add_part(&g_array_index(layer->ops, MppSequentialOp, place.op), at, &place, parts))
            return NULL;
        at = g_array_index(parts, MppPart, parts->len - 1).out;
    }
    place.op = -1;
    if (layer->activation && !layer->residual) {
        invalid(&place, "activation is what follows a residual sum; without one it is the last operation's");
        return NULL;
    }
    if (layer->residual && !add_shortcut(in, &place, parts))
        return NULL;
    split_pairs(parts);
    return g_steal_pointer(&parts);
}

MppShape mpp_sequential_out(const GArray *parts)
{
    return g_array_index(parts, MppPart, parts->len - 1).out;
}

char *mpp_sequential_title(const MppSequentialLayer *layer, const GArray *parts)
{
    static const char *const words[] = { "convolution", "linear layer", "", "pool", "pool" };
    MppShape out = mpp_sequential_out(parts);
    const char *what = layer->residual ? "residual layer" : words[g_array_index(parts, MppPart, 0).kind];
    if (mpp_shape_pixels(out) == 1)
        return g_strdup_printf("%s to %" N, what, out.channels);
    return g_strdup_printf("%s to %" N " × %" N " × %" N, what, out.channels, out.height, out.width);
}
