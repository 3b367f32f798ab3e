#include "planner/search/contest.h"

struct MppContest {
    const MppJob *job;
    MppSearchOptions options;
    MppCandidate leader;
    MppSearchResult *rest; /* plans whose estimate beats the leader's measure; NULL until the leader is measured */
    guint next;            /* of them */
    int most;
    MppWinner winner;
};

MppContest *mpp_contest_new(const MppJob *job, const MppSearchOptions *options, const MppCandidate *leader, int most)
{
    MppContest *contest = g_new0(MppContest, 1);
    contest->job = job;
    contest->options = *options;
    contest->options.top = 0;
    contest->options.progress = NULL;
    contest->leader = *leader;
    contest->most = most;
    return contest;
}

void mpp_contest_free(MppContest *contest)
{
    if (!contest)
        return;
    mpp_search_result_free(contest->rest);
    g_free(contest);
}

static bool same_member(const MppCandidate *a, const MppCandidate *b)
{
    return a->family == b->family && a->member == b->member;
}

bool mpp_contest_ask(MppContest *contest, MppCandidate *candidate)
{
    *candidate = contest->leader;
    if (!contest->winner.asked)
        return true;
    if (!contest->rest) {
        contest->options.within_s = contest->winner.step_s;
        contest->rest = mpp_search_run(contest->job, &contest->options);
    }
    const GArray *contenders = contest->rest->board->contenders;
    if (contest->next < contenders->len && same_member(&g_array_index(contenders, MppCandidate, contest->next), &contest->leader))
        contest->next++;
    contest->winner.proven =
        contest->next == contenders->len || g_array_index(contenders, MppCandidate, contest->next).step_s >= contest->winner.step_s;
    if (contest->winner.proven || contest->winner.asked >= contest->most)
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
