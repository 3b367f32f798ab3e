/**
 * Layers by pattern as Megatron-LM's pretrain_mamba.py takes them (megatron/core/models/mamba, megatron/core/ssm).
 */
#include <string.h>

#include "planner/emit/megatron_forms.h"

#define N G_GINT64_FORMAT

#define SPEC "megatron.core.models.mamba.mamba_layer_specs mamba_stack_spec"

static void refuse(MppEmission *e)
{
    const MppModel *m = e->job->model;
    const MppSsm *ssm = &m->ssm, usual = mpp_ssm_usual(m->hidden); /* no argument sets conv and chunk */
    bool mixes = mpp_model_has_mixer(m, MPP_MIXER_SSM);
    const struct {
        bool there;
        const char *phrase;
    } odd[] = {
        { mixes && ssm->kind != MPP_SSM_MAMBA2, "layers of the gated delta rule" },
        { mixes && !m->pattern, "layers of a state space and an MLP" },
        { mixes && ssm->conv != usual.conv, "a convolution over another number of tokens than 4" },
        { mixes && ssm->chunk != usual.chunk, "chunks of another number of tokens than 128" },
        { m->attention_gate, "gates of attention" },
        { !m->heads, "a model without attention" },
        { m->pattern && m->window, "windows beside a pattern of layers" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(odd); i++)
        if (odd[i].there)
            mpp_emission_refuse(e, "%s", odd[i].phrase);
}

void mpp_megatron_write_hybrid(MppEmission *e, MppKnobs *knobs)
{
    const MppModel *m = e->job->model;
    refuse(e);
    if (!m->pattern)
        return;
    mpp_knobs_set(knobs, MPP_KNOB_HYBRID, "%s", "");
    mpp_knobs_set(knobs, MPP_KNOB_PATTERN, "%s", m->pattern);
    mpp_knobs_set(knobs, MPP_KNOB_SPEC, "%s", SPEC);
    if (!m->ssm.heads)
        return;
    mpp_knobs_set(knobs, MPP_KNOB_SSM_HEADS, "%" N, m->ssm.heads);
    mpp_knobs_set(knobs, MPP_KNOB_SSM_HEAD_DIM, "%" N, m->ssm.head_dim);
    mpp_knobs_set(knobs, MPP_KNOB_SSM_GROUPS, "%" N, m->ssm.groups);
    mpp_knobs_set(knobs, MPP_KNOB_SSM_STATE, "%" N, m->ssm.state);
}

bool mpp_megatron_read_hybrid(const MppKnobReader *r, MppModel *m, GError **error)
{
    const char *pattern = r->knobs->values[MPP_KNOB_PATTERN];
    if (!pattern)
        return !mpp_knob_given(r, MPP_KNOB_HYBRID) ||
               mpp_knob_error(r, MPP_KNOB_HYBRID, MPP_ERROR_UNSUPPORTED, error, "is not modelled without a pattern of layers");
    enum { MOST = 1 << 20 };
    MppSsm ssm = mpp_ssm_usual(m->hidden);
    m->pattern = g_strdup(pattern);
    if (!mpp_knob_int(r, MPP_KNOB_SSM_HEAD_DIM, 1, MOST, &ssm.head_dim, error) ||
        !mpp_knob_int(r, MPP_KNOB_SSM_GROUPS, 1, MOST, &ssm.groups, error) ||
        !mpp_knob_int(r, MPP_KNOB_SSM_STATE, 1, MOST, &ssm.state, error))
        return false;
    ssm.heads = MAX(2 * m->hidden / ssm.head_dim, 1);
    if (!mpp_knob_int(r, MPP_KNOB_SSM_HEADS, 1, MOST, &ssm.heads, error))
        return false;
    if (strchr(pattern, 'M'))
        m->ssm = ssm;
    return true;
}
