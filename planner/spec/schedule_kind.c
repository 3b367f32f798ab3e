#include "planner/spec/schedule_kind.h"

#define N G_GINT64_FORMAT

#define KIND(kind, name) name,
static const char *const names[MPP_N_SCHEDULES] = { MPP_SCHEDULE_KINDS(KIND) };
#undef KIND
const MppNames mpp_schedule_names = MPP_NAMES("schedule", names);

static const MppScheduleShape shapes[MPP_N_SCHEDULES] = {
    /* pp: least, multiple; vpp: least, most, multiple; micro-batches: rounds, multiple; whole rounds, grouped, splits backward */
    [MPP_SCHEDULE_GPIPE] = { MPP_PLACEMENT_LOOPED, 1, 1, 1, 1, 1, 0, 1, false, false, false },
    [MPP_SCHEDULE_1F1B] = { MPP_PLACEMENT_LOOPED, 1, 1, 1, 1, 1, 0, 1, false, false, false },
    [MPP_SCHEDULE_INTERLEAVED] = { MPP_PLACEMENT_LOOPED, 2, 1, 2, 0, 1, 1, 1, false, true, false },
    [MPP_SCHEDULE_BREADTH_FIRST] = { MPP_PLACEMENT_LOOPED, 2, 1, 2, 0, 1, 0, 1, false, false, false },
    [MPP_SCHEDULE_ZB_H1] = { MPP_PLACEMENT_LOOPED, 2, 1, 1, 1, 1, 0, 1, false, false, true },
    [MPP_SCHEDULE_ZB_H2] = { MPP_PLACEMENT_LOOPED, 2, 1, 1, 1, 1, 0, 1, false, false, true },
    [MPP_SCHEDULE_ZB_INTERLEAVED] = { MPP_PLACEMENT_LOOPED, 2, 1, 2, 0, 1, 1, 1, false, true, true },
    [MPP_SCHEDULE_ZB_V] = { MPP_PLACEMENT_ZIGZAG, 2, 1, 2, 2, 1, 0, 1, false, false, true },
    [MPP_SCHEDULE_V_HALF] = { MPP_PLACEMENT_ZIGZAG, 2, 1, 2, 2, 1, 0, 1, false, false, true },
    [MPP_SCHEDULE_V_MIN] = { MPP_PLACEMENT_ZIGZAG, 2, 1, 2, 2, 1, 0, 1, false, false, true },
    [MPP_SCHEDULE_DUALPIPE_V] = { MPP_PLACEMENT_ZIGZAG, 2, 1, 2, 2, 1, 2, 1, false, false, true },
    [MPP_SCHEDULE_HANAYO] = { MPP_PLACEMENT_ZIGZAG, 2, 1, 2, 0, 2, 1, 1, true, false, false },
    [MPP_SCHEDULE_CHIMERA] = { MPP_PLACEMENT_BIDIRECTIONAL, 2, 2, 1, 1, 1, 0, 2, false, false, false },
};

const MppScheduleShape *mpp_schedule_kind_shape(MppScheduleKind kind)
{
    return &shapes[kind];
}

static bool divides(int64_t divisor, int64_t number)
{
    return number % divisor == 0;
}

static char *broken_chunks(const MppScheduleShape *shape, const char *name, int64_t pp, int64_t vpp)
{
    if (pp < shape->least_pp)
        return g_strdup_printf("schedule %s needs pp of at least %" N, name, shape->least_pp);
    if (!divides(shape->pp_multiple, pp))
        return g_strdup_printf("schedule %s needs pp to be a multiple of %" N ", not %" N, name, shape->pp_multiple, pp);
    if (shape->most_vpp == shape->least_vpp && vpp != shape->least_vpp)
        return g_strdup_printf("schedule %s needs vpp %" N ", not %" N, name, shape->least_vpp, vpp);
    if (vpp < shape->least_vpp || !divides(shape->vpp_multiple, vpp))
        return g_strdup_printf("schedule %s needs vpp of at least %" N "%s, not %" N, name, shape->least_vpp,
                               shape->vpp_multiple == 2 ? " and even" : "", vpp);
    return NULL;
}

/** A last, smaller group must still reach the last rank before the first chunk's successor waits for it. */
static char *broken_groups(const char *name, int64_t pp, int64_t micro_batches, int64_t group)
{
    if (group < pp)
        return g_strdup_printf("schedule %s needs groups of at least pp %" N " micro-batches, not %" N, name, pp, group);
    int64_t rest = micro_batches % group;
    if (rest == 0 || rest >= pp)
        return NULL;
    return g_strdup_printf("schedule %s takes micro-batches in groups of %" N ": %" N " are not a multiple of it", name, group,
                           micro_batches);
}

char *mpp_schedule_kind_broken(MppScheduleKind kind, int64_t pp, int64_t vpp, int64_t micro_batches, int64_t group)
{
    const MppScheduleShape *shape = &shapes[kind];
    const char *name = names[kind];
    char *broken = broken_chunks(shape, name, pp, vpp);
    if (broken)
        return broken;
    if (micro_batches < shape->least_rounds * pp)
        return g_strdup_printf("schedule %s needs at least %" N " micro-batches, not %" N, name, shape->least_rounds * pp,
                               micro_batches);
    if (!divides(shape->micro_batch_multiple, micro_batches))
        return g_strdup_printf("schedule %s needs micro-batches to be a multiple of %" N ", not %" N, name,
                               shape->micro_batch_multiple, micro_batches);
    if (shape->whole_rounds && !divides(pp, micro_batches))
        return g_strdup_printf("schedule %s needs micro-batches to be a multiple of pp %" N ", not %" N, name, pp, micro_batches);
    return shape->grouped ? broken_groups(name, pp, micro_batches, group) : NULL;
}
