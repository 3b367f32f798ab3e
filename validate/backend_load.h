/**
 * Finds and loads a backend's plug-in.
 */
#pragma once

#include <gmodule.h>

#include "planner/base/error.h"
#include "validate/backend.h"

#define MPP_WORKER "mpplan-run"

/**
 * Loads mpplan-backend-NAME.so from @folder; it stays loaded until the process ends.
 * Error: MPP_ERROR_BACKEND where there is none (naming those there are), or one made for another version.
 */
const MppBackend *mpp_backend_load(const char *folder, const char *name, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** The plug-in's file. */
char *mpp_backend_path(const char *folder, const char *name);

/** Where the worker and the backends are: beside the running program, or in ../libexec/mpplan. Error: G_FILE_ERROR. */
char *mpp_backend_folder(GError **error) G_GNUC_WARN_UNUSED_RESULT;
