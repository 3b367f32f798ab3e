#include "planner/base/toml.h"

#include <math.h>
#include <string.h>

#include "planner/base/json_place.h"
#include "planner/base/toml_string.h"

/** The document being read. */
typedef struct {
    MppJson *json;
    const char *at;
    GHashTable *closed; /* inline tables and tables that had their own header: nothing may be added */
    int depth;
} Toml;

enum { MOST_DEPTH = 64 };

static bool fail(const Toml *toml, const char *at, MppError code, GError **error, const char *format, ...) G_GNUC_PRINTF(5, 6);

static bool fail(const Toml *toml, const char *at, MppError code, GError **error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    return mpp_json_place_error(error, toml->json, (size_t)(at - toml->json->text), NULL, code, message);
}

static void note_place(const Toml *toml, const cJSON *node, const char *at)
{
    g_hash_table_insert(toml->json->places, (gpointer)node, GSIZE_TO_POINTER((size_t)(at - toml->json->text)));
}

static void skip_spaces(Toml *toml)
{
    while (*toml->at == ' ' || *toml->at == '\t')
        toml->at++;
}

static void skip_comment(Toml *toml)
{
    if (*toml->at == '#')
        while (*toml->at && *toml->at != '\n')
            toml->at++;
}

/** Spaces, comments and ends of lines. */
static void skip_blank(Toml *toml)
{
    for (const char *before = NULL; toml->at != before;) {
        before = toml->at;
        while (*toml->at && strchr(" \t\r\n", *toml->at))
            toml->at++;
        skip_comment(toml);
    }
}

static bool read_value(Toml *toml, cJSON **out, GError **error);

static bool read_string(Toml *toml, char **out, GError **error)
{
    const char *begin = toml->at;
    const char *wrong = NULL;
    if (strncmp(begin, "\"\"\"", 3) == 0 || strncmp(begin, "'''", 3) == 0)
        return fail(toml, begin, MPP_ERROR_UNSUPPORTED, error, "strings of several lines are not read");
    *out = mpp_toml_string(begin, &toml->at, &wrong);
    return *out || fail(toml, wrong, MPP_ERROR_SYNTAX, error, "the string does not end, or has an escape that is none");
}

static bool read_key(Toml *toml, char **out, GError **error)
{
    const char *begin = toml->at;
    if (*begin == '"' || *begin == '\'')
        return read_string(toml, out, error);
    while (g_ascii_isalnum(*toml->at) || *toml->at == '_' || *toml->at == '-')
        toml->at++;
    if (toml->at == begin)
        return fail(toml, begin, MPP_ERROR_SYNTAX, error, "expected a key");
    *out = g_strndup(begin, (gsize)(toml->at - begin));
    return true;
}

/** The table called @key in @table, made when it is not there; the last one of an array of tables. */
static bool enter(Toml *toml, cJSON **table, const char *key, const char *at, GError **error)
{
    cJSON *child = cJSON_GetObjectItemCaseSensitive(*table, key);
    if (!child) {
        child = cJSON_AddObjectToObject(*table, key);
        note_place(toml, child, at);
    }
    if (cJSON_IsArray(child) && child->child)
        child = child->child->prev; /* cJSON keeps the last one there */
    *table = child;
    if (cJSON_IsObject(child) && !g_hash_table_contains(toml->closed, child))
        return true;
    return fail(toml, at, MPP_ERROR_SYNTAX, error, "\"%s\" already is a value, nothing can be put into it", key);
}

/** "a.b.c" from @table on: enters a and b, gives c. */
static bool read_path(Toml *toml, cJSON **table, char **last, GError **error)
{
    for (;;) {
        g_autofree char *key = NULL;
        const char *begin = toml->at;
        if (!read_key(toml, &key, error))
            return false;
        skip_spaces(toml);
        if (*toml->at != '.') {
            *last = g_steal_pointer(&key);
            return true;
        }
        if (!enter(toml, table, key, begin, error))
            return false;
        toml->at++;
        skip_spaces(toml);
    }
}

static bool read_pair(Toml *toml, cJSON *table, GError **error)
{
    g_autofree char *key = NULL;
    const char *begin = toml->at;
    if (!read_path(toml, &table, &key, error))
        return false;
    if (cJSON_GetObjectItemCaseSensitive(table, key))
        return fail(toml, begin, MPP_ERROR_SYNTAX, error, "the key \"%s\" stands twice in this table", key);
    if (*toml->at != '=')
        return fail(toml, toml->at, MPP_ERROR_SYNTAX, error, "expected = and a value");
    toml->at++;
    skip_spaces(toml);
    cJSON *value = NULL;
    if (!read_value(toml, &value, error))
        return false;
    cJSON_AddItemToObject(table, key, value);
    return true;
}

static bool read_array(Toml *toml, cJSON *array, GError **error)
{
    toml->at++;
    for (skip_blank(toml); *toml->at != ']'; skip_blank(toml)) {
        cJSON *value = NULL;
        if (!read_value(toml, &value, error))
            return false;
        cJSON_AddItemToArray(array, value);
        skip_blank(toml);
        if (*toml->at == ',')
            toml->at++;
        else if (*toml->at != ']')
            return fail(toml, toml->at, MPP_ERROR_SYNTAX, error, "expected , or ] in an array");
    }
    toml->at++;
    return true;
}

static bool read_inline_table(Toml *toml, cJSON *table, GError **error)
{
    toml->at++;
    skip_spaces(toml);
    while (*toml->at != '}') {
        if (!read_pair(toml, table, error))
            return false;
        skip_spaces(toml);
        if (*toml->at == ',') {
            toml->at++;
            skip_spaces(toml);
        } else if (*toml->at != '}') {
            return fail(toml, toml->at, MPP_ERROR_SYNTAX, error, "expected , or } in an inline table");
        }
    }
    toml->at++;
    g_hash_table_add(toml->closed, table);
    return true;
}

/** A boolean or a decimal number, with '_' between digits. */
static bool read_plain(Toml *toml, cJSON **out, GError **error)
{
    const char *begin = toml->at;
    size_t n = strspn(begin, "+-.0123456789_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ:");
    g_autofree char *word = g_strndup(begin, n);
    toml->at = begin + n;
    if (strcmp(word, "true") == 0 || strcmp(word, "false") == 0) {
        *out = cJSON_CreateBool(*word == 't');
        return true;
    }
    bool based = strlen(word) > 2 && word[0] == '0' && strchr("xob", word[1]);
    if (based || (n > 4 && strchr(word, ':')) || (n >= 10 && word[4] == '-' && word[7] == '-'))
        return fail(toml, begin, MPP_ERROR_UNSUPPORTED, error, "dates, times and numbers that are not decimal are not read");
    GString *digits = g_string_new(NULL);
    for (size_t i = 0; i < n; i++)
        if (word[i] != '_' || !(i && g_ascii_isdigit(word[i - 1]) && g_ascii_isdigit(word[i + 1])))
            g_string_append_c(digits, word[i]);
    g_autofree char *number = g_string_free(digits, FALSE);
    char *end;
    double value = g_ascii_strtod(number, &end);
    bool starts = g_ascii_isdigit(*number) || ((*number == '+' || *number == '-') && g_ascii_isdigit(number[1]));
    if (!starts || *end || !isfinite(value))
        return fail(toml, begin, MPP_ERROR_SYNTAX, error, "expected a value");
    *out = cJSON_CreateNumber(value);
    return true;
}

/** On failure nothing is left in @out. */
static bool read_value(Toml *toml, cJSON **out, GError **error)
{
    const char *begin = toml->at;
    g_autoptr(cJSON) value = NULL;
    bool done;
    if (++toml->depth > MOST_DEPTH)
        return fail(toml, begin, MPP_ERROR_SYNTAX, error, "values are nested too deep");
    if (*begin == '"' || *begin == '\'') {
        g_autofree char *text = NULL;
        done = read_string(toml, &text, error);
        value = done ? cJSON_CreateString(text) : NULL;
    } else if (*begin == '[') {
        value = cJSON_CreateArray();
        done = read_array(toml, value, error);
    } else if (*begin == '{') {
        value = cJSON_CreateObject();
        done = read_inline_table(toml, value, error);
    } else {
        done = read_plain(toml, &value, error);
    }
    toml->depth--;
    if (!done)
        return false;
    note_place(toml, value, begin);
    *out = g_steal_pointer(&value);
    return true;
}

/** "[a.b]" or "[[a.b]]": the table that the next pairs belong to. */
static bool read_header(Toml *toml, cJSON **table, GError **error)
{
    const char *begin = toml->at;
    bool many = begin[1] == '[';
    toml->at += many ? 2 : 1;
    skip_spaces(toml);
    *table = toml->json->root;
    g_autofree char *key = NULL;
    if (!read_path(toml, table, &key, error))
        return false;
    if (strncmp(toml->at, many ? "]]" : "]", many ? 2 : 1) != 0)
        return fail(toml, toml->at, MPP_ERROR_SYNTAX, error, "expected %s", many ? "]]" : "]");
    toml->at += many ? 2 : 1;
    cJSON *old = cJSON_GetObjectItemCaseSensitive(*table, key);
    if (!many)
        return (!old || (cJSON_IsObject(old) && !g_hash_table_contains(toml->closed, old)))
                   ? enter(toml, table, key, begin, error)
                   : fail(toml, begin, MPP_ERROR_SYNTAX, error, "[%s] stands twice", key);
    if (old && !cJSON_IsArray(old))
        return fail(toml, begin, MPP_ERROR_SYNTAX, error, "\"%s\" already is a value, no array of tables", key);
    cJSON *array = old ? old : cJSON_AddArrayToObject(*table, key);
    *table = cJSON_CreateObject();
    cJSON_AddItemToArray(array, *table);
    note_place(toml, array, begin);
    note_place(toml, *table, begin);
    return true;
}

static bool read_document(Toml *toml, GError **error)
{
    cJSON *table = toml->json->root;
    g_autoptr(GHashTable) headed = g_hash_table_new(NULL, NULL);
    for (skip_blank(toml); *toml->at; skip_blank(toml)) {
        const char *begin = toml->at;
        if (!(*begin == '[' ? read_header(toml, &table, error) : read_pair(toml, table, error)))
            return false;
        if (*begin == '[' && !g_hash_table_add(headed, table))
            return fail(toml, begin, MPP_ERROR_SYNTAX, error, "this table stands twice");
        skip_spaces(toml);
        skip_comment(toml);
        if (*toml->at == '\r')
            toml->at++;
        if (*toml->at && *toml->at != '\n')
            return fail(toml, toml->at, MPP_ERROR_SYNTAX, error, "expected the end of the line");
    }
    return true;
}

MppJson *mpp_toml_parse(const char *name, const char *text, GError **error)
{
    g_autoptr(MppJson) json = g_new0(MppJson, 1);
    json->name = g_strdup(name);
    json->text = g_strdup(text);
    json->n_bytes = strlen(text);
    json->first_line = 1;
    json->root = cJSON_CreateObject();
    json->places = g_hash_table_new(NULL, NULL);
    g_autoptr(GHashTable) closed = g_hash_table_new(NULL, NULL);
    Toml toml = { json, json->text, closed, 0 };
    const char *wrong;
    if (!g_utf8_validate(json->text, -1, &wrong)) {
        fail(&toml, wrong, MPP_ERROR_SYNTAX, error, "this is not UTF-8");
        return NULL;
    }
    return read_document(&toml, error) ? g_steal_pointer(&json) : NULL;
}
