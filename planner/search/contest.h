/**
 * Ask and tell: finds the plan that is best by a measure finer than the estimate, such as a simulation.
 *
 * The measure must never be below the estimate. Then a plan whose estimate is no better than the best measured one
 * cannot win: the contest asks for plans by rising estimate until that holds, and its winner is proven. It does not
 * know how plans are measured:
 *
 *     while (mpp_contest_ask(contest, &candidate))
 *         mpp_contest_tell(contest, &candidate, measured_step_s(&candidate.strategy));
 */
#pragma once

#include "planner/search/search.h"

typedef struct MppContest MppContest;

/**
 * @result: a search with @options, that found a plan. The options' near_frac should be what the measure usually adds:
 * then its contenders are enough, else they are searched for again (without calling options->progress).
 * @most: plans to ask for at most; beyond it the winner is the best of those asked for.
 * All are borrowed.
 */
MppContest *mpp_contest_new(const MppJob *job, const MppSearchOptions *options, const MppSearchResult *result, int most);
void mpp_contest_free(MppContest *contest);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppContest, mpp_contest_free)

/** The next plan to measure. Returns: false when none is left that could win. */
bool mpp_contest_ask(MppContest *contest, MppCandidate *candidate);

/** @step_s: as measured. Equal ones: the plan asked for first stays ahead. */
void mpp_contest_tell(MppContest *contest, const MppCandidate *candidate, double step_s);

typedef struct {
    MppCandidate candidate; /* its step_s is the estimate */
    double step_s;          /* as measured */
    int asked;
    bool proven;            /* no plan was left out, by the search either */
} MppWinner;

/** When the contest is over. */
MppWinner mpp_contest_winner(const MppContest *contest);
