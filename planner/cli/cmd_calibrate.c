#include <stdio.h>

#include "planner/calibrate/leave_one_out.h"
#include "planner/calibrate/spread_fit.h"
#include "planner/calibrate/write.h"
#include "planner/cli/accuracy_text.h"
#include "planner/cli/calibrate_own.h"
#include "planner/cli/calibrate_samples.h"
#include "planner/cli/command.h"
#include "planner/cli/terminal.h"

typedef struct {
    char *priors, *write, *one_out, *residuals, *spreads, *output;
    char **left_out, **samples, **blind;
    int threads;
} CalibrateOptions;

static void print_parameters(const GArray *parameters)
{
    g_autoptr(MppTable) table = mpp_table_new("parameter|prior >|fitted >|in spreads >|known to >|runs >");
    for (guint i = 0; i < parameters->len; i++) {
        const MppParameter *one = &g_array_index(parameters, MppParameter, i);
        mpp_table_add(table, "%s", one->name);
        mpp_table_add(table, "%.4g", one->expected);
        mpp_table_add(table, "%.4g", one->value);
        mpp_table_add(table, "%+.1f", mpp_parameter_to_score(one, one->value));
        mpp_table_add(table, "±%.0f %%", 100 * one->deviation);
        mpp_table_add(table, "%d", one->n_runs);
    }
    mpp_table_print(table);
}

/** Runs that the fit did not see: those of sources left out. */
static GPtrArray *unseen(const GPtrArray *runs, const CalibrateOptions *options)
{
    GPtrArray *out = g_ptr_array_new();
    for (guint i = 0; i < runs->len; i++) {
        MppRun *run = runs->pdata[i];
        if (options->left_out && g_strv_contains((const char *const *)options->left_out, run->source))
            g_ptr_array_add(out, run);
    }
    return out;
}

static void print_accuracy(const char *title, const GPtrArray *runs, const MppProfiles *profiles)
{
    if (!runs->len)
        return;
    printf("\n%s\n\n", title);
    GArray *predictions = mpp_predictions_new(runs, profiles);
    mpp_accuracy_text_print(predictions, true);
    mpp_predictions_free(predictions);
}

static bool write_spreads(GArray *residuals, const CalibrateOptions *options, GError **error)
{
    for (char **path = options->blind; path && *path; path++)
        if (!mpp_residuals_take_blind(residuals, *path, error))
            return false;
    g_autoptr(MppSpreads) spreads = mpp_spread_fit(residuals);
    g_autoptr(cJSON) root = mpp_fields_write(&mpp_spreads_fields, spreads, false);
    printf("\n%.1f %% of the runs of sources left out lie in their interval; of runs held out alone, %.1f %%\n",
           100 * spreads->coverage_frac, 100 * spreads->run_coverage_frac);
    return mpp_json_write(root, options->spreads, error);
}

/** The table of unseen sources, their residuals, and the spreads of these, as far as they are wanted. */
static bool leave_one_out(const CalibrateOptions *options, const GArray *priors, const MppProfiles *profiles,
                          const GPtrArray *runs, const MppFitOptions *how, GError **error)
{
    if (!options->one_out)
        return true;
    g_autoptr(GArray) residuals = mpp_residuals_new();
    g_autoptr(GArray) table = mpp_leave_one_out(priors, profiles, runs, how, residuals, error);
    return table && mpp_leave_one_out_write(table, options->one_out, error) &&
           (!options->residuals || mpp_residuals_write(residuals, options->residuals, error)) &&
           (!options->spreads || write_spreads(residuals, options, error));
}

/** No runs, no fit: spreads of residuals that an earlier one left. */
static bool respread(const CalibrateOptions *options, GError **error)
{
    g_autoptr(GArray) residuals = mpp_residuals_load(options->residuals, error);
    return residuals && write_spreads(residuals, options, error);
}

/** Whether there are runs of each source to be left out, and the threads make sense. */
static bool check_options(const CalibrateOptions *options, const GPtrArray *runs, GError **error)
{
    if (!mpp_command_check_range(options->threads, 0, MPP_COMMAND_MOST_THREADS, "threads", error))
        return false;
    for (char **source = options->left_out; source && *source; source++) {
        bool found = false;
        for (guint i = 0; i < runs->len && !found; i++)
            found = strcmp(((const MppRun *)runs->pdata[i])->source, *source) == 0;
        if (!found)
            return mpp_error_usage(error, "--leave-out: no run is of source \"%s\"", *source);
    }
    return true;
}

/** To published runs, by the priors of a file. */
static bool calibrate_published(const MppRunArguments *given, const CalibrateOptions *options, const MppFitOptions *how, GError **error)
{
    GArray *priors = mpp_priors_load(options->priors, error);
    GArray *parameters = priors ? mpp_parameters_bind(priors, given->profiles, error) : NULL;
    MppFitResult result;
    bool done = parameters && mpp_fit(parameters, given->profiles, given->runs, how, &result, error);
    if (done) {
        print_parameters(parameters);
        printf("\n%d runs, mean error %.1f %% before, %.1f %% after\n", result.n_runs, 100 * result.before, 100 * result.after);
        g_autoptr(GPtrArray) others = unseen(given->runs, options);
        print_accuracy("all runs", given->runs, given->profiles);
        print_accuracy("runs that were not fitted", others, given->profiles);
        done = (!options->write || mpp_calibrate_write(parameters, "published", options->write, error)) &&
               leave_one_out(options, priors, given->profiles, given->runs, how, error);
    }
    mpp_parameters_free(parameters);
    mpp_priors_free(priors);
    return done;
}

static bool calibrate(const MppJobWords *job, char **files, const CalibrateOptions *options, GError **error)
{
    if (!files)
        return mpp_error_usage(error, "calibrate needs measured runs (LAUNCH=LOG of one's own, or RUNS.jsonl), or --samples");
    g_autoptr(MppRunArguments) given = mpp_run_arguments_load(job, files, error);
    if (!given || !check_options(options, given->runs, error))
        return false;
    const MppFitOptions how = { .threads = options->threads, .left_out = (const char *const *)options->left_out };
    return options->priors ? calibrate_published(given, options, &how, error) : mpp_calibrate_own(given, &how, options->write, error);
}

/** Whether each option has what it is for. */
static bool check_needs(bool runs, const CalibrateOptions *options, GError **error)
{
    bool unseen = options->one_out || !runs;
    return mpp_command_check_needs(options->one_out, "leave-one-out", options->priors, "priors", error) &&
           mpp_command_check_needs(options->residuals, "residuals", unseen, "leave-one-out", error) &&
           mpp_command_check_needs(options->spreads, "spreads", unseen, "leave-one-out", error) &&
           mpp_command_check_needs(options->blind, "blind", options->spreads, "spreads", error) &&
           mpp_command_check_needs(options->output, "output", options->samples, "samples", error);
}

/** What is to be fitted: numbers of a device and its links to samples, spreads to residuals kept, or profiles to runs. */
static bool answer(const MppJobWords *job, char **files, const CalibrateOptions *options, GError **error)
{
    if (!check_needs(files != NULL, options, error))
        return false;
    if (options->samples && !files && !options->priors)
        return mpp_calibrate_samples(options->samples, job->cluster, job->runtime, options->output, error);
    if (!files && !options->priors && options->residuals && options->spreads)
        return respread(options, error);
    if (files && !options->samples)
        return calibrate(job, files, options, error);
    return mpp_error_usage(error, "calibrate needs measured runs (LAUNCH=LOG of one's own, or RUNS.jsonl), or --samples alone");
}

static bool run(int argc, char **argv, GError **error)
{
    CalibrateOptions options = { 0 };
    MppJobWords job;
    const GOptionEntry entries[] = {
        { "write", 0, 0, G_OPTION_ARG_FILENAME, &options.write, "Put the fitted profiles below DIR", "DIR" },
        { "priors", 0, 0, G_OPTION_ARG_FILENAME, &options.priors,
          "Fit what FILE lists instead of what own runs adjust; --write then changes the profiles that are below DIR", "FILE" },
        { "leave-out", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options.left_out,
          "Do not fit the runs of SOURCE; judge on them; may stand more than once", "SOURCE" },
        { "leave-one-out", 0, 0, G_OPTION_ARG_FILENAME, &options.one_out,
          "Also fit once without each source, and write the errors on it to FILE (with --priors)", "FILE" },
        { "residuals", 0, 0, G_OPTION_ARG_FILENAME, &options.residuals,
          "Write the errors of single runs to FILE (with --leave-one-out); without runs, read them", "FILE" },
        { "spreads", 0, 0, G_OPTION_ARG_FILENAME, &options.spreads, "Write the spreads of these errors to FILE (with --leave-one-out or --residuals)", "FILE" },
        { "blind", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options.blind,
          "For spreads, take errors from FILE, written by compare --csv before anything of its sources was fitted; may stand more than once", "FILE" },
        { "threads", 0, 0, G_OPTION_ARG_INT, &options.threads, "Threads (default: all processors)", "N" },
        { "samples", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options.samples,
          "Fit a device and its links to microbenchmarks: samples of mpplan measure, nccl-tests' output, a profiler's trace; may stand more than once", "FILE" },
        { "output", 'o', 0, G_OPTION_ARG_FILENAME, &options.output,
          "Write the cluster's profile to FILE and its device's beside it (with --samples)", "FILE" },
        G_OPTION_ENTRY_NULL,
    };
    g_auto(MppArguments) arguments = { 0 };
    if (!mpp_command_parse(&mpp_command_calibrate, &job, entries, argc, argv, &arguments, error) || arguments.helped)
        return arguments.helped;
    return answer(&job, arguments.rest, &options, error);
}

const MppCommand mpp_command_calibrate = {
    .name = "calibrate",
    .arguments = "[LAUNCH=LOG…] [RUNS.jsonl…]",
    .summary = "Fit numbers of hardware and runtime profiles to measured runs, or to microbenchmarks.",
    .examples = "  mpplan calibrate a.sh=a.log b.sh=b.log plan.json=c.log --cluster dgx-h100 --write ours   # one's own runs\n"
                "  mpplan calibrate --samples samples.json -o my-host.json\n"
                "  mpplan calibrate --samples all_reduce.txt --samples trace.json --cluster dgx-h100 -o ours.json\n"
                "  mpplan calibrate runs.jsonl --priors hwprofiles/priors.json --write hwprofiles\n"
                "  mpplan calibrate runs.jsonl --priors hwprofiles/priors.json --leave-out vtrain\n"
                "  mpplan calibrate runs.jsonl --priors hwprofiles/priors.json --leave-one-out unseen.csv\n"
                "  mpplan calibrate --residuals residuals.csv --spreads hwprofiles/spreads.json\n",
    .run = run,
};
