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
    clear_ranked(&plan->surest);
    clear_ranked(&plan->fastest);
    g_array_unref(plan->others);
    g_free(plan);
}

/** The first of @result by simulation. @plan: counts the simulations. @proven: out */
static MppRankedPlan simulated_best(const MppJob *job, const MppSearchOptions *options, const MppSearchResult *result, MppBestPlan *plan,
                                    bool *proven)
{
    g_autoptr(MppContest) contest = mpp_contest_new(job, options, result, MOST_SIMULATED);
    MppCandidate candidate;
    while (mpp_contest_ask(contest, &candidate))
        mpp_contest_tell(contest, &candidate, mpp_answer_step_s(job, &candidate.strategy));
    MppWinner winner = mpp_contest_winner(contest);
    plan->simulated += winner.asked;
    *proven = winner.proven;
    return (MppRankedPlan){ winner.candidate, mpp_answer_new(job, &winner.candidate.strategy) };
}

static double p90_s(const MppJob *job, const MppRankedPlan *plan, const MppSpreads *spreads)
{
    return plan->estimate->step_s * mpp_spreads_find(spreads, job, &plan->candidate.strategy, &plan->estimate->shares)->p90_frac;
}

static bool is_surest_best(const MppJob *job, const MppBestPlan *plan, const MppSpreads *spreads, MppCaution caution)
{
    const MppRankedPlan *fastest = &plan->best, *surest = &plan->surest;
    if (caution == MPP_CAUTION_P90)
        return p90_s(job, surest, spreads) < p90_s(job, fastest, spreads);
    return caution == MPP_CAUTION_TIED && surest->estimate->step_s < fastest->estimate->step_s * (1 + plan->tied_frac);
}

/** Searches again without what hardly any fitted run does, if the best does any of it. Returns: that search if it has the better best, or NULL. */
static MppSearchResult *find_surest(const MppJob *job, const MppSearchOptions *options, const MppSpreads *spreads, MppCaution caution, MppBestPlan *plan)
{
    if (!plan->proven || !mpp_spreads_unfitted_in(spreads, job, &plan->best.candidate.strategy))
        return NULL;
    MppSearchOptions surer = *options;
    surer.limits.without = mpp_spreads_unfitted(spreads);
    surer.progress = NULL;
    g_autoptr(MppSearchResult) result = mpp_search_run(job, &surer);
    if (!result->board->fastest->len)
        return NULL;
    bool proven;
    plan->surest = simulated_best(job, &surer, result, plan, &proven);
    if (!is_surest_best(job, plan, spreads, caution))
        return NULL;
    plan->fastest = plan->best;
    plan->best = plan->surest;
    plan->surest.estimate = NULL;
    plan->proven = proven;
    return g_steal_pointer(&result);
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
                               const MppCandidate *chosen, MppCaution caution)
{
    g_autoptr(MppSpreads) spreads = mpp_spreads_built_in();
    MppBestPlan *plan = g_new0(MppBestPlan, 1);
    plan->others = g_array_new(FALSE, FALSE, sizeof(MppRankedPlan));
    g_array_set_clear_func(plan->others, clear_ranked);
    plan->proven = !result->counts.unjudged;
    plan->tied_frac = spreads->pair_frac;
    g_autoptr(MppSearchResult) surer = NULL;
    if (chosen) {
        plan->best = (MppRankedPlan){ *chosen, mpp_answer_new(job, &chosen->strategy) };
    } else {
        plan->best = simulated_best(job, options, result, plan, &plan->proven);
        surer = find_surest(job, options, spreads, caution, plan);
    }
    const GArray *fastest = (surer ? surer : result)->board->fastest;
    for (guint i = 0; i < fastest->len && (int)plan->others->len + 1 < options->top; i++) {
        MppRankedPlan other = { g_array_index(fastest, MppCandidate, i), NULL };
        if (stands_for(plan, &other.candidate))
            continue;
        other.estimate = mpp_answer_new(job, &other.candidate.strategy);
        g_array_append_val(plan->others, other);
    }
    g_array_sort(plan->others, compare_steps);
    return plan;
}
