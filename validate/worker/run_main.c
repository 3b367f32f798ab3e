/**
 * mpplan-run: one rank of a plan that is carried out, or of microbenchmarks. Started by mpplan through the launcher of the backend.
 */
#include <stdio.h>
#include <unistd.h>

#include "planner/spec/plan_file.h"
#include "validate/backend_load.h"
#include "validate/worker/gather.h"
#include "validate/worker/measure.h"
#include "validate/worker/numerics.h"
#include "validate/worker/timed_run.h"

typedef struct {
    char *plan, *backend, *folder, *report;
    gboolean check_numerics, slice;
    int steps, warm_up;
    double timeout_s, memory_bytes;
} Options;

static bool parse(int argc, char **argv, Options *o, GError **error)
{
    const GOptionEntry entries[] = {
        { "plan", 0, 0, G_OPTION_ARG_FILENAME, &o->plan, "Plan file; without one, the device is measured", "FILE" },
        { "backend", 0, 0, G_OPTION_ARG_STRING, &o->backend, "Backend by name", "NAME" },
        { "folder", 0, 0, G_OPTION_ARG_FILENAME, &o->folder, "Where backends are (default: beside this program)", "FOLDER" },
        { "report", 0, 0, G_OPTION_ARG_FILENAME, &o->report, "Rank 0 writes what was measured", "FILE" },
        { "check-numerics", 0, 0, G_OPTION_ARG_NONE, &o->check_numerics, "Compare with the unsplit model instead of taking times",
          NULL },
        { "slice", 0, 0, G_OPTION_ARG_NONE, &o->slice, "Alone, be the first rank of each stage in turn", NULL },
        { "steps", 0, 0, G_OPTION_ARG_INT, &o->steps, "Steps to measure, or to compare; rounds of measurements", "N" },
        { "warm-up", 0, 0, G_OPTION_ARG_INT, &o->warm_up, "Steps before those measured", "N" },
        { "timeout", 0, 0, G_OPTION_ARG_DOUBLE, &o->timeout_s, "Give up when one action takes longer", "SECONDS" },
        { "memory", 0, 0, G_OPTION_ARG_DOUBLE, &o->memory_bytes, "Memory of a rank", "BYTES" },
        G_OPTION_ENTRY_NULL,
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_option_context_set_summary(
        context, "One rank of a plan that is carried out, or of measurements; `mpplan validate` and `mpplan measure` start it.");
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, &argc, &argv, error))
        return false;
    const char *lacks = !o->backend ? "--backend" : !o->report ? "--report" : NULL;
    if (lacks || argc > 1 || o->steps < 1 || o->warm_up < 0 || !(o->timeout_s > 0) || !(o->memory_bytes >= 0))
        return mpp_error_usage(error, "%s", lacks ? lacks : "bad arguments; see --help");
    return true;
}

static bool check_ranks(const MppRank *rank, const MppPlanFile *file, bool slice, GError **error)
{
    int64_t wanted = slice ? 1 : file->inputs->gpus;
    if (rank->size == wanted && file->strategy.stage_layers)
        return true;
    if (rank->size == wanted)
        g_set_error(error, MPP_ERROR, MPP_ERROR_INVALID, "the plan does not list the layers of each stage");
    else
        g_set_error(error, MPP_ERROR, MPP_ERROR_INVALID,
                    "the plan is for %" G_GINT64_FORMAT " ranks, started are %" G_GINT64_FORMAT, wanted, rank->size);
    return false;
}

static bool measure(const MppRank *rank, const Options *o, MppWatchdog *watchdog, GError **error)
{
    g_autoptr(MppSamples) samples = mpp_samples_new(NULL, NULL);
    if (!mpp_measure_run(rank, o->steps, watchdog, samples, error))
        return false;
    return rank->index != 0 || mpp_samples_write(samples, o->report, error);
}

static bool carry_out(const MppRank *rank, const Options *o, MppWatchdog *watchdog, GError **error)
{
    g_autoptr(MppPlanFile) file = mpp_plan_file_load(o->plan, error);
    if (!file || !check_ranks(rank, file, o->slice, error))
        return false;
    const MppJob *job = &file->inputs->job;
    g_autoptr(MppRunReport) report = mpp_run_report_new(o->backend);
    const MppTimedRunOptions times = { o->warm_up, o->steps };
    bool done = o->check_numerics ? mpp_numerics_run(rank, job, &file->strategy, o->steps, watchdog, report, error)
                : o->slice        ? mpp_timed_run_slices(rank, job, &file->strategy, &times, watchdog, report, error)
                                  : mpp_timed_run(rank, job, &file->strategy, &times, watchdog, report, error);
    if (!done || rank->index != 0)
        return done;
    g_autoptr(cJSON) json = mpp_fields_write(&mpp_run_report_fields, report, false);
    return mpp_json_write(json, o->report, error);
}

/** Runs in the watchdog's thread while the rank's own hangs: nothing but leaving is safe, and the launcher ends the others. */
static void expired(const char *what, gpointer data)
{
    const int64_t *index = data;
    if (*index < 0)
        fputs("mpplan-run: a rank", stderr);
    else
        fprintf(stderr, "mpplan-run: rank %" G_GINT64_FORMAT, *index);
    fprintf(stderr, ": nothing moved in time during %s: a rank is gone, stuck, or slower than --timeout\n", what);
    fflush(stderr);
    _exit(1);
}

/** @index: out, when it is known. @all_fail: out, whether all ranks fail with the same error. */
static bool run(const Options *o, int64_t *index, MppRank **rank, bool *all_fail, GError **error)
{
    g_autofree char *folder = o->folder ? g_strdup(o->folder) : mpp_backend_folder(error);
    const MppBackend *backend = folder ? mpp_backend_load(folder, o->backend, error) : NULL;
    const MppBackendStart start = { .memory_bytes = o->memory_bytes };
    g_autoptr(MppWatchdog) watchdog = mpp_watchdog_new(o->timeout_s, expired, index);
    *rank = backend ? mpp_rank_open(backend, &start, error) : NULL;
    if (!*rank)
        return false;
    *index = (*rank)->index;
    mpp_watchdog_feed(watchdog, "start");
    g_autofree char *path = mpp_backend_path(folder, o->backend);
    if (!mpp_gather_check_same(*rank, path, o->plan, all_fail, error))
        return false;
    return o->plan ? carry_out(*rank, o, watchdog, error) : measure(*rank, o, watchdog, error);
}

int main(int argc, char **argv)
{
    Options options = { .steps = 5, .warm_up = 2, .timeout_s = 60 };
    g_autoptr(GError) error = NULL;
    MppRank *rank = NULL;
    int64_t index = -1;
    bool all_fail = false, done = parse(argc, argv, &options, &error) && run(&options, &index, &rank, &all_fail, &error);
    if (!done && index >= 0)
        fprintf(stderr, "mpplan-run: rank %" G_GINT64_FORMAT ": %s\n", index, error->message);
    else if (!done)
        fprintf(stderr, "mpplan-run: %s\n", error->message);
    fflush(stderr);
    mpp_rank_close(rank, !done && !all_fail); /* ranks that all fail say so before they leave together */
    char *texts[] = { options.plan, options.backend, options.folder, options.report };
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        g_free(texts[i]);
    return done ? 0 : mpp_error_exit_status(error);
}
