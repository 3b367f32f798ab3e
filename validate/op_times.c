#include "validate/op_times.h"

#include <string.h>

MppOpTimes *mpp_op_times_new(void)
{
    MppOpTimes *times = g_new(MppOpTimes, 1);
    times->ops = g_array_new(FALSE, TRUE, sizeof(MppOpTime));
    return times;
}

void mpp_op_times_free(MppOpTimes *times)
{
    if (!times)
        return;
    g_array_unref(times->ops);
    g_free(times);
}

static MppOpTime *find(MppOpTimes *times, const char *name)
{
    for (guint i = 0; i < times->ops->len; i++) {
        MppOpTime *op = &g_array_index(times->ops, MppOpTime, i);
        if (op->name == name || strcmp(op->name, name) == 0)
            return op;
    }
    MppOpTime op = { .name = name };
    g_array_append_val(times->ops, op);
    return &g_array_index(times->ops, MppOpTime, times->ops->len - 1);
}

void mpp_op_times_add(MppOpTimes *times, const char *name, MppOpTimeKind kind, double seconds)
{
    MppOpTime *op = find(times, name);
    op->s[kind] += seconds;
    op->n += kind == MPP_OP_TIME_FORWARD;
}

void mpp_op_times_restart(MppOpTimes *times)
{
    g_array_set_size(times->ops, 0);
}
