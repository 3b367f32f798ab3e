#include "planner/cli/simulate_text.h"

#include <math.h>
#include <stdio.h>

#include "planner/base/units.h"
#include "planner/cli/terminal.h"
#include "sim/memory_curve.h"

enum { BAR_CELLS = 16, MOST_PARTS = 8 };

void mpp_simulate_text_answer(const MppStrategy *strategy, const MppSimulation *simulation, bool as_planned)
{
    g_autofree char *title = mpp_strategy_title(strategy), *bold = mpp_terminal_styled("1", title);
    g_autofree char *step = mpp_units_seconds(simulation->step_s), *events = mpp_units_whole((double)simulation->n_events);
    double estimate_s = mpp_estimate_step_s(simulation->pipeline), added = simulation->step_s / estimate_s - 1;
    printf("\n  %s\n  step %s simulated", bold, step);
    if (added < 1e-6)
        printf(", as estimated: nothing contends");
    else
        printf(", %+.2f %% to the estimate%s", 100 * added,
               as_planned ? ": transfers share links, gradients are exchanged beside computation" : " of the plan as it is");
    printf("\n  bubble %.1f %% of the passes' time (%.1f %% of the longest lane's own)   %s events\n", 100 * simulation->bubble_frac,
           100 * fmax(0, 1 - (1 - simulation->bubble_frac) * simulation->passes_end_s / simulation->longest_span_s), events);
}

/** The lane of @stage whose passes end last. */
static const MppLaneShares *slowest(const MppSimulation *simulation, const MppReport *report, int32_t stage)
{
    const MppLaneShares *chosen = NULL;
    for (guint i = 0; i < report->lanes->len; i++) {
        const MppLaneShares *lane = &g_array_index(report->lanes, MppLaneShares, i);
        if (mpp_scene_stage(&simulation->scene, lane->lane) != stage)
            continue;
        if (!chosen || simulation->lanes[lane->lane].last_s > simulation->lanes[chosen->lane].last_s)
            chosen = lane;
    }
    return chosen;
}

static void add_row(MppTable *table, const MppTracks *tracks, const MppLaneShares *lane)
{
    const MppSimulation *simulation = tracks->simulation;
    g_autoptr(MppMemoryCurve) curve = mpp_memory_curve_new(tracks, lane->lane);
    g_autofree char *peak = mpp_units_bytes(curve->peak_bytes);
    g_autofree char *bar = mpp_terminal_bar(curve->peak_bytes / simulation->job->cluster->device.memory_bytes, BAR_CELLS);
    const double parts_s[] = { lane->compute_s, lane->exchange_s, lane->message_s, lane->data_s, lane->idle_s, lane->end_s };
    int32_t held = 0;
    mpp_table_add(table, "%d", mpp_scene_stage(&simulation->scene, lane->lane));
    mpp_table_add(table, "%" G_GINT64_FORMAT, mpp_lanes_first_rank(&simulation->ranks, lane->lane));
    for (gsize i = 0; i < G_N_ELEMENTS(parts_s); i++)
        mpp_table_add(table, "%.1f %%", 100 * parts_s[i] / simulation->step_s);
    for (guint i = 0; i < curve->held->len; i++)
        held += g_array_index(curve->held, MppChunkHeld, i).micro_batches;
    mpp_table_add(table, "%s", peak);
    mpp_table_add(table, "%s", bar);
    mpp_table_add(table, "%d", held);
}

void mpp_simulate_text_lanes(const MppTracks *tracks, const MppReport *report)
{
    const MppSimulation *simulation = tracks->simulation;
    bool folded = simulation->n_lanes == simulation->program->pp;
    g_autoptr(MppTable) table = mpp_table_new("stage|rank >|compute >|exchange >|messages >|gradients >|idle >|end >|peak >||in flight >");
    for (int32_t stage = 0; stage < simulation->program->pp; stage++) {
        const MppLaneShares *lane = slowest(simulation, report, stage);
        if (lane)
            add_row(table, tracks, lane);
    }
    puts("");
    mpp_table_print(table);
    printf("  of each stage %s; in flight: chunks' micro-batches at the peak\n",
           folded ? "the first rank" : "the replica whose passes end last");
}

void mpp_simulate_text_critical(const MppSimulation *simulation, const MppCriticalPath *path)
{
    g_autoptr(MppTable) table = mpp_table_new("what to make faster first|on the critical path >|of the step >");
    for (guint i = 0; i < MIN(path->parts->len, MOST_PARTS); i++) {
        const MppCriticalPart *part = &g_array_index(path->parts, MppCriticalPart, i);
        g_autofree char *title = mpp_critical_part_title(part), *time = mpp_units_seconds(part->s);
        mpp_table_add(table, "%s", title);
        mpp_table_add(table, "%s", time);
        mpp_table_add(table, "%.1f %%", 100 * part->s / simulation->step_s);
    }
    puts("");
    mpp_table_print(table);
}

void mpp_simulate_text_links(const MppSimulation *simulation, const MppReport *report)
{
    if (!report->tiers->len)
        return;
    g_autoptr(MppTable) table = mpp_table_new("links|busy >|the busiest >|contended >");
    for (guint i = 0; i < report->tiers->len; i++) {
        const MppTierUse *use = &g_array_index(report->tiers, MppTierUse, i);
        g_autofree char *contended = mpp_units_seconds(use->most_contended_s);
        mpp_table_add(table, "%s", mpp_cluster_tier(simulation->job->cluster, use->tier)->name);
        mpp_table_add(table, "%.1f %%", 100 * use->mean_busy_frac);
        mpp_table_add(table, "%.1f %%", 100 * use->most_busy_frac);
        mpp_table_add(table, "%s", contended);
    }
    puts("");
    mpp_table_print(table);
}

void mpp_simulate_text_sample(const MppMonteCarlo *sample)
{
    static const double fracs[] = { 0.5, 0.95, 0.99 };
    g_autofree char *mean = mpp_units_seconds(mpp_monte_carlo_mean_s(sample));
    g_autofree char *deviation = mpp_units_seconds(mpp_monte_carlo_deviation_s(sample));
    printf("\n  %" G_GINT64_FORMAT " random steps: mean %s ± %s", mpp_monte_carlo_done(sample), mean, deviation);
    for (gsize i = 0; i < G_N_ELEMENTS(fracs); i++) {
        g_autofree char *quantile = mpp_units_seconds(mpp_monte_carlo_quantile_s(sample, fracs[i]));
        printf("   p%.0f %s", 100 * fracs[i], quantile);
    }
    puts("");
}
