/**
 * Spreads from residuals.
 *
 * An interval is made of quantiles of the residuals of its class. Runs of one source resemble each other, so plain
 * quantiles hold less of the next source than they say: the level is the one at which intervals made from all other
 * sources hold 80 % of a source's runs, over the sources in turn (conformal prediction with sources as the
 * exchangeable units, arXiv:2107.07511).
 */
#pragma once

#include "planner/calibrate/residuals.h"

MppSpreads *mpp_spread_fit(const GArray *residuals);
