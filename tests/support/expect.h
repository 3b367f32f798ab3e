/**
 * Assertions that tests share.
 */
#pragma once

#include "planner/base/json.h"

/** Asserts that *@error is of @domain and @code and reads exactly @message; clears it. */
void mpp_expect_error(GError **error, GQuark domain, int code, const char *message);

/** @text, which must be valid, as a document called "t.json". */
MppJson *mpp_expect_json(const char *text);

/** Asserts that @root printed is @text, one line without spaces. */
void mpp_expect_printed(const cJSON *root, const char *text);

/** A new folder for a test's files; mpp_expect_no_folder() removes it with its files. */
char *mpp_expect_folder(void);
void mpp_expect_no_folder(const char *folder);

/** Writes @text to @name in @folder; returns the path. */
char *mpp_expect_file(const char *folder, const char *name, const char *text);
