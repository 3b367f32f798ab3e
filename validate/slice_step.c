#include "validate/slice_step.h"

/** Mean over micro-batches, 0 where the chunk has no such passes. */
static double mean_pass_s(const MppRunReport *report, int64_t chunk, MppPass pass)
{
    double sum_s = 0;
    int64_t n = 0;
    for (guint r = 0; r < report->ranks->len; r++) {
        const GArray *actions = g_array_index(report->ranks, MppMeasuredRank, r).actions;
        for (guint i = 0; i < actions->len; i++) {
            const MppMeasuredAction *action = &g_array_index(actions, MppMeasuredAction, i);
            if (action->kind != MPP_ACTION_PASS || action->chunk != chunk || action->pass != pass)
                continue;
            sum_s += action->duration_s;
            n++;
        }
    }
    return n ? sum_s / (double)n : 0;
}

/** What the ranks of a pass wait for each other, as predicted. */
static double exchange_s(const MppPipelineCost *pipeline, int64_t chunk, MppPass pass)
{
    MppShares shares;
    mpp_pipeline_cost_pass_shares(pipeline, chunk, pass, &shares);
    return shares.s[MPP_SHARE_TP] + shares.s[MPP_SHARE_CP] + shares.s[MPP_SHARE_EP] + shares.s[MPP_SHARE_DP];
}

/** A backward pass in one is split as it was predicted to be. */
static void set_backward(MppPipelineCost *pipeline, int64_t chunk, const MppRunReport *report)
{
    double whole_s = mean_pass_s(report, chunk, MPP_PASS_BACKWARD), waited_s = exchange_s(pipeline, chunk, MPP_PASS_BACKWARD);
    double weight_frac = pipeline->weight_s[chunk] / (pipeline->input_s[chunk] + pipeline->weight_s[chunk]);
    bool splits = whole_s == 0;
    pipeline->weight_s[chunk] = splits ? mean_pass_s(report, chunk, MPP_PASS_WEIGHT) : weight_frac * whole_s;
    pipeline->input_s[chunk] = splits ? mean_pass_s(report, chunk, MPP_PASS_INPUT) : whole_s - pipeline->weight_s[chunk];
    pipeline->input_s[chunk] += waited_s;
}

void mpp_slice_step_set_passes(MppPipelineCost *pipeline, const MppRunReport *report)
{
    for (int64_t chunk = 0; chunk < pipeline->n_chunks; chunk++) {
        double waited_s = exchange_s(pipeline, chunk, MPP_PASS_FORWARD);
        set_backward(pipeline, chunk, report);
        pipeline->forward_s[chunk] = mean_pass_s(report, chunk, MPP_PASS_FORWARD) + waited_s;
    }
    pipeline->replayed = false;
}
