#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "planner/api/plan_json.h"
#include "planner/base/units.h"
#include "planner/cli/command.h"
#include "planner/cli/terminal.h"
#include "planner/cost/plan_cost.h"
#include "planner/spec/plan_file.h"
#include "validate/backend_load.h"
#include "validate/comparison.h"
#include "validate/launcher.h"
#include "validate/slice_step.h"
#include "validate/timelines.h"

/** Relative, of a loss, a norm, or a gradient against the largest of its parameter: sums of fp32 in another order. */
static const double numerics_tolerance = 1e-5;

enum { MOST_STEPS = 100000, USUAL_STEPS = 5, USUAL_WARM_UP = 2, USUAL_COMPARED_STEPS = 10 };

typedef struct {
    char *backend, *folder, *launcher, *hostfile, *output, *trace, *page;
    gboolean check_numerics, slice, json;
    int steps, warm_up;
    double timeout_s, memory_bytes, tolerance_frac;
} Options;

static bool check(const Options *o, char **files, GError **error)
{
    const char *wrong = NULL;
    if (!files || files[1])
        wrong = "validate takes one plan file";
    else if (o->check_numerics && (o->trace || o->page))
        wrong = "--trace, --html: --check-numerics takes no times";
    else if (o->slice && o->check_numerics)
        wrong = "--slice and --check-numerics: a slice is not the whole model";
    else if (!(o->tolerance_frac > 0) || !isfinite(o->tolerance_frac))
        wrong = "--tolerance: expected a share above 0";
    else if (!(o->timeout_s > 0) || !isfinite(o->timeout_s))
        wrong = "--timeout: expected seconds above 0";
    else if (!(o->memory_bytes >= 0) || !isfinite(o->memory_bytes))
        wrong = "--memory: expected bytes from 0 on";
    if (wrong)
        return mpp_error_usage(error, "%s", wrong);
    return mpp_command_check_range(o->steps, 0, MOST_STEPS, "steps", error) &&
           mpp_command_check_range(o->warm_up, 0, MOST_STEPS, "warm-up", error);
}

/** Ranks of this machine share its memory: a cluster's plan is not started here. */
static bool check_memory(const Options *o, int64_t gpus, MppPipelineCost *pipeline, GError **error)
{
    bool elsewhere = o->hostfile || g_strcmp0(o->launcher, "srun") == 0 || (o->backend && strcmp(o->backend, "cpu") != 0);
    g_autoptr(MppEstimate) estimate = mpp_estimate_from(pipeline);
    double needed_bytes = 0;
    for (int64_t k = 0; k < estimate->pp; k++)
        needed_bytes += estimate->stages[k].memory.allocated_bytes * gpus / estimate->pp;
    if (o->slice)
        needed_bytes = estimate->peak_bytes;
    if (elsewhere || needed_bytes <= (double)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE))
        return true;
    g_autofree char *needed = mpp_units_bytes(needed_bytes);
    return mpp_error_set(error, MPP_ERROR_INFEASIBLE,
                         o->slice
                             ? "the fullest rank allocates %s, more than this machine has"
                             : "the plan's ranks allocate %s, more than this machine has: see --hostfile, --launcher and --slice",
                         needed);
}

/** The plan with the layers of every chunk spelled out, for the ranks. */
static cJSON *resolved_plan(const MppPlanFile *file, MppPipelineCost *pipeline)
{
    g_autoptr(MppEstimate) estimate = mpp_estimate_from(pipeline);
    return mpp_plan_json_document(file->inputs, &file->strategy, estimate);
}

static MppRunReport *run_plan(const Options *o, const MppPlanFile *file, MppPipelineCost *pipeline, GError **error)
{
    g_autofree char *folder = o->folder ? g_strdup(o->folder) : mpp_backend_folder(error);
    if (!folder)
        return NULL;
    int64_t steps = o->steps ? o->steps : o->check_numerics ? USUAL_COMPARED_STEPS : USUAL_STEPS;
    const MppLauncher launch = {
        .program = o->launcher ? o->launcher : "mpirun",
        .hostfile = o->hostfile,
        .folder = folder,
        .backend = o->backend ? o->backend : "cpu",
        .ranks = o->slice ? 1 : file->inputs->gpus,
        .slice = o->slice,
        .check_numerics = o->check_numerics,
        .steps = steps,
        .warm_up = o->warm_up,
        .timeout_s = o->timeout_s,
        .memory_bytes = o->memory_bytes > 0 ? o->memory_bytes : file->inputs->cluster.device.memory_bytes,
    };
    g_autoptr(cJSON) plan = resolved_plan(file, pipeline);
    return mpp_launcher_run(&launch, plan, error);
}

/* --- split beside whole --- */

static void print_numerics(const MppRunReport *report)
{
    g_autoptr(MppTable) table = mpp_table_new("  step >|loss >|unsplit >|gradient norm >|unsplit >|worst gradient >|of");
    for (guint i = 0; i < report->numerics->len; i++) {
        const MppComparedStep *step = &g_array_index(report->numerics, MppComparedStep, i);
        mpp_table_add(table, "%" G_GINT64_FORMAT, step->step);
        mpp_table_add(table, "%.7f", step->loss);
        mpp_table_add(table, "%.7f", step->whole_loss);
        mpp_table_add(table, "%.6g", step->norm);
        mpp_table_add(table, "%.6g", step->whole_norm);
        mpp_table_add(table, "%.1e", step->worst_gradient);
        mpp_table_add(table, "%s", step->parameter);
    }
    mpp_table_print(table);
}

static bool judge_numerics(const MppRunReport *report, GError **error)
{
    double worst = mpp_run_report_worst(report);
    if (worst <= numerics_tolerance)
        return true;
    return mpp_error_set(error, MPP_ERROR_TOLERANCE,
                         "the split model is not the same: losses or gradients differ by %.1e, more than %.0e", worst,
                         numerics_tolerance);
}

/* --- predicted beside measured --- */

static void print_times(const char *title, const GArray *times)
{
    g_autofree char *columns = g_strdup_printf("  %s|predicted >|measured >|difference >", title);
    g_autoptr(MppTable) table = mpp_table_new(columns);
    for (guint i = 0; i < times->len; i++) {
        const MppComparedTime *time = &g_array_index(times, MppComparedTime, i);
        g_autofree char *predicted = mpp_units_seconds(time->predicted_s), *measured = mpp_units_seconds(time->measured_s);
        mpp_table_add(table, "  %s", time->name);
        mpp_table_add(table, "%s", predicted);
        mpp_table_add(table, "%s", measured);
        if (time->predicted_s > 0)
            mpp_table_add(table, "%+.0f %%", 100 * (time->measured_s / time->predicted_s - 1));
        else
            mpp_table_add(table, "%s", "");
    }
    mpp_table_print(table);
    puts("");
}

static void print_comparison(const MppComparison *comparison, bool slice)
{
    if (slice)
        puts("  a slice: each stage's first rank ran alone; exchange between ranks and updates are as predicted\n");
    g_autofree char *predicted = mpp_units_seconds(comparison->predicted_s),
                    *measured = mpp_units_seconds(comparison->measured_s);
    g_autofree char *least = mpp_units_seconds(comparison->least_s), *most = mpp_units_seconds(comparison->most_s);
    g_autofree char *memory = mpp_units_bytes(comparison->predicted_bytes), *held = mpp_units_bytes(comparison->measured_bytes);
    printf("  step   predicted %s   measured %s (%s to %s)   %+.1f %%\n", predicted, measured, least, most,
           100 * mpp_comparison_error_frac(comparison));
    printf("  peak   predicted %s   measured %s   %+.1f %%\n\n", memory, held,
           100 * (comparison->measured_bytes / comparison->predicted_bytes - 1));
    print_times("in a step, mean of the ranks", comparison->actions);
    print_times("within passes", comparison->ops);
}

static bool judge_step(const Options *o, const MppComparison *comparison, GError **error)
{
    double off = mpp_comparison_error_frac(comparison);
    if (fabs(off) <= o->tolerance_frac)
        return true;
    const MppComparedTime *culprit = mpp_comparison_culprit(comparison);
    g_autofree char *predicted = mpp_units_seconds(culprit->predicted_s), *measured = mpp_units_seconds(culprit->measured_s);
    return mpp_error_set(error, MPP_ERROR_TOLERANCE,
                         "the step took %+.1f %% of what was predicted, tolerance is %.1f %%; most of it: %s, %s instead of %s",
                         100 * off, 100 * o->tolerance_frac, culprit->name, measured, predicted);
}

static bool write_result(const Options *o, const MppRunReport *report, const MppComparison *comparison, GError **error)
{
    if (!o->json && !o->output)
        return true;
    g_autoptr(cJSON) root = cJSON_CreateObject();
    cJSON_AddNumberToObject(root, "format_version", 1);
    if (comparison)
        cJSON_AddItemToObject(root, "comparison", mpp_comparison_json(comparison));
    cJSON_AddItemToObject(root, "run", mpp_fields_write(&mpp_run_report_fields, report, false));
    return mpp_json_write(root, o->output, error);
}

static bool write_timelines(const Options *o, const MppSimulation *simulation, const MppRunReport *report, GError **error)
{
    return (!o->trace || mpp_timelines_write(simulation, report, MPP_TIMELINES_TRACE, o->trace, error)) &&
           (!o->page || mpp_timelines_write(simulation, report, MPP_TIMELINES_PAGE, o->page, error));
}

static bool show(const Options *o, const MppPlanFile *file, const MppRunReport *report, MppPipelineCost *pipeline, GError **error)
{
    g_autofree char *title = mpp_inputs_title(file->inputs), *strategy = mpp_strategy_title(&file->strategy);
    if (!o->json)
        printf("%s\n\n  %s\n\n", title, strategy);
    if (o->check_numerics) {
        if (!o->json)
            print_numerics(report);
        return write_result(o, report, NULL, error) && judge_numerics(report, error);
    }
    g_autoptr(MppPlanCost) measured = o->slice ? mpp_plan_cost_new(&file->inputs->job, &file->strategy) : NULL;
    if (measured)
        mpp_slice_step_set_passes(measured->pipeline, report);
    g_autoptr(MppSimulation) simulation = mpp_simulate(pipeline, NULL, NULL, error);
    g_autoptr(MppSimulation) slice = simulation && measured ? mpp_simulate(measured->pipeline, NULL, NULL, error) : NULL;
    if (!simulation || (measured && !slice))
        return false;
    g_autoptr(MppComparison) comparison = mpp_comparison_new(simulation, slice, report);
    if (!o->json)
        print_comparison(comparison, o->slice);
    return write_result(o, report, comparison, error) && write_timelines(o, simulation, report, error) &&
           judge_step(o, comparison, error);
}

static bool validate(const Options *o, const char *path, GError **error)
{
    g_autoptr(MppPlanFile) file = mpp_plan_file_load(path, error);
    if (!file)
        return false;
    file->inputs->runtime.skips_step_barrier = false; /* steps begin together here */
    g_autoptr(MppPlanCost) cost = mpp_plan_cost_new(&file->inputs->job, &file->strategy);
    if (!check_memory(o, file->inputs->gpus, cost->pipeline, error))
        return false;
    g_autoptr(MppRunReport) report = run_plan(o, file, cost->pipeline, error);
    return report && show(o, file, report, cost->pipeline, error);
}

static bool run(int argc, char **argv, GError **error)
{
    Options options = { .warm_up = USUAL_WARM_UP, .timeout_s = 60, .tolerance_frac = 0.1 };
    const GOptionEntry entries[] = {
        { "backend", 'b', 0, G_OPTION_ARG_STRING, &options.backend, "What runs it (default cpu)", "NAME" },
        { "check-numerics", 0, 0, G_OPTION_ARG_NONE, &options.check_numerics, "Compare losses and gradients with the unsplit model",
          NULL },
        { "slice", 0, 0, G_OPTION_ARG_NONE, &options.slice, "Run each stage's first rank alone on one device; exchange as predicted", NULL },
        { "steps", 0, 0, G_OPTION_ARG_INT, &options.steps, "Steps to measure (default 5) or to train before the last comparison (10)",
          "N" },
        { "warm-up", 0, 0, G_OPTION_ARG_INT, &options.warm_up, "Steps before those measured (default 2)", "N" },
        { "tolerance", 0, 0, G_OPTION_ARG_DOUBLE, &options.tolerance_frac, "Of the step time (default 0.1)", "FRAC" },
        { "timeout", 0, 0, G_OPTION_ARG_DOUBLE, &options.timeout_s, "Longest time for one action (default 60)", "SECONDS" },
        { "memory", 0, 0, G_OPTION_ARG_DOUBLE, &options.memory_bytes, "Memory of a rank (default: the device's)", "BYTES" },
        { "folder", 0, 0, G_OPTION_ARG_FILENAME, &options.folder, "Where mpplan-run and backends are (default: beside mpplan)",
          "FOLDER" },
        { "launcher", 0, 0, G_OPTION_ARG_STRING, &options.launcher, "What starts the ranks: mpirun (default) or srun", "PROGRAM" },
        { "hostfile", 0, 0, G_OPTION_ARG_FILENAME, &options.hostfile, "Hosts and their slots, for mpirun (default: this machine)", "FILE" },
        { "json", 0, 0, G_OPTION_ARG_NONE, &options.json, "Print JSON", NULL },
        { "output", 'o', 0, G_OPTION_ARG_FILENAME, &options.output, "Write the result to FILE as JSON", "FILE" },
        { "trace", 0, 0, G_OPTION_ARG_FILENAME, &options.trace, "Write both timelines to FILE, for ui.perfetto.dev", "FILE" },
        { "html", 0, 0, G_OPTION_ARG_FILENAME, &options.page, "Write both timelines to FILE as a web page", "FILE" },
        G_OPTION_ENTRY_NULL,
    };
    g_auto(MppArguments) arguments = { 0 };
    if (!mpp_command_parse(&mpp_command_validate, NULL, entries, argc, argv, &arguments, error) || arguments.helped)
        return arguments.helped;
    return check(&options, arguments.rest, error) && validate(&options, arguments.rest[0], error);
}

const MppCommand mpp_command_validate = {
    .name = "validate",
    .arguments = "PLAN.json",
    .summary = "Run a plan for real and compare it with what was predicted.",
    .examples = "  mpplan validate plan.json                     # times on CPU ranks of this machine beside the prediction\n"
                "  mpplan validate plan.json --html step.html    # and the two timelines, one above the other\n"
                "  mpplan validate plan.json --check-numerics    # the split model trains as the unsplit one does\n"
                "  mpplan validate plan.json --slice             # on one device: computation measured, exchange predicted\n"
                "  mpplan validate plan.json --hostfile hosts    # on several machines that share TMPDIR\n",
    .run = run,
};
