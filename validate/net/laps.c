#include "validate/net/laps.h"

#include <string.h>

MppLaps *mpp_laps_new(void)
{
    MppLaps *times = g_new(MppLaps, 1);
    times->ops = g_array_new(FALSE, TRUE, sizeof(MppLap));
    return times;
}

void mpp_laps_free(MppLaps *times)
{
    if (!times)
        return;
    g_array_unref(times->ops);
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

void mpp_laps_add(MppLaps *times, const char *name, MppLapKind kind, double seconds)
{
    MppLap *op = find(times, name);
    op->s[kind] += seconds;
    op->n += kind == MPP_LAP_FORWARD;
}

void mpp_laps_restart(MppLaps *times)
{
    g_array_set_size(times->ops, 0);
}
