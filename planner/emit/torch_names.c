#include "planner/emit/torch_names.h"

#include <string.h>

static const char *const names[MPP_N_SCHEDULES] = {
    [MPP_SCHEDULE_GPIPE] = "GPipe",
    [MPP_SCHEDULE_1F1B] = "1F1B",
    [MPP_SCHEDULE_INTERLEAVED] = "Interleaved1F1B",
    [MPP_SCHEDULE_BREADTH_FIRST] = "LoopedBFS",
    [MPP_SCHEDULE_ZB_INTERLEAVED] = "InterleavedZeroBubble",
    [MPP_SCHEDULE_ZB_V] = "ZBVZeroBubble",
    [MPP_SCHEDULE_DUALPIPE_V] = "DualPipeV",
};

const char *mpp_torch_schedule_name(MppEmission *e)
{
    MppScheduleKind kind = e->strategy->schedule;
    if (!mpp_emission_has_usual_group(e))
        mpp_emission_refuse(e, "groups of %" G_GINT64_FORMAT " micro-batches", e->strategy->schedule_group);
    if (e->strategy->pp > 1 && !names[kind])
        mpp_emission_refuse(e, "the %s schedule", mpp_names_get(&mpp_schedule_names, kind));
    return names[kind] ? names[kind] : "";
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

/** What is sent to the next rank at each turn is an all-to-all there. */
static const char *const rotations[MPP_N_CPS] = { [MPP_CP_RING] = "alltoall", [MPP_CP_ALL_GATHER] = "allgather" };

const char *mpp_torch_context_name(MppEmission *e)
{
    const MppStrategy *s = e->strategy;
    if (s->cp > 1 && !rotations[s->cp_kind])
        mpp_emission_refuse(e, "context parallelism by %s", mpp_names_get(&mpp_cp_names, s->cp_kind));
    return s->cp > 1 ? rotations[s->cp_kind] : NULL;
}

bool mpp_torch_context_find(const char *name, MppCpKind *kind)
{
    for (int i = 0; i < MPP_N_CPS; i++)
        if (rotations[i] && strcmp(rotations[i], name) == 0) {
            *kind = i;
            return true;
        }
    return false;
}

bool mpp_torch_schedule_has_chunks(MppScheduleKind kind)
{
    return mpp_schedule_kind_shape(kind)->least_vpp > 1;
}
