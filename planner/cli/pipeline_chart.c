#include "planner/cli/pipeline_chart.h"

#include <stdio.h>

#include "planner/base/units.h"
#include "planner/cli/terminal.h"
#include "planner/cost/plan_cost.h"

enum { CHART_CELLS = 56, BAR_CELLS = 14, MOST_ROWS = 8 };

static const char *const glyphs[MPP_N_CELLS] = {
    [MPP_CELL_IDLE] = "·", [MPP_CELL_PARTLY] = "░", [MPP_CELL_FORWARD] = "▄", [MPP_CELL_BACKWARD] = "█", [MPP_CELL_BOTH] = "▓",
};

/** Adds the time from @start to @end, in cells, to the cells it covers. */
static void add_time(double *cells, int width, double start, double end)
{
    for (int i = MAX((int)start, 0); i < width && i < end; i++)
        cells[i] += MIN(end, i + 1) - MAX(start, i);
}

void mpp_pipeline_chart_cells(const MppOrder *order, const MppReplay *replay, int64_t rank, MppChartCell *cells, int width)
{
    const double idle_frac = 0.1, partly_frac = 0.5; /* less of a cell's time in passes */
    const double both_frac = 0.25;                   /* more of it in the lesser pass */
    g_autofree double *forward = g_new0(double, width), *backward = g_new0(double, width);
    double scale = width / replay->length_s;
    for (guint i = 0; i < order->slots[rank]->len; i++) {
        const MppSlot *slot = &g_array_index(order->slots[rank], MppSlot, i);
        add_time(slot->pass == MPP_PASS_FORWARD ? forward : backward, width, replay->start_s[rank][i] * scale,
                 replay->end_s[rank][i] * scale);
    }
    for (int i = 0; i < width; i++) {
        if (forward[i] + backward[i] < idle_frac)
            cells[i] = MPP_CELL_IDLE;
        else if (forward[i] + backward[i] < partly_frac)
            cells[i] = MPP_CELL_PARTLY;
        else if (MIN(forward[i], backward[i]) > both_frac)
            cells[i] = MPP_CELL_BOTH;
        else
            cells[i] = forward[i] > backward[i] ? MPP_CELL_FORWARD : MPP_CELL_BACKWARD;
    }
}

static double busy_frac(const MppOrder *order, const MppReplay *replay, int64_t rank)
{
    double busy_s = 0;
    for (guint i = 0; i < order->slots[rank]->len; i++)
        busy_s += replay->end_s[rank][i] - replay->start_s[rank][i];
    return busy_s / replay->length_s;
}

static void print_row(const MppOrder *order, const MppReplay *replay, int64_t rank, const MppEstimate *estimate)
{
    MppChartCell cells[CHART_CELLS];
    mpp_pipeline_chart_cells(order, replay, rank, cells, CHART_CELLS);
    double bytes = estimate->stages[rank].memory.allocated_bytes;
    g_autofree char *bar = mpp_terminal_bar(bytes / estimate->capacity_bytes, BAR_CELLS), *peak = mpp_units_bytes(bytes);
    printf("  stage %-4" G_GINT64_FORMAT " ", rank);
    for (int i = 0; i < CHART_CELLS; i++)
        fputs(glyphs[cells[i]], stdout);
    printf("  %3.0f %%  %s %9s\n", 100 * busy_frac(order, replay, rank), bar, peak);
}

static void print_chart(const MppOrder *order, const MppReplay *replay, const MppEstimate *estimate)
{
    int64_t rows = MIN(estimate->pp, MOST_ROWS);
    g_autofree char *head = g_strdup_printf(
        "  pipeline   %s forward  %s backward  %s both  %s in part  %s idle %*s busy  peak memory", glyphs[MPP_CELL_FORWARD],
        glyphs[MPP_CELL_BACKWARD], glyphs[MPP_CELL_BOTH], glyphs[MPP_CELL_PARTLY], glyphs[MPP_CELL_IDLE], CHART_CELLS - 48, "");
    g_autofree char *styled = mpp_terminal_styled("2", head);
    printf("\n%s\n", styled);
    for (int64_t i = 0; i < rows; i++)
        print_row(order, replay, i * (estimate->pp - 1) / (rows - 1), estimate);
}

void mpp_pipeline_chart_print(const MppJob *job, const MppStrategy *s, const MppEstimate *estimate)
{
    if (estimate->pp == 1)
        return;
    g_autoptr(MppPlanCost) cost = mpp_plan_cost_new(job, s);
    const MppOrder *order = mpp_pipeline_cost_order(cost->pipeline);
    MppDurations durations = mpp_pipeline_cost_durations(cost->pipeline);
    g_autoptr(MppReplay) replay = mpp_replay_new(order, &durations);
    print_chart(order, replay, estimate);
}
