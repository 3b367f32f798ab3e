/**
 * Traces as PyTorch's profiler writes them, one file a rank: what Holistic Trace Analysis reads.
 *
 * Passes are kernels on one stream, collectives within them on another, messages that arrive and exchanges between
 * replicas on further ones; each has the launch that correlates with it. Time that a pass is slowed by the host is
 * computation, in detail it is idle, as a profiler would see it.
 * Fields: github.com/pytorch/kineto, github.com/facebookresearch/HolisticTraceAnalysis (hta/common/trace_parser.py).
 */
#include "sim/pass_pieces.h"
#include "sim/writers.h"

/** Streams of the device; messages of stage k arrive on RECEIVE + k. */
enum { COMPUTE = 7, EXCHANGE = 13, DATA = 17, RECEIVE = 21 };
enum { DEVICE_PROCESS = 0, HOST_PROCESS = 1000 };

/** Beyond any number of events, as a profiler's are: HTA keeps numbers of rows in a column as narrow as these. */
enum { FIRST_CORRELATION = 1 << 24 };

typedef struct {
    const MppTracks *tracks;
    const MppWriterOptions *options;
    MppOutput *output;
    GArray *pieces; /* MppPassPiece */
    int32_t lane;
    int n_kernels;
    double *launch_s; /* by stream: when its next kernel is launched */
} Kineto;

/** A kernel is launched when the one before it on the stream starts, so that it never waits for the host. */
static void put_kernel(Kineto *kineto, int stream, double start_s, double end_s, const char *name)
{
    const double shortest_s = 1e-9; /* times are in nanoseconds */
    if (end_s - start_s < shortest_s)
        return;
    int correlation = FIRST_CORRELATION + kineto->n_kernels++;
    mpp_output_format(kineto->output,
                      "%s\n{\"ph\":\"X\",\"cat\":\"cuda_runtime\",\"name\":\"cudaLaunchKernel\",\"pid\":%d,\"tid\":%d,\"ts\":",
                      correlation > FIRST_CORRELATION ? "," : "", HOST_PROCESS, stream);
    mpp_output_us(kineto->output, kineto->launch_s[stream]);
    kineto->launch_s[stream] = start_s;
    mpp_output_format(kineto->output,
                      ",\"dur\":0,\"args\":{\"correlation\":%d}},\n{\"ph\":\"X\",\"cat\":\"kernel\",\"name\":\"%s\",",
                      correlation, name);
    mpp_output_format(kineto->output, "\"pid\":%d,\"tid\":%d,\"ts\":", DEVICE_PROCESS, stream);
    mpp_output_us(kineto->output, start_s);
    mpp_output_text(kineto->output, ",\"dur\":");
    mpp_output_us_between(kineto->output, start_s, end_s);
    mpp_output_format(kineto->output, ",\"args\":{\"device\":0,\"stream\":%d,\"correlation\":%d}}", stream, correlation);
}

static const char *collective(const Kineto *kineto, MppShare share, MppPass pass)
{
    static const char *const context[MPP_N_CPS] = {
        [MPP_CP_RING] = "ncclDevKernel_SendRecv(cp)",
        [MPP_CP_ALL_TO_ALL] = "ncclDevKernel_AllToAll(cp)",
        [MPP_CP_ALL_GATHER] = "ncclDevKernel_AllGather_ReduceScatter(cp)",
    };
    const MppStrategy *s = kineto->tracks->simulation->pipeline->strategy;
    switch (share) {
    case MPP_SHARE_TP: return s->sequence_parallel ? "ncclDevKernel_AllGather_ReduceScatter(tp)" : "ncclDevKernel_AllReduce(tp)";
    case MPP_SHARE_CP: return context[s->cp_kind];
    case MPP_SHARE_EP: return "ncclDevKernel_AllToAll(ep)";
    default: return pass == MPP_PASS_FORWARD ? "ncclDevKernel_AllGather(shard)" : "ncclDevKernel_AllGather_ReduceScatter(shard)";
    }
}

/** The largest collective in the pass stands for all of them. */
static MppShare main_exchange(const MppShares *shares)
{
    MppShare main = MPP_SHARE_DP;
    for (int i = 0; i < MPP_N_SHARES; i++)
        if (mpp_pass_pieces_is_exchange((MppShare)i) && shares->s[i] > shares->s[main])
            main = (MppShare)i;
    return main;
}

static void put_pass(Kineto *kineto, const MppSpan *pass)
{
    static const char *const kernels[MPP_N_PASSES] = { "forward", "backward", "backward_input", "backward_weight" };
    const MppSimulation *simulation = kineto->tracks->simulation;
    double computed_s = pass->start_s + mpp_tracks_compute_s(simulation, pass);
    MppShares shares;
    mpp_pass_pieces_shares(simulation, pass, &shares);
    put_kernel(kineto, COMPUTE, pass->start_s, computed_s, kernels[pass->pass]);
    if (computed_s < pass->end_s)
        put_kernel(kineto, EXCHANGE, computed_s, pass->end_s, collective(kineto, main_exchange(&shares), pass->pass));
}

static void put_layers(Kineto *kineto, const MppSpan *pass)
{
    mpp_pass_pieces(kineto->tracks->simulation, pass, kineto->pieces);
    for (guint i = 0; i < kineto->pieces->len; i++) {
        const MppPassPiece *piece = &g_array_index(kineto->pieces, MppPassPiece, i);
        bool exchange = mpp_pass_pieces_is_exchange(piece->share);
        if (piece->share != MPP_SHARE_HOST)
            put_kernel(kineto, exchange ? EXCHANGE : COMPUTE, piece->start_s, piece->end_s,
                       exchange ? collective(kineto, piece->share, pass->pass) : mpp_names_get(&mpp_share_names, piece->share));
    }
}

static const char *data_kernel(const Kineto *kineto, const MppSpan *span)
{
    const MppSimulation *simulation = kineto->tracks->simulation;
    const MppStrategy *s = simulation->pipeline->strategy;
    bool scatters = s->zero > 1 || (s->zero == 1 && simulation->job->runtime->state.zero1_reduce_scatter);
    if (span->action == MPP_ACTION_GATHER)
        return "ncclDevKernel_AllGather(dp)";
    if (span->action == MPP_ACTION_TIED)
        return "ncclDevKernel_AllReduce(embedding)";
    return scatters ? "ncclDevKernel_ReduceScatter(dp)" : "ncclDevKernel_AllReduce(dp)";
}

static void put_compute(Kineto *kineto, const MppSpan *span)
{
    if (span->action == MPP_ACTION_UPDATE)
        put_kernel(kineto, COMPUTE, span->start_s, span->end_s, "optimizer");
    else if (kineto->options->detail)
        put_layers(kineto, span);
    else
        put_pass(kineto, span);
}

/** Messages to the lane, from the lanes of its replica that send to its stage; one stream a sender. */
static void put_received(Kineto *kineto)
{
    const MppTracks *tracks = kineto->tracks;
    int32_t pp = tracks->simulation->program->pp, first = kineto->lane - kineto->lane % pp;
    for (int32_t k = 0; k < pp; k++)
        for (guint i = 0; i < mpp_tracks_count(tracks, first + k, MPP_STREAM_SEND); i++) {
            const MppSpan *sent = mpp_tracks_span(tracks, first + k, MPP_STREAM_SEND, i);
            if (mpp_tracks_target_lane(tracks, sent) == kineto->lane)
                put_kernel(kineto, RECEIVE + k, sent->start_s, sent->end_s, "ncclDevKernel_SendRecv(pp)");
        }
}

/** HTA looks for the rank on a line of its own. */
static void put_header(Kineto *kineto, int64_t rank)
{
    const MppJob *job = kineto->tracks->simulation->job;
    mpp_output_format(kineto->output,
                      "{\n\"schemaVersion\": 1,\n\"distributedInfo\": {\"backend\": \"nccl\",\n\"rank\": %" G_GINT64_FORMAT
                      ",\n\"world_size\": %" G_GINT64_FORMAT "},\n\"deviceProperties\": [{\"id\": 0, \"name\": ",
                      rank, job->gpus);
    mpp_output_quoted(kineto->output, job->cluster->device.title);
    mpp_output_text(kineto->output, "}],\n\"displayTimeUnit\": \"ms\",\n\"traceEvents\": [");
}

static void write_kineto(const MppTracks *tracks, const MppWriterOptions *options, int64_t rank, MppOutput *output)
{
    g_autoptr(GArray) pieces = g_array_new(FALSE, FALSE, sizeof(MppPassPiece));
    g_autofree double *launch_s = g_new0(double, RECEIVE + tracks->simulation->program->pp);
    Kineto kineto = { tracks, options, output, pieces, mpp_lanes_of_rank(&tracks->simulation->ranks, rank), 0, launch_s };
    put_header(&kineto, rank);
    for (guint i = 0; i < mpp_tracks_count(tracks, kineto.lane, MPP_STREAM_COMPUTE); i++)
        put_compute(&kineto, mpp_tracks_span(tracks, kineto.lane, MPP_STREAM_COMPUTE, i));
    put_received(&kineto);
    for (guint i = 0; i < mpp_tracks_count(tracks, kineto.lane, MPP_STREAM_DATA); i++) {
        const MppSpan *span = mpp_tracks_span(tracks, kineto.lane, MPP_STREAM_DATA, i);
        put_kernel(&kineto, DATA, span->start_s, span->end_s, data_kernel(&kineto, span));
    }
    mpp_output_text(output, "\n]}\n");
}

const MppWriter mpp_write_kineto = {
    .name = "kineto",
    .suffix = ".json",
    .summary = "folder of traces for Holistic Trace Analysis, one a rank",
    .folder = true,
    .prefix = "rank",
    .event_count = 2,
    .event_bytes = 140,
    .write = write_kineto,
};
