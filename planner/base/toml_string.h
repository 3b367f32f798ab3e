/**
 * One-line strings of TOML.
 */
#pragma once

#include <glib.h>

/**
 * The string whose quote is at @begin ("" with escapes, '' without); @end: past its closing quote.
 * Returns: NULL with @wrong at what is wrong: the opening quote when it does not end, or a bad escape.
 */
char *mpp_toml_string(const char *begin, const char **end, const char **wrong);
