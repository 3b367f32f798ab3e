/**
 * Where a node of a document stands in its text.
 */
#pragma once

#include "planner/base/json.h"

/** Byte offset of @node's value in the text; sets @pointer to its JSON pointer ("/layers/3/kind", "" for the root). */
size_t mpp_json_place_of(const MppJson *json, const cJSON *node, char **pointer);

/**
 * Sets @code with "file:line:col: /pointer: message", the source line, and a caret under the column. @pointer may be NULL.
 * Returns: false, for the caller to hand on.
 */
bool mpp_json_place_error(GError **error, const MppJson *json, size_t offset, const char *pointer, MppError code,
                          const char *message);
