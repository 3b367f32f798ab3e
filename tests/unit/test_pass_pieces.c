#include "sim/pass_pieces.h"

#include "tests/support/simulated.h"

/** A pass as planned, from 1.5 s on, stretched @times. */
static MppSpan pass_of(const Simulated *simulated, MppPass pass, int32_t chunk, double times)
{
    const MppChunkTime *time = mpp_scene_time(&simulated->simulation->scene, 0, pass, chunk);
    double duration_s = times * (time->compute_s + time->exchange_s);
    return (MppSpan){ .start_s = 1.5,
                      .end_s = 1.5 + duration_s,
                      .chunk = chunk,
                      .action = MPP_ACTION_PASS,
                      .pass = (uint8_t)pass,
                      .lane = (int32_t)(chunk % simulated->strategy.pp) };
}

static MppInputs *job_with_host(int64_t gpus)
{
    MppInputs *inputs = plain_job_new(gpus);
    inputs->runtime.host.kernel_s = 3.7e-6;
    inputs->runtime.host.micro_batch_s = 1.3e-4;
    return inputs;
}

/** As planned, shares are the closed form's, for every kind of plan and every chunk. */
static void test_shares(void)
{
    static const char *const strategies[] = { "dp=8", "dp=2,tp=2,pp=2,sp",
                                              "dp=2,pp=2,vpp=2,cp=2,schedule=interleaved,recompute=full",
                                              "dp=8,zero=3,recompute=selective", "dp=4,pp=2,zero=2,recompute=full:1" };
    const MppPass passes[] = { MPP_PASS_FORWARD, MPP_PASS_BACKWARD };
    for (size_t i = 0; i < G_N_ELEMENTS(strategies); i++) {
        g_autoptr(Simulated) simulated = simulated_of(job_with_host(8), strategies[i], NULL);
        for (int32_t c = 0; c < simulated->pipeline->n_chunks; c++)
            for (int p = 0; p < 2; p++) {
                MppShares expected, found, twice;
                MppSpan span = pass_of(simulated, passes[p], c, 1), slow = pass_of(simulated, passes[p], c, 2);
                mpp_pipeline_cost_pass_shares(simulated->pipeline, c, passes[p], &expected);
                mpp_pass_pieces_shares(simulated->simulation, &span, &found);
                mpp_pass_pieces_shares(simulated->simulation, &slow, &twice);
                for (int share = 0; share < MPP_N_SHARES; share++) {
                    g_assert_cmpfloat_with_epsilon(found.s[share], expected.s[share], 1e-12);
                    g_assert_cmpfloat_with_epsilon(twice.s[share], 2 * expected.s[share], 1e-12);
                }
            }
    }
}

/** The two halves of a backward pass are the whole. */
static void test_split(void)
{
    g_autoptr(Simulated) simulated = simulated_of(job_with_host(8), "dp=2,tp=2,pp=2,sp,recompute=full", NULL);
    for (int32_t c = 0; c < 2; c++) {
        MppShares whole, input, weight;
        const MppSpan spans[] = { pass_of(simulated, MPP_PASS_BACKWARD, c, 1), pass_of(simulated, MPP_PASS_INPUT, c, 1),
                                  pass_of(simulated, MPP_PASS_WEIGHT, c, 1) };
        mpp_pass_pieces_shares(simulated->simulation, &spans[0], &whole);
        mpp_pass_pieces_shares(simulated->simulation, &spans[1], &input);
        mpp_pass_pieces_shares(simulated->simulation, &spans[2], &weight);
        mpp_shares_add(&input, 1, &weight);
        for (int share = 0; share < MPP_N_SHARES; share++)
            g_assert_cmpfloat_with_epsilon(input.s[share], whole.s[share], 1e-12);
        g_assert_cmpfloat(weight.s[MPP_SHARE_MATMUL], >, 0);
        g_assert_cmpfloat(weight.s[MPP_SHARE_TP], ==, 0);
    }
}

/** Pieces touch and fill the pass; layers rise in a forward pass and fall in a backward one. */
static void test_pieces(void)
{
    g_autoptr(Simulated) simulated = simulated_of(job_with_host(8), "dp=2,tp=2,pp=2,sp,recompute=full:1", NULL);
    g_autoptr(GArray) pieces = g_array_new(FALSE, FALSE, sizeof(MppPassPiece));
    for (int32_t c = 0; c < 2; c++)
        for (int pass = 0; pass < MPP_N_PASSES; pass++) {
            MppSpan span = pass_of(simulated, (MppPass)pass, c, 1.37);
            mpp_pass_pieces(simulated->simulation, &span, pieces);
            double at_s = span.start_s;
            int32_t step = pass == MPP_PASS_FORWARD ? 1 : -1, last = pass == MPP_PASS_FORWARD ? -1 : 4;
            for (guint i = 0; i < pieces->len; i++) {
                const MppPassPiece *piece = &g_array_index(pieces, MppPassPiece, i);
                g_assert_cmpfloat(piece->start_s, ==, at_s);
                g_assert_cmpfloat(piece->end_s, >, piece->start_s);
                at_s = piece->end_s;
                if (piece->layer < 0)
                    continue;
                g_assert_cmpint(piece->layer / 2, ==, c);
                g_assert_cmpint((piece->layer - last) * step, >=, 0);
                last = piece->layer;
            }
            g_assert_cmpfloat(at_s, ==, span.end_s);
            g_assert_cmpint(last, ==, pass == MPP_PASS_FORWARD ? 2 * c + 1 : 2 * c);
        }
}

/** Only the first of two layers is recomputed. */
static void test_recomputed(void)
{
    g_autoptr(Simulated) simulated = simulated_new("pp=2,recompute=full:1", 2, NULL);
    g_autoptr(GArray) pieces = g_array_new(FALSE, FALSE, sizeof(MppPassPiece));
    MppSpan span = pass_of(simulated, MPP_PASS_BACKWARD, 0, 1);
    mpp_pass_pieces(simulated->simulation, &span, pieces);
    bool found = false;
    for (guint i = 0; i < pieces->len; i++) {
        const MppPassPiece *piece = &g_array_index(pieces, MppPassPiece, i);
        g_assert_true(piece->share != MPP_SHARE_RECOMPUTE || piece->layer == 0);
        found = found || piece->share == MPP_SHARE_RECOMPUTE;
    }
    g_assert_true(found);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pass-pieces/shares", test_shares);
    g_test_add_func("/pass-pieces/split", test_split);
    g_test_add_func("/pass-pieces/pieces", test_pieces);
    g_test_add_func("/pass-pieces/recomputed", test_recomputed);
    return g_test_run();
}
