#include "sim/tracks.h"

static bool is_chosen(const bool *chosen, int32_t lane)
{
    return !chosen || chosen[lane];
}

static void append(MppTracks *tracks, int32_t lane, MppStream stream, guint index)
{
    int32_t value = (int32_t)index;
    g_array_append_val(tracks->lanes[lane].streams[stream], value);
}

/** A stage's reductions and gathers stand on its first lane, but all its lanes run them. */
static void append_to_stage(MppTracks *tracks, const bool *chosen, const MppSpan *span, guint index)
{
    int32_t pp = tracks->simulation->program->pp;
    for (int32_t lane = span->lane % pp; lane < tracks->simulation->n_lanes; lane += pp)
        if (is_chosen(chosen, lane))
            append(tracks, lane, MPP_STREAM_DATA, index);
}

static bool holds_tied(const MppStageProgram *stage)
{
    for (guint i = stage->actions->len; i-- > 0;) {
        MppActionKind kind = g_array_index(stage->actions, MppAction, i).kind;
        if (kind == MPP_ACTION_TIED || kind == MPP_ACTION_PASS) /* it follows the last pass */
            return kind == MPP_ACTION_TIED;
    }
    return false;
}

static void append_to_tied(MppTracks *tracks, const bool *chosen, const MppSpan *span, guint index)
{
    const MppProgram *program = tracks->simulation->program;
    int32_t first = span->lane - span->lane % program->pp;
    for (int32_t k = 0; k < program->pp; k++)
        if (is_chosen(chosen, first + k) && holds_tied(&program->stages[k]))
            append(tracks, first + k, MPP_STREAM_DATA, index);
}

static MppPass direction(MppPass pass)
{
    return pass == MPP_PASS_FORWARD ? MPP_PASS_FORWARD : MPP_PASS_BACKWARD;
}

static void place_chunks(MppTracks *tracks)
{
    const MppProgram *program = tracks->simulation->program;
    tracks->stage_of_chunk = g_new0(int32_t, program->n_chunks);
    tracks->receives = g_new0(bool, 2 * program->n_chunks);
    for (int32_t k = 0; k < program->pp; k++)
        for (guint i = 0; i < program->stages[k].actions->len; i++) {
            const MppAction *action = mpp_program_action(program, k, i);
            if (action->kind == MPP_ACTION_PASS)
                tracks->stage_of_chunk[action->chunk] = k;
            if (action->kind == MPP_ACTION_RECEIVE)
                tracks->receives[2 * action->chunk + direction(action->pass)] = true;
        }
}

MppTracks *mpp_tracks_new(const MppSimulation *simulation, const bool *chosen)
{
    MppTracks *tracks = g_new0(MppTracks, 1);
    tracks->simulation = simulation;
    place_chunks(tracks);
    tracks->lanes = g_new0(MppLaneTracks, simulation->n_lanes);
    for (int32_t lane = 0; lane < simulation->n_lanes; lane++)
        for (int s = 0; s < MPP_N_STREAMS; s++)
            tracks->lanes[lane].streams[s] = g_array_new(FALSE, FALSE, sizeof(int32_t));
    for (guint i = 0; i < simulation->spans->len; i++) {
        const MppSpan *span = &g_array_index(simulation->spans, MppSpan, i);
        if (span->action == MPP_ACTION_REDUCE || span->action == MPP_ACTION_GATHER)
            append_to_stage(tracks, chosen, span, i);
        else if (span->action == MPP_ACTION_TIED)
            append_to_tied(tracks, chosen, span, i);
        else if (is_chosen(chosen, span->lane))
            append(tracks, span->lane, mpp_span_stream(span), i);
    }
    return tracks;
}

void mpp_tracks_free(MppTracks *tracks)
{
    if (!tracks)
        return;
    for (int32_t lane = 0; lane < tracks->simulation->n_lanes; lane++)
        for (int s = 0; s < MPP_N_STREAMS; s++)
            g_array_unref(tracks->lanes[lane].streams[s]);
    g_free(tracks->lanes);
    g_free(tracks->stage_of_chunk);
    g_free(tracks->receives);
    g_free(tracks);
}

int32_t mpp_tracks_target_chunk(const MppSpan *sent)
{
    return sent->chunk + (sent->pass == MPP_PASS_FORWARD ? 1 : -1);
}

int32_t mpp_tracks_target_lane(const MppTracks *tracks, const MppSpan *sent)
{
    int32_t pp = tracks->simulation->program->pp;
    return sent->lane - sent->lane % pp + tracks->stage_of_chunk[mpp_tracks_target_chunk(sent)];
}

bool mpp_tracks_source(const MppTracks *tracks, const MppSpan *pass, int32_t *lane, int32_t *chunk)
{
    if (pass->pass == MPP_PASS_WEIGHT || !tracks->receives[2 * pass->chunk + direction(pass->pass)])
        return false;
    int32_t pp = tracks->simulation->program->pp;
    *chunk = pass->chunk + (pass->pass == MPP_PASS_FORWARD ? -1 : 1);
    *lane = pass->lane - pass->lane % pp + tracks->stage_of_chunk[*chunk];
    return true;
}

double mpp_tracks_compute_s(const MppSimulation *simulation, const MppSpan *pass)
{
    const MppScene *scene = &simulation->scene;
    const MppChunkTime *time = mpp_scene_time(scene, scene->pool_of_lane[pass->lane], pass->pass, pass->chunk);
    double compute_s = time->compute_s * scene->compute_factor[pass->lane];
    double exchange_s = time->exchange_s * scene->exchange_factor[pass->lane];
    double nominal_s = compute_s + exchange_s;
    return nominal_s > 0 ? (pass->end_s - pass->start_s) * (compute_s / nominal_s) : 0;
}
