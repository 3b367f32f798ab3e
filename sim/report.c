#include "sim/report.h"

/** Time from @begin_s to @end_s during which the lane's data stream is at work; @next: its first span not yet past. */
static double data_within(const MppTracks *tracks, int32_t lane, guint *next, double begin_s, double end_s)
{
    double sum_s = 0;
    for (guint i = *next; i < mpp_tracks_count(tracks, lane, MPP_STREAM_DATA); i++) {
        const MppSpan *span = mpp_tracks_span(tracks, lane, MPP_STREAM_DATA, i);
        if (span->start_s >= end_s)
            break;
        sum_s += MAX(0, MIN(end_s, span->end_s) - MAX(begin_s, span->start_s));
        if (span->end_s <= begin_s)
            *next = i + 1;
    }
    return sum_s;
}

/** The SEND that let @span start; NULL if it was something else. */
static const MppSpan *awaited(const MppSimulation *simulation, const MppSpan *span)
{
    if (span->cause < 0)
        return NULL;
    const MppSpan *cause = &g_array_index(simulation->spans, MppSpan, span->cause);
    return cause->action == MPP_ACTION_SEND ? cause : NULL;
}

/** Time before @span, from @begin_s on, in which its lane computed nothing. */
static void share_gap(const MppTracks *tracks, const MppSpan *span, double begin_s, guint *next_data, MppLaneShares *shares)
{
    double gap_s = span->start_s - begin_s;
    double data_s = data_within(tracks, shares->lane, next_data, begin_s, span->start_s), message_s = 0;
    const MppSpan *sent = awaited(tracks->simulation, span);
    if (sent) {
        double from_s = MAX(begin_s, sent->start_s);
        message_s = span->start_s - from_s - data_within(tracks, shares->lane, next_data, from_s, span->start_s);
    }
    shares->data_s += data_s;
    shares->message_s += MAX(0, message_s);
    shares->idle_s += MAX(0, gap_s - data_s - MAX(0, message_s));
}

static MppLaneShares share_lane(const MppTracks *tracks, int32_t lane)
{
    const MppSimulation *simulation = tracks->simulation;
    MppLaneShares shares = { .lane = lane };
    double at_s = 0;
    guint next_data = 0, n_data = mpp_tracks_count(tracks, lane, MPP_STREAM_DATA);
    for (guint i = 0; i < mpp_tracks_count(tracks, lane, MPP_STREAM_COMPUTE); i++) {
        const MppSpan *span = mpp_tracks_span(tracks, lane, MPP_STREAM_COMPUTE, i);
        double duration_s = span->end_s - span->start_s;
        double compute_s = span->action == MPP_ACTION_PASS ? mpp_tracks_compute_s(simulation, span) : duration_s;
        share_gap(tracks, span, at_s, &next_data, &shares);
        shares.compute_s += compute_s;
        shares.exchange_s += duration_s - compute_s;
        at_s = span->end_s;
    }
    double last_s = n_data ? mpp_tracks_span(tracks, lane, MPP_STREAM_DATA, n_data - 1)->end_s : 0;
    shares.data_s += data_within(tracks, lane, &next_data, at_s, simulation->step_s);
    if (last_s > at_s) {
        double after_s = data_within(tracks, lane, &next_data, at_s, last_s);
        shares.idle_s += MAX(0, last_s - at_s - after_s);
        at_s = last_s;
    }
    shares.end_s = simulation->step_s - at_s;
    return shares;
}

/** Tier of each link of the scene. */
static int *tiers_of_links(const MppSimulation *simulation)
{
    const MppScene *scene = &simulation->scene;
    const MppGroup *groups = simulation->pipeline->exchange.mesh.groups;
    int *tiers = g_new(int, scene->n_links);
    for (int32_t l = 0; l < scene->n_links; l++)
        tiers[l] = -1;
    for (int32_t lane = 0; lane < scene->n_lanes; lane++) {
        const int32_t ends[] = { scene->message_out[lane], scene->message_in[lane] };
        for (int i = 0; i < 2; i++)
            if (ends[i] >= 0)
                tiers[ends[i]] = groups[MPP_AXIS_PP].widest_tier;
    }
    for (int32_t k = 0; k < scene->program->pp; k++)
        for (int32_t i = 0; i < scene->n_replica_links[k]; i++)
            if (scene->replica_links[k][i] >= 0)
                tiers[scene->replica_links[k][i]] = groups[MPP_AXIS_DP_CP].widest_tier;
    return tiers;
}

static MppTierUse use_of_tier(const MppSimulation *simulation, const int *tiers, int tier)
{
    MppTierUse use = { .tier = tier };
    for (int32_t l = 0; l < simulation->scene.n_links; l++) {
        if (tiers[l] != tier)
            continue;
        double busy_frac = simulation->carried_bytes[l] / (simulation->scene.capacity_bytes_per_s[l] * simulation->step_s);
        use.n_links++;
        use.carried_bytes += simulation->carried_bytes[l];
        use.mean_busy_frac += busy_frac;
        use.most_busy_frac = MAX(use.most_busy_frac, busy_frac);
        use.most_contended_s = MAX(use.most_contended_s, simulation->contended_s[l]);
    }
    use.mean_busy_frac /= MAX(use.n_links, 1);
    return use;
}

static double span_bubble_frac(const MppSimulation *simulation)
{
    for (int32_t lane = 0; lane < simulation->n_lanes; lane++) {
        const MppLaneTimes *times = &simulation->lanes[lane];
        if (times->last_s - times->first_s == simulation->longest_span_s && simulation->longest_span_s > 0)
            return MAX(0, 1 - times->pass_s / simulation->longest_span_s);
    }
    return 0;
}

MppReport *mpp_report_new(const MppTracks *tracks, const bool *chosen)
{
    const MppSimulation *simulation = tracks->simulation;
    MppReport *report = g_new0(MppReport, 1);
    report->step_s = simulation->step_s;
    report->bubble_frac = simulation->bubble_frac;
    report->longest_span_s = simulation->longest_span_s;
    report->span_bubble_frac = span_bubble_frac(simulation);
    report->lanes = g_array_new(FALSE, FALSE, sizeof(MppLaneShares));
    for (int32_t lane = 0; lane < simulation->n_lanes; lane++)
        if (!chosen || chosen[lane]) {
            MppLaneShares shares = share_lane(tracks, lane);
            g_array_append_val(report->lanes, shares);
        }
    report->tiers = g_array_new(FALSE, FALSE, sizeof(MppTierUse));
    g_autofree int *tiers = tiers_of_links(simulation);
    for (int tier = 0; tier < MPP_MOST_TIERS; tier++) {
        MppTierUse use = use_of_tier(simulation, tiers, tier);
        if (use.carried_bytes > 0)
            g_array_append_val(report->tiers, use);
    }
    return report;
}

void mpp_report_free(MppReport *report)
{
    if (!report)
        return;
    g_array_unref(report->lanes);
    g_array_unref(report->tiers);
    g_free(report);
}
