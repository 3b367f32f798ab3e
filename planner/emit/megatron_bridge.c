/**
 * Megatron-Bridge (and NeMo, whose recipes moved there): overrides of a recipe's configuration, one a line.
 */
#include <string.h>

#include "planner/emit/megatron_forms.h"

/** What the field is when its argument is given as @value, or when it is not. */
static char *field_value(const MppKnobRow *row, const char *value)
{
    if (!value)
        return g_strdup(row->otherwise);
    if (row->arity == MPP_KNOB_ALONE)
        return g_strdup(strcmp(row->otherwise, "true") == 0 ? "false" : "true");
    bool plain = strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789._-") == strlen(value);
    if (row->arity == MPP_KNOB_MANY && !row->otherwise) {
        g_autofree char *list = g_strdelimit(g_strdup(value), " ", ',');
        return g_strdup_printf("[%s]", list);
    }
    return plain ? g_strdup(value) : g_strdup_printf("'%s'", value);
}

static void emit(MppEmission *e)
{
    if (e->job->model->sequential)
        mpp_emission_refuse(e, "a model that is not a transformer");
    g_auto(MppKnobs) knobs = { 0 };
    mpp_megatron_write_strategy(e, &knobs);
    mpp_megatron_write_training(e, &knobs);
    mpp_emission_add_header(e, "#");
    mpp_emission_add(e, "# Overrides for a Megatron-Bridge recipe of this model, each an argument of the script that runs it.\n");
    for (int i = 0; i < MPP_N_KNOBS; i++) {
        const MppKnobRow *row = &mpp_knob_rows[i];
        g_autofree char *value = row->field ? field_value(row, knobs.values[i]) : NULL;
        if (value)
            mpp_emission_add(e, "%s=%s\n", row->field, value);
    }
}

static char *unquoted(const char *value)
{
    char *text = g_strstrip(g_strdup(value));
    size_t n = strlen(text);
    bool wrapped = n >= 2 && ((text[0] == '\'' && text[n - 1] == '\'') || (text[0] == '"' && text[n - 1] == '"') ||
                              (text[0] == '[' && text[n - 1] == ']'));
    if (wrapped) {
        memmove(text, text + 1, n - 2);
        text[n - 2] = '\0';
    }
    return text;
}

static bool set_switch(MppKnobs *knobs, MppKnob knob, const char *value, int line, const char *name, GError **error)
{
    const MppKnobRow *row = &mpp_knob_rows[knob];
    bool on = g_ascii_strcasecmp(value, "true") == 0;
    if (!on && g_ascii_strcasecmp(value, "false") != 0)
        return mpp_error_set(error, MPP_ERROR_SCHEMA, "%s:%d: %s: expected true or false, got \"%s\"", name, line, row->field,
                             value);
    knobs->seen[knob] = true;
    if (on != (strcmp(row->otherwise, "true") == 0))
        mpp_knobs_set(knobs, knob, "%s", "");
    return true;
}

static bool read_line(const MppLaunchSource *source, const char *text, int line, MppKnobs *knobs, MppLaunch *launch,
                      GError **error)
{
    g_auto(GStrv) pair = g_strsplit(text, "=", 2);
    if (!pair[0] || !pair[1])
        return mpp_error_set(error, MPP_ERROR_SYNTAX, "%s:%d: expected FIELD=VALUE, got \"%s\"", source->name, line, text);
    const char *field = g_strstrip(pair[0]);
    int knob = mpp_knobs_find_field(field[0] == '+' ? field + 1 : field);
    g_autofree char *value = unquoted(pair[1]);
    if (knob < 0)
        mpp_launch_pass_over(launch, text);
    else if (mpp_knob_rows[knob].arity == MPP_KNOB_ALONE)
        return set_switch(knobs, knob, value, line, source->name, error);
    else if (strcmp(value, "null") != 0 || knob == MPP_KNOB_MIXED_PRECISION)
        mpp_knobs_set(knobs, knob, "%s", value);
    return true;
}

static bool read_launch(const MppLaunchSource *source, MppLaunch *launch, GError **error)
{
    g_auto(MppKnobs) knobs = { 0 };
    g_auto(GStrv) lines = g_strsplit(source->text, "\n", -1);
    for (int i = 0; lines[i]; i++) {
        char *line = g_strstrip(lines[i]);
        if (*line && *line != '#' && !read_line(source, line, i + 1, &knobs, launch, error))
            return false;
    }
    if (!source->model)
        return mpp_error_usage(error, "%s does not state the model, its recipe does: give --model", source->name);
    MppKnobReader reader = { &knobs, source->name, true };
    launch->runtime = "megatron-bridge";
    return mpp_launch_set_gpus(launch, source, 0, error) && mpp_megatron_read_launch(&reader, source->model, launch, error);
}

const MppEmitTarget mpp_emit_megatron_bridge = {
    .name = "megatron-bridge",
    .file_name = "megatron-bridge.overrides",
    .summary = "Megatron-Bridge / NeMo: overrides of a recipe's configuration",
    .emit = emit,
    .read = read_launch,
};
