#include <math.h>
#include <stdio.h>

#include "planner/base/file.h"
#include "planner/base/units.h"
#include "planner/cli/order_file.h"
#include "planner/cli/question.h"
#include "planner/cli/schedule_text.h"
#include "planner/cli/terminal.h"
#include "planner/cost/plan_cost.h"
#include "planner/schedule/list_schedule.h"

enum { CHART_COLUMNS = 80 };

typedef struct {
    MppJobWords job;
    char *strategy, *output, *import, *dialect;
    double cap_gib; /* NAN: not given */
    gboolean makes, comms;
} Options;

static bool check(const Options *options, GError **error)
{
    const char *wrong = NULL;
    if (options->makes && options->import)
        wrong = "--auto makes an order, --import takes one: not both";
    else if (!isnan(options->cap_gib) && !(options->cap_gib > 0 && isfinite(options->cap_gib)))
        wrong = "--memory-cap: expected a number of GiB above 0";
    else if ((options->comms || options->dialect) && !options->output)
        wrong = "--comms and --dialect are of the file that --output names";
    else if (options->dialect && mpp_names_find(&mpp_csv_dialect_names, options->dialect) < 0)
        wrong = "--dialect: expected current or 2024";
    return !wrong || mpp_error_usage(error, "%s", wrong);
}

/** The order that is shown, and where it comes from. */
typedef struct {
    const MppOrder *order; /* lent by one of those below, or by the pipeline */
    const char *name;
    MppCsv *csv;
    MppListSchedule *made;
} Choice;

static void clear_choice(Choice *choice)
{
    mpp_csv_free(choice->csv);
    mpp_list_schedule_free(choice->made);
}

/** Whether the stack has any schedule whose backward passes are split. */
static bool can_split(const MppRuntime *runtime)
{
    for (int kind = 0; kind < MPP_N_SCHEDULES; kind++)
        if (runtime->schedules & (int64_t)1 << kind && mpp_schedule_kind_shape(kind)->splits_backward)
            return true;
    return false;
}

static bool make(MppPipelineCost *pipeline, double cap_bytes, Choice *choice, GError **error)
{
    const MppOrder *planned = mpp_pipeline_cost_order(pipeline);
    if (planned->n_routes > 1)
        return mpp_error_set(error, MPP_ERROR_UNSUPPORTED, "%s",
                             "--auto: orders are made for one copy of the model, not for two");
    g_autofree double *room = mpp_order_cost_fixed_bytes(pipeline, planned->rank_of);
    for (int64_t k = 0; k < planned->pp; k++)
        room[k] = cap_bytes - room[k];
    MppListProblem problem = { planned->pp, planned->n_chunks, planned->micro_batches, planned->rank_of,
                               mpp_pipeline_cost_durations(pipeline), pipeline->kept_bytes, room,
                               can_split(pipeline->shard->job->runtime), 0 };
    choice->made = mpp_list_schedule_new(&problem, error);
    if (!choice->made)
        return false;
    choice->order = choice->made->order;
    choice->name = "made to measure";
    return true;
}

static bool choose(const Options *options, MppPipelineCost *pipeline, double cap_bytes, Choice *choice, GError **error)
{
    if (options->import) {
        choice->csv = mpp_order_file_load(options->import, pipeline, error);
        choice->order = choice->csv ? choice->csv->order : NULL;
        choice->name = "this file";
        return choice->csv != NULL;
    }
    if (options->makes)
        return make(pipeline, cap_bytes, choice, error);
    choice->order = mpp_pipeline_cost_order(pipeline);
    choice->name = mpp_names_get(&mpp_schedule_names, pipeline->schedule.kind);
    return true;
}

static bool write_csv(const Options *options, const Choice *choice, GError **error)
{
    MppCsvStyle style = { .comms = options->comms, .pairs = choice->csv ? choice->csv->pairs : NULL };
    style.dialect = options->dialect ? mpp_names_find(&mpp_csv_dialect_names, options->dialect) : MPP_CSV_CURRENT;
    g_autofree char *text = mpp_csv_to_text(choice->order, &style, error);
    return text && mpp_file_write(options->output, text, error);
}

/** Named schedules over the same chunks, in the order of their table, the shown one first. */
static void print_comparison(const MppPipelineCost *pipeline, const Choice *choice, const MppOrderCost *shown, double cap_bytes)
{
    const MppRuntime *runtime = pipeline->shard->job->runtime;
    g_autofree char *absent = g_strdup_printf("not in %s", runtime->title);
    g_autoptr(MppTable) table = mpp_schedule_text_table();
    mpp_schedule_text_row(table, choice->name, shown, cap_bytes, NULL);
    for (int kind = 0; kind < MPP_N_SCHEDULES; kind++) {
        MppSchedule schedule = { kind, pipeline->schedule.pp, pipeline->schedule.vpp, pipeline->schedule.micro_batches, 0 };
        if (!mpp_schedule_check(&schedule, NULL) || mpp_schedule_n_chunks(&schedule) != pipeline->n_chunks)
            continue;
        bool is_shown = choice->order == pipeline->order && mpp_schedule_equal(&schedule, &pipeline->schedule);
        if (is_shown)
            continue;
        g_autoptr(MppOrder) order = mpp_schedule_order(&schedule);
        g_autoptr(MppOrderCost) cost = mpp_order_cost_new(pipeline, order);
        bool has = runtime->schedules & (int64_t)1 << kind;
        mpp_schedule_text_row(table, mpp_names_get(&mpp_schedule_names, kind), cost, cap_bytes, has ? NULL : absent);
    }
    puts("");
    mpp_table_print(table);
}

static void print_made(const MppListSchedule *made)
{
    double rest = made->length_s / made->bound_s - 1;
    if (rest < 1e-9)
        puts("  order     as short as any of these stages on these ranks can be");
    else
        printf("  order     at most %.1f %% longer than the shortest possible\n", 100 * rest);
}

static void print(const MppPlanFile *plan, const MppPipelineCost *pipeline, const Choice *choice, double cap_bytes)
{
    g_autofree char *title = mpp_inputs_title(plan->inputs), *split = mpp_strategy_title(&plan->strategy);
    g_autoptr(MppOrderCost) cost = mpp_order_cost_new(pipeline, choice->order);
    MppDurations durations = mpp_pipeline_cost_durations(pipeline);
    g_autoptr(MppReplay) replay = mpp_replay_new(choice->order, &durations);
    double peak = cost->peak_bytes[cost->fullest];
    g_autofree char *length = mpp_units_seconds(cost->length_s), *bytes = mpp_units_bytes(peak), *cap = mpp_units_bytes(cap_bytes);
    printf("%s\n\n  %s\n\n", title, split);
    printf("  schedule  %s: %d ranks, %d stages, %d micro-batches\n", choice->name, choice->order->pp, choice->order->n_chunks / choice->order->n_routes,
           choice->order->micro_batches);
    printf("  time      %s from the first pass to the last, %.1f %% of it bubble\n", length, 100 * mpp_order_cost_bubble_frac(cost));
    printf("  memory    %s on rank %d, the fullest; %s may be allocated%s\n", bytes, (int)cost->fullest, cap,
           peak > cap_bytes ? ": does not fit" : "");
    if (choice->made)
        print_made(choice->made);
    puts("");
    mpp_schedule_text_chart(choice->order, replay, CHART_COLUMNS);
    print_comparison(pipeline, choice, cost, cap_bytes);
}

static bool show(const Options *options, const MppPlanFile *plan, GError **error)
{
    const MppJob *job = &plan->inputs->job;
    const MppStrategy *s = &plan->strategy;
    g_autoptr(MppPlanCost) cost = mpp_plan_cost_new(job, s);
    double cap_bytes = isnan(options->cap_gib) ? mpp_memory_usable_bytes(job) : options->cap_gib * MPP_GIB;
    Choice choice = { 0 };
    bool done = choose(options, cost->pipeline, cap_bytes, &choice, error) && (!options->output || write_csv(options, &choice, error));
    if (done)
        print(plan, cost->pipeline, &choice, cap_bytes);
    clear_choice(&choice);
    return done;
}

static bool run(int argc, char **argv, GError **error)
{
    Options options = { .cap_gib = NAN };
    const GOptionEntry entries[] = {
        { "strategy", 'S', 0, G_OPTION_ARG_STRING, &options.strategy, "How to split, like tp=8,pp=4,mbs=1,sp,zero=1", "STRATEGY" },
        { "auto", 0, 0, G_OPTION_ARG_NONE, &options.makes, "Make an order to measure for the plan's stages", NULL },
        { "memory-cap", 0, 0, G_OPTION_ARG_DOUBLE, &options.cap_gib, "What a device may allocate (default: what its stack can use)", "GIB" },
        { "import", 0, 0, G_OPTION_ARG_FILENAME, &options.import, "Check PyTorch's pipeline schedule FILE and time it on this plan", "FILE.csv" },
        { "output", 'o', 0, G_OPTION_ARG_FILENAME, &options.output, "Write the order to FILE as PyTorch reads it", "FILE.csv" },
        { "comms", 0, 0, G_OPTION_ARG_NONE, &options.comms, "With sends, receives and sharding in that file (compute_comms)", NULL },
        { "dialect", 0, 0, G_OPTION_ARG_STRING, &options.dialect, "Of that file: current (I, W, B; default) or 2024 (B, W, BW)", "NAME" },
        G_OPTION_ENTRY_NULL,
    };
    g_auto(MppArguments) arguments = { 0 };
    if (!mpp_command_parse(&mpp_command_schedule, &options.job, entries, argc, argv, &arguments, error) || arguments.helped)
        return arguments.helped;
    if (!check(&options, error))
        return false;
    g_autoptr(MppPlanFile) plan = mpp_question_plan(&mpp_command_schedule, &options.job, options.strategy, arguments.rest, error);
    return plan && show(&options, plan, error);
}

const MppCommand mpp_command_schedule = {
    .name = "schedule",
    .arguments = "[PLAN.json]",
    .summary = "Show a plan's order of passes, make a better one, check and compare one from PyTorch.",
    .examples = "  mpplan schedule plan.json\n"
                "  mpplan schedule plan.json --auto --memory-cap 70 -o order.csv   # torchtitan's pipeline_parallel_schedule_csv\n"
                "  mpplan schedule plan.json --import order.csv\n",
    .run = run,
};
