/**
 * Puts fitted numbers into the profile files, each with what it rests on.
 */
#pragma once

#include "planner/calibrate/parameter.h"

/**
 * Rewrites the files below @folder (devices/, clusters/, runtimes/) that @parameters name. @whose: "published", "own", for the
 * sources' texts. Errors: G_FILE_ERROR, MPP_ERROR_INVALID.
 */
bool mpp_calibrate_write(const GArray *parameters, const char *whose, const char *folder, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** Writes every profile of @profiles, complete, into such files, made with their folders. Error: G_FILE_ERROR. */
bool mpp_calibrate_create(const MppProfiles *profiles, const char *folder, GError **error) G_GNUC_WARN_UNUSED_RESULT;
