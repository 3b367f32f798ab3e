#include "sim/tracks.h"

#include "tests/support/simulated.h"

static guint count(const Simulated *simulated, int32_t lane, MppStream stream, MppActionKind action)
{
    guint n = 0;
    for (guint i = 0; i < mpp_tracks_count(simulated->tracks, lane, stream); i++)
        n += mpp_tracks_span(simulated->tracks, lane, stream, i)->action == action;
    return n;
}

/** Each lane has its own passes and messages, and all exchanges it takes part in. */
static void test_streams(void)
{
    g_autoptr(MppWhatIf) unfolded = mpp_what_if_new();
    unfolded->unfold = true;
    MppInputs *inputs = plain_job_new(8);
    inputs->model.tied_embeddings = true;
    plain_job_finish(inputs);
    g_autoptr(Simulated) simulated = simulated_of(inputs, "dp=2,pp=4,mbs=2,zero=1", unfolded);
    guint m = 16 / 2 / 2;
    g_assert_cmpint(simulated->simulation->n_lanes, ==, 8);
    for (int32_t lane = 0; lane < 8; lane++) {
        bool first = lane % 4 == 0, last = lane % 4 == 3;
        g_assert_cmpuint(count(simulated, lane, MPP_STREAM_COMPUTE, MPP_ACTION_PASS), ==, 2 * m);
        g_assert_cmpuint(count(simulated, lane, MPP_STREAM_COMPUTE, MPP_ACTION_UPDATE), ==, 1);
        g_assert_cmpuint(count(simulated, lane, MPP_STREAM_SEND, MPP_ACTION_SEND), ==, first || last ? m : 2 * m);
        g_assert_cmpuint(count(simulated, lane, MPP_STREAM_DATA, MPP_ACTION_REDUCE), ==, 1);
        g_assert_cmpuint(count(simulated, lane, MPP_STREAM_DATA, MPP_ACTION_GATHER), ==, 1);
        g_assert_cmpuint(count(simulated, lane, MPP_STREAM_DATA, MPP_ACTION_TIED), ==, first || last ? 1 : 0);
    }
}

/** What a lane computes or exchanges does not overlap; lanes that are not chosen are empty. */
static void test_order(void)
{
    g_autoptr(Simulated) simulated = simulated_new("dp=2,pp=2,vpp=2,mbs=2,zero=0,schedule=interleaved", 4, NULL);
    for (int32_t lane = 0; lane < 2; lane++)
        for (int stream = 0; stream < MPP_N_STREAMS; stream++)
            for (guint i = 1; i < mpp_tracks_count(simulated->tracks, lane, stream); i++) {
                const MppSpan *before = mpp_tracks_span(simulated->tracks, lane, stream, i - 1);
                const MppSpan *after = mpp_tracks_span(simulated->tracks, lane, stream, i);
                g_assert_cmpfloat(stream == MPP_STREAM_SEND ? before->start_s : before->end_s, <=, after->start_s);
            }
    const bool chosen[] = { false, true };
    g_autoptr(MppTracks) tracks = mpp_tracks_new(simulated->simulation, chosen);
    g_assert_cmpuint(mpp_tracks_count(tracks, 0, MPP_STREAM_COMPUTE) + mpp_tracks_count(tracks, 0, MPP_STREAM_DATA), ==, 0);
    g_assert_cmpuint(mpp_tracks_count(tracks, 1, MPP_STREAM_COMPUTE), ==,
                     mpp_tracks_count(simulated->tracks, 1, MPP_STREAM_COMPUTE));
}

/** Chunks 0 … 3 lie on stages 0 1 0 1; the second replica has lanes 2 and 3. */
static void test_ends_of_messages(void)
{
    static const struct {
        MppPass pass;
        int32_t lane, chunk;       /* of the sender */
        int32_t to_lane, to_chunk; /* -1: sends nothing */
    } rows[] = {
        { MPP_PASS_FORWARD, 0, 0, 1, 1 },  { MPP_PASS_FORWARD, 1, 1, 0, 2 },  { MPP_PASS_FORWARD, 2, 2, 3, 3 },
        { MPP_PASS_BACKWARD, 3, 3, 2, 2 }, { MPP_PASS_BACKWARD, 2, 2, 3, 1 }, { MPP_PASS_BACKWARD, 1, 1, 0, 0 },
    };
    g_autoptr(MppWhatIf) unfolded = mpp_what_if_new();
    unfolded->unfold = true;
    g_autoptr(Simulated) simulated = simulated_new("dp=2,pp=2,vpp=2,mbs=2,schedule=interleaved", 4, unfolded);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        MppSpan sent = { .lane = rows[i].lane, .chunk = rows[i].chunk, .pass = rows[i].pass, .action = MPP_ACTION_SEND };
        MppSpan taken = { .lane = rows[i].to_lane, .chunk = rows[i].to_chunk, .pass = rows[i].pass, .action = MPP_ACTION_PASS };
        int32_t lane, chunk;
        g_assert_cmpint(mpp_tracks_target_chunk(&sent), ==, rows[i].to_chunk);
        g_assert_cmpint(mpp_tracks_target_lane(simulated->tracks, &sent), ==, rows[i].to_lane);
        g_assert_true(mpp_tracks_source(simulated->tracks, &taken, &lane, &chunk));
        g_assert_cmpint(lane, ==, rows[i].lane);
        g_assert_cmpint(chunk, ==, rows[i].chunk);
    }
    const MppSpan inputs[] = { { .lane = 0, .chunk = 0, .pass = MPP_PASS_FORWARD },
                               { .lane = 1, .chunk = 3, .pass = MPP_PASS_BACKWARD },
                               { .lane = 1, .chunk = 1, .pass = MPP_PASS_WEIGHT } };
    int32_t lane, chunk;
    for (size_t i = 0; i < G_N_ELEMENTS(inputs); i++)
        g_assert_false(mpp_tracks_source(simulated->tracks, &inputs[i], &lane, &chunk));
}

/** Planned: 3 s and 1 s. A slow device stretches the first, a slow port the second; a longer pass keeps the ratio. */
static void test_compute(void)
{
    static const struct {
        double compute_factor, exchange_factor, duration_s, compute_s;
    } rows[] = { { 1, 1, 4, 3 }, { 2, 1, 7, 6 }, { 1, 3, 6, 3 }, { 1, 1, 8, 6 }, { 1.5, 1, 11, 9 } };
    g_autoptr(Simulated) simulated = simulated_new("dp=2", 2, NULL);
    MppScene *scene = &simulated->simulation->scene;
    scene->times[0] = (MppChunkTime){ 3, 1 };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        scene->compute_factor[0] = rows[i].compute_factor;
        scene->exchange_factor[0] = rows[i].exchange_factor;
        MppSpan pass = { .start_s = 2.5, .end_s = 2.5 + rows[i].duration_s, .action = MPP_ACTION_PASS };
        plain_job_expect("compute", mpp_tracks_compute_s(simulated->simulation, &pass), rows[i].compute_s);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/tracks/streams", test_streams);
    g_test_add_func("/tracks/order", test_order);
    g_test_add_func("/tracks/ends-of-messages", test_ends_of_messages);
    g_test_add_func("/tracks/compute", test_compute);
    return g_test_run();
}
