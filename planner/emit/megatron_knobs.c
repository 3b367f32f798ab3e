#include "planner/emit/megatron_knobs.h"

#include <string.h>

#define ROW(id, argument, arity, field, otherwise) [MPP_KNOB_##id] = { argument, MPP_KNOB_##arity, field, otherwise },
const MppKnobRow mpp_knob_rows[MPP_N_KNOBS] = { MPP_MEGATRON_KNOBS(ROW) };
const char *const mpp_knob_cp_comms[MPP_N_CPS] = { [MPP_CP_RING] = "p2p", [MPP_CP_ALL_TO_ALL] = "a2a", [MPP_CP_ALL_GATHER] = "all_gather" };

void mpp_knobs_set(MppKnobs *knobs, MppKnob knob, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *value = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_free(knobs->values[knob]);
    knobs->values[knob] = value;
    knobs->seen[knob] = true;
}

void mpp_knobs_clear(MppKnobs *knobs)
{
    for (int i = 0; i < MPP_N_KNOBS; i++)
        g_clear_pointer(&knobs->values[i], g_free);
}

int mpp_knobs_find_argument(const char *name)
{
    for (int i = 0; i < MPP_N_KNOBS; i++)
        if (mpp_knob_rows[i].argument && mpp_names_same(mpp_knob_rows[i].argument, name))
            return i;
    return -1;
}

int mpp_knobs_find_field(const char *name)
{
    for (int i = 0; i < MPP_N_KNOBS; i++)
        if (mpp_knob_rows[i].field && strcmp(mpp_knob_rows[i].field, name) == 0)
            return i;
    return -1;
}

bool mpp_knob_error(const MppKnobReader *reader, MppKnob knob, MppError code, GError **error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    const MppKnobRow *row = &mpp_knob_rows[knob];
    bool field = reader->fields && row->field;
    return mpp_error_set(error, code, "%s: %s%s: %s", reader->name, field ? "" : "--", field ? row->field : row->argument,
                         message);
}

bool mpp_knob_int(const MppKnobReader *reader, MppKnob knob, int64_t low, int64_t high, int64_t *out, GError **error)
{
    const char *text = reader->knobs->values[knob];
    gint64 value;
    if (!text)
        return true;
    if (!g_ascii_string_to_signed(text, 10, low, high, &value, NULL))
        return mpp_knob_error(reader, knob, MPP_ERROR_SCHEMA, error,
                              "expected a whole number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT ", got \"%s\"", low, high,
                              text);
    *out = value;
    return true;
}

bool mpp_knob_is(const MppKnobReader *reader, MppKnob knob, const char *text)
{
    return g_strcmp0(reader->knobs->values[knob], text) == 0;
}
