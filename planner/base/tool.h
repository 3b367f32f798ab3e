/**
 * The program's own helper programs, which do what its licence or its dependencies keep out of it.
 */
#pragma once

#include <glib.h>

/** Path of the helper @name: beside the running program, or in ../libexec/mpplan. Error: MPP_ERROR_BACKEND with the places. */
char *mpp_tool_find(const char *name, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * Runs @path with the one argument @argument, without a shell, and gives it @input.
 * Returns: what it writes to standard output. Error: MPP_ERROR_BACKEND with what it wrote to standard error.
 */
GBytes *mpp_tool_run(const char *path, const char *argument, const char *input, GError **error) G_GNUC_WARN_UNUSED_RESULT;
