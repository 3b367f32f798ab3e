#include <stdio.h>

#include "planner/base/units.h"
#include "planner/cli/command.h"
#include "planner/cli/options.h"
#include "planner/cli/plan_text.h"
#include "planner/cli/progress.h"
#include "planner/cli/terminal.h"
#include "planner/spec/rules.h"

/** Smallest single changes that make the strategy fit, cheapest in time first. */
static void print_cures(const MppJob *job, const MppStrategy *strategy)
{
    MppStrategy trials[] = { *strategy, *strategy, *strategy, *strategy, *strategy };
    trials[0].recompute = MPP_RECOMPUTE_SELECTIVE;
    trials[1].recompute = MPP_RECOMPUTE_FULL;
    trials[2].zero = MIN(strategy->zero + 1, 3);
    trials[3].micro_batch = MAX(strategy->micro_batch / 2, 1);
    trials[4].offload_optimizer = true;
    static const char *const names[] = { "selective recompute", "full recompute", "the next ZeRO stage", "half the micro-batch",
                                         "optimizer offload" };
    g_autoptr(MppEstimate) now = mpp_estimate_new(job, strategy);
    g_autoptr(MppTable) table = mpp_table_new("change|peak >|step >|");
    for (size_t i = 0; i < G_N_ELEMENTS(trials); i++) {
        if (mpp_rules_first_broken(MPP_RULE_ILLEGAL, job, &trials[i]) >= 0)
            continue;
        g_autoptr(MppEstimate) then = mpp_estimate_new(job, &trials[i]);
        g_autofree char *peak = mpp_units_bytes(then->peak_bytes);
        if (then->peak_bytes >= now->peak_bytes)
            continue;
        mpp_table_add(table, "%s", names[i]);
        mpp_table_add(table, "%s", peak);
        mpp_table_add(table, "%+.1f %%", 100 * (then->step_s / now->step_s - 1));
        mpp_table_add(table, "%s", then->fits ? "fits" : "does not fit");
    }
    mpp_table_print(table);
}

static void compare_with_best(const MppJob *job, const MppEstimate *estimate)
{
    const MppSpaceLimits everything = { .fixed = mpp_strategy_single() };
    g_autoptr(MppSearchResult) result = mpp_progress_search(job, &everything, 1, 0, false);
    if (!result->board->fastest->len) {
        puts("  nothing fits on these devices");
        return;
    }
    const MppStrategy *best = &g_array_index(result->board->fastest, MppCandidate, 0).strategy;
    g_autoptr(MppEstimate) other = mpp_estimate_new(job, best);
    g_autofree char *title = mpp_strategy_title(best), *step = mpp_units_seconds(other->step_s);
    g_autofree char *reason = mpp_plan_text_reason(other, estimate);
    printf("  the best plan is %s: %s a step\n", title, step);
    if (estimate->step_s > other->step_s)
        printf("  this one is %.1f %% slower; %s\n", 100 * (estimate->step_s / other->step_s - 1), reason);
    else
        printf("  this one is as fast\n");
}

static bool explain(const MppInputs *inputs, const char *text, GError **error)
{
    const MppJob *job = &inputs->job;
    MppStrategy strategy;
    if (!mpp_command_strategy(job, text, &strategy, error))
        return false;
    g_autoptr(MppEstimate) estimate = mpp_estimate_new(job, &strategy);
    g_autofree char *title = mpp_inputs_title(inputs);
    puts(title);
    mpp_plan_text_answer(&strategy, estimate, NULL);
    mpp_plan_text_shares(estimate);
    mpp_plan_text_memory(estimate);
    if (!estimate->fits) {
        g_autofree char *lacking = mpp_units_bytes(estimate->peak_bytes - estimate->usable_bytes);
        printf("\n  out of memory on stage %" G_GINT64_FORMAT " by %s\n", estimate->fullest_stage, lacking);
        print_cures(job, &strategy);
    }
    puts("");
    compare_with_best(job, estimate);
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
