#include <string.h>

#include "planner/api/plan_json.h"
#include "planner/base/file.h"
#include "planner/base/tool.h"
#include "planner/cli/command.h"
#include "planner/cost/plan_cost.h"
#include "planner/graph/graph_of_plan.h"

static const int64_t not_given = G_MININT64;

typedef struct {
    MppGraphRequest request;
    char *colour, *output;
    gboolean json;
} GraphOptions;

/** What to write: "json" for the graph itself, else the format that mpplan-draw is asked for. */
static const char *format_of(const GraphOptions *options, GError **error)
{
    static const char *const formats[] = { "svg", "png", "pdf", "dot", "json" };
    if (options->json)
        return "json";
    const char *dot = options->output ? strrchr(options->output, '.') : NULL;
    for (size_t i = 0; dot && i < G_N_ELEMENTS(formats); i++)
        if (g_ascii_strcasecmp(dot + 1, formats[i]) == 0)
            return formats[i];
    mpp_error_usage(error,
                    options->output ? "--output: expected a name that ends in .svg, .png, .pdf, .dot or .json, got \"%s\""
                                    : "graph needs --output, a name that ends in .svg, .png, .pdf, .dot or .json",
                    options->output);
    return NULL;
}

static MppPartitionGraph *graph_of(const MppPlanFile *file, const GraphOptions *options, GError **error)
{
    const MppJob *job = &file->inputs->job;
    const MppStrategy *s = &file->strategy;
    g_autoptr(MppPlanCost) cost = mpp_plan_cost_new(job, s);
    MppPartitionGraph *graph = mpp_graph_of_plan(cost->pipeline, &options->request, error);
    if (graph) {
        graph->title = mpp_inputs_title(file->inputs);
        graph->subtitle = mpp_strategy_title(s);
    }
    return graph;
}

static bool draw(const cJSON *graph, const char *format, const char *path, GError **error)
{
    g_autofree char *tool = mpp_tool_find("mpplan-draw", error), *text = mpp_json_to_text(graph);
    g_autoptr(GBytes) picture = tool ? mpp_tool_run(tool, format, text, error) : NULL;
    size_t n_bytes;
    const char *bytes = picture ? g_bytes_get_data(picture, &n_bytes) : NULL;
    return bytes && mpp_file_write_bytes(path, bytes, n_bytes, error);
}

static bool graph_command(char **files, const GraphOptions *options, GError **error)
{
    int colour = MPP_GRAPH_BY_TIME;
    if (!files || files[1])
        return mpp_error_usage(error, "graph takes one plan file");
    if (!mpp_names_read(&mpp_graph_colour_names, options->colour, "--color", &colour, error))
        return false;
    const char *format = format_of(options, error);
    g_autoptr(MppPlanFile) file = format ? mpp_plan_file_load(files[0], error) : NULL;
    g_autoptr(MppPartitionGraph) graph = file ? graph_of(file, options, error) : NULL;
    if (!graph)
        return false;
    graph->colour = colour;
    g_autoptr(cJSON) json = mpp_partition_graph_write(graph);
    return strcmp(format, "json") == 0 ? mpp_json_write(json, options->output, error)
                                       : draw(json, format, options->output, error);
}

/** -1 where an option was not given. */
static bool take_index(int64_t given, const char *flag, int64_t *out, GError **error)
{
    *out = given == not_given ? -1 : given;
    if (given == not_given || given >= 0)
        return true;
    return mpp_error_usage(error, "--%s: expected a whole number from 0, got %" G_GINT64_FORMAT, flag, given);
}

static bool run(int argc, char **argv, GError **error)
{
    GraphOptions options = { 0 };
    int64_t replica = not_given, stage = not_given, layer = not_given;
    const GOptionEntry entries[] = {
        { "output", 'o', 0, G_OPTION_ARG_FILENAME, &options.output,
          "Draw to FILE: .svg, .png, .pdf, .dot; .json for the graph itself", "FILE" },
        { "replica", 0, 0, G_OPTION_ARG_INT64, &replica, "One replica: every stage by itself, with its ranks", "R" },
        { "stage", 0, 0, G_OPTION_ARG_INT64, &stage, "One stage: its chunks, its ranks, the stages it sends to", "K" },
        { "layer", 0, 0, G_OPTION_ARG_INT64, &layer, "One layer of the model, op by op, forward and backward", "L" },
        { "color", 0, 0, G_OPTION_ARG_STRING, &options.colour, "Colour by time (default) or memory", "WHAT" },
        { "json", 0, 0, G_OPTION_ARG_NONE, &options.json, "Print the graph as JSON", NULL },
        G_OPTION_ENTRY_NULL,
    };
    g_auto(MppArguments) arguments = { 0 };
    if (!mpp_command_parse(&mpp_command_graph, NULL, entries, argc, argv, &arguments, error) || arguments.helped)
        return arguments.helped;
    return take_index(replica, "replica", &options.request.replica, error) &&
           take_index(stage, "stage", &options.request.stage, error) &&
           take_index(layer, "layer", &options.request.layer, error) && graph_command(arguments.rest, &options, error);
}

const MppCommand mpp_command_graph = {
    .name = "graph",
    .arguments = "PLAN.json",
    .summary = "Draw how a plan cuts the model, and what moves between the parts.",
    .examples = "  mpplan graph plan.json -o graph.svg\n"
                "  mpplan graph plan.json -o stage.pdf --stage 2 --color memory\n"
                "  mpplan graph plan.json -o layer.svg --layer 0\n",
    .run = run,
};
