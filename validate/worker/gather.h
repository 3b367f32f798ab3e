/**
 * What ranks tell each other beside the training: texts, and whether they are the same program.
 */
#pragma once

#include "validate/net/place.h"

/** All ranks call it with a text; all get all texts, by rank. NULL after a failure. */
char **mpp_gather_texts(const MppRank *rank, const char *text);

/** All ranks' numbers, by rank; free. @world: NULL for a rank alone. */
int32_t *mpp_gather_numbers(const MppRank *rank, MppBackendGroup *world, int32_t number);

/** The largest @value that a rank of @group has; its own when @group is NULL. */
double mpp_gather_most(const MppRank *rank, MppBackendGroup *group, double value);

/**
 * Whether all ranks run the same program with the same backend on the same plan; @plan_path may be NULL.
 * @differ: out, whether they do not, which all ranks find alike
 * Errors: MPP_ERROR_BACKEND naming a rank that differs and in what, on every rank; G_FILE_ERROR.
 */
bool mpp_gather_check_same(const MppRank *rank, const char *backend_path, const char *plan_path, bool *differ,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
