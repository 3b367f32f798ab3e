/**
 * Names of enum values, one table per enum.
 *
 * The table's index is the enum value. Files, flags and reports use these names; a name that is not in
 * the table is answered with the known ones, nearest first.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

typedef struct {
    const char *title; /* what the enum is, as a message says it: "schedule" */
    const char *const *names;
    int n_names;
} MppNames;

/** A table from an array of string literals. */
#define MPP_NAMES(title_text, array) { (title_text), (array), (int)G_N_ELEMENTS(array) }

/** Returns: the value's name; the table lends it. */
const char *mpp_names_get(const MppNames *names, int value);

/** Whether two names are the same but for case, '-', '_' and spaces. */
bool mpp_names_same(const char *a, const char *b);

/** Returns: the value called @name, or -1. Case, '-', '_' and spaces do not matter. */
int mpp_names_find(const MppNames *names, const char *name);

/**
 * Sets @out to the value called @text, which may be NULL: then it stays. @what: whose value it is, as "--precision".
 * Error: MPP_ERROR_USAGE naming @what and the known names.
 */
bool mpp_names_read(const MppNames *names, const char *text, const char *what, int *out, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** Known names, comma-separated, nearest to @wrong first. */
char *mpp_names_suggest(const char *const *known, int n_known, const char *wrong);
