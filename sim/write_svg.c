/**
 * The pipeline as a picture for a README: a row for each lane, a box for each pass with its micro-batch, thin rows for
 * messages and for gradients, the busy share in the margin.
 *
 * One file without scripts, for light and dark pages. It stays below 2 MB: where there are more spans than fit, those
 * narrower than a share of the width are drawn as one box in the colour of what takes longest in them.
 */
#include <string.h>

#include "planner/base/units.h"
#include "sim/writers.h"

enum {
    MARGIN_LEFT = 76,
    MARGIN_RIGHT = 60,
    MARGIN_TOP = 62,
    MARGIN_BOTTOM = 34,
    DRAWN_WIDTH = 1064,
    BOX_HEIGHT = 20,
    THIN_HEIGHT = 4,
    ROW_HEIGHT = 36,
    MOST_ROWS = 64,
    MOST_BOXES = 7000,      /* of about 190 bytes */
    MOST_THIN_BOXES = 6000, /* of about 80 */
    SHADES = 8,
};

/** Colours of what is drawn, those of the web page (planner/report/page/page.css); the first are passes. */
typedef enum { UPDATE = MPP_N_PASSES, MESSAGE, DATA, N_COLOURS } Colour;

static const struct {
    const char *name, *title, *light, *dark;
} colours[N_COLOURS] = {
    [MPP_PASS_FORWARD] = { "f", "forward", "#5b8fd6", "#4b7fc8" },
    [MPP_PASS_BACKWARD] = { "b", "backward", "#e0a03a", "#b8812c" },
    [MPP_PASS_INPUT] = { "i", "gradient of inputs", "#e0a03a", "#b8812c" },
    [MPP_PASS_WEIGHT] = { "w", "gradient of weights", "#b9c35c", "#8e9840" },
    [UPDATE] = { "u", "optimizer", "#c2604f", "#b25647" },
    [MESSAGE] = { "s", "messages", "#9a6fd0", "#8f68c4" },
    [DATA] = { "d", "gradients and parameters", "#3f9a6b", "#35875d" },
};

typedef struct {
    const MppTracks *tracks;
    const MppReport *report;
    MppOutput *output;
    double px_per_s;
    double least_px, least_thin_px; /* narrower boxes are joined */
    int *shade_of_chunk;
} Drawing;

/** Spans drawn as one box. */
typedef struct {
    double start_s, end_s;
    double by_colour_s[N_COLOURS];
    int n;
    const MppSpan *first;
} Box;

static Colour colour_of(const MppSpan *span)
{
    switch ((MppActionKind)span->action) {
    case MPP_ACTION_PASS: return (Colour)span->pass;
    case MPP_ACTION_UPDATE: return UPDATE;
    case MPP_ACTION_SEND: return MESSAGE;
    default: return DATA;
    }
}

static void put_x(Drawing *drawing, const char *attribute, double px)
{
    mpp_output_format(drawing->output, " %s=\"", attribute);
    mpp_output_number(drawing->output, px, 2);
    mpp_output_text(drawing->output, "\"");
}

static void put_rect(Drawing *drawing, const Box *box, Colour colour, int shade, int y, int height)
{
    mpp_output_format(drawing->output, "<rect class=\"%s", colours[colour].name);
    mpp_output_format(drawing->output, shade ? " o%d\"" : "\"", shade);
    put_x(drawing, "x", box->start_s * drawing->px_per_s);
    put_x(drawing, "width", MAX((box->end_s - box->start_s) * drawing->px_per_s, 0.2));
    mpp_output_format(drawing->output, " y=\"%d\" height=\"%d\"", y, height);
}

static void put_time_range(Drawing *drawing, const Box *box)
{
    g_autofree char *from = mpp_units_seconds(box->start_s), *duration = mpp_units_seconds(box->end_s - box->start_s);
    mpp_output_format(drawing->output, ", %s from %s on", duration, from);
}

static void put_pass_title(Drawing *drawing, const Box *box, Colour colour)
{
    const MppSpan *span = box->first;
    if (box->n > 1)
        mpp_output_format(drawing->output, "%d passes, most time: %s", box->n, colours[colour].title);
    else if (span->action == MPP_ACTION_PASS)
        mpp_output_format(drawing->output, "%s%d, chunk %d", mpp_names_get(&mpp_pass_names, span->pass), span->micro_batch,
                          span->chunk);
    else
        mpp_output_text(drawing->output, colours[colour].title);
    put_time_range(drawing, box);
}

static Colour longest_colour(const Box *box)
{
    Colour longest = 0;
    for (int i = 1; i < N_COLOURS; i++)
        if (box->by_colour_s[i] > box->by_colour_s[longest])
            longest = (Colour)i;
    return longest;
}

static void put_box(Drawing *drawing, const Box *box)
{
    enum { DIGIT_PX = 7 };
    Colour colour = longest_colour(box);
    int shade = box->first->action == MPP_ACTION_PASS ? drawing->shade_of_chunk[box->first->chunk] : 0;
    put_rect(drawing, box, colour, shade, 0, BOX_HEIGHT);
    mpp_output_text(drawing->output, "><title>");
    put_pass_title(drawing, box, colour);
    mpp_output_text(drawing->output, "</title></rect>");
    char label[16];
    int n = g_snprintf(label, sizeof label, "%d", box->first->micro_batch);
    if (box->n > 1 || box->first->action != MPP_ACTION_PASS || (box->end_s - box->start_s) * drawing->px_per_s < n * DIGIT_PX)
        return;
    mpp_output_text(drawing->output, "<text");
    put_x(drawing, "x", (box->start_s + box->end_s) / 2 * drawing->px_per_s);
    mpp_output_format(drawing->output, " y=\"14\">%s</text>", label);
}

static void put_thin(Drawing *drawing, const Box *box)
{
    Colour colour = longest_colour(box);
    put_rect(drawing, box, colour, 0, colour == MESSAGE ? BOX_HEIGHT + 1 : BOX_HEIGHT + THIN_HEIGHT + 2, THIN_HEIGHT);
    mpp_output_text(drawing->output, "/>");
}

/** Draws a stream; boxes narrower than @least_px are joined with what follows unless a gap is as wide. */
static void put_stream(Drawing *drawing, int32_t lane, MppStream stream, double least_px)
{
    double least_s = least_px / drawing->px_per_s;
    void (*put)(Drawing *, const Box *) = stream == MPP_STREAM_COMPUTE ? put_box : put_thin;
    Box box = { 0 };
    for (guint i = 0; i < mpp_tracks_count(drawing->tracks, lane, stream); i++) {
        const MppSpan *span = mpp_tracks_span(drawing->tracks, lane, stream, i);
        if (box.n && (box.end_s - box.start_s >= least_s || span->start_s - box.end_s >= least_s)) {
            put(drawing, &box);
            box = (Box){ 0 };
        }
        if (!box.n++) {
            box.first = span;
            box.start_s = span->start_s;
        }
        box.end_s = MAX(box.end_s, span->end_s);
        box.by_colour_s[colour_of(span)] += span->end_s - span->start_s;
    }
    if (box.n)
        put(drawing, &box);
}

static void put_row(Drawing *drawing, const MppLaneShares *shares, int row)
{
    const MppSimulation *simulation = drawing->tracks->simulation;
    int32_t pp = simulation->program->pp;
    mpp_output_format(drawing->output, "\n<g transform=\"translate(%d,%d)\">", MARGIN_LEFT, MARGIN_TOP + row * ROW_HEIGHT);
    mpp_output_format(drawing->output, "<text class=\"l\" x=\"-8\" y=\"14\">stage %d</text>", shares->lane % pp);
    if (simulation->n_lanes > pp)
        mpp_output_format(drawing->output, "<text class=\"l n\" x=\"-8\" y=\"27\">rank %" G_GINT64_FORMAT "</text>",
                          mpp_lanes_first_rank(&simulation->ranks, shares->lane));
    mpp_output_format(drawing->output, "<rect class=\"z\" width=\"%d\" height=\"%d\"/>", DRAWN_WIDTH, BOX_HEIGHT);
    put_stream(drawing, shares->lane, MPP_STREAM_COMPUTE, drawing->least_px);
    put_stream(drawing, shares->lane, MPP_STREAM_SEND, drawing->least_thin_px);
    put_stream(drawing, shares->lane, MPP_STREAM_DATA, drawing->least_thin_px);
    mpp_output_format(drawing->output, "<text class=\"r\" x=\"%d\" y=\"14\">", DRAWN_WIDTH + 8);
    mpp_output_number(drawing->output, 100 * (shares->compute_s + shares->exchange_s) / simulation->step_s, 1);
    mpp_output_text(drawing->output, " %</text></g>");
}

static void put_style(Drawing *drawing)
{
    MppOutput *output = drawing->output;
    mpp_output_text(output, "<style>text{font:11px system-ui,sans-serif;text-anchor:middle;fill:#1b1f24}.l{text-anchor:end}"
                            ".r,.k{text-anchor:start}.n{font-size:9px}.h{font-size:14px;text-anchor:start}.z{fill:#e8eaed}"
                            ".p{fill:#fff}.a{stroke:#8a8f98;stroke-width:1}");
    for (int i = 0; i < N_COLOURS; i++)
        mpp_output_format(output, ".%s{fill:%s}", colours[i].name, colours[i].light);
    for (int i = 1; i < SHADES; i++)
        mpp_output_format(output, ".o%d{fill-opacity:.%02d}", i, 100 - i * 60 / (SHADES - 1));
    mpp_output_text(output, "@media (prefers-color-scheme:dark){text{fill:#e6e9ee}.z{fill:#2a2e35}.p{fill:#0d1117}");
    for (int i = 0; i < N_COLOURS; i++)
        mpp_output_format(output, ".%s{fill:%s}", colours[i].name, colours[i].dark);
    mpp_output_text(output, "}</style>");
}

static bool is_drawn(const Drawing *drawing, Colour colour)
{
    const GArray *spans = drawing->tracks->simulation->spans;
    for (guint i = 0; i < spans->len; i++)
        if (colour_of(&g_array_index(spans, MppSpan, i)) == colour)
            return true;
    return false;
}

static void put_legend(Drawing *drawing)
{
    int x = MARGIN_LEFT;
    for (int i = 0; i < N_COLOURS; i++) {
        if (!is_drawn(drawing, (Colour)i))
            continue;
        mpp_output_format(drawing->output, "<rect class=\"%s\" x=\"%d\" y=\"36\" width=\"12\" height=\"12\"/>", colours[i].name,
                          x);
        mpp_output_format(drawing->output, "<text class=\"k\" x=\"%d\" y=\"46\">%s</text>", x + 17, colours[i].title);
        x += 34 + 6 * (int)strlen(colours[i].title);
    }
    mpp_output_format(drawing->output, "<rect class=\"z\" x=\"%d\" y=\"36\" width=\"12\" height=\"12\"/>", x);
    mpp_output_format(drawing->output, "<text class=\"k\" x=\"%d\" y=\"46\">idle</text>", x + 17);
    bool pale = false;
    for (int32_t c = 0; c < drawing->tracks->simulation->program->n_chunks; c++)
        pale |= drawing->shade_of_chunk[c] > 0;
    if (pale)
        mpp_output_format(drawing->output, "<text class=\"k\" x=\"%d\" y=\"46\">paler: later chunks of a stage</text>", x + 60);
    mpp_output_format(drawing->output, "<text class=\"r\" x=\"%d\" y=\"46\">in passes</text>", MARGIN_LEFT + DRAWN_WIDTH + 4);
}

static void put_axis(Drawing *drawing, int rows)
{
    enum { TICKS = 5 };
    int y = MARGIN_TOP + rows * ROW_HEIGHT;
    for (int i = 0; i <= TICKS; i++) {
        int x = MARGIN_LEFT + DRAWN_WIDTH * i / TICKS;
        g_autofree char *time = mpp_units_seconds(drawing->tracks->simulation->step_s * i / TICKS);
        mpp_output_format(drawing->output, "<path class=\"a\" d=\"M%d %dv5\"/><text x=\"%d\" y=\"%d\">%s</text>", x, y, x, y + 18,
                          i ? time : "0");
    }
}

static void put_head(Drawing *drawing, int rows)
{
    const MppSimulation *simulation = drawing->tracks->simulation;
    int width = MARGIN_LEFT + DRAWN_WIDTH + MARGIN_RIGHT, height = MARGIN_TOP + rows * ROW_HEIGHT + MARGIN_BOTTOM;
    g_autofree char *strategy = mpp_strategy_title(simulation->pipeline->strategy), *step = mpp_units_seconds(simulation->step_s);
    g_autofree char *title = g_markup_printf_escaped("%s: %s — step %s, bubble ", simulation->job->model->name, strategy, step);
    mpp_output_format(drawing->output,
                      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\">",
                      width, height, width, height);
    mpp_output_format(drawing->output, "<title>%s", title);
    mpp_output_number(drawing->output, 100 * simulation->bubble_frac, 1);
    mpp_output_text(drawing->output, " %</title>\n");
    put_style(drawing);
    mpp_output_format(drawing->output, "\n<rect class=\"p\" width=\"%d\" height=\"%d\"/><text class=\"h\" x=\"%d\" y=\"22\">%s",
                      width, height, MARGIN_LEFT, title);
    mpp_output_number(drawing->output, 100 * simulation->bubble_frac, 1);
    mpp_output_format(drawing->output, " %%%s</text>\n", (guint)rows < drawing->report->lanes->len ? "; first rows only" : "");
}

/** Chunks of a stage from full colour to pale, in order of their numbers. */
static int *shades(const MppTracks *tracks)
{
    const MppProgram *program = tracks->simulation->program;
    int *shade = g_new0(int, program->n_chunks), *n_local = g_new0(int, program->pp);
    for (int32_t c = 0; c < program->n_chunks; c++)
        shade[c] = n_local[tracks->stage_of_chunk[c]]++;
    for (int32_t c = 0; c < program->n_chunks; c++)
        shade[c] = shade[c] * (SHADES - 1) / MAX(n_local[tracks->stage_of_chunk[c]] - 1, 1);
    g_free(n_local);
    return shade;
}

/** Width below which boxes are joined so that at most @most are drawn. */
static double least_width(const Drawing *drawing, int rows, bool thin, double most)
{
    double n = 0;
    for (int row = 0; row < rows; row++) {
        int32_t lane = g_array_index(drawing->report->lanes, MppLaneShares, row).lane;
        for (int stream = 0; stream < MPP_N_STREAMS; stream++)
            n += (stream != MPP_STREAM_COMPUTE) == thin ? mpp_tracks_count(drawing->tracks, lane, (MppStream)stream) : 0;
    }
    return n > most ? (thin ? 2.0 : 1.0) * rows * DRAWN_WIDTH / most : 0; /* each box, or the gap after it, is that wide */
}

static void write_svg(const MppTracks *tracks, const MppWriterOptions *options, int64_t rank, MppOutput *output)
{
    (void)rank;
    g_autoptr(MppReport) report = mpp_report_new(tracks, options->lanes);
    g_autofree int *shade_of_chunk = shades(tracks);
    Drawing drawing = { tracks, report, output, DRAWN_WIDTH / tracks->simulation->step_s, 0, 0, shade_of_chunk };
    int rows = (int)MIN(report->lanes->len, MOST_ROWS);
    drawing.least_px = least_width(&drawing, rows, false, MOST_BOXES);
    drawing.least_thin_px = least_width(&drawing, rows, true, MOST_THIN_BOXES);
    put_head(&drawing, rows);
    put_legend(&drawing);
    for (int row = 0; row < rows; row++)
        put_row(&drawing, &g_array_index(report->lanes, MppLaneShares, row), row);
    put_axis(&drawing, rows);
    mpp_output_text(output, "\n</svg>\n");
}

const MppWriter mpp_write_svg = {
    .name = "svg",
    .suffix = ".svg",
    .summary = "chart of the pipeline for a README, light and dark",
    .write = write_svg,
};
