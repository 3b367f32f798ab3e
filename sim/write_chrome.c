/**
 * Chrome's trace event format, which ui.perfetto.dev and chrome://tracing open.
 *
 * A process is a lane, numbered by its first rank; its threads are streams. Complete events nest and never overlap on
 * a thread. Messages are arrows from their transfer to the pass that takes them. Memory is a counter.
 * Format: "Trace Event Format", docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU.
 */
#include "sim/memory_curve.h"
#include "sim/pass_pieces.h"
#include "sim/writers.h"

/** Threads of a process: streams, then one for each stage that is sent to. */
typedef enum { COMPUTE = 1, EXCHANGE, DATA, FIRST_SEND } Thread;

typedef struct {
    const MppTracks *tracks;
    const MppWriterOptions *options;
    MppOutput *output;
    GArray *pieces; /* MppPassPiece */
    bool begun;     /* an event stands already */
} Chrome;

static int64_t process(const Chrome *chrome, int32_t lane)
{
    return mpp_lanes_first_rank(&chrome->tracks->simulation->ranks, lane);
}

/** Begins an event: up to its thread. */
static void begin(Chrome *chrome, const char *phase, int32_t lane, int thread)
{
    mpp_output_format(chrome->output, "%s\n{\"ph\":\"%s\",\"pid\":%" G_GINT64_FORMAT ",\"tid\":%d", chrome->begun ? "," : "",
                      phase, process(chrome, lane), thread);
    chrome->begun = true;
}

static void put_time(Chrome *chrome, const char *key, double time_s)
{
    mpp_output_format(chrome->output, ",\"%s\":", key);
    mpp_output_us(chrome->output, time_s);
}

/** Both ends are rounded alike, so what touches does not overlap. */
static void put_span(Chrome *chrome, int32_t lane, int thread, double start_s, double end_s, const char *name)
{
    begin(chrome, "X", lane, thread);
    put_time(chrome, "ts", start_s);
    mpp_output_text(chrome->output, ",\"dur\":");
    mpp_output_us_between(chrome->output, start_s, end_s);
    mpp_output_format(chrome->output, ",\"name\":\"%s\"", name);
}

static void end(Chrome *chrome)
{
    mpp_output_text(chrome->output, "}");
}

/* --- names --- */

static void name_process(Chrome *chrome, int32_t lane)
{
    const MppSimulation *simulation = chrome->tracks->simulation;
    int32_t pp = simulation->program->pp;
    g_autofree char *like = simulation->ranks.ranks > 1
                                ? g_strdup_printf(" and the %" G_GINT64_FORMAT " it moves with", simulation->ranks.ranks - 1)
                                : g_strdup("");
    begin(chrome, "M", lane, 0);
    mpp_output_format(chrome->output, ",\"name\":\"process_name\",\"args\":{\"name\":\"stage %d, rank %" G_GINT64_FORMAT "%s\"}}",
                      lane % pp, process(chrome, lane), like);
    begin(chrome, "M", lane, 0);
    mpp_output_format(chrome->output, ",\"name\":\"process_sort_index\",\"args\":{\"sort_index\":%d}}", lane);
}

static void name_thread(Chrome *chrome, int32_t lane, int thread, const char *name)
{
    begin(chrome, "M", lane, thread);
    mpp_output_format(chrome->output, ",\"name\":\"thread_name\",\"args\":{\"name\":\"%s\"}}", name);
    begin(chrome, "M", lane, thread);
    mpp_output_format(chrome->output, ",\"name\":\"thread_sort_index\",\"args\":{\"sort_index\":%d}}", thread);
}

static void name_threads(Chrome *chrome, int32_t lane)
{
    const MppSimulation *simulation = chrome->tracks->simulation;
    const GArray *peers = simulation->program->stages[lane % simulation->program->pp].peers;
    name_thread(chrome, lane, COMPUTE, "compute");
    if (chrome->options->detail)
        name_thread(chrome, lane, EXCHANGE, "exchange within layers (tp, cp, ep)");
    name_thread(chrome, lane, DATA, "gradients and parameters (dp)");
    for (guint p = 0; p < peers->len; p++) {
        g_autofree char *name = g_strdup_printf("send to stage %d", g_array_index(peers, MppPeer, p).stage);
        name_thread(chrome, lane, FIRST_SEND + g_array_index(peers, MppPeer, p).stage, name);
    }
}

/* --- computation --- */

/** Layers within the pass, and collectives on the exchange stream. */
static void put_pieces(Chrome *chrome, const MppSpan *pass)
{
    mpp_pass_pieces(chrome->tracks->simulation, pass, chrome->pieces);
    for (guint i = 0; i < chrome->pieces->len; i++) {
        const MppPassPiece *piece = &g_array_index(chrome->pieces, MppPassPiece, i);
        int thread = mpp_pass_pieces_is_exchange(piece->share) ? EXCHANGE : COMPUTE;
        put_span(chrome, pass->lane, thread, piece->start_s, piece->end_s, mpp_names_get(&mpp_share_titles, piece->share));
        if (piece->layer >= 0)
            mpp_output_format(chrome->output, ",\"args\":{\"layer\":%d}", piece->layer);
        end(chrome);
    }
}

static void put_compute(Chrome *chrome, const MppSpan *span)
{
    if (span->action != MPP_ACTION_PASS) {
        put_span(chrome, span->lane, COMPUTE, span->start_s, span->end_s, mpp_names_get(&mpp_action_names, span->action));
        end(chrome);
        return;
    }
    g_autofree char *name = g_strdup_printf("%s%d", mpp_names_get(&mpp_pass_names, span->pass), span->micro_batch);
    double exchange_s = span->end_s - span->start_s - mpp_tracks_compute_s(chrome->tracks->simulation, span);
    put_span(chrome, span->lane, COMPUTE, span->start_s, span->end_s, name);
    mpp_output_format(chrome->output, ",\"cat\":\"%s\",\"args\":{\"chunk\":%d,\"micro_batch\":%d,\"exchange_us\":",
                      mpp_names_get(&mpp_pass_names, span->pass), span->chunk, span->micro_batch);
    mpp_output_us(chrome->output, exchange_s);
    mpp_output_text(chrome->output, "}");
    end(chrome);
    if (chrome->options->detail)
        put_pieces(chrome, span);
}

/* --- transfers --- */

/** A number of its own for each message of each lane. */
static int64_t flow_of(const Chrome *chrome, int32_t lane, int32_t chunk, const MppSpan *span)
{
    const MppProgram *program = chrome->tracks->simulation->program;
    bool backward = span->pass != MPP_PASS_FORWARD;
    return (((int64_t)lane * program->n_chunks + chunk) * 2 + backward) * program->micro_batches + span->micro_batch;
}

static void put_flow(Chrome *chrome, const char *phase, int32_t lane, int thread, double at_s, int64_t flow)
{
    begin(chrome, phase, lane, thread);
    put_time(chrome, "ts", at_s);
    mpp_output_format(chrome->output, ",\"bp\":\"e\",\"name\":\"message\",\"cat\":\"message\",\"id\":%" G_GINT64_FORMAT "}",
                      flow);
}

static void put_send(Chrome *chrome, const MppSpan *sent)
{
    int32_t target = mpp_tracks_target_lane(chrome->tracks, sent);
    int thread = FIRST_SEND + target % chrome->tracks->simulation->program->pp;
    g_autofree char *name = g_strdup_printf("%s%d", mpp_names_get(&mpp_pass_names, sent->pass), sent->micro_batch);
    put_span(chrome, sent->lane, thread, sent->start_s, sent->end_s, name);
    end(chrome);
    if (!mpp_writer_has_lane(chrome->options, target))
        return;
    put_flow(chrome, "s", sent->lane, thread, sent->start_s, flow_of(chrome, sent->lane, sent->chunk, sent));
}

static void put_arrival(Chrome *chrome, const MppSpan *pass)
{
    int32_t lane, chunk;
    if (mpp_tracks_source(chrome->tracks, pass, &lane, &chunk) && mpp_writer_has_lane(chrome->options, lane))
        put_flow(chrome, "f", pass->lane, COMPUTE, pass->start_s, flow_of(chrome, lane, chunk, pass));
}

static void put_memory(Chrome *chrome, int32_t lane)
{
    g_autoptr(MppMemoryCurve) curve = mpp_memory_curve_new(chrome->tracks, lane);
    for (guint i = 0; i < curve->points->len; i++) {
        const MppMemoryPoint *point = &g_array_index(curve->points, MppMemoryPoint, i);
        begin(chrome, "C", lane, 0);
        put_time(chrome, "ts", point->time_s);
        mpp_output_format(chrome->output,
                          ",\"name\":\"memory (bytes)\",\"args\":{\"stays\":%.0f,\"activations\":%.0f,\"working\":%.0f}}",
                          point->bytes - point->activation_bytes - point->pass_bytes, point->activation_bytes, point->pass_bytes);
    }
}

static void put_lane(Chrome *chrome, int32_t lane)
{
    const MppTracks *tracks = chrome->tracks;
    name_process(chrome, lane);
    name_threads(chrome, lane);
    for (guint i = 0; i < mpp_tracks_count(tracks, lane, MPP_STREAM_COMPUTE); i++) {
        const MppSpan *span = mpp_tracks_span(tracks, lane, MPP_STREAM_COMPUTE, i);
        put_compute(chrome, span);
        if (span->action == MPP_ACTION_PASS)
            put_arrival(chrome, span);
    }
    for (guint i = 0; i < mpp_tracks_count(tracks, lane, MPP_STREAM_SEND); i++)
        put_send(chrome, mpp_tracks_span(tracks, lane, MPP_STREAM_SEND, i));
    for (guint i = 0; i < mpp_tracks_count(tracks, lane, MPP_STREAM_DATA); i++) {
        const MppSpan *span = mpp_tracks_span(tracks, lane, MPP_STREAM_DATA, i);
        put_span(chrome, lane, DATA, span->start_s, span->end_s, mpp_names_get(&mpp_action_names, span->action));
        end(chrome);
    }
    put_memory(chrome, lane);
}

static void write_chrome(const MppTracks *tracks, const MppWriterOptions *options, int64_t rank, MppOutput *output)
{
    (void)rank;
    g_autoptr(GArray) pieces = g_array_new(FALSE, FALSE, sizeof(MppPassPiece));
    Chrome chrome = { tracks, options, output, pieces, false };
    mpp_output_text(output, "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[");
    for (int32_t lane = 0; lane < tracks->simulation->n_lanes; lane++)
        if (mpp_writer_has_lane(options, lane))
            put_lane(&chrome, lane);
    mpp_output_text(output, "\n]}\n");
}

const MppWriter mpp_write_chrome = {
    .name = "chrome",
    .suffix = ".json.gz",
    .summary = "trace for ui.perfetto.dev and chrome://tracing (.json or .json.gz)",
    .event_count = 2.5, /* a pass has an arrow and a memory point */
    .event_bytes = 110,
    .write = write_chrome,
};
