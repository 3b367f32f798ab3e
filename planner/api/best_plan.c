#include "planner/api/best_plan.h"

#include "planner/calibrate/spread.h"
#include "planner/search/contest.h"
#include "sim/answer.h"

/** What simulations add to estimates at most, usually. */
static const double usual_contention_frac = 0.05;

enum { MOST_SIMULATED = 1000 };

MppSearchOptions mpp_best_plan_search(const MppSpaceLimits *limits, int top, int threads)
{
    return (MppSearchOptions){ .limits = *limits, .top = top + 1, .threads = threads, .near_frac = usual_contention_frac };
}

static void clear_ranked(gpointer data)
{
    mpp_estimate_free(((MppRankedPlan *)data)->estimate);
}

void mpp_best_plan_free(MppBestPlan *plan)
{
    if (!plan)
        return;
    clear_ranked(&plan->best);
    g_array_unref(plan->others);
    g_free(plan);
}

/** By how much the p90 of @strategy's interval lies above the step: a measure never below the estimate, as contests want it. */
static double robust_step_s(const MppJob *job, const MppStrategy *strategy, const MppSpreads *spreads)
{
    g_autoptr(MppEstimate) estimate = mpp_answer_new(job, strategy);
    return estimate->step_s * MAX(1, mpp_spreads_find(spreads, job, strategy, &estimate->shares)->p90_frac);
}

static MppCandidate simulated_best(const MppJob *job, const MppSearchOptions *options, const MppSearchResult *result, bool robust,
                                   const MppSpreads *spreads, MppBestPlan *plan)
{
    g_autoptr(MppContest) contest = mpp_contest_new(job, options, result, MOST_SIMULATED);
    MppCandidate candidate;
    while (mpp_contest_ask(contest, &candidate))
        mpp_contest_tell(contest, &candidate, robust ? robust_step_s(job, &candidate.strategy, spreads)
                                                     : mpp_answer_step_s(job, &candidate.strategy));
    MppWinner winner = mpp_contest_winner(contest);
    plan->simulated = winner.asked;
    plan->proven = winner.proven;
    return winner.candidate;
}

static int compare_steps(gconstpointer a, gconstpointer b)
{
    double x = ((const MppRankedPlan *)a)->estimate->step_s, y = ((const MppRankedPlan *)b)->estimate->step_s;
    return (x > y) - (x < y);
}

/** The contest may prefer another plan of the same layout to the one on the board. */
static bool stands_for(const MppBestPlan *plan, const MppCandidate *one)
{
    const MppCandidate *best = &plan->best.candidate;
    return (one->family == best->family && one->member == best->member) ||
           (plan->simulated && mpp_board_same_layout(&one->strategy, &best->strategy));
}

MppBestPlan *mpp_best_plan_new(const MppJob *job, const MppSearchOptions *options, const MppSearchResult *result,
                               const MppCandidate *chosen, bool robust)
{
    g_autoptr(MppSpreads) spreads = mpp_spreads_built_in();
    MppBestPlan *plan = g_new0(MppBestPlan, 1);
    plan->others = g_array_new(FALSE, FALSE, sizeof(MppRankedPlan));
    g_array_set_clear_func(plan->others, clear_ranked);
    plan->proven = !result->counts.unjudged;
    plan->tied_frac = spreads->pair_frac;
    plan->best.candidate = chosen ? *chosen : simulated_best(job, options, result, robust, spreads, plan);
    plan->best.estimate = mpp_answer_new(job, &plan->best.candidate.strategy);
    for (guint i = 0; i < result->board->fastest->len && (int)plan->others->len + 1 < options->top; i++) {
        MppRankedPlan other = { g_array_index(result->board->fastest, MppCandidate, i), NULL };
        if (stands_for(plan, &other.candidate))
            continue;
        other.estimate = mpp_answer_new(job, &other.candidate.strategy);
        g_array_append_val(plan->others, other);
    }
    g_array_sort(plan->others, compare_steps);
    return plan;
}
