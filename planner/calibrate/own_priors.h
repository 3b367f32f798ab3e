/**
 * What a user's own runs adjust: few numbers of the profiles these runs have, each drawn to what the profile says.
 */
#pragma once

#include "planner/calibrate/parameter.h"

/** The profiles of @profiles that @runs have. */
MppProfiles *mpp_own_profiles_new(const GPtrArray *runs, const MppProfiles *profiles);

/**
 * The numbers of @own that hwprofiles/own-runs.json names. The prior is the profile's number; its spread is wider where the
 * profile calls it a guess. Left out are numbers that are switched off (0, or a share of 1).
 *
 * Returns: MppPrior; free with mpp_priors_free().
 */
GArray *mpp_own_priors_new(const MppProfiles *own);
