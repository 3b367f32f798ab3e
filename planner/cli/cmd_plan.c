#include <math.h>
#include <stdio.h>

#include "planner/api/no_plan.h"
#include "planner/base/units.h"
#include "planner/cli/ascii.h"
#include "planner/cli/command.h"
#include "planner/cli/options.h"
#include "planner/cli/pipeline_chart.h"
#include "planner/cli/plan_text.h"
#include "planner/cli/progress.h"
#include "planner/cli/terminal.h"

typedef struct {
    MppJobWords job;
    char *strategy, *objective, *output;
    int top, threads;
    gboolean json, quiet, robust, ascii;
} PlanOptions;

static void print_alternatives(const MppBestPlan *plan)
{
    if (!plan->others->len)
        return;
    g_autoptr(MppTable) table = mpp_table_new("runner-up|step >|peak >|loses because");
    int tied = 0;
    for (guint i = 0; i < plan->others->len; i++) {
        const MppRankedPlan *other = &g_array_index(plan->others, MppRankedPlan, i);
        g_autofree char *title = mpp_strategy_title(&other->candidate.strategy), *peak = mpp_units_bytes(other->estimate->peak_bytes);
        g_autofree char *why = mpp_plan_text_reason(plan->best.estimate, other->estimate);
        double slower = other->estimate->step_s / plan->best.estimate->step_s - 1;
        bool alike = fabs(slower) < plan->tied_frac;
        tied += alike;
        mpp_table_add(table, "%s", title);
        mpp_table_add(table, "%+.1f %%%s", 100 * slower, alike ? " ≈" : "");
        mpp_table_add(table, "%s", peak);
        mpp_table_add(table, "%s", why);
    }
    puts("");
    mpp_table_print(table);
    if (tied)
        printf("  ≈ cannot be told apart from the best: of pairs predicted %.1f %% apart one in five ran the other way round\n",
               100 * plan->tied_frac);
}

/** One that rests on fitted runs throughout, where the best one does not, or the fastest, where that does not. */
static void print_rival(const MppJob *job, const MppBestPlan *plan)
{
    const MppRankedPlan *rival = plan->fastest.estimate ? &plan->fastest : &plan->surest, *unsure = plan->fastest.estimate ? rival : &plan->best;
    if (!rival->estimate)
        return;
    g_autofree char *title = mpp_strategy_title(&rival->candidate.strategy), *unfitted = mpp_plan_text_unfitted(job, &unsure->candidate.strategy);
    double slower = rival->estimate->step_s / plan->best.estimate->step_s - 1;
    printf("\n  %-8s  %s  %+.1f %%\n            %s %s, which hardly any fitted run has%s\n", rival == &plan->fastest ? "fastest" : "surest", title,
           100 * slower, rival == unsure ? "with" : "without", unfitted, rival == unsure ? " (--objective step-time takes it)" : "");
}

static char *verdict(const MppSearchCounts *counts, const MppBestPlan *plan)
{
    g_autofree char *members = mpp_units_whole(counts->members), *evaluated = mpp_units_whole(counts->evaluated);
    g_autofree char *simulated = plan->simulated ? g_strdup_printf(", %d simulated", plan->simulated) : g_strdup("");
    if (counts->unjudged) {
        g_autofree char *unjudged = mpp_units_whole(counts->unjudged);
        return g_strdup_printf("best so far of %s plans, not proven: interrupted before %s that could be better", members, unjudged);
    }
    const char *which = plan->fastest.estimate ? "surest" : "best";
    if (!plan->proven)
        return g_strdup_printf("%s by estimate of %s plans, proven; best by simulation of the %d fastest", which, members, plan->simulated);
    if (counts->evaluated == counts->members)
        return g_strdup_printf("%s of %s plans, proven (all evaluated%s)", which, members, simulated);
    return g_strdup_printf("%s of %s plans, proven (%s evaluated, the rest bounded%s)", which, members, evaluated, simulated);
}

/** The command that estimates this plan again. A batch that followed from more GPUs than are used is named. */
static void print_again(const MppInputs *inputs, const MppStrategy *best, const MppJobWords *options)
{
    MppJobWords again = *options;
    again.gpus = inputs->gpus;
    if (again.gpus != options->gpus)
        again.global_batch = inputs->training.global_batch;
    g_autofree char *job = mpp_job_options_to_text(&again), *strategy = mpp_strategy_to_text(best);
    printf("  again     mpplan estimate %s --strategy %s\n", job, strategy);
}

static void print_answer(const MppInputs *inputs, const MppPlanAnswer *answer, const MppJobWords *options)
{
    const MppJob *job = &inputs->job;
    const MppStrategy *best = &answer->plan->best.candidate.strategy;
    const MppEstimate *estimate = answer->plan->best.estimate;
    g_autofree char *title = mpp_inputs_title(inputs), *proof = verdict(&answer->result->counts, answer->plan);
    puts(title);
    mpp_plan_text_answer(job, best, estimate, proof);
    mpp_plan_text_shares(estimate);
    mpp_plan_text_binds(job, best, estimate);
    mpp_plan_text_stages(estimate);
    mpp_pipeline_chart_print(job, best, estimate);
    print_alternatives(answer->plan);
    print_rival(job, answer->plan);
    mpp_plan_text_basis(inputs);
    mpp_plan_text_interval(job, best, estimate);
    mpp_plan_text_figures(job, estimate);
    print_again(inputs, best, options);
}

static bool write_answer(const MppPlanQuestion *question, const MppPlanAnswer *answer, const char *path, GError **error)
{
    g_autoptr(cJSON) root = mpp_plan_answer_json(question, answer);
    return mpp_json_write(root, path, error);
}

static bool check_finished(const MppPlanAnswer *answer, GError **error)
{
    int64_t unjudged = answer->result->counts.unjudged;
    if (!unjudged)
        return true;
    g_autofree char *number = mpp_units_whole((double)unjudged);
    return mpp_error_set(error, MPP_ERROR_INTERRUPTED, "interrupted%s: %s plans were not judged", answer->plan ? "" : " before a plan was found", number);
}

/** When no plan fits nothing is written to a file. */
static bool tell(const MppPlanQuestion *question, const MppPlanAnswer *answer, const PlanOptions *options, GError **error)
{
    bool writes = answer->plan ? options->json || options->output : options->json && !options->output;
    if (writes && !write_answer(question, answer, options->output, error))
        return false;
    if (answer->plan && !options->json)
        print_answer(question->inputs, answer, &options->job);
    if (!check_finished(answer, error))
        return false;
    if (!answer->plan)
        mpp_no_plan_error(question, answer->result, error);
    return answer->plan != NULL;
}

static bool plan(PlanOptions *options, GError **error)
{
    enum { MOST_ALTERNATIVES = 1000 };
    int objective = options->robust ? MPP_OBJECTIVE_ROBUST : MPP_OBJECTIVE_SURE;
    if (!mpp_command_check_range(options->top, 0, MOST_ALTERNATIVES, "top", error) ||
        !mpp_command_check_range(options->threads, 0, MPP_COMMAND_MOST_THREADS, "threads", error) ||
        !mpp_names_read(&mpp_objective_names, options->objective, "--objective", &objective, error))
        return false;
    g_autoptr(MppInputs) inputs = mpp_job_words_inputs(&options->job, NULL, error);
    MppSpaceLimits limits = { .fixed = mpp_strategy_single() };
    if (!inputs || (options->strategy && !mpp_strategy_parse(options->strategy, &limits.fixed, &limits.fields, error)))
        return false;
    MppPlanQuestion question = { inputs, &limits, options->strategy, objective, options->top, options->threads,
                                 mpp_progress_until_interrupted(options->quiet) };
    g_autoptr(MppPlanAnswer) answer = mpp_plan_answer_new(&question);
    bool done = tell(&question, answer, options, error);
    mpp_strategy_clear(&limits.fixed);
    return done;
}

static bool run(int argc, char **argv, GError **error)
{
    PlanOptions options = { .top = 4 };
    const GOptionEntry entries[] = {
        { "strategy", 'S', 0, G_OPTION_ARG_STRING, &options.strategy, "Search only plans with these values, like tp=8,pp=4", "STRATEGY" },
        { "objective", 'O', 0, G_OPTION_ARG_STRING, &options.objective,
          "sure (default: the fastest, or the surest if they cannot be told apart), robust (by p90), step-time, cost (tokens per dollar, fewer GPUs allowed), "
          "headroom (least memory within 10 %)", "NAME" },
        { "robust", 0, 0, G_OPTION_ARG_NONE, &options.robust, "The same as --objective robust", NULL },
        { "top", 't', 0, G_OPTION_ARG_INT, &options.top, "Alternatives to show (default 4)", "N" },
        { "threads", 0, 0, G_OPTION_ARG_INT, &options.threads, "Threads (default: all processors)", "N" },
        { "json", 0, 0, G_OPTION_ARG_NONE, &options.json, "Print JSON", NULL },
        { "output", 'o', 0, G_OPTION_ARG_FILENAME, &options.output, "Write the plan to FILE as JSON", "FILE" },
        { "quiet", 'q', 0, G_OPTION_ARG_NONE, &options.quiet, "No progress", NULL },
        { "ascii", 0, 0, G_OPTION_ARG_NONE, &options.ascii, "Plain letters only", NULL },
        G_OPTION_ENTRY_NULL,
    };
    g_auto(MppArguments) arguments = { 0 };
    if (!mpp_command_parse(&mpp_command_plan, &options.job, entries, argc, argv, &arguments, error) || arguments.helped)
        return arguments.helped;
    if (arguments.rest)
        return mpp_error_usage(error, "unexpected argument \"%s\"; a model is given by --model", arguments.rest[0]);
    FILE *before = mpp_ascii_begin(options.ascii && !options.json);
    bool done = plan(&options, error);
    mpp_ascii_end(before);
    return done;
}

const MppCommand mpp_command_plan = {
    .name = "plan",
    .arguments = "",
    .summary = "Find the best way to split a model over devices, and say why the others lose.",
    .examples = "  mpplan --model gpt.json --gpus 8\n"
                "  mpplan plan --model llama-3.1-405b --cluster dgx-h100 --gpus 16384 --global-batch 2048 -o plan.json\n"
                "  mpplan plan --model config.json --cluster a100-sxm4-80gb --gpus 64 --strategy tp=8 --top 8\n"
                "  mpplan plan --model mixtral-8x7b --gpus 64 --objective cost\n",
    .run = run,
};
