#include "planner/emit/torch_schedule.h"

static const char *const names[MPP_N_SCHEDULES] = {
    [MPP_SCHEDULE_GPIPE] = "GPipe",
    [MPP_SCHEDULE_1F1B] = "1F1B",
    [MPP_SCHEDULE_INTERLEAVED] = "Interleaved1F1B",
    [MPP_SCHEDULE_BREADTH_FIRST] = "LoopedBFS",
    [MPP_SCHEDULE_ZB_INTERLEAVED] = "InterleavedZeroBubble",
    [MPP_SCHEDULE_ZB_V] = "ZBVZeroBubble",
    [MPP_SCHEDULE_DUALPIPE_V] = "DualPipeV",
};

const char *mpp_torch_schedule_name(MppScheduleKind kind)
{
    return names[kind];
}

bool mpp_torch_schedule_find(const char *name, MppScheduleKind *kind)
{
    for (int i = 0; i < MPP_N_SCHEDULES; i++)
        if (names[i] && g_ascii_strcasecmp(names[i], name) == 0) {
            *kind = i;
            return true;
        }
    return false;
}

bool mpp_torch_schedule_has_chunks(MppScheduleKind kind)
{
    return mpp_schedule_kind_shape(kind)->least_vpp > 1;
}
