#include "planner/search/contest.h"

struct MppContest {
    const MppJob *job;
    MppSearchOptions options;
    const MppSearchResult *first;
    MppSearchResult *again;   /* a second search; NULL if there was none */
    const GArray *contenders; /* of either; NULL until the leader is measured */
    guint next;
    int most;
    MppWinner winner;
};

MppContest *mpp_contest_new(const MppJob *job, const MppSearchOptions *options, const MppSearchResult *result, int most)
{
    MppContest *contest = g_new0(MppContest, 1);
    contest->job = job;
    contest->options = *options;
    contest->first = result;
    contest->most = most;
    return contest;
}

void mpp_contest_free(MppContest *contest)
{
    if (!contest)
        return;
    mpp_search_result_free(contest->again);
    g_free(contest);
}

static bool same_member(const MppCandidate *a, const MppCandidate *b)
{
    return a->family == b->family && a->member == b->member;
}

static const MppCandidate *leader(const MppContest *contest)
{
    return &g_array_index(contest->first->board->fastest, MppCandidate, 0);
}

/** All plans whose estimate is below what the leader measured. */
static void find_contenders(MppContest *contest)
{
    double measured_s = contest->winner.step_s;
    contest->contenders = contest->first->board->contenders;
    if (measured_s <= leader(contest)->step_s * (1 + contest->options.near_frac) || contest->first->counts.unjudged)
        return;
    contest->options.top = 0;
    contest->options.progress = NULL;
    contest->options.near_frac = 0;
    contest->options.within_s = measured_s;
    contest->again = mpp_search_run(contest->job, &contest->options);
    contest->contenders = contest->again->board->contenders;
}

bool mpp_contest_ask(MppContest *contest, MppCandidate *candidate)
{
    *candidate = *leader(contest);
    if (!contest->winner.asked)
        return true;
    if (!contest->contenders)
        find_contenders(contest);
    const GArray *contenders = contest->contenders;
    if (contest->next < contenders->len && same_member(&g_array_index(contenders, MppCandidate, contest->next), leader(contest)))
        contest->next++;
    bool over = contest->next == contenders->len ||
                g_array_index(contenders, MppCandidate, contest->next).step_s >= contest->winner.step_s;
    contest->winner.proven = over && !contest->first->counts.unjudged;
    if (over || contest->winner.asked >= contest->most)
        return false;
    *candidate = g_array_index(contenders, MppCandidate, contest->next++);
    return true;
}

void mpp_contest_tell(MppContest *contest, const MppCandidate *candidate, double step_s)
{
    MppWinner *winner = &contest->winner;
    winner->asked++;
    if (winner->asked > 1 && step_s >= winner->step_s)
        return;
    winner->candidate = *candidate;
    winner->step_s = step_s;
}

MppWinner mpp_contest_winner(const MppContest *contest)
{
    return contest->winner;
}
