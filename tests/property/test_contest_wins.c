/* The winner of a contest is the plan that measures best of all that fit, whatever the measure adds to the estimate. */
#include "planner/cost/estimate.h"
#include "planner/search/contest.h"
#include "tests/support/random_job.h"

enum { JOBS = 150, NO_LIMIT = G_MAXINT };

/** Adds 0 to 8 % to the estimate, by what kind of plan it is. */
static double measured_s(const MppJob *job, const MppStrategy *s)
{
    g_autoptr(MppEstimate) estimate = mpp_estimate_new(job, s);
    int64_t mixed = s->tp * 7 + s->pp * 13 + s->vpp * 5 + s->zero * 11 + s->micro_batch * 3 + s->recompute * 17 + s->stage_split * 19;
    return estimate->step_s * (1 + 0.08 * (double)(mixed % 23) / 22);
}

static double best_of_all_s(const MppJob *job, const MppSpaceLimits *limits)
{
    g_autoptr(GArray) members = random_job_members(job, limits);
    double best_s = G_MAXDOUBLE;
    for (guint i = 0; i < members->len; i++) {
        const MppStrategy *s = &g_array_index(members, RandomMember, i).strategy;
        g_autoptr(MppEstimate) estimate = mpp_estimate_new(job, s);
        if (estimate->fits)
            best_s = MIN(best_s, measured_s(job, s));
    }
    return best_s;
}

static void test_wins(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(4711);
    int overturned = 0;
    for (int i = 0; i < JOBS; i++) {
        g_autoptr(MppInputs) inputs = random_job_new(rand, 12);
        MppSpaceLimits limits = random_job_limits(rand, &inputs->job);
        MppSearchOptions options = { .limits = limits, .top = 3, .threads = 1, .near_frac = i % 3 * 0.04 };
        g_autoptr(MppSearchResult) result = mpp_search_run(&inputs->job, &options);
        if (!result->board->fastest->len)
            continue;
        const MppCandidate *leader = &g_array_index(result->board->fastest, MppCandidate, 0);
        g_autoptr(MppContest) contest = mpp_contest_new(&inputs->job, &options, result, NO_LIMIT);
        MppCandidate candidate;
        while (mpp_contest_ask(contest, &candidate))
            mpp_contest_tell(contest, &candidate, measured_s(&inputs->job, &candidate.strategy));
        MppWinner winner = mpp_contest_winner(contest);
        g_assert_true(winner.proven);
        g_assert_cmpfloat(winner.step_s, ==, measured_s(&inputs->job, &winner.candidate.strategy));
        /* plans that recompute a part of the layers are not among the members: the winner may be better still */
        g_assert_cmpfloat(winner.step_s * MPP_BOUND_ROUNDING, <=, best_of_all_s(&inputs->job, &limits));
        overturned += winner.candidate.family != leader->family || winner.candidate.member != leader->member;
    }
    g_assert_cmpint(overturned, >, 10);
}

/** Of ten plans at most: the best of those, and no proof unless none was left. */
static void test_limit(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(4712);
    int unproven = 0;
    for (int i = 0; i < 20; i++) {
        g_autoptr(MppInputs) inputs = random_job_new(rand, 12);
        MppSearchOptions options = { .limits = { .fixed = mpp_strategy_single() }, .top = 3, .threads = 1 };
        g_autoptr(MppSearchResult) result = mpp_search_run(&inputs->job, &options);
        if (!result->board->fastest->len)
            continue;
        g_autoptr(MppContest) contest = mpp_contest_new(&inputs->job, &options, result, 10);
        MppCandidate candidate;
        int asked = 0;
        for (; mpp_contest_ask(contest, &candidate); asked++)
            mpp_contest_tell(contest, &candidate, 2 * candidate.step_s); /* everything below twice the best must be asked for */
        MppWinner winner = mpp_contest_winner(contest);
        g_assert_cmpint(winner.asked, ==, asked);
        g_assert_cmpint(asked, <=, 10);
        unproven += !winner.proven;
    }
    g_assert_cmpint(unproven, >, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/contest/wins", test_wins);
    g_test_add_func("/contest/limit", test_limit);
    return g_test_run();
}
