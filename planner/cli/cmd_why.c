#include <stdio.h>

#include "planner/api/best_plan.h"
#include "planner/api/job_words.h"
#include "planner/base/units.h"
#include "planner/cli/command.h"
#include "planner/cli/cures.h"
#include "planner/cli/options.h"
#include "planner/cli/plan_text.h"
#include "planner/cli/progress.h"
#include "planner/cli/terminal.h"
#include "sim/answer.h"

static void print_cures(const MppJob *job, const MppStrategy *strategy, const MppEstimate *now)
{
    GArray *cures = mpp_cures_find(job, strategy, now);
    g_autoptr(MppTable) table = mpp_table_new("change|peak >|step >|");
    for (guint i = 0; i < cures->len; i++) {
        const MppCure *cure = &g_array_index(cures, MppCure, i);
        g_autofree char *peak = mpp_units_bytes(cure->peak_bytes);
        mpp_table_add(table, "%s", cure->title);
        mpp_table_add(table, "%s", peak);
        mpp_table_add(table, "%+.1f %%", 100 * (cure->step_s / now->step_s - 1));
        mpp_table_add(table, "%s", cure->fits ? "fits" : "does not fit");
    }
    if (cures->len)
        mpp_table_print(table);
    else
        puts("  no single change makes it smaller");
    mpp_cures_free(cures);
}

static void compare_with_best(const MppJob *job, const MppEstimate *estimate)
{
    const MppSpaceLimits everything = { .fixed = mpp_strategy_single() };
    MppSearchOptions how = mpp_best_plan_search(&everything, 0, 0);
    g_autoptr(MppSearchResult) result = mpp_progress_search(job, &how, false);
    if (!result->board->fastest->len) {
        puts("  nothing fits on these devices");
        return;
    }
    g_autoptr(MppBestPlan) plan = mpp_best_plan_new(job, &how, result, NULL, false);
    const MppEstimate *other = plan->best.estimate;
    g_autofree char *title = mpp_strategy_title(&plan->best.candidate.strategy), *step = mpp_units_seconds(other->step_s);
    g_autofree char *reason = mpp_plan_text_reason(other, estimate);
    printf("  the best plan is %s: %s a step\n", title, step);
    if (estimate->step_s > other->step_s)
        printf("  this one is %.1f %% slower; %s\n", 100 * (estimate->step_s / other->step_s - 1), reason);
    else if (estimate->fits)
        puts("  this one is as fast");
    else
        printf("  this one would be %.1f %% faster if it fitted\n", 100 * (1 - estimate->step_s / other->step_s));
}

static bool explain(const MppInputs *inputs, const char *text, GError **error)
{
    const MppJob *job = &inputs->job;
    MppStrategy strategy;
    if (!mpp_job_words_strategy(job, text, &strategy, error))
        return false;
    g_autoptr(MppEstimate) estimate = mpp_answer_new(job, &strategy);
    g_autofree char *title = mpp_inputs_title(inputs);
    puts(title);
    mpp_plan_text_answer(job, &strategy, estimate, NULL);
    mpp_plan_text_shares(estimate);
    mpp_plan_text_memory(estimate);
    if (!estimate->fits) {
        g_autofree char *lacking = mpp_units_bytes(estimate->peak_bytes - estimate->usable_bytes);
        printf("\n  out of memory on stage %" G_GINT64_FORMAT " by %s\n", estimate->fullest_stage, lacking);
        print_cures(job, &strategy, estimate);
    }
    puts("");
    compare_with_best(job, estimate);
    mpp_plan_text_warning(job, &strategy);
    mpp_strategy_clear(&strategy);
    return true;
}

static bool run(int argc, char **argv, GError **error)
{
    MppJobOptions options = { 0 };
    GOptionEntry job_entries[MPP_N_JOB_ENTRIES];
    mpp_job_options_entries(&options, job_entries);
    g_auto(GStrv) rest = NULL;
    bool helped, done = mpp_command_parse(&mpp_command_why, job_entries, NULL, argc, argv, &rest, &helped, error);
    if (done && !helped) {
        g_autoptr(MppInputs) inputs = NULL;
        done = rest && !rest[1];
        if (!done)
            g_set_error(error, MPP_ERROR, MPP_ERROR_USAGE, "why needs one strategy, like tp=8,pp=1");
        done = done && (inputs = mpp_job_options_inputs(&options, error)) && explain(inputs, rest[0], error);
    }
    mpp_job_options_clear(&options);
    return done;
}

const MppCommand mpp_command_why = {
    .name = "why",
    .arguments = "STRATEGY",
    .summary = "Say why a strategy does not fit, or what it loses to the best one.",
    .examples = "  mpplan why tp=8,pp=1 --model llama-3.1-70b --gpus 64\n",
    .run = run,
};
