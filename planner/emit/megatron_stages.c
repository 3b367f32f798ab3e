#include "planner/emit/megatron_forms.h"

#include "planner/emit/stage_layout.h"

#define N G_GINT64_FORMAT

enum { MOST_STAGES = 4096, MOST_GROUP = 1 << 20 };

static bool invalid(const MppKnobReader *r, MppKnob knob, GError **error, const char *what, int64_t a, int64_t b)
{
    return mpp_knob_error(r, knob, MPP_ERROR_INVALID, error, "%s: %" N " is not a multiple of %" N, what, a, b);
}

static bool read_layout(const MppKnobReader *r, const MppModel *model, MppStrategy *s, GError **error)
{
    g_autoptr(GError) refused = NULL;
    s->stage_layers = mpp_stage_layout_parse(r->knobs->values[MPP_KNOB_LAYOUT], model->n_layers, &refused);
    if (!s->stage_layers)
        return mpp_knob_error(r, MPP_KNOB_LAYOUT, refused->code, error, "%s", refused->message);
    int64_t n = s->stage_layers->len;
    s->vpp = n / s->pp;
    return n % s->pp ? invalid(r, MPP_KNOB_LAYOUT, error, "stages and pipeline ranks", n, s->pp) : true;
}

/** Chunks by --num-virtual-stages-per-pipeline-rank, or from the layers of one. */
static bool read_vpp(const MppKnobReader *r, int64_t counted, MppStrategy *s, GError **error)
{
    int64_t per_chunk = 0;
    if (!mpp_knob_int(r, MPP_KNOB_VPP, 1, MOST_STAGES, &s->vpp, error) ||
        !mpp_knob_int(r, MPP_KNOB_VPP_LAYERS, 1, MOST_STAGES, &per_chunk, error))
        return false;
    if (!per_chunk)
        return true;
    s->vpp = counted / (s->pp * per_chunk);
    if (counted % (s->pp * per_chunk))
        return invalid(r, MPP_KNOB_VPP_LAYERS, error, "layers and those of all virtual stages", counted, s->pp * per_chunk);
    return true;
}

/** What ends of a pipeline hold: layers of the first and the last rank, or 0 when they are not stated apart. */
typedef struct {
    int64_t first, last;
    bool count_embedding, count_loss;
} Ends;

static bool read_ends(const MppKnobReader *r, const MppModel *model, Ends *ends, GError **error)
{
    ends->count_embedding = mpp_knob_given(r, MPP_KNOB_COUNT_EMBEDDING);
    ends->count_loss = mpp_knob_given(r, MPP_KNOB_COUNT_LOSS);
    return mpp_knob_int(r, MPP_KNOB_FIRST_LAYERS, 1, model->layers, &ends->first, error) &&
           mpp_knob_int(r, MPP_KNOB_LAST_LAYERS, 1, model->layers, &ends->last, error);
}

/** Layers of each chunk when the ranks between the ends share the rest evenly. */
static bool share_out(const MppKnobReader *r, const MppModel *model, const Ends *ends, MppStrategy *s, GError **error)
{
    int64_t counted = model->layers + ends->count_embedding + ends->count_loss - ends->first - ends->last;
    int64_t ranks = s->pp - (ends->first > 0) - (ends->last > 0), chunks = ranks * s->vpp;
    if (counted < 0 || (ranks <= 0 && counted > 0))
        return mpp_knob_error(r, MPP_KNOB_PP, MPP_ERROR_INVALID, error,
                              "the first and last stage do not leave the others their layers");
    if (chunks && counted % chunks)
        return invalid(r, MPP_KNOB_PP, error, "layers to share and the chunks that share them", counted, chunks);
    if (ends->first % s->vpp || ends->last % s->vpp)
        return mpp_knob_error(r, MPP_KNOB_VPP, MPP_ERROR_INVALID, error, "does not divide the layers of the first or last rank");
    s->stage_layers = g_array_new(FALSE, TRUE, sizeof(int64_t));
    for (int64_t c = 0; c < s->pp * s->vpp; c++) {
        int64_t rank = c % s->pp;
        int64_t n = rank == 0 && ends->first          ? ends->first / s->vpp
                    : rank == s->pp - 1 && ends->last ? ends->last / s->vpp
                                                      : counted / chunks;
        n -= (c == 0 && ends->count_embedding) + (c == s->pp * s->vpp - 1 && ends->count_loss);
        n += c == s->pp * s->vpp - 1 ? model->prediction_layers : 0;
        g_array_append_val(s->stage_layers, n);
    }
    return true;
}

bool mpp_megatron_read_stages(const MppKnobReader *r, const MppModel *model, MppStrategy *s, GError **error)
{
    if (!mpp_knob_int(r, MPP_KNOB_PP, 1, MOST_STAGES, &s->pp, error))
        return false;
    if (s->pp == 1)
        return true;
    Ends ends = { 0 };
    if (mpp_knob_given(r, MPP_KNOB_LAYOUT)) {
        if (!read_layout(r, model, s, error))
            return false;
    } else if (!read_ends(r, model, &ends, error) ||
               !read_vpp(r, model->layers + ends.count_embedding + ends.count_loss, s, error) ||
               !share_out(r, model, &ends, s, error)) {
        return false;
    }
    s->schedule = s->vpp > 1 ? MPP_SCHEDULE_INTERLEAVED : MPP_SCHEDULE_1F1B;
    if (s->vpp > 1 && !mpp_knob_int(r, MPP_KNOB_GROUP, 1, MOST_GROUP, &s->schedule_group, error))
        return false;
    if (s->schedule_group == s->pp)
        s->schedule_group = 0;
    return true;
}
