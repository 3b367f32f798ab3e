/**
 * Finds and loads a backend's plug-in.
 */
#pragma once

#include <gmodule.h>

#include "planner/base/error.h"
#include "validate/backend.h"

/**
 * Loads mpplan-backend-NAME.so from @folder; it stays loaded until the process ends.
 * Error: MPP_ERROR_BACKEND where there is none (naming those there are), or one made for another version.
 */
const MppBackend *mpp_backend_load(const char *folder, const char *name, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** The plug-in's file. */
char *mpp_backend_path(const char *folder, const char *name);

/** Folder of the running program, where the build puts backends beside it. Error: G_FILE_ERROR. */
char *mpp_backend_folder(GError **error) G_GNUC_WARN_UNUSED_RESULT;
