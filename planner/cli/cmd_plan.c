#include <stdio.h>

#include "planner/base/units.h"
#include "planner/cli/best_plan.h"
#include "planner/cli/command.h"
#include "planner/cli/no_plan.h"
#include "planner/cli/options.h"
#include "planner/cli/plan_json.h"
#include "planner/cli/plan_text.h"
#include "planner/cli/progress.h"
#include "planner/cli/terminal.h"
#include "sim/answer.h"

typedef enum { OBJECTIVE_STEP_TIME, OBJECTIVE_COST, OBJECTIVE_HEADROOM } Objective;
static const char *const objective_names[] = { "step-time", "cost", "headroom" };
static const MppNames objectives = MPP_NAMES("objective", objective_names);

typedef struct {
    MppJobOptions job;
    char *strategy, *objective, *output;
    int top, threads;
    gboolean json, quiet;
} PlanOptions;

static bool parse(int argc, char **argv, PlanOptions *options, bool *helped, GError **error)
{
    GOptionEntry job_entries[MPP_N_JOB_ENTRIES];
    mpp_job_options_entries(&options->job, job_entries);
    const GOptionEntry entries[] = {
        { "strategy", 'S', 0, G_OPTION_ARG_STRING, &options->strategy, "Search only plans with these values, like tp=8,pp=4", "STRATEGY" },
        { "objective", 'O', 0, G_OPTION_ARG_STRING, &options->objective,
          "step-time; cost (tokens per dollar, fewer GPUs allowed); headroom (least memory within 10 % of the best)", "NAME" },
        { "top", 't', 0, G_OPTION_ARG_INT, &options->top, "Alternatives to show (default 4)", "N" },
        { "threads", 0, 0, G_OPTION_ARG_INT, &options->threads, "Threads (default: all processors)", "N" },
        { "json", 0, 0, G_OPTION_ARG_NONE, &options->json, "Print JSON", NULL },
        { "output", 'o', 0, G_OPTION_ARG_FILENAME, &options->output, "Write the plan to FILE as JSON", "FILE" },
        { "quiet", 'q', 0, G_OPTION_ARG_NONE, &options->quiet, "No progress", NULL },
        G_OPTION_ENTRY_NULL,
    };
    g_auto(GStrv) rest = NULL;
    if (!mpp_command_parse(&mpp_command_plan, job_entries, entries, argc, argv, &rest, helped, error))
        return false;
    if (!rest)
        return true;
    g_set_error(error, MPP_ERROR, MPP_ERROR_USAGE, "unexpected argument \"%s\"; a model is given by --model", rest[0]);
    return false;
}

static MppSearchResult *search(const MppJob *job, const PlanOptions *options, const MppSpaceLimits *limits)
{
    MppSearchOptions how = mpp_best_plan_search(limits, options->top, options->threads);
    return mpp_progress_search(job, &how, options->quiet);
}

static double best_step_s(const MppSearchResult *result)
{
    return g_array_index(result->board->fastest, MppCandidate, 0).step_s;
}

/** Dollars a token go with GPUs times step time: fewer GPUs may be cheaper. */
static MppSearchResult *search_cheapest(MppInputs *inputs, const PlanOptions *options, const MppSpaceLimits *limits)
{
    MppSearchResult *best = NULL;
    int64_t all = inputs->gpus, best_gpus = all;
    for (int64_t gpus = all; gpus >= 1; gpus = gpus % 2 ? 0 : gpus / 2) {
        inputs->job.gpus = gpus;
        MppSearchResult *one = search(&inputs->job, options, limits);
        bool found = one->board->fastest->len > 0;
        bool cheaper = found && (!best || !best->board->fastest->len || best_step_s(one) * gpus < best_step_s(best) * best_gpus);
        if (!best || cheaper) {
            mpp_search_result_free(best);
            best = one;
            best_gpus = gpus;
        } else {
            mpp_search_result_free(one);
        }
    }
    inputs->gpus = inputs->job.gpus = best_gpus;
    return best;
}

/** The front's smallest plan within a tenth of the best step. */
static MppCandidate roomiest(const MppBoard *board)
{
    const double tolerance = 1.1;
    MppCandidate chosen = g_array_index(board->front, MppCandidate, 0);
    double limit_s = chosen.step_s * tolerance;
    for (guint i = 0; i < board->front->len; i++) {
        const MppCandidate *one = &g_array_index(board->front, MppCandidate, i);
        if (one->step_s <= limit_s)
            chosen = *one;
    }
    return chosen;
}

/** What is told when a plan was found. */
typedef struct {
    const MppInputs *inputs;
    const MppSearchResult *result;
    const MppBestPlan *plan;
} Answer;

static cJSON *search_json(const Answer *answer)
{
    cJSON *json = mpp_plan_json_search(answer->result, answer->plan->proven);
    cJSON_AddNumberToObject(json, "simulated", answer->plan->simulated);
    return json;
}

static bool write_answer(const Answer *answer, const char *path, GError **error)
{
    const MppJob *job = &answer->inputs->job;
    const GArray *others = answer->plan->others, *front = answer->result->board->front;
    g_autoptr(cJSON) root = cJSON_CreateObject();
    cJSON_AddNumberToObject(root, "format_version", 1);
    cJSON_AddItemToObject(root, "inputs", mpp_inputs_write(answer->inputs));
    const MppRankedPlan *best = &answer->plan->best;
    cJSON_AddItemToObject(root, "best", mpp_plan_json(job, &best->candidate.strategy, best->estimate));
    cJSON *alternatives = cJSON_AddArrayToObject(root, "alternatives"), *pareto = cJSON_AddArrayToObject(root, "pareto");
    for (guint i = 0; i < others->len; i++) {
        const MppRankedPlan *other = &g_array_index(others, MppRankedPlan, i);
        cJSON_AddItemToArray(alternatives, mpp_plan_json(job, &other->candidate.strategy, other->estimate));
    }
    for (guint i = 0; i < front->len; i++) {
        const MppStrategy *strategy = &g_array_index(front, MppCandidate, i).strategy;
        g_autoptr(MppEstimate) estimate = mpp_answer_new(job, strategy);
        cJSON_AddItemToArray(pareto, mpp_plan_json(job, strategy, estimate));
    }
    cJSON_AddItemToObject(root, "search", search_json(answer));
    return mpp_json_write(root, path, error);
}

static void print_alternatives(const MppBestPlan *plan)
{
    if (!plan->others->len)
        return;
    g_autoptr(MppTable) table = mpp_table_new("runner-up|step >|peak >|loses because");
    for (guint i = 0; i < plan->others->len; i++) {
        const MppRankedPlan *other = &g_array_index(plan->others, MppRankedPlan, i);
        g_autofree char *title = mpp_strategy_title(&other->candidate.strategy), *peak = mpp_units_bytes(other->estimate->peak_bytes);
        g_autofree char *reason = mpp_plan_text_reason(plan->best.estimate, other->estimate);
        mpp_table_add(table, "%s", title);
        mpp_table_add(table, "%+.1f %%", 100 * (other->estimate->step_s / plan->best.estimate->step_s - 1));
        mpp_table_add(table, "%s", peak);
        mpp_table_add(table, "%s", reason);
    }
    puts("");
    mpp_table_print(table);
}

static char *verdict(const MppSearchCounts *counts, const MppBestPlan *plan)
{
    g_autofree char *members = mpp_units_whole(counts->members), *evaluated = mpp_units_whole(counts->evaluated);
    g_autofree char *simulated = plan->simulated ? g_strdup_printf(", %d simulated", plan->simulated) : g_strdup("");
    if (!plan->proven)
        return g_strdup_printf("best by estimate of %s plans, proven; best by simulation of the %d fastest", members, plan->simulated);
    if (counts->evaluated == counts->members)
        return g_strdup_printf("best of %s plans, proven (all evaluated%s)", members, simulated);
    return g_strdup_printf("best of %s plans, proven (%s evaluated, the rest bounded%s)", members, evaluated, simulated);
}

/** The command that estimates this plan again. A batch that followed from more GPUs than are used is named. */
static void print_again(const Answer *answer, const MppJobOptions *options)
{
    MppJobOptions again = *options;
    again.gpus = answer->inputs->gpus;
    if (again.gpus != options->gpus)
        again.global_batch = answer->inputs->training.global_batch;
    g_autofree char *job = mpp_job_options_to_text(&again), *strategy = mpp_strategy_to_text(&answer->plan->best.candidate.strategy);
    printf("  again     mpplan estimate %s --strategy %s\n", job, strategy);
}

static void print_answer(const Answer *answer, const MppJobOptions *options)
{
    const MppJob *job = &answer->inputs->job;
    const MppStrategy *best = &answer->plan->best.candidate.strategy;
    const MppEstimate *estimate = answer->plan->best.estimate;
    g_autofree char *title = mpp_inputs_title(answer->inputs), *proof = verdict(&answer->result->counts, answer->plan);
    puts(title);
    mpp_plan_text_answer(best, estimate, proof);
    mpp_plan_text_shares(estimate);
    mpp_plan_text_binds(job, best, estimate);
    mpp_plan_text_stages(estimate);
    print_alternatives(answer->plan);
    mpp_plan_text_basis(answer->inputs);
    print_again(answer, options);
}

static bool read_objective(const PlanOptions *options, Objective *objective, GError **error)
{
    int found = options->objective ? mpp_names_find(&objectives, options->objective) : OBJECTIVE_STEP_TIME;
    *objective = MAX(found, 0);
    if (found >= 0)
        return true;
    g_set_error(error, MPP_ERROR, MPP_ERROR_USAGE, "--objective: unknown objective \"%s\"; known: step-time, cost, headroom",
                options->objective);
    return false;
}

static bool tell(const MppInputs *inputs, const MppSearchResult *result, const MppSpaceLimits *limits, Objective objective,
                 const PlanOptions *options, GError **error)
{
    MppSearchOptions how = mpp_best_plan_search(limits, options->top, options->threads);
    MppCandidate small;
    if (objective == OBJECTIVE_HEADROOM)
        small = roomiest(result->board);
    g_autoptr(MppBestPlan) plan = mpp_best_plan_new(&inputs->job, &how, result, objective == OBJECTIVE_HEADROOM ? &small : NULL);
    Answer answer = { inputs, result, plan };
    if ((options->json || options->output) && !write_answer(&answer, options->output, error))
        return false;
    if (!options->json)
        print_answer(&answer, &options->job);
    return true;
}

/** Nothing is written to a file. Always returns false. */
static bool tell_none(const MppInputs *inputs, const MppSearchResult *result, const MppSpaceLimits *limits, const PlanOptions *options,
                      GError **error)
{
    MppNoPlan question = { inputs, limits, options->strategy, options->threads, options->quiet };
    if (!options->json || options->output || mpp_no_plan_write(&question, result, error))
        mpp_no_plan_error(&question, result, error);
    return false;
}

static bool plan(PlanOptions *options, GError **error)
{
    enum { MOST_ALTERNATIVES = 1000 };
    Objective objective;
    if (!mpp_command_check_range(options->top, 0, MOST_ALTERNATIVES, "top", error) ||
        !mpp_command_check_range(options->threads, 0, MPP_COMMAND_MOST_THREADS, "threads", error) ||
        !read_objective(options, &objective, error))
        return false;
    g_autoptr(MppInputs) inputs = mpp_job_options_inputs(&options->job, error);
    MppSpaceLimits limits = { .fixed = mpp_strategy_single() };
    if (!inputs || (options->strategy && !mpp_strategy_parse(options->strategy, &limits.fixed, &limits.fields, error)))
        return false;
    g_autoptr(MppSearchResult) result = objective == OBJECTIVE_COST ? search_cheapest(inputs, options, &limits)
                                                                    : search(&inputs->job, options, &limits);
    bool found = result->board->fastest->len > 0;
    found = found ? tell(inputs, result, &limits, objective, options, error) : tell_none(inputs, result, &limits, options, error);
    mpp_strategy_clear(&limits.fixed);
    return found;
}

static bool run(int argc, char **argv, GError **error)
{
    PlanOptions options = { .top = 4 };
    bool helped, done = parse(argc, argv, &options, &helped, error) && (helped || plan(&options, error));
    mpp_job_options_clear(&options.job);
    g_free(options.strategy);
    g_free(options.objective);
    g_free(options.output);
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
