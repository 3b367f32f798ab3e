#include "planner/emit/emit.h"

#include "planner/base/error.h"
#include "planner/base/units.h"
#include "planner/spec/mesh.h"

const MppEmitTarget *const mpp_emit_targets[] = {
    &mpp_emit_megatron,    &mpp_emit_megatron_bridge, &mpp_emit_deepspeed,
    &mpp_emit_torchtitan,  &mpp_emit_torchtitan_toml, &mpp_emit_pytorch,
    &mpp_emit_pytorch_csv, &mpp_emit_accelerate,      NULL,
};

const MppEmitTarget *mpp_emit_find(const char *name, GError **error)
{
    const char *known[G_N_ELEMENTS(mpp_emit_targets)];
    int n = 0;
    for (; mpp_emit_targets[n]; n++)
        known[n] = mpp_emit_targets[n]->name;
    MppNames names = { "target", known, n };
    int index = mpp_names_find(&names, name);
    if (index >= 0)
        return mpp_emit_targets[index];
    g_autofree char *nearest = mpp_names_suggest(known, n, name);
    mpp_error_usage(error, "unknown target \"%s\"; known: %s", name, nearest);
    return NULL;
}

void mpp_emission_refuse(MppEmission *emission, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_ptr_array_add(emission->refused, g_strdup_vprintf(format, arguments));
    va_end(arguments);
}

void mpp_emission_add(MppEmission *emission, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_string_append_vprintf(emission->text, format, arguments);
    va_end(arguments);
}

void mpp_emission_add_header(MppEmission *emission, const char *mark)
{
    const MppEstimate *estimate = emission->estimate;
    g_autofree char *inputs = mpp_inputs_title(emission->inputs), *strategy = mpp_strategy_title(emission->strategy);
    g_autofree char *step = mpp_units_seconds(estimate->step_s), *peak = mpp_units_bytes(estimate->peak_bytes);
    mpp_emission_add(emission, "%s Written by mpplan " MPP_VERSION ".\n%s %s\n%s %s\n", mark, mark, inputs, mark, strategy);
    mpp_emission_add(emission, "%s Predicted on %s: %s a step, %s of memory at the peak%s.\n", mark, emission->job->runtime->title,
                     step, peak, estimate->fits ? "" : ", which does not fit");
}

bool mpp_emission_has_usual_group(const MppEmission *emission)
{
    const MppStrategy *s = emission->strategy;
    return s->vpp == 1 || !s->schedule_group || s->schedule_group == s->pp;
}

bool mpp_emission_has_order(const MppEmission *emission, MppMeshOrder order)
{
    const MppStrategy *own = emission->strategy;
    MppStrategy other = *own;
    other.order = order;
    const struct {
        MppAxis axis;
        int64_t degree;
    } axes[] = { { MPP_AXIS_CP, own->cp }, { MPP_AXIS_DP, own->dp }, { MPP_AXIS_PP, own->pp } };
    for (size_t i = 0; i < G_N_ELEMENTS(axes); i++)
        if (axes[i].degree > 1 && mpp_mesh_stride(own, axes[i].axis) != mpp_mesh_stride(&other, axes[i].axis))
            return false;
    return true;
}

static char *joined(const GPtrArray *phrases)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < phrases->len; i++)
        g_string_append_printf(text, "%s%s", i ? "; " : "", (const char *)phrases->pdata[i]);
    return g_string_free(text, FALSE);
}

char *mpp_emit_text(const MppEmitTarget *target, const MppInputs *inputs, const MppStrategy *strategy, const MppEstimate *predicted,
                    GError **error)
{
    g_autoptr(MppEstimate) own = predicted ? NULL : mpp_estimate_new(&inputs->job, strategy);
    const MppEstimate *estimate = predicted ? predicted : own;
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GPtrArray) refused = g_ptr_array_new_with_free_func(g_free);
    MppEmission emission = { inputs, &inputs->job, strategy, estimate, estimate->chunk_layers, text, refused };
    if (inputs->training.narrow_states)
        mpp_emission_refuse(&emission, "states of 16 bits alone");
    target->emit(&emission);
    if (!refused->len)
        return g_strdup(text->str);
    g_autofree char *list = joined(refused);
    g_set_error(error, MPP_ERROR, MPP_ERROR_UNSUPPORTED, "%s cannot express: %s", target->name, list);
    return NULL;
}

MppLaunch *mpp_emit_read(const MppEmitTarget *target, const MppLaunchSource *source, GError **error)
{
    if (!target->read) {
        g_set_error(error, MPP_ERROR, MPP_ERROR_UNSUPPORTED, "what is written for %s cannot be read back", target->name);
        return NULL;
    }
    g_autoptr(MppLaunch) launch = mpp_launch_new();
    return target->read(source, launch, error) ? g_steal_pointer(&launch) : NULL;
}
