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

/** What a pipeline lacks for a kind. */
typedef enum {
    LACKS_NOTHING,
    LACKS_RANKS,
    LACKS_EVEN_RANKS,
    LACKS_ONE_VPP,
    LACKS_VPP,
    LACKS_MICRO_BATCHES,
    LACKS_EVEN_MICRO_BATCHES,
    LACKS_WHOLE_ROUNDS,
    LACKS_LARGE_GROUPS,
    LACKS_WHOLE_GROUPS,
} Lack;

/** A last, smaller group must still reach the last rank before the first chunk's successor waits for it. */
static Lack find_lack(const MppScheduleShape *shape, int64_t pp, int64_t vpp, int64_t micro_batches, int64_t group)
{
    if (pp < shape->least_pp)
        return LACKS_RANKS;
    if (!divides(shape->pp_multiple, pp))
        return LACKS_EVEN_RANKS;
    if (shape->most_vpp == shape->least_vpp && vpp != shape->least_vpp)
        return LACKS_ONE_VPP;
    if (vpp < shape->least_vpp || !divides(shape->vpp_multiple, vpp))
        return LACKS_VPP;
    if (micro_batches < shape->least_rounds * pp)
        return LACKS_MICRO_BATCHES;
    if (!divides(shape->micro_batch_multiple, micro_batches))
        return LACKS_EVEN_MICRO_BATCHES;
    if (shape->whole_rounds && !divides(pp, micro_batches))
        return LACKS_WHOLE_ROUNDS;
    if (shape->grouped && group < pp)
        return LACKS_LARGE_GROUPS;
    return shape->grouped && micro_batches % group > 0 && micro_batches % group < pp ? LACKS_WHOLE_GROUPS : LACKS_NOTHING;
}

bool mpp_schedule_kind_allows(MppScheduleKind kind, int64_t pp, int64_t vpp, int64_t micro_batches, int64_t group)
{
    return find_lack(&shapes[kind], pp, vpp, micro_batches, group) == LACKS_NOTHING;
}

char *mpp_schedule_kind_broken(MppScheduleKind kind, int64_t pp, int64_t vpp, int64_t micro_batches, int64_t group)
{
    const MppScheduleShape *shape = &shapes[kind];
    const char *name = names[kind];
    switch (find_lack(shape, pp, vpp, micro_batches, group)) {
    case LACKS_NOTHING: return NULL;
    case LACKS_RANKS: return g_strdup_printf("schedule %s needs pp of at least %" N ", not %" N, name, shape->least_pp, pp);
    case LACKS_EVEN_RANKS:
        return g_strdup_printf("schedule %s needs pp to be a multiple of %" N ", not %" N, name, shape->pp_multiple, pp);
    case LACKS_ONE_VPP: return g_strdup_printf("schedule %s needs vpp %" N ", not %" N, name, shape->least_vpp, vpp);
    case LACKS_VPP:
        return g_strdup_printf("schedule %s needs vpp of at least %" N "%s, not %" N, name, shape->least_vpp,
                               shape->vpp_multiple == 2 ? " and even" : "", vpp);
    case LACKS_MICRO_BATCHES:
        return g_strdup_printf("schedule %s needs at least %" N " micro-batches, not %" N, name, shape->least_rounds * pp, micro_batches);
    case LACKS_EVEN_MICRO_BATCHES:
        return g_strdup_printf("schedule %s needs micro-batches to be a multiple of %" N ", not %" N, name, shape->micro_batch_multiple,
                               micro_batches);
    case LACKS_WHOLE_ROUNDS:
        return g_strdup_printf("schedule %s needs micro-batches to be a multiple of pp %" N ", not %" N, name, pp, micro_batches);
    case LACKS_LARGE_GROUPS:
        return g_strdup_printf("schedule %s needs groups of at least pp %" N " micro-batches, not %" N, name, pp, group);
    case LACKS_WHOLE_GROUPS:
        return g_strdup_printf("schedule %s takes micro-batches in groups of %" N ": %" N " are not a multiple of it", name, group,
                               micro_batches);
    }
    g_return_val_if_reached(NULL);
}
