#include "planner/base/json.h"

#include <math.h>
#include <string.h>

#include "planner/base/file.h"
#include "planner/base/json_place.h"

void mpp_json_free(MppJson *json)
{
    if (!json)
        return;
    cJSON_Delete(json->root);
    g_clear_pointer(&json->places, g_hash_table_unref);
    g_free(json->name);
    g_free(json->text);
    g_free(json);
}

bool mpp_json_error(GError **error, const MppJson *json, const cJSON *node, MppError code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *message = g_strdup_vprintf(format, arguments);
    va_end(arguments);

    g_autofree char *pointer = NULL;
    size_t offset = mpp_json_place_of(json, node ? node : json->root, &pointer);
    return mpp_json_place_error(error, json, offset, pointer, code, message);
}

static bool refuse_odd_values(const MppJson *json, const cJSON *node, GError **error)
{
    if (cJSON_IsNumber(node) && !isfinite(node->valuedouble))
        return mpp_json_error(error, json, node, MPP_ERROR_SYNTAX, "the number is too large");
    g_autoptr(GHashTable) keys = cJSON_IsObject(node) ? g_hash_table_new(g_str_hash, g_str_equal) : NULL;
    const cJSON *child;
    cJSON_ArrayForEach(child, node) {
        if (keys && !g_hash_table_add(keys, child->string))
            return mpp_json_error(error, json, child, MPP_ERROR_SYNTAX, "the key stands twice in this object");
        if (!refuse_odd_values(json, child, error))
            return false;
    }
    return true;
}

/** The first escaped NUL, which would end a string early, or NULL. */
static const char *find_escaped_nul(const char *text)
{
    for (const char *at = strchr(text, '\\'); at; at = strchr(at[1] ? at + 2 : at + 1, '\\'))
        if (g_str_has_prefix(at, "\\u0000"))
            return at;
    return NULL;
}

static bool check_text(const MppJson *json, GError **error)
{
    const char *end;
    if (json->n_bytes == 0)
        return mpp_json_place_error(error, json, 0, NULL, MPP_ERROR_SYNTAX, "the file is empty; expected JSON");
    if (memchr(json->text, '\0', json->n_bytes))
        return mpp_json_place_error(error, json, 0, NULL, MPP_ERROR_SYNTAX, "this is a binary file; expected JSON");
    if (!g_utf8_validate(json->text, json->n_bytes, &end))
        return mpp_json_place_error(error, json, end - json->text, NULL, MPP_ERROR_SYNTAX, "the text is not valid UTF-8");
    const char *nul = find_escaped_nul(json->text);
    if (nul)
        return mpp_json_place_error(error, json, nul - json->text, NULL, MPP_ERROR_SYNTAX,
                                    "a string may not hold the character \\u0000");
    return true;
}

/** Brackets open at @end, and whether it lies in a string; cJSON is a byte late where a key should begin: moves @end back. */
static bool scan_to(const char *text, const char **end, GString *brackets)
{
    bool quoted = false;
    char last = '\0';
    for (const char *at = text; at < *end; at++) {
        bool key_due = !quoted && brackets->len && brackets->str[brackets->len - 1] == '{' && (last == '{' || last == ',');
        if (key_due && at + 1 == *end && *at != '"' && !g_ascii_isspace(*at)) {
            *end = at;
            break;
        }
        if (quoted && *at == '\\' && at + 1 < *end)
            at++;
        else if (*at == '"')
            quoted = !quoted;
        else if (!quoted && (*at == '{' || *at == '['))
            g_string_append_c(brackets, *at);
        else if (!quoted && (*at == '}' || *at == ']'))
            g_string_truncate(brackets, MAX(brackets->len, 1) - 1);
        if (!quoted && !g_ascii_isspace(*at))
            last = *at;
    }
    return quoted;
}

static bool string_ends(const char *at)
{
    while (*at && *at != '"')
        at += *at == '\\' && at[1] ? 2 : 1;
    return *at == '"';
}

/** What is wrong at @end, where cJSON stopped; moved to the very place. */
static const char *complaint(const MppJson *json, const char **end)
{
    g_autoptr(GString) brackets = g_string_new(NULL);
    const char *last = json->text + json->n_bytes;
    *end = MIN(*end, last);
    if (scan_to(json->text, end, brackets) && !string_ends(*end))
        *end = last;
    if (*end == last)
        return "the JSON ends here, unfinished";
    return brackets->len >= CJSON_NESTING_LIMIT ? "brackets are nested more than " G_STRINGIFY(CJSON_NESTING_LIMIT) " deep"
                                                : "this is not valid JSON";
}

static bool parse(MppJson *json, GError **error)
{
    if (!check_text(json, error))
        return false;
    const char *end = json->text;
    json->root = cJSON_ParseWithLengthOpts(json->text, json->n_bytes + 1, &end, true);
    if (!json->root) {
        const char *message = complaint(json, &end);
        return mpp_json_place_error(error, json, end - json->text, NULL, MPP_ERROR_SYNTAX, message);
    }
    return refuse_odd_values(json, json->root, error);
}

MppJson *mpp_json_parse(const char *name, const char *text, size_t n_bytes, int64_t first_line, GError **error)
{
    g_autoptr(MppJson) json = g_new0(MppJson, 1);
    json->name = g_strdup(name);
    json->text = g_malloc(n_bytes + 1);
    memcpy(json->text, text, n_bytes);
    json->text[n_bytes] = '\0';
    json->n_bytes = n_bytes;
    json->first_line = first_line;
    return parse(json, error) ? g_steal_pointer(&json) : NULL;
}

MppJson *mpp_json_load(const char *path, GError **error)
{
    g_autofree char *text = NULL;
    size_t n_bytes;
    if (!mpp_file_read(path, &text, &n_bytes, error))
        return NULL;
    return mpp_json_parse(path, text, n_bytes, 1, error);
}

const cJSON *mpp_json_get(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

char *mpp_json_describe(const cJSON *node)
{
    if (cJSON_IsString(node))
        return strlen(node->valuestring) > 40 ? g_strdup("a string") : g_strdup_printf("\"%s\"", node->valuestring);
    if (cJSON_IsNumber(node))
        return g_strdup_printf("%.15g", node->valuedouble);
    if (cJSON_IsBool(node))
        return g_strdup(cJSON_IsTrue(node) ? "true" : "false");
    return g_strdup(cJSON_IsArray(node) ? "an array" : cJSON_IsObject(node) ? "an object" : "null");
}
