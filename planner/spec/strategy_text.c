#include <string.h>

#include "planner/spec/strategy.h"

/** Short keys of the text form, in the order they are written; the long field name when they are the same. */
static const struct {
    const char *key, *field;
} keys[] = {
    { "dp", "dp" },       { "tp", "tp" },       { "pp", "pp" },           { "vpp", "vpp" },
    { "cp", "cp" },       { "ep", "ep" },       { "etp", "etp" },         { "mbs", "micro_batch" },
    { "sp", "sequence_parallel" },              { "zero", "zero" },       { "zero_ranks", "zero_ranks" },
    { "schedule", "schedule" },                 { "group", "schedule_group" },
    { "recompute", "recompute" },
    { "cp_kind", "cp_kind" },                   { "offload", "offload" },
    { "split", "stage_split" },                 { "order", "order" },     { "stages", "stage_layers" },
};

static const MppField *find_row(const char *key)
{
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
        if (strcmp(keys[i].key, key) == 0 || strcmp(keys[i].field, key) == 0)
            return mpp_fields_find(&mpp_strategy_fields, keys[i].field);
    return NULL;
}

bool mpp_strategy_has_key(const char *key)
{
    return find_row(key) != NULL;
}

static bool usage_error(GError **error, const char *part, const char *format, ...) G_GNUC_PRINTF(3, 4);

static bool usage_error(GError **error, const char *part, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    return mpp_error_usage(error, "strategy: \"%s\": %s", part, message);
}

static bool parse_int(const char *text, double low, double high, const char *part, int64_t *out, GError **error)
{
    gint64 value;
    if (text && g_ascii_string_to_signed(text, 10, (gint64)low, (gint64)high, &value, NULL)) {
        *out = value;
        return true;
    }
    return usage_error(error, part, "expected an integer from %.0f to %.0f", low, high);
}

static bool parse_bool(const char *text, const char *part, bool *out, GError **error)
{
    *out = !text || strcmp(text, "1") == 0 || strcmp(text, "true") == 0;
    if (*out || strcmp(text, "0") == 0 || strcmp(text, "false") == 0)
        return true;
    return usage_error(error, part, "expected 0 or 1");
}

static bool parse_enum(const MppField *row, const char *text, const char *part, int *out, GError **error)
{
    *out = text ? mpp_names_find(row->names, text) : -1;
    if (*out >= 0)
        return true;
    g_autofree char *known = mpp_names_suggest(row->names->names, row->names->n_names, text ? text : "");
    return usage_error(error, part, "expected a %s: %s", row->names->title, known);
}

static bool parse_stages(const char *text, const char *part, GArray **out, GError **error)
{
    g_autoptr(GArray) layers = g_array_new(FALSE, FALSE, sizeof(int64_t));
    g_auto(GStrv) counts = g_strsplit(text ? text : "", "/", -1);
    for (int i = 0; counts[i]; i++) {
        int64_t n;
        if (!parse_int(counts[i], 0, 4096, part, &n, error))
            return false;
        g_array_append_val(layers, n);
    }
    if (!layers->len)
        return usage_error(error, part, "expected layers of each chunk, like 10/12/12/10");
    g_clear_pointer(out, g_array_unref);
    *out = g_steal_pointer(&layers);
    return true;
}

static bool parse_modules(const char *text, const char *part, int64_t *out, GError **error)
{
    g_auto(GStrv) words = g_strsplit(text, "+", -1);
    int i = 0, module = 0;
    for (; words[i] && (module = mpp_names_find(&mpp_module_names, words[i])) >= 0; i++)
        *out |= (int64_t)1 << module;
    if (*out && !words[i])
        return true;
    g_autofree char *known = mpp_names_suggest(mpp_module_names.names, mpp_module_names.n_names, words[i] ? words[i] : "");
    return usage_error(error, part, "expected layers, or modules joined by +: %s", known);
}

/** recompute=full:3 and recompute=offload:3 also set the number of layers, recompute=selective:moe_act+layernorm modules. */
static bool parse_recompute_parts(char *value, const char *part, MppStrategy *strategy, GError **error)
{
    char *colon = value ? strchr(value, ':') : NULL;
    strategy->recompute_layers = 0;
    strategy->recompute_modules = 0;
    if (!colon)
        return true;
    *colon = '\0';
    if (g_ascii_isdigit(colon[1]))
        return parse_int(colon + 1, 1, 4096, part, &strategy->recompute_layers, error);
    return parse_modules(colon + 1, part, &strategy->recompute_modules, error);
}

static bool parse_part(const char *part, MppStrategy *strategy, MppStrategyFields *named, GError **error)
{
    g_auto(GStrv) pair = g_strsplit(part, "=", 2);
    char *key = g_strstrip(pair[0]), *value = pair[1] ? g_strstrip(pair[1]) : NULL;
    const MppField *row = find_row(key);
    if (!row) {
        const char *known[G_N_ELEMENTS(keys)];
        for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
            known[i] = keys[i].key;
        g_autofree char *nearest = mpp_names_suggest(known, G_N_ELEMENTS(keys), key);
        return usage_error(error, part, "unknown key; known: %s", nearest);
    }
    if (*named & mpp_strategy_field(row->name))
        return usage_error(error, part, "%s stands twice", key);
    if (!value && strcmp(row->name, "offload") == 0)
        value = "optimizer";
    *named |= mpp_strategy_field(row->name);
    void *at = (char *)strategy + row->offset;
    if (strcmp(row->name, "recompute") == 0 && !parse_recompute_parts(value, part, strategy, error))
        return false;
    switch (row->type) {
    case MPP_FIELD_TYPE_INT: return parse_int(value, row->min, row->max, part, at, error);
    case MPP_FIELD_TYPE_BOOL: return parse_bool(value, part, at, error);
    case MPP_FIELD_TYPE_ENUM: return parse_enum(row, value, part, at, error);
    default: return parse_stages(value, part, at, error);
    }
}

bool mpp_strategy_parse(const char *text, MppStrategy *strategy, MppStrategyFields *named, GError **error)
{
    MppStrategyFields seen = 0;
    g_auto(GStrv) parts = g_strsplit(text, ",", -1);
    for (int i = 0; parts[i]; i++) {
        if (*g_strstrip(parts[i]) && !parse_part(parts[i], strategy, &seen, error)) {
            mpp_strategy_clear(strategy);
            return false;
        }
    }
    if (named)
        *named = seen;
    return true;
}

char *mpp_strategy_modules(const MppStrategy *strategy, const char *between)
{
    GString *text = g_string_new(NULL);
    for (int i = 0; i < MPP_N_MODULES; i++)
        if (strategy->recompute_modules >> i & 1)
            g_string_append_printf(text, "%s%s", text->len ? between : "", mpp_names_get(&mpp_module_names, i));
    return g_string_free(text, FALSE);
}

static void append_parts(GString *text, const MppStrategy *strategy)
{
    g_autofree char *modules = mpp_strategy_modules(strategy, "+");
    if (strategy->recompute_layers)
        g_string_append_printf(text, ":%" G_GINT64_FORMAT, strategy->recompute_layers);
    else if (*modules)
        g_string_append_printf(text, ":%s", modules);
}

static void append_value(GString *text, const MppField *row, const MppStrategy *strategy)
{
    const void *at = (const char *)strategy + row->offset;
    if (row->type == MPP_FIELD_TYPE_INT) {
        g_string_append_printf(text, "=%" G_GINT64_FORMAT, *(const int64_t *)at);
    } else if (row->type == MPP_FIELD_TYPE_ENUM) {
        g_string_append_printf(text, "=%s", mpp_names_get(row->names, *(const int *)at));
    } else if (row->type == MPP_FIELD_TYPE_INTS) {
        const GArray *layers = strategy->stage_layers;
        for (guint i = 0; i < layers->len; i++)
            g_string_append_printf(text, "%c%" G_GINT64_FORMAT, i ? '/' : '=', g_array_index(layers, int64_t, i));
    }
    if (strcmp(row->name, "recompute") == 0)
        append_parts(text, strategy);
}

static bool at_default(const MppField *row, const MppStrategy *strategy)
{
    const void *at = (const char *)strategy + row->offset;
    switch (row->type) {
    case MPP_FIELD_TYPE_INT: return (double)*(const int64_t *)at == row->fallback;
    case MPP_FIELD_TYPE_BOOL: return !*(const bool *)at;
    case MPP_FIELD_TYPE_ENUM: return *(const int *)at == (int)row->fallback;
    default: return !strategy->stage_layers;
    }
}

char *mpp_strategy_to_text(const MppStrategy *strategy)
{
    GString *text = g_string_new(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        const MppField *row = mpp_fields_find(&mpp_strategy_fields, keys[i].field);
        bool always = i < 3 || strcmp(keys[i].key, "mbs") == 0;
        if (at_default(row, strategy) && !always)
            continue;
        g_string_append_printf(text, "%s%s", text->len ? "," : "", keys[i].key);
        append_value(text, row, strategy);
    }
    return g_string_free(text, FALSE);
}

char *mpp_strategy_title(const MppStrategy *s)
{
    static const char *const cp_marks[MPP_N_CPS] = {
#define CP(kind, name, mark) mark,
        MPP_CP_KINDS(CP)
#undef CP
    };
    GString *text = g_string_new(NULL);
    const struct { const char *name; int64_t n; } degrees[] = { { "dp", s->dp }, { "tp", s->tp },   { "cp", s->cp },
                                                                { "ep", s->ep }, { "etp", s->ep > 1 ? s->etp : 1 },
                                                                { "pp", s->pp }, { "vpp", s->vpp } };
    for (size_t i = 0; i < G_N_ELEMENTS(degrees); i++)
        if (degrees[i].n > 1)
            g_string_append_printf(text, "%s %" G_GINT64_FORMAT "%s · ", degrees[i].name, degrees[i].n,
                                   strcmp(degrees[i].name, "cp") == 0 ? cp_marks[s->cp_kind] : "");
    g_string_append_printf(text, "mbs %" G_GINT64_FORMAT, s->micro_batch);
    if (s->sequence_parallel)
        g_string_append(text, " · sp");
    if (s->zero)
        g_string_append_printf(text, " · ZeRO-%" G_GINT64_FORMAT, s->zero);
    if (s->zero_ranks)
        g_string_append_printf(text, " over %" G_GINT64_FORMAT, s->zero_ranks);
    g_autofree char *modules = mpp_strategy_modules(s, "+");
    if (s->recompute == MPP_RECOMPUTE_SELECTIVE)
        g_string_append_printf(text, " · %s recompute", *modules ? modules : "selective");
    if (s->recompute == MPP_RECOMPUTE_OFFLOAD)
        g_string_append(text, " · activation offload");
    if (s->recompute == MPP_RECOMPUTE_OFFLOAD && s->recompute_layers)
        g_string_append_printf(text, " %" G_GINT64_FORMAT " layers", s->recompute_layers);
    if (s->recompute == MPP_RECOMPUTE_FULL && s->recompute_layers)
        g_string_append_printf(text, " · recompute %" G_GINT64_FORMAT "/chunk", s->recompute_layers);
    else if (s->recompute == MPP_RECOMPUTE_FULL)
        g_string_append(text, " · full recompute");
    if (s->pp > 1 && s->schedule != MPP_SCHEDULE_1F1B && s->schedule != MPP_SCHEDULE_INTERLEAVED)
        g_string_append_printf(text, " · %s", mpp_names_get(&mpp_schedule_names, s->schedule));
    if (s->schedule_group)
        g_string_append_printf(text, " in groups of %" G_GINT64_FORMAT, s->schedule_group);
    if (s->offload)
        g_string_append_printf(text, " · %s offload", s->offload == MPP_OFFLOAD_OPTIMIZER ? "optimizer" : "parameter");
    return g_string_free(text, FALSE);
}
