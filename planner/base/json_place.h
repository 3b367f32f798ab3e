/**
 * Where a node of a document stands in its text.
 */
#pragma once

#include "planner/base/json.h"

/** Byte offset of @node's value in the text; sets @pointer to its JSON pointer ("/layers/3/kind", "" for the root). */
size_t mpp_json_place_of(const MppJson *json, const cJSON *node, char **pointer);

/** "file:line:col: /pointer: message", the source line, and a caret under the column. */
char *mpp_json_place_format(const MppJson *json, size_t offset, const char *pointer, const char *message);
