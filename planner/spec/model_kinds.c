#include "planner/spec/model_kinds.h"

#define N G_GINT64_FORMAT

void mpp_model_clear_kinds(MppModel *model)
{
    for (int64_t i = 0; i < model->n_kinds; i++)
        g_clear_pointer(&model->kinds[i].parts, g_array_unref);
    model->n_kinds = 0;
    g_clear_pointer(&model->kind_of_layer, g_free);
    g_clear_pointer(&model->kinds_before, g_free);
}

static void set_counts(MppModel *model)
{
    model->kinds_before = g_new0(MppKindCounts, model->n_layers + 1);
    for (int64_t i = 0; i < model->n_layers; i++) {
        model->kinds_before[i + 1] = model->kinds_before[i];
        model->kinds_before[i + 1].n[model->kind_of_layer[i]]++;
    }
}

/* --- transformers --- */

/** A layer of a pattern is one part with its norm and residual sum (Megatron-LM core/ssm/mamba_hybrid_layer_allocation.py). */
static void set_part(const MppModel *model, char part, MppLayerKind *kind)
{
    kind->mixer = part == 'M' ? MPP_MIXER_SSM : part == '*' ? MPP_MIXER_ATTENTION : MPP_MIXER_NONE;
    kind->ffn = part == '-' || part == 'E';
    kind->moe = part == 'E';
    kind->window = part == '*' ? model->window : 0;
}

static MppLayerKind kind_at(const MppModel *model, int64_t layer)
{
    const MppMoe *moe = &model->moe;
    MppShape hidden = { model->hidden, 1, 1 };
    MppLayerKind kind = { .mixer = MPP_MIXER_ATTENTION, .ffn = true, .in = hidden, .out = hidden };
    if (layer < model->encoder_layers)
        return kind;
    int64_t index = layer - model->encoder_layers;
    kind.prediction = index >= model->layers;
    kind.causal = model->kind != MPP_MODEL_ENCODER;
    kind.cross_attention = model->kind == MPP_MODEL_ENCODER_DECODER;
    if (model->pattern) {
        set_part(model, model->pattern[index], &kind);
        return kind;
    }
    kind.moe = moe->experts && index >= moe->leading_dense_layers && (index + 1) % moe->every == 0;
    bool full = model->full_attention_every > 1 && (index + 1) % model->full_attention_every == 0;
    kind.window = full ? 0 : model->window;
    if (model->ssm.heads && !full && !kind.prediction) /* Qwen3.5's prediction layer has attention */
        kind.mixer = MPP_MIXER_SSM;
    return kind;
}

static bool same_kind(const MppLayerKind *a, const MppLayerKind *b)
{
    return a->causal == b->causal && a->mixer == b->mixer && a->cross_attention == b->cross_attention && a->ffn == b->ffn &&
           a->moe == b->moe && a->prediction == b->prediction && a->window == b->window;
}

static int64_t find_or_add_kind(MppModel *model, MppLayerKind kind)
{
    for (int64_t i = 0; i < model->n_kinds; i++)
        if (same_kind(&model->kinds[i], &kind))
            return i;
    g_assert(model->n_kinds < MPP_MODEL_MOST_KINDS);
    model->kinds[model->n_kinds] = kind;
    return model->n_kinds++;
}

void mpp_model_set_kinds(MppModel *model)
{
    mpp_model_clear_kinds(model);
    model->n_layers = model->encoder_layers + model->layers + model->prediction_layers;
    model->kind_of_layer = g_new(uint8_t, model->n_layers);
    for (int64_t i = 0; i < model->n_layers; i++)
        model->kind_of_layer[i] = (uint8_t)find_or_add_kind(model, kind_at(model, i));
    set_counts(model);
}

/* --- nets that list their layers --- */

typedef struct {
    MppModel *model;
    const MppJson *json;
    const cJSON *object, *list;
    GError **error;
} Listing;

static bool invalid(const Listing *at, const cJSON *node, const char *message)
{
    if (at->json)
        return mpp_json_error(at->error, at->json, node, MPP_ERROR_INVALID, "%s", message);
    g_set_error(at->error, MPP_ERROR, MPP_ERROR_INVALID, "model field sequential: %s", message);
    return false;
}

/** The kind of the @index-th listed layer for what is @in; -1: @error is set. */
static int64_t listed_kind(const Listing *at, int64_t index, MppShape in)
{
    MppModel *model = at->model;
    const MppSequentialLayer *layer = &g_array_index(model->sequential, MppSequentialLayer, index);
    for (int64_t i = 0; i < model->n_kinds; i++)
        if (model->kinds[i].listed == layer && mpp_shape_equal(model->kinds[i].in, in))
            return i;
    if (model->n_kinds == MPP_MODEL_MOST_KINDS) {
        g_autofree char *message = g_strdup_printf("more than %d layers that differ are not modelled", MPP_MODEL_MOST_KINDS);
        invalid(at, at->list, message);
        return -1;
    }
    GArray *parts = mpp_sequential_parts(layer, index, in, at->json, at->list, at->error);
    if (!parts)
        return -1;
    model->kinds[model->n_kinds] = (MppLayerKind){ .in = in, .out = mpp_sequential_out(parts), .listed = layer, .parts = parts };
    return model->n_kinds++;
}

static bool list_layers(const Listing *at)
{
    MppModel *model = at->model;
    MppShape shape = model->input;
    int64_t layer = 0;
    for (guint i = 0; i < model->sequential->len; i++)
        for (int64_t k = 0; k < g_array_index(model->sequential, MppSequentialLayer, i).repeat; k++) {
            int64_t kind = listed_kind(at, i, shape);
            if (kind < 0)
                return false;
            model->kind_of_layer[layer++] = (uint8_t)kind;
            shape = model->kinds[kind].out;
        }
    if (mpp_shape_pixels(shape) == 1)
        return true;
    g_autofree char *message = g_strdup_printf("the last layer gives %" N " × %" N " × %" N ", not the logits of classes",
                                               shape.channels, shape.height, shape.width);
    return invalid(at, cJSON_GetArrayItem(at->list, (int)model->sequential->len - 1), message);
}

bool mpp_model_list_kinds(MppModel *model, const MppJson *json, const cJSON *object, GError **error)
{
    Listing at = { model, json, object, mpp_json_get(object, "sequential"), error };
    mpp_model_clear_kinds(model);
    model->kind = MPP_MODEL_SEQUENTIAL;
    model->head = MPP_HEAD_CROSS_ENTROPY;
    model->max_seq = 1;
    model->n_layers = 0;
    for (guint i = 0; i < model->sequential->len; i++)
        model->n_layers += g_array_index(model->sequential, MppSequentialLayer, i).repeat;
    if (model->n_layers < 1 || model->n_layers > MPP_MODEL_MOST_LAYERS) {
        g_autofree char *message = g_strdup_printf("expected 1 to %d layers, got %" N, MPP_MODEL_MOST_LAYERS, model->n_layers);
        return invalid(&at, at.list, message);
    }
    model->kind_of_layer = g_new(uint8_t, model->n_layers);
    if (!list_layers(&at))
        return false;
    model->classes = mpp_model_shape_at(model, model->n_layers).channels;
    set_counts(model);
    return true;
}

/* --- what follows from kinds --- */

bool mpp_model_has_mixer(const MppModel *model, MppMixer mixer)
{
    for (int64_t i = 0; i < model->n_kinds; i++)
        if (!model->kinds[i].listed && model->kinds[i].mixer == mixer)
            return true;
    return false;
}

void mpp_model_count_kinds(const MppModel *model, int64_t first, int64_t count, MppKindCounts *out)
{
    const MppKindCounts *before = &model->kinds_before[first], *with = &model->kinds_before[first + count];
    for (int64_t i = 0; i < model->n_kinds; i++)
        out->n[i] = (int16_t)(with->n[i] - before->n[i]);
}

MppShape mpp_model_shape_at(const MppModel *model, int64_t layer)
{
    return layer < model->n_layers ? model->kinds[model->kind_of_layer[layer]].in
                                   : model->kinds[model->kind_of_layer[layer - 1]].out;
}

double mpp_model_widest(const MppModel *model)
{
    int64_t most = 0;
    for (int64_t i = 0; i < model->n_kinds; i++)
        most = MAX(most, mpp_shape_elements(model->kinds[i].out));
    return (double)most;
}

int64_t mpp_model_undivided(const MppModel *model, int64_t tp)
{
    int64_t undivided = 0;
    for (int64_t i = 0; i < model->n_kinds && !undivided; i++)
        undivided = mpp_sequential_undivided(model->kinds[i].parts, tp);
    return undivided;
}

const char *mpp_model_units(const MppModel *model)
{
    return model->sequential ? "samples" : "tokens";
}
