#include "planner/emit/layer_pattern.h"

#include <string.h>

#include "planner/base/error.h"

/** Whether layer @index has experts. */
static bool has_experts(int64_t leading, int64_t every, int64_t index)
{
    return index >= leading && (index + 1) % every == 0;
}

char *mpp_layer_pattern_text(const MppModel *model)
{
    const MppMoe *moe = &model->moe;
    GString *text = g_string_new(NULL);
    for (int64_t i = 0; i < model->layers;) {
        bool value = has_experts(moe->leading_dense_layers, moe->every, i);
        int64_t begin = i;
        while (i < model->layers && has_experts(moe->leading_dense_layers, moe->every, i) == value)
            i++;
        g_string_append_printf(text, "%s[%d]", begin ? "+" : "", value);
        if (i - begin > 1)
            g_string_append_printf(text, "*%" G_GINT64_FORMAT, i - begin);
    }
    return g_string_free(text, FALSE);
}

/** Text being read; `layers` grows by '0' and '1'. */
typedef struct {
    const char *at;
    GString *layers;
    int depth;
} Pattern;

enum { MOST_DEPTH = 16 };

static void skip_spaces(Pattern *p)
{
    while (g_ascii_isspace(*p->at))
        p->at++;
}

static bool accept(Pattern *p, char wanted)
{
    skip_spaces(p);
    if (*p->at != wanted)
        return false;
    p->at++;
    return true;
}

static bool read_list(Pattern *p)
{
    do {
        skip_spaces(p);
        if (*p->at != '0' && *p->at != '1')
            return false;
        g_string_append_c(p->layers, *p->at++);
    } while (accept(p, ','));
    return accept(p, ']');
}

static bool read_sum(Pattern *p);

/** A list or a sum in parentheses, and how often it stands. */
static bool read_term(Pattern *p)
{
    gsize begin = p->layers->len;
    bool list = accept(p, '[');
    if (!list && !accept(p, '('))
        return false;
    if (++p->depth > MOST_DEPTH || !(list ? read_list(p) : read_sum(p) && accept(p, ')')))
        return false;
    p->depth--;
    if (!accept(p, '*'))
        return true;
    skip_spaces(p);
    char *end;
    guint64 n = g_ascii_strtoull(p->at, &end, 10);
    if (!g_ascii_isdigit(*p->at) || n > MPP_MODEL_MOST_LAYERS || n * (p->layers->len - begin) > MPP_MODEL_MOST_LAYERS)
        return false;
    p->at = end;
    g_autofree char *once = g_strdup(p->layers->str + begin);
    g_string_truncate(p->layers, begin);
    for (guint64 i = 0; i < n; i++)
        g_string_append(p->layers, once);
    return true;
}

static bool read_sum(Pattern *p)
{
    do
        if (!read_term(p) || p->layers->len > MPP_MODEL_MOST_LAYERS)
            return false;
    while (accept(p, '+'));
    return true;
}

static bool matches(const GString *layers, int64_t leading, int64_t every)
{
    for (gsize i = 0; i < layers->len; i++)
        if ((layers->str[i] == '1') != has_experts(leading, every, (int64_t)i))
            return false;
    return true;
}

static bool set_pattern(const GString *layers, MppModel *model)
{
    int64_t leading = (int64_t)strspn(layers->str, "0");
    for (int64_t every = 1; every <= model->layers; every++) {
        int64_t dense = every == 1 ? leading : leading - leading % every; /* the rest is a part of the first n */
        if (matches(layers, dense, every)) {
            model->moe.leading_dense_layers = dense;
            model->moe.every = every;
            return true;
        }
    }
    return false;
}

bool mpp_layer_pattern_read(const char *text, MppModel *model, GError **error)
{
    g_autoptr(GString) layers = g_string_new(NULL);
    Pattern pattern = { text, layers, 0 };
    gint64 period;
    if (g_ascii_string_to_signed(text, 10, 1, MPP_MODEL_MOST_LAYERS, &period, NULL)) {
        for (int64_t i = 0; i < model->layers; i++)
            g_string_append_c(layers, i % period ? '0' : '1');
    } else if (!read_sum(&pattern) || (skip_spaces(&pattern), *pattern.at)) {
        return mpp_error_set(error, MPP_ERROR_SYNTAX, "expected a number or lists like [0]*3+[1]*58, got \"%s\"", text);
    }
    if ((int64_t)layers->len != model->layers)
        g_set_error(error, MPP_ERROR, MPP_ERROR_INVALID, "\"%s\" is for %" G_GSIZE_FORMAT " layers, there are %" G_GINT64_FORMAT,
                    text, layers->len, model->layers);
    else if (!set_pattern(layers, model))
        g_set_error(error, MPP_ERROR, MPP_ERROR_UNSUPPORTED,
                    "\"%s\": only dense layers followed by experts in each n-th layer are modelled", text);
    else
        return true;
    return false;
}
