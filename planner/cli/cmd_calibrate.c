#include <math.h>
#include <stdio.h>

#include "planner/calibrate/leave_one_out.h"
#include "planner/calibrate/spread_fit.h"
#include "planner/calibrate/write.h"
#include "planner/cli/accuracy_text.h"
#include "planner/cli/command.h"
#include "planner/cli/terminal.h"

typedef struct {
    char *priors, *write, *left_out, *one_out, *residuals, *spreads;
    int folds, fold, threads, rounds;
    double scale;
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

/** Runs that the fit did not see: the source left out, or the fold held back. */
static GPtrArray *unseen(const GPtrArray *runs, const CalibrateOptions *options)
{
    GPtrArray *out = g_ptr_array_new();
    for (guint i = 0; i < runs->len; i++) {
        MppRun *run = runs->pdata[i];
        bool held_back = options->folds > 1 && (int)(i % options->folds) == options->fold;
        if (held_back || g_strcmp0(run->source, options->left_out) == 0)
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

static bool write_spreads(const GArray *residuals, const char *path, GError **error)
{
    g_autoptr(MppSpreads) spreads = mpp_spread_fit(residuals);
    g_autoptr(cJSON) root = mpp_fields_write(&mpp_spreads_fields, spreads, false);
    printf("\n%.1f %% of the unseen runs lie in their interval\n", 100 * spreads->coverage_frac);
    return mpp_json_write(root, path, error);
}

/** The table of unseen sources, their residuals, and the spreads of these, as far as they are wanted. */
static bool leave_one_out(const CalibrateOptions *options, GArray *parameters, const MppProfiles *profiles,
                          const GPtrArray *runs, const MppFitOptions *how, GError **error)
{
    if (!options->one_out)
        return true;
    g_autoptr(GArray) residuals = mpp_residuals_new();
    g_autoptr(GArray) table = mpp_leave_one_out(parameters, profiles, runs, how, residuals, error);
    return table && mpp_leave_one_out_write(table, options->one_out, error) &&
           (!options->residuals || mpp_residuals_write(residuals, options->residuals, error)) &&
           (!options->spreads || write_spreads(residuals, options->spreads, error));
}

/** No runs, no fit: spreads of residuals that an earlier one left. */
static bool respread(const CalibrateOptions *options, GError **error)
{
    g_autoptr(GArray) residuals = mpp_residuals_load(options->residuals, error);
    return residuals && write_spreads(residuals, options->spreads, error);
}

/** Whether the numbers make sense, and there are runs of the source to be left out. */
static bool check_options(const CalibrateOptions *options, const GPtrArray *runs, GError **error)
{
    enum { MOST_FOLDS = 1000, MOST_ROUNDS = 1000 };
    if (!mpp_command_check_range(options->threads, 0, MPP_COMMAND_MOST_THREADS, "threads", error) ||
        !mpp_command_check_range(options->rounds, 0, MOST_ROUNDS, "rounds", error) ||
        !mpp_command_check_range(options->folds, 0, MOST_FOLDS, "folds", error) ||
        !mpp_command_check_range(options->fold, 0, MAX(options->folds, 1) - 1, "fold", error))
        return false;
    if (!(options->scale >= 0 && isfinite(options->scale))) {
        g_set_error(error, MPP_ERROR, MPP_ERROR_USAGE, "--scale: expected a number of at least 0");
        return false;
    }
    bool found = !options->left_out;
    for (guint i = 0; i < runs->len && !found; i++)
        found = g_strcmp0(((const MppRun *)runs->pdata[i])->source, options->left_out) == 0;
    if (!found)
        g_set_error(error, MPP_ERROR, MPP_ERROR_USAGE, "--leave-out: no run is of source \"%s\"", options->left_out);
    return found;
}

static bool calibrate(char **files, const CalibrateOptions *options, GError **error)
{
    g_autoptr(MppProfiles) profiles = mpp_profiles_load(error);
    g_autoptr(GPtrArray) runs = mpp_runs_new();
    for (int i = 0; profiles && files[i]; i++)
        if (!mpp_runs_load(files[i], runs, error))
            return false;
    if (!profiles || !check_options(options, runs, error))
        return false;
    GArray *priors = mpp_priors_load(options->priors, error);
    GArray *parameters = priors ? mpp_parameters_bind(priors, profiles, error) : NULL;
    MppFitOptions how = { .scale = options->scale, .rounds = options->rounds, .threads = options->threads,
                          .left_out = options->left_out, .fold = options->fold, .n_folds = options->folds };
    MppFitResult result;
    bool done = parameters && mpp_fit(parameters, profiles, runs, &how, &result, error);
    if (done) {
        print_parameters(parameters);
        printf("\n%d runs, mean error %.1f %% before, %.1f %% after\n", result.n_runs, 100 * result.before, 100 * result.after);
        g_autoptr(GPtrArray) others = unseen(runs, options);
        print_accuracy("all runs", runs, profiles);
        print_accuracy("runs that were not fitted", others, profiles);
        done = (!options->write || mpp_calibrate_write(parameters, options->write, error)) &&
               leave_one_out(options, parameters, profiles, runs, &how, error);
    }
    mpp_parameters_free(parameters);
    mpp_priors_free(priors);
    return done;
}

static bool run(int argc, char **argv, GError **error)
{
    CalibrateOptions options = { 0 };
    const GOptionEntry entries[] = {
        { "priors", 0, 0, G_OPTION_ARG_FILENAME, &options.priors, "What may be adjusted, and what it is expected to be", "FILE" },
        { "write", 0, 0, G_OPTION_ARG_FILENAME, &options.write, "Put the fitted numbers into the profiles below DIR", "DIR" },
        { "leave-out", 0, 0, G_OPTION_ARG_STRING, &options.left_out, "Do not fit the runs of SOURCE; judge on them", "SOURCE" },
        { "leave-one-out", 0, 0, G_OPTION_ARG_FILENAME, &options.one_out,
          "Also fit once without each source, and write the errors on it to FILE", "FILE" },
        { "residuals", 0, 0, G_OPTION_ARG_FILENAME, &options.residuals,
          "With that, write each run's error to FILE; without runs, read them", "FILE" },
        { "spreads", 0, 0, G_OPTION_ARG_FILENAME, &options.spreads, "Write the spreads of the errors to FILE", "FILE" },
        { "folds", 0, 0, G_OPTION_ARG_INT, &options.folds, "Hold every N-th run back; judge on those", "N" },
        { "fold", 0, 0, G_OPTION_ARG_INT, &options.fold, "Which of them, from 0", "K" },
        { "scale", 0, 0, G_OPTION_ARG_DOUBLE, &options.scale, "Errors above SCALE count less (default 0.1)", "SCALE" },
        { "rounds", 0, 0, G_OPTION_ARG_INT, &options.rounds, "Rounds of reweighting (default 6)", "N" },
        { "threads", 0, 0, G_OPTION_ARG_INT, &options.threads, "Threads (default: all processors)", "N" },
        G_OPTION_ENTRY_NULL,
    };
    g_auto(GStrv) files = NULL;
    bool helped, done = mpp_command_parse(&mpp_command_calibrate, entries, NULL, argc, argv, &files, &helped, error);
    if (done && !helped) {
        bool again = !files && !options.priors && options.residuals && options.spreads;
        done = again || (files && options.priors);
        if (!done)
            g_set_error(error, MPP_ERROR, MPP_ERROR_USAGE, "calibrate needs --priors and files of measured runs");
        done = done && (again ? respread(&options, error) : calibrate(files, &options, error));
    }
    g_free(options.priors);
    g_free(options.write);
    g_free(options.left_out);
    g_free(options.residuals);
    g_free(options.spreads);
    g_free(options.one_out);
    return done;
}

const MppCommand mpp_command_calibrate = {
    .name = "calibrate",
    .arguments = "RUNS.jsonl…",
    .summary = "Fit numbers of hardware and runtime profiles to measured runs.",
    .examples = "  mpplan calibrate runs.jsonl --priors hwprofiles/priors.json --write hwprofiles\n"
                "  mpplan calibrate runs.jsonl --priors hwprofiles/priors.json --leave-out vtrain\n"
                "  mpplan calibrate runs.jsonl --priors hwprofiles/priors.json --leave-one-out unseen.csv\n"
                "  mpplan calibrate --residuals residuals.csv --spreads hwprofiles/spreads.json\n",
    .run = run,
};
