/**
 * JSON documents that remember their text, so that every complaint can show where.
 *
 * cJSON parses; it keeps no positions and accepts duplicate keys. Here duplicates, bad UTF-8, NaN,
 * overflow and \u0000 are refused, and an error about a node finds the node's place by walking the text once more:
 *
 *     gpt.json:14:12: /heads: expected an integer from 1 to 65536, got "many"
 *        14 |   "heads": "many",
 *           |            ^
 */
#pragma once

#include <cjson/cJSON.h>
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "planner/base/error.h"

typedef struct {
    char *name; /* file name, as errors show it */
    char *text;
    size_t n_bytes;
    int64_t first_line; /* number of the text's first line in its file; 1 but for JSON lines */
    cJSON *root;
    GHashTable *places; /* node to byte offset, of documents in another syntax (base/toml.h); NULL: the text is JSON */
} MppJson;

/** Reads a file of at most 256 MiB. Errors: G_FILE_ERROR, MPP_ERROR_SYNTAX. */
MppJson *mpp_json_load(const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** Parses @n_bytes at @text, named @name in errors, which starts on line @first_line of it. Error: MPP_ERROR_SYNTAX. */
MppJson *mpp_json_parse(const char *name, const char *text, size_t n_bytes, int64_t first_line,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;

void mpp_json_free(MppJson *json);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppJson, mpp_json_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(cJSON, cJSON_Delete)

/** Sets @error to the place of @node (the root when NULL) in @json and a message. Always returns false. */
bool mpp_json_error(GError **error, const MppJson *json, const cJSON *node, MppError code,
                    const char *format, ...) G_GNUC_PRINTF(5, 6);

/** Member @key of @object, or NULL. */
const cJSON *mpp_json_get(const cJSON *object, const char *key);

/** "a string", "the number 3.5", "null" …: what @node is, for messages. */
char *mpp_json_describe(const cJSON *node);

/** Writes @root to @path, or to standard output when NULL, all or nothing. Error: G_FILE_ERROR. */
bool mpp_json_write(const cJSON *root, const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** Text of @root: two spaces of indentation, numbers in the shortest form that reads back equal. */
char *mpp_json_to_text(const cJSON *root);
