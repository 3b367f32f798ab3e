/**
 * Many simulations with different random kernel times: the distribution of a step.
 *
 * In the form of an iterative solver, so that the caller can show progress. Run i draws from seed + i whatever
 * thread it is on: the same sample on any number of threads.
 */
#pragma once

#include "sim/simulate.h"

typedef struct MppMonteCarlo MppMonteCarlo;

/** What they need is borrowed. @what_if must have a jitter. @threads: 0 for all processors. */
MppMonteCarlo *mpp_monte_carlo_new(MppPipelineCost *pipeline, const MppWhatIf *what_if, int64_t runs, int threads);
void mpp_monte_carlo_free(MppMonteCarlo *sample);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppMonteCarlo, mpp_monte_carlo_free)

/** Does some more runs. Returns: whether any are left. Errors: those of mpp_simulate(), false as well. */
bool mpp_monte_carlo_step(MppMonteCarlo *sample, GError **error) G_GNUC_WARN_UNUSED_RESULT;

int64_t mpp_monte_carlo_done(const MppMonteCarlo *sample);

/** Of the runs done: step time below which @frac of them lie (linear between neighbours), mean, standard deviation. */
double mpp_monte_carlo_quantile_s(const MppMonteCarlo *sample, double frac);
double mpp_monte_carlo_mean_s(const MppMonteCarlo *sample);
double mpp_monte_carlo_deviation_s(const MppMonteCarlo *sample);
