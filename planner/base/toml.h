/**
 * TOML documents, read into the same tree as JSON, so that field tables and located errors serve both.
 *
 * Read are TOML 1.0's comments, tables, arrays of tables, bare, quoted and dotted keys, one-line strings, integers,
 * floats, booleans, arrays and inline tables. Dates, strings of several lines and integers that are not decimal are
 * refused with their place.
 */
#pragma once

#include "planner/base/json.h"

/** Parses @text, named @name in errors. Errors: MPP_ERROR_SYNTAX, MPP_ERROR_UNSUPPORTED at the place. */
MppJson *mpp_toml_parse(const char *name, const char *text, GError **error) G_GNUC_WARN_UNUSED_RESULT;
