/**
 * Words of a launch script, with the variables that it sets itself put in.
 */
#pragma once

#include <glib.h>

/**
 * Quotes, comments and continued lines are read as a shell does. "$NAME", "${NAME}" and "${NAME:-value}" become the
 * value that NAME=value gave earlier in the text, or the one after ":-"; those of unknown variables stay as they are.
 * Error: MPP_ERROR_SYNTAX for a quote that does not end.
 */
GStrv mpp_shell_words(const char *name, const char *text, GError **error) G_GNUC_WARN_UNUSED_RESULT;
