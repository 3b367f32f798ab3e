#include "planner/api/best_plan.h"
#include "planner/api/plan_json.h"
#include "planner/base/file.h"
#include "planner/base/units.h"
#include "planner/cli/command.h"
#include "planner/cli/plan_text.h"
#include "planner/cli/progress.h"
#include "planner/report/page.h"
#include "sim/answer.h"

enum { TOP = 12 };

/** A plan beside the one reported: its strategy borrowed, the rest owned. */
static void clear_row(gpointer data)
{
    MppPageRow *row = data;
    mpp_estimate_free((MppEstimate *)row->estimate);
    g_free(row->reason);
}

static GArray *rows_new(void)
{
    GArray *rows = g_array_new(FALSE, FALSE, sizeof(MppPageRow));
    g_array_set_clear_func(rows, clear_row);
    return rows;
}

static void add_row(GArray *rows, const MppJob *job, const MppStrategy *strategy, const MppEstimate *own)
{
    MppEstimate *estimate = mpp_answer_new(job, strategy);
    g_autofree char *unfitted = mpp_plan_text_unfitted(job, strategy);
    bool unsure = estimate->step_s < own->step_s && *unfitted;
    MppPageRow row = { strategy, estimate,
                       unsure ? g_strdup_printf("hardly any fitted run has %s", unfitted) : mpp_plan_text_reason(own, estimate) };
    g_array_append_val(rows, row);
}

static bool same_plan(const MppStrategy *a, const MppStrategy *b)
{
    g_autofree char *one = mpp_strategy_to_text(a), *two = mpp_strategy_to_text(b);
    return g_str_equal(one, two);
}

/** "", or the plan that does only what many fitted runs do, where the one reported does not, or the fastest, which is less sure. */
static char *rival_text(const MppPlanFile *file, const MppEstimate *own)
{
    const MppStrategy *rival = file->fastest.dp ? &file->fastest : &file->surest;
    if (!rival->dp)
        return g_strdup("");
    g_autoptr(MppEstimate) estimate = mpp_answer_new(&file->inputs->job, rival);
    g_autofree char *title = mpp_strategy_title(rival);
    const char *which = file->fastest.dp ? "fastest plan, not all of which" : "surest plan, all of which";
    return g_strdup_printf(" The %s many fitted runs do, is %s (%+.1f %%).", which, title, 100 * (estimate->step_s / own->step_s - 1));
}

/** What a search proved of the plan it wrote, from its counters. */
static char *verdict_of(const MppPlanFile *file, const MppEstimate *own)
{
    const cJSON *search = file->search;
    const cJSON *evaluated = mpp_json_get(search, "evaluated"), *bounded = mpp_json_get(mpp_json_get(search, "pruned"), "bound");
    if (!cJSON_IsNumber(evaluated) || !cJSON_IsNumber(bounded))
        return NULL;
    g_autofree char *members = mpp_units_whole(evaluated->valuedouble + bounded->valuedouble);
    g_autofree char *looked_at = mpp_units_whole(evaluated->valuedouble);
    bool proven = cJSON_IsTrue(mpp_json_get(search, "proven_optimal")), all = bounded->valuedouble == 0;
    g_autofree char *rival = rival_text(file, own);
    const char *which = file->fastest.dp ? "Surest" : "Best";
    return g_strdup_printf("%s of %s plans, %s (%s evaluated%s).%s", which, members, proven ? "proven" : "by estimate", all ? "all" : looked_at,
                           all ? "" : ", the rest bounded", rival);
}

static bool write_page(const MppPageQuestion *question, const char *output, GError **error)
{
    g_autoptr(cJSON) data = mpp_page_data(question);
    g_autofree char *html = mpp_page_html(MPP_PAGE_PLAN, data);
    return mpp_file_write(output, html, error);
}

/** A plan with the results of its search. */
static bool report_search(const MppPlanFile *file, const char *output, GError **error)
{
    const MppJob *job = &file->inputs->job;
    g_autoptr(MppEstimate) own = mpp_answer_new(job, &file->strategy);
    g_autoptr(GArray) others = rows_new(), front = rows_new();
    for (guint i = 0; i < file->alternatives->len; i++)
        add_row(others, job, &g_array_index(file->alternatives, MppStrategy, i), own);
    for (guint i = 0; file->pareto && i < file->pareto->len; i++)
        if (!same_plan(&file->strategy, &g_array_index(file->pareto, MppStrategy, i)))
            add_row(front, job, &g_array_index(file->pareto, MppStrategy, i), own);
    g_autofree char *verdict = verdict_of(file, own);
    MppPageQuestion question = { file->inputs, &file->strategy, verdict, others, front };
    return write_page(&question, output, error);
}

/** An estimate, which is searched for what would be better. */
static bool report_estimate(const MppPlanFile *file, const char *output, bool quiet, GError **error)
{
    const MppJob *job = &file->inputs->job;
    MppSpaceLimits limits = { .fixed = mpp_strategy_single() };
    MppSearchOptions how = mpp_best_plan_search(&limits, TOP, 0);
    g_autoptr(MppSearchResult) result = quiet ? mpp_search_run(job, &how) : mpp_progress_search(job, &how);
    g_autoptr(MppBestPlan) best = result->board->fastest->len ? mpp_best_plan_new(job, &how, result, NULL, MPP_CAUTION_TIED) : NULL;
    g_autoptr(MppEstimate) own = mpp_answer_new(job, &file->strategy);
    g_autoptr(GArray) others = rows_new(), front = rows_new();
    g_autofree char *verdict = NULL;
    if (best) {
        const MppStrategy *winner = &best->best.candidate.strategy;
        g_autofree char *title = mpp_strategy_title(winner), *step = mpp_units_seconds(best->best.estimate->step_s);
        if (!same_plan(winner, &file->strategy))
            add_row(others, job, winner, own);
        verdict = g_strdup_printf("The best plan found is %s: %s a step.", title, step);
    }
    for (guint i = 0; best && i < best->others->len; i++)
        if (!same_plan(&file->strategy, &g_array_index(best->others, MppRankedPlan, i).candidate.strategy))
            add_row(others, job, &g_array_index(best->others, MppRankedPlan, i).candidate.strategy, own);
    for (guint i = 0; i < result->board->front->len; i++)
        add_row(front, job, &g_array_index(result->board->front, MppCandidate, i).strategy, own);
    MppPageQuestion question = { file->inputs, &file->strategy, verdict, others, front };
    return write_page(&question, output, error);
}

static bool report(char **files, const char *output, bool quiet, GError **error)
{
    if (!files || files[1] || !output)
        return mpp_error_usage(error, "report takes one plan file and --output, the page to write");
    g_autoptr(MppPlanFile) file = mpp_plan_file_load(files[0], error);
    if (!file)
        return false;
    return file->alternatives ? report_search(file, output, error) : report_estimate(file, output, quiet, error);
}

static bool run(int argc, char **argv, GError **error)
{
    char *output = NULL;
    gboolean quiet = FALSE;
    const GOptionEntry entries[] = {
        { "output", 'o', 0, G_OPTION_ARG_FILENAME, &output, "Write the page to FILE", "FILE" },
        { "quiet", 'q', 0, G_OPTION_ARG_NONE, &quiet, "No progress", NULL },
        G_OPTION_ENTRY_NULL,
    };
    g_auto(MppArguments) arguments = { 0 };
    if (!mpp_command_parse(&mpp_command_report, NULL, entries, argc, argv, &arguments, error) || arguments.helped)
        return arguments.helped;
    return report(arguments.rest, output, quiet, error);
}

const MppCommand mpp_command_report = {
    .name = "report",
    .arguments = "PLAN.json",
    .summary = "Write a plan, its timeline and its alternatives as one web page.",
    .examples = "  mpplan --model llama-3.1-70b --gpus 64 -o plan.json && mpplan report plan.json -o report.html\n",
    .run = run,
};
