#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "planner/base/error.h"
#include "planner/cli/order_file.h"
#include "planner/cli/plan_text.h"
#include "planner/cli/question.h"
#include "planner/cli/simulate_text.h"
#include "planner/cost/plan_cost.h"
#include "sim/writer.h"

enum { MOST_RUNS = 1000000 };

typedef struct {
    MppJobWords job;
    char *strategy, *order, *output, *trace, *format, *ranks, *distribution;
    char **slow_gpus, **slow_links, **failed_links, **pools;
    double jitter;
    int runs, threads;
    int64_t seed;
    gboolean unfold, detail, spans, json, quiet;
} Options;

static bool read_ranges(char **texts, const char *flag, char wants, GArray *ranges, GError **error)
{
    for (; texts && *texts; texts++) {
        MppRankRange range;
        if (!mpp_rank_range_parse(*texts, wants, &range, error)) {
            g_prefix_error(error, "--%s: ", flag);
            return false;
        }
        g_array_append_val(ranges, range);
    }
    return true;
}

static bool check_numbers(const Options *options, GError **error)
{
    const char *wrong = NULL;
    if (!(options->jitter >= 0 && options->jitter <= 1))
        wrong = "--jitter: expected a share from 0 to 1";
    else if (options->seed < 0)
        wrong = "--seed: expected a whole number from 0 on";
    else if (options->runs && options->jitter <= 0)
        wrong = "--runs: without --jitter all steps are the same";
    if (wrong)
        return mpp_error_usage(error, "%s", wrong);
    return mpp_command_check_needs(options->distribution, "distribution", options->jitter > 0, "jitter", error) &&
           mpp_command_check_needs(options->format, "format", options->trace, "trace", error) &&
           mpp_command_check_needs(options->detail, "detail", options->trace, "trace", error) &&
           mpp_command_check_needs(options->spans, "spans", options->json || options->output, "json", error) &&
           mpp_command_check_range(options->runs, 0, MOST_RUNS, "runs", error) &&
           mpp_command_check_range(options->threads, 0, MPP_COMMAND_MOST_THREADS, "threads", error);
}

static MppWhatIf *what_if_of(const Options *options, GError **error)
{
    g_autoptr(MppWhatIf) what_if = mpp_what_if_new();
    what_if->unfold = options->unfold;
    what_if->jitter_frac = options->jitter;
    what_if->seed = (uint64_t)options->seed;
    int kind = MPP_JITTER_LOGNORMAL;
    if (!mpp_names_read(&mpp_jitter_names, options->distribution, "--distribution", &kind, error))
        return NULL;
    what_if->jitter = kind;
    if (!check_numbers(options, error) || !read_ranges(options->slow_gpus, "slow-gpu", 'f', what_if->slow_gpus, error) ||
        !read_ranges(options->slow_links, "slow-link", 'f', what_if->slow_links, error) ||
        !read_ranges(options->failed_links, "fail-link", 0, what_if->failed_links, error) ||
        !read_ranges(options->pools, "pool", 'd', what_if->pools, error))
        return NULL;
    return g_steal_pointer(&what_if);
}

/** A flag for each lane that has one of --ranks; NULL in @lanes for all. */
static bool choose_lanes(const Options *options, const MppLanes *ranks, bool **lanes, GError **error)
{
    *lanes = NULL;
    if (!options->ranks)
        return true;
    g_auto(GStrv) texts = g_strsplit(options->ranks, ",", -1);
    g_autoptr(GArray) ranges = g_array_new(FALSE, FALSE, sizeof(MppRankRange));
    if (!read_ranges(texts, "ranks", 0, ranges, error))
        return false;
    g_autofree bool *chosen = g_new0(bool, ranks->n_lanes);
    for (guint i = 0; i < ranges->len; i++) {
        const MppRankRange *range = &g_array_index(ranges, MppRankRange, i);
        if (range->last >= ranks->job->gpus)
            return mpp_error_usage(error, "--ranks: there is no rank %" G_GINT64_FORMAT ", the last one is %" G_GINT64_FORMAT,
                                   range->last, ranks->job->gpus - 1);
        for (int64_t rank = range->first; rank <= range->last; rank++)
            chosen[mpp_lanes_of_rank(ranks, rank)] = true;
    }
    *lanes = g_steal_pointer(&chosen);
    return true;
}

/** The format asked for, or the one whose suffix the name has. */
static const MppWriter *writer_of(const Options *options, GError **error)
{
    if (options->format)
        return mpp_writer_find(options->format, error);
    if (g_str_has_suffix(options->trace, ".svg"))
        return mpp_writer_find("svg", error);
    if (g_str_has_suffix(options->trace, ".json") || g_str_has_suffix(options->trace, ".json.gz"))
        return mpp_writer_find("chrome", error);
    mpp_error_usage(error, "--trace: %s does not say which --format", options->trace);
    return NULL;
}

static bool write_trace(const Options *options, const MppSimulation *simulation, const bool *lanes, GError **error)
{
    const MppWriter *writer = writer_of(options, error);
    if (!writer)
        return false;
    MppWriterOptions how = { .lanes = lanes, .detail = options->detail, .spans = true };
    g_autofree char *warning = mpp_writer_warning(writer, simulation, &how);
    if (warning)
        fprintf(stderr, "mpplan: warning: %s\n", warning);
    return mpp_writer_write(writer, simulation, &how, options->trace, error);
}

static void show_progress(const MppMonteCarlo *sample, int64_t runs, gint64 start_us)
{
    if (g_get_monotonic_time() - start_us > G_USEC_PER_SEC)
        fprintf(stderr, "\rsimulating  %3.0f %%", 100.0 * (double)mpp_monte_carlo_done(sample) / (double)runs);
}

/** Random steps, if any are asked for; the caller checks @error. */
static MppMonteCarlo *sample_steps(const Options *options, MppPipelineCost *pipeline, const MppWhatIf *what_if, GError **error)
{
    enum { USUAL_RUNS = 200 };
    if (options->jitter <= 0)
        return NULL;
    int64_t runs = options->runs ? options->runs : USUAL_RUNS;
    gint64 start_us = g_get_monotonic_time();
    bool shows = !options->quiet && isatty(STDERR_FILENO);
    MppMonteCarlo *sample = mpp_monte_carlo_new(pipeline, what_if, runs, options->threads);
    while (mpp_monte_carlo_step(sample, error))
        if (shows)
            show_progress(sample, runs, start_us);
    if (shows && g_get_monotonic_time() - start_us > G_USEC_PER_SEC)
        fputs("\r                     \r", stderr);
    return sample;
}

static void print_result(const Options *options, const MppPlanFile *plan, const MppTracks *tracks, const MppMonteCarlo *sample,
                         bool as_planned)
{
    const MppSimulation *simulation = tracks->simulation;
    g_autofree char *title = mpp_inputs_title(plan->inputs);
    g_autoptr(MppReport) report = mpp_report_new(tracks, NULL);
    g_autoptr(MppCriticalPath) path = mpp_critical_path_new(simulation);
    puts(title);
    if (options->order)
        printf("Passes in the order of %s\n", options->order);
    mpp_simulate_text_answer(&plan->strategy, simulation, as_planned);
    if (sample)
        mpp_simulate_text_sample(sample);
    mpp_simulate_text_lanes(tracks, report);
    mpp_simulate_text_critical(simulation, path);
    mpp_simulate_text_links(simulation, report);
    mpp_plan_text_basis(plan->inputs);
}

static cJSON *sample_json(const MppMonteCarlo *sample)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "runs", (double)mpp_monte_carlo_done(sample));
    cJSON_AddNumberToObject(json, "mean_s", mpp_monte_carlo_mean_s(sample));
    cJSON_AddNumberToObject(json, "deviation_s", mpp_monte_carlo_deviation_s(sample));
    cJSON_AddNumberToObject(json, "p50_s", mpp_monte_carlo_quantile_s(sample, 0.5));
    cJSON_AddNumberToObject(json, "p95_s", mpp_monte_carlo_quantile_s(sample, 0.95));
    cJSON_AddNumberToObject(json, "p99_s", mpp_monte_carlo_quantile_s(sample, 0.99));
    return json;
}

static bool write_result(const Options *options, const MppPlanFile *plan, const MppTracks *tracks, const bool *lanes,
                         const MppMonteCarlo *sample, GError **error)
{
    MppWriterOptions how = { .lanes = lanes, .spans = options->spans };
    g_autoptr(cJSON) root = mpp_write_json_document(tracks, &how);
    cJSON_AddItemToObject(root, "inputs", mpp_inputs_write(plan->inputs));
    g_autofree char *text = mpp_strategy_to_text(&plan->strategy);
    cJSON_AddStringToObject(root, "strategy", text);
    if (options->order)
        cJSON_AddStringToObject(root, "order", options->order);
    if (sample)
        cJSON_AddItemToObject(root, "random_steps", sample_json(sample));
    return mpp_json_write(root, options->output, error);
}

/** The order asked for, in place of the schedule's. */
static bool set_order(const Options *options, MppPipelineCost *pipeline, GError **error)
{
    if (!options->order)
        return true;
    MppCsv *csv = mpp_order_file_load(options->order, pipeline, error);
    if (csv)
        mpp_pipeline_cost_use_order(pipeline, mpp_csv_free_but_order(csv));
    return csv != NULL;
}

static bool simulate(const Options *options, MppPlanFile *plan, GError **error)
{
    if (plan->inputs->runtime.skips_step_barrier)
        mpp_inputs_assume(plan->inputs, "one step alone (this stack begins the next before all ranks have ended it)");
    plan->inputs->runtime.skips_step_barrier = false;
    const MppJob *job = &plan->inputs->job;
    const MppStrategy *s = &plan->strategy;
    g_autoptr(MppWhatIf) what_if = what_if_of(options, error);
    if (!what_if)
        return false;
    g_autoptr(MppPlanCost) cost = mpp_plan_cost_new(job, s);
    if (!set_order(options, cost->pipeline, error))
        return false;
    g_autoptr(MppSimulation) simulation = mpp_simulate(cost->pipeline, what_if, NULL, error);
    g_autofree bool *lanes = NULL;
    if (!simulation || !choose_lanes(options, &simulation->ranks, &lanes, error))
        return false;
    g_autoptr(GError) failed = NULL;
    g_autoptr(MppMonteCarlo) sample = sample_steps(options, cost->pipeline, what_if, &failed);
    if (failed) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return false;
    }
    if (options->trace && !write_trace(options, simulation, lanes, error))
        return false;
    g_autoptr(MppTracks) tracks = mpp_tracks_new(simulation, NULL);
    if (!options->json)
        print_result(options, plan, tracks, sample, options->unfold || !mpp_what_if_unfolds(what_if));
    return !(options->json || options->output) || write_result(options, plan, tracks, lanes, sample, error);
}

static bool run(int argc, char **argv, GError **error)
{
    Options options = { .seed = 1 };
    const GOptionEntry entries[] = {
        { "strategy", 'S', 0, G_OPTION_ARG_STRING, &options.strategy, "How to split, like tp=8,pp=4,mbs=1,sp,zero=1", "STRATEGY" },
        { "order", 0, 0, G_OPTION_ARG_FILENAME, &options.order, "Passes in the order of PyTorch's pipeline schedule FILE", "FILE.csv" },
        { "unfold", 0, 0, G_OPTION_ARG_NONE, &options.unfold, "Simulate every replica though all are equal", NULL },
        { "slow-gpu", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options.slow_gpus, "These ranks compute F times slower, like 12:1.5", "RANKS:F" },
        { "slow-link", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options.slow_links, "The ports of these ranks are F times slower", "RANKS:F" },
        { "fail-link", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options.failed_links, "The ports of these ranks are down", "RANKS" },
        { "pool", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options.pools, "These ranks are another device, like 32-63:a100-80gb", "RANKS:DEVICE" },
        { "jitter", 0, 0, G_OPTION_ARG_DOUBLE, &options.jitter, "Kernels' times vary by this share of their mean, like 0.1", "FRAC" },
        { "distribution", 0, 0, G_OPTION_ARG_STRING, &options.distribution, "Of that: lognormal (default), gamma, gaussian", "NAME" },
        { "runs", 0, 0, G_OPTION_ARG_INT, &options.runs, "Random steps for p50, p95, p99 (default 200 with --jitter)", "N" },
        { "seed", 0, 0, G_OPTION_ARG_INT64, &options.seed, "Of the random numbers (default 1)", "N" },
        { "threads", 0, 0, G_OPTION_ARG_INT, &options.threads, "Threads (default: all processors)", "N" },
        { "trace", 0, 0, G_OPTION_ARG_FILENAME, &options.trace, "Write the timeline to FILE, or into a folder", "FILE" },
        { "format", 0, 0, G_OPTION_ARG_STRING, &options.format, "Of the trace: chrome (Perfetto), kineto, chakra, svg, json (default: by FILE's name)", "NAME" },
        { "ranks", 0, 0, G_OPTION_ARG_STRING, &options.ranks, "Only these ranks in the trace, like 0,8-15", "LIST" },
        { "detail", 0, 0, G_OPTION_ARG_NONE, &options.detail, "The layers within each pass in the trace", NULL },
        { "spans", 0, 0, G_OPTION_ARG_NONE, &options.spans, "Every pass and transfer in the JSON", NULL },
        { "json", 0, 0, G_OPTION_ARG_NONE, &options.json, "Print JSON", NULL },
        { "output", 'o', 0, G_OPTION_ARG_FILENAME, &options.output, "Write the result to FILE as JSON", "FILE" },
        { "quiet", 'q', 0, G_OPTION_ARG_NONE, &options.quiet, "No progress", NULL },
        G_OPTION_ENTRY_NULL,
    };
    g_auto(MppArguments) arguments = { 0 };
    if (!mpp_command_parse(&mpp_command_simulate, &options.job, entries, argc, argv, &arguments, error) || arguments.helped)
        return arguments.helped;
    g_autoptr(MppPlanFile) plan = mpp_question_plan(&mpp_command_simulate, &options.job, options.strategy, arguments.rest, error);
    return plan && simulate(&options, plan, error);
}

const MppCommand mpp_command_simulate = {
    .name = "simulate",
    .arguments = "[PLAN.json]",
    .summary = "Run a plan's step as an event timeline: contention, stragglers, memory over time, what to fix first.",
    .examples = "  mpplan simulate plan.json\n"
                "  mpplan simulate plan.json --trace step.json.gz         # opens in ui.perfetto.dev\n"
                "  mpplan simulate plan.json --trace step.svg\n"
                "  mpplan simulate plan.json --order order.csv            # as mpplan schedule --auto wrote it\n"
                "  mpplan simulate plan.json --slow-gpu 12:1.5 --fail-link 40\n"
                "  mpplan simulate plan.json --jitter 0.1 --runs 1000     # p50, p95, p99 of the step\n",
    .run = run,
};
