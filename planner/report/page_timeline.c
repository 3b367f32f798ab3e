#include <math.h>

#include "planner/report/page_parts.h"
#include "sim/tracks.h"

/* A span takes about 14 bytes; with these a page stays well below 2 MB. */
enum { MOST_SPANS = 60000 };

/** What the page colours spans by: its script has the same order. */
static const char *const kind_names[] = { "forward",   "backward",  "backward of inputs", "backward of weights",
                                          "message",   "gradients", "shared embedding",   "update",
                                          "parameters" };

enum { KIND_SEND = MPP_N_PASSES, KIND_REDUCE, KIND_TIED, KIND_UPDATE, KIND_GATHER };

static int kind_of(const MppSpan *span)
{
    switch ((MppActionKind)span->action) {
    case MPP_ACTION_PASS: return span->pass;
    case MPP_ACTION_SEND: return KIND_SEND;
    case MPP_ACTION_REDUCE: return KIND_REDUCE;
    case MPP_ACTION_TIED: return KIND_TIED;
    case MPP_ACTION_UPDATE: return KIND_UPDATE;
    default: return KIND_GATHER;
    }
}

static cJSON *track_json(const MppTracks *tracks, int32_t lane, MppStream stream)
{
    GString *text = g_string_new("[");
    double last_us = 0;
    for (guint i = 0; i < mpp_tracks_count(tracks, lane, stream); i++) {
        const MppSpan *span = mpp_tracks_span(tracks, lane, stream, i);
        double start_us = round(span->start_s * 1e6), end_us = round(span->end_s * 1e6);
        g_string_append_printf(text, "%s%.0f,%.0f,%d,%d,%d", i ? "," : "", start_us - last_us, end_us - start_us, kind_of(span),
                               span->chunk, span->micro_batch);
        last_us = start_us;
    }
    g_string_append_c(text, ']');
    cJSON *raw = cJSON_CreateRaw(text->str);
    g_string_free(text, TRUE);
    return raw;
}

static guint count_spans(const MppTracks *tracks, int32_t lane)
{
    guint n = 0;
    for (MppStream stream = 0; stream < MPP_N_STREAMS; stream++)
        n += mpp_tracks_count(tracks, lane, stream);
    return n;
}

/** How many stages there is room for. */
static int32_t room(const MppTracks *tracks, int32_t n_lanes)
{
    double all = 0;
    for (int32_t lane = 0; lane < n_lanes; lane++)
        all += count_spans(tracks, lane);
    return all <= MOST_SPANS ? n_lanes : MAX((int32_t)(n_lanes * (MOST_SPANS / all)), 1);
}

cJSON *mpp_page_timeline(const MppSimulation *simulation)
{
    g_autoptr(MppTracks) tracks = mpp_tracks_new(simulation, NULL);
    int32_t n_lanes = simulation->n_lanes, shown = room(tracks, n_lanes);
    cJSON *timeline = cJSON_CreateObject(), *kinds = cJSON_AddArrayToObject(timeline, "kinds");
    for (size_t i = 0; i < G_N_ELEMENTS(kind_names); i++)
        cJSON_AddItemToArray(kinds, cJSON_CreateString(kind_names[i]));
    cJSON_AddNumberToObject(timeline, "step_s", simulation->step_s);
    cJSON_AddNumberToObject(timeline, "bubble_frac", simulation->bubble_frac);
    cJSON_AddNumberToObject(timeline, "stages", n_lanes);
    cJSON *lanes = cJSON_AddArrayToObject(timeline, "lanes");
    for (int32_t i = 0; i < shown; i++) {
        int32_t lane = shown > 1 ? (int32_t)((int64_t)i * (n_lanes - 1) / (shown - 1)) : 0;
        cJSON *one = cJSON_CreateObject();
        cJSON_AddNumberToObject(one, "stage", mpp_scene_stage(&simulation->scene, lane));
        for (MppStream stream = 0; stream < MPP_N_STREAMS; stream++)
            cJSON_AddItemToObject(one, mpp_names_get(&mpp_stream_names, stream), track_json(tracks, lane, stream));
        cJSON_AddItemToArray(lanes, one);
    }
    return timeline;
}
