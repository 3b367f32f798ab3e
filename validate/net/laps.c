#include "validate/net/laps.h"

#include <string.h>

typedef struct {
    const char *name;
    MppLapKind kind;
    int64_t from, to;
} Note;

MppLaps *mpp_laps_new(void)
{
    MppLaps *times = g_new(MppLaps, 1);
    times->ops = g_array_new(FALSE, TRUE, sizeof(MppLap));
    times->noted = g_array_new(FALSE, FALSE, sizeof(Note));
    return times;
}

void mpp_laps_free(MppLaps *times)
{
    if (!times)
        return;
    g_array_unref(times->ops);
    g_array_unref(times->noted);
    g_free(times);
}

static MppLap *find(MppLaps *times, const char *name)
{
    for (guint i = 0; i < times->ops->len; i++) {
        MppLap *op = &g_array_index(times->ops, MppLap, i);
        if (op->name == name || strcmp(op->name, name) == 0)
            return op;
    }
    MppLap op = { .name = name };
    g_array_append_val(times->ops, op);
    return &g_array_index(times->ops, MppLap, times->ops->len - 1);
}

void mpp_laps_note(MppLaps *times, const char *name, MppLapKind kind, int64_t from, int64_t to)
{
    Note note = { name, kind, from, to };
    g_array_append_val(times->noted, note);
}

void mpp_laps_read(MppLaps *times, const MppRank *rank)
{
    for (guint i = 0; i < times->noted->len; i++) {
        const Note *note = &g_array_index(times->noted, Note, i);
        MppLap *op = find(times, note->name);
        op->s[note->kind] += mpp_run(rank, marked_s, note->to) - mpp_run(rank, marked_s, note->from);
        op->n += note->kind == MPP_LAP_FORWARD;
    }
    g_array_set_size(times->noted, 0);
}

void mpp_laps_restart(MppLaps *times)
{
    g_array_set_size(times->ops, 0);
}
