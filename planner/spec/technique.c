#include "planner/spec/technique.h"

static const char *const names[MPP_N_TECHNIQUES] = {
#define TECHNIQUE(technique, name) name,
    MPP_TECHNIQUES(TECHNIQUE)
#undef TECHNIQUE
};
const MppNames mpp_technique_names = MPP_NAMES("technique", names);

static MppTechnique schedule_technique(MppScheduleKind schedule)
{
    const MppScheduleShape *shape = mpp_schedule_kind_shape(schedule);
    return shape->placement == MPP_PLACEMENT_BIDIRECTIONAL ? MPP_TECHNIQUE_BIDIRECTIONAL
           : shape->splits_backward                        ? MPP_TECHNIQUE_SPLIT_BACKWARD
                                                           : MPP_TECHNIQUE_OTHER_SCHEDULE;
}

MppTechniques mpp_techniques_of(const MppStrategy *s)
{
    bool usual = s->schedule == MPP_SCHEDULE_GPIPE || s->schedule == MPP_SCHEDULE_1F1B || s->schedule == MPP_SCHEDULE_INTERLEAVED;
    const struct { bool used; MppTechnique technique; } uses[] = {
        { s->tp > 1, MPP_TECHNIQUE_TP },
        { s->sequence_parallel, MPP_TECHNIQUE_SP },
        { s->pp > 1, MPP_TECHNIQUE_PP },
        { s->vpp > 1, MPP_TECHNIQUE_VPP },
        { s->cp > 1, MPP_TECHNIQUE_CP_RING + (MppTechnique)s->cp_kind },
        { s->ep > 1, MPP_TECHNIQUE_EP },
        { s->ep > 1 && s->etp > 1, MPP_TECHNIQUE_ETP },
        { s->zero > 0, MPP_TECHNIQUE_ZERO_1 + (MppTechnique)s->zero - 1 },
        { s->zero_ranks > 0, MPP_TECHNIQUE_ZERO_RANKS },
        { s->recompute == MPP_RECOMPUTE_FULL, MPP_TECHNIQUE_FULL_RECOMPUTE },
        { s->recompute == MPP_RECOMPUTE_SELECTIVE, s->recompute_modules ? MPP_TECHNIQUE_MODULE_RECOMPUTE : MPP_TECHNIQUE_SELECTIVE_RECOMPUTE },
        { s->recompute == MPP_RECOMPUTE_OFFLOAD, MPP_TECHNIQUE_ACTIVATION_OFFLOAD },
        { s->offload == MPP_OFFLOAD_OPTIMIZER, MPP_TECHNIQUE_OPTIMIZER_OFFLOAD },
        { s->offload == MPP_OFFLOAD_PARAMETERS, MPP_TECHNIQUE_PARAMETER_OFFLOAD },
        { s->pp > 1 && !usual, schedule_technique(s->schedule) },
    };
    MppTechniques techniques = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(uses); i++)
        techniques |= (MppTechniques)uses[i].used << uses[i].technique;
    return techniques;
}

char *mpp_techniques_text(MppTechniques techniques, const char *between)
{
    GString *text = g_string_new(NULL);
    for (int i = 0; i < MPP_N_TECHNIQUES; i++)
        if (techniques >> i & 1)
            g_string_append_printf(text, "%s%s", text->len ? between : "", names[i]);
    return g_string_free(text, FALSE);
}

bool mpp_techniques_read(const char *text, const char *between, MppTechniques *techniques)
{
    *techniques = 0;
    g_auto(GStrv) parts = g_strsplit(text, between, -1);
    for (int i = 0; parts[i]; i++) {
        int technique = mpp_names_find(&mpp_technique_names, parts[i]);
        if (technique < 0)
            return false;
        *techniques |= (MppTechniques)1 << technique;
    }
    return true;
}
