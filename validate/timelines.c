#include "validate/timelines.h"

#include <math.h>

#include "planner/base/file.h"

typedef struct {
    MppActionKind action;
    MppPass pass;
    int64_t chunk, micro_batch;
    double start_s, end_s;
} Bar;

typedef struct {
    char *title;
    bool measured;
    GArray *bars; /* Bar */
} Row;

static void clear_row(gpointer data)
{
    Row *row = data;
    g_free(row->title);
    g_array_unref(row->bars);
}

static Row new_row(char *title, bool measured)
{
    return (Row){ title, measured, g_array_new(FALSE, FALSE, sizeof(Bar)) };
}

/* --- rows --- */

/** Computation and what a lane waits in; messages go on beside it and are in the trace of `mpplan simulate`. */
static bool is_shown(MppActionKind action)
{
    return action != MPP_ACTION_SEND && action != MPP_ACTION_RECEIVE && action != MPP_ACTION_DRAIN;
}

static void add_predicted(const MppSimulation *simulation, int32_t lane, GArray *rows)
{
    Row row = new_row(g_strdup_printf("stage %d, predicted", mpp_scene_stage(&simulation->scene, lane)), false);
    for (guint i = 0; i < simulation->spans->len; i++) {
        const MppSpan *span = &g_array_index(simulation->spans, MppSpan, i);
        Bar bar = { span->action, span->pass, span->chunk, span->micro_batch, span->start_s, span->end_s };
        if (span->lane == lane && is_shown(bar.action))
            g_array_append_val(row.bars, bar);
    }
    g_array_append_val(rows, row);
}

static void add_measured(const MppMeasuredRank *rank, GArray *rows)
{
    Row row = new_row(g_strdup_printf("stage %" G_GINT64_FORMAT ", rank %" G_GINT64_FORMAT " measured", rank->stage, rank->rank),
                      true);
    for (guint i = 0; i < rank->actions->len; i++) {
        const MppMeasuredAction *action = &g_array_index(rank->actions, MppMeasuredAction, i);
        Bar bar = { action->kind,        action->pass,    action->chunk,
                    action->micro_batch, action->start_s, action->start_s + action->duration_s };
        if (is_shown(bar.action))
            g_array_append_val(row.bars, bar);
    }
    g_array_append_val(rows, row);
}

static GArray *rows_of(const MppSimulation *simulation, const MppRunReport *report)
{
    GArray *rows = g_array_new(FALSE, FALSE, sizeof(Row));
    g_array_set_clear_func(rows, clear_row);
    for (int32_t lane = 0; lane < simulation->n_lanes && lane < simulation->scene.program->pp; lane++) {
        add_predicted(simulation, lane, rows);
        for (guint r = 0; r < report->ranks->len; r++) {
            const MppMeasuredRank *rank = &g_array_index(report->ranks, MppMeasuredRank, r);
            if (rank->stage == mpp_scene_stage(&simulation->scene, lane))
                add_measured(rank, rows);
        }
    }
    return rows;
}

static char *bar_title(const Bar *bar)
{
    bool is_pass = bar->action == MPP_ACTION_PASS;
    const char *name = is_pass ? mpp_names_get(&mpp_pass_names, bar->pass) : mpp_names_get(&mpp_action_names, bar->action);
    return is_pass ? g_strdup_printf("%s of micro-batch %" G_GINT64_FORMAT ", chunk %" G_GINT64_FORMAT, name, bar->micro_batch,
                                     bar->chunk)
                   : g_strdup(name);
}

/** @value in the C locale. */
static void add_number(GString *text, const char *format, double value)
{
    char number[G_ASCII_DTOSTR_BUF_SIZE];
    g_string_append(text, g_ascii_formatd(number, sizeof number, format, value));
}

/* --- trace --- */

static void add_event(GString *text, guint row, const Bar *bar)
{
    g_autofree char *title = bar_title(bar);
    g_string_append_printf(text, ",\n{\"ph\":\"X\",\"pid\":0,\"tid\":%u,\"name\":\"%s\",\"ts\":", row, title);
    add_number(text, "%.3f", 1e6 * bar->start_s);
    g_string_append(text, ",\"dur\":");
    add_number(text, "%.3f", 1e6 * (bar->end_s - bar->start_s));
    g_string_append_c(text, '}');
}

static GString *trace_of(const GArray *rows)
{
    GString *text = g_string_new(
        "{\"traceEvents\":[\n{\"ph\":\"M\",\"pid\":0,\"name\":\"process_name\",\"args\":{\"name\":\"step\"}}");
    for (guint i = 0; i < rows->len; i++) {
        const Row *row = &g_array_index(rows, Row, i);
        g_string_append_printf(
            text,
            ",\n{\"ph\":\"M\",\"pid\":0,\"tid\":%u,\"name\":\"thread_name\",\"args\":{\"name\":\"%s\"}}"
            ",\n{\"ph\":\"M\",\"pid\":0,\"tid\":%u,\"name\":\"thread_sort_index\",\"args\":{\"sort_index\":%u}}",
            i, row->title, i, i);
        for (guint k = 0; k < row->bars->len; k++)
            add_event(text, i, &g_array_index(row->bars, Bar, k));
    }
    g_string_append(text, "\n]}\n");
    return text;
}

/* --- page --- */

enum { ROW_HEIGHT = 26, BAR_HEIGHT = 20, LABEL_WIDTH = 210, PLOT_WIDTH = 1000, AXIS_HEIGHT = 24 };

static const char page_head[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Predicted and measured step</title>\n<style>\n"
    ":root{color-scheme:light dark;--text:#1f2328;--back:#fff;--line:#8884}\n"
    "@media(prefers-color-scheme:dark){:root{--text:#e6edf3;--back:#0d1117}}\n"
    "body{font:14px system-ui,sans-serif;color:var(--text);background:var(--back);margin:2em}svg{width:100%;height:auto}\n"
    "text{fill:var(--text);font-size:12px}.forward{--c:#4c8dd6}.backward,.input{--c:#d98b3a}.weight{--c:#b5a13c}\n"
    ".other{--c:#7f6bc4}rect{fill:var(--c)}.predicted{opacity:.6}line{stroke:var(--line)}\n"
    "i{display:inline-block;width:12px;height:12px;margin:0 5px 0 14px;background:var(--c)}i:first-child{margin-left:0}\n</style>\n";

static const char legend[] = "<p><i class=\"forward\"></i>forward <i class=\"backward\"></i>backward <i class=\"weight\"></i>weights' gradients "
                             "<i class=\"other\"></i>exchange, update, waiting for others; pale: predicted</p>\n";

static const char *class_of(const Bar *bar)
{
    static const char *const passes[MPP_N_PASSES] = {
        [MPP_PASS_FORWARD] = "forward", [MPP_PASS_BACKWARD] = "backward", [MPP_PASS_INPUT] = "input", [MPP_PASS_WEIGHT] = "weight"
    };
    return bar->action == MPP_ACTION_PASS ? passes[bar->pass] : "other";
}

static void add_bar(GString *text, const Row *row, const Bar *bar, double top, double scale)
{
    g_autofree char *title = bar_title(bar);
    g_string_append_printf(text, "<rect class=\"%s%s\" height=\"%d\" y=\"", class_of(bar), row->measured ? "" : " predicted",
                           BAR_HEIGHT);
    add_number(text, "%.0f", top);
    g_string_append(text, "\" x=\"");
    add_number(text, "%.2f", LABEL_WIDTH + scale * bar->start_s);
    g_string_append(text, "\" width=\"");
    add_number(text, "%.2f", MAX(scale * (bar->end_s - bar->start_s) - 0.5, 0.2));
    g_string_append_printf(text, "\"><title>%s, ", title);
    add_number(text, "%.3f", 1e3 * (bar->end_s - bar->start_s));
    g_string_append(text, " ms</title></rect>\n");
}

static void add_axis(GString *text, double longest_s, double scale, double height)
{
    enum { TICKS = 5 };
    for (int i = 0; i <= TICKS; i++) {
        double at_s = longest_s * i / TICKS, x = LABEL_WIDTH + scale * at_s;
        g_string_append(text, "<line y1=\"0\" x1=\"");
        add_number(text, "%.1f", x);
        g_string_append(text, "\" x2=\"");
        add_number(text, "%.1f", x);
        g_string_append_printf(text, "\" y2=\"%.0f\"/><text text-anchor=\"%s\" y=\"%.0f\" x=\"", height, i ? "end" : "start",
                               height + AXIS_HEIGHT - 8);
        add_number(text, "%.1f", x);
        g_string_append(text, "\">");
        add_number(text, "%.1f", 1e3 * at_s);
        g_string_append(text, " ms</text>\n");
    }
}

static GString *page_of(const GArray *rows, double predicted_s, double measured_s)
{
    double longest_s = fmax(predicted_s, measured_s), scale = PLOT_WIDTH / longest_s, height = (double)rows->len * ROW_HEIGHT;
    GString *text = g_string_new(page_head);
    g_string_append(text, "<h1>One step: predicted ");
    add_number(text, "%.1f", 1e3 * predicted_s);
    g_string_append(text, " ms, measured ");
    add_number(text, "%.1f", 1e3 * measured_s);
    g_string_append_printf(text, " ms</h1>\n%s<svg viewBox=\"0 0 %d %.0f\">\n", legend, LABEL_WIDTH + PLOT_WIDTH + 4, height + AXIS_HEIGHT);
    add_axis(text, longest_s, scale, height);
    for (guint i = 0; i < rows->len; i++) {
        const Row *row = &g_array_index(rows, Row, i);
        double top = (double)i * ROW_HEIGHT + (ROW_HEIGHT - BAR_HEIGHT) / 2.0;
        g_string_append_printf(text, "<text x=\"0\" y=\"%.0f\">%s</text>\n", top + BAR_HEIGHT - 5, row->title);
        for (guint k = 0; k < row->bars->len; k++)
            add_bar(text, row, &g_array_index(row->bars, Bar, k), top, scale);
    }
    g_string_append(text, "</svg>\n</html>\n");
    return text;
}

bool mpp_timelines_write(const MppSimulation *simulation, const MppRunReport *report, MppTimelinesFormat format, const char *path,
                         GError **error)
{
    g_autoptr(GArray) rows = rows_of(simulation, report);
    g_autoptr(GString) text = format == MPP_TIMELINES_TRACE ? trace_of(rows)
                                                            : page_of(rows, simulation->step_s, mpp_run_report_step_s(report));
    return mpp_file_write(path, text->str, error);
}
