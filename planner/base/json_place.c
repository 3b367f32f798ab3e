#include "planner/base/json_place.h"

#include <string.h>

#define BYTE_ORDER_MARK "\xef\xbb\xbf" /* cJSON passes over one */

/** Appends "/" and @key, escaped as RFC 6901 says. */
static void append_key(GString *pointer, const char *key)
{
    g_string_append_c(pointer, '/');
    for (; *key; key++) {
        if (*key == '~' || *key == '/')
            g_string_append(pointer, *key == '~' ? "~0" : "~1");
        else
            g_string_append_c(pointer, *key);
    }
}

/** Child indices from the root to @wanted, appended to @path and @pointer. Returns false when it is not below @node. */
static bool find_path(const cJSON *node, const cJSON *wanted, GArray *path, GString *pointer)
{
    if (node == wanted)
        return true;
    int index = 0;
    for (const cJSON *child = node->child; child; child = child->next, index++) {
        guint n_path = path->len;
        size_t n_pointer = pointer->len;
        g_array_append_val(path, index);
        if (child->string)
            append_key(pointer, child->string);
        else
            g_string_append_printf(pointer, "/%d", index);
        if (find_path(child, wanted, path, pointer))
            return true;
        g_array_set_size(path, n_path);
        g_string_truncate(pointer, n_pointer);
    }
    return false;
}

/** What cJSON takes for space: all control characters. */
static bool is_space(char c)
{
    return c > 0 && c <= ' ';
}

static const char *skip_space(const char *at)
{
    while (is_space(*at))
        at++;
    return at;
}

static const char *skip_string(const char *at)
{
    for (at++; *at && *at != '"'; at++)
        if (*at == '\\' && at[1])
            at++;
    return *at ? at + 1 : at;
}

/** The text is known to be valid JSON, so brackets balance. */
static const char *skip_value(const char *at)
{
    if (*at == '"')
        return skip_string(at);
    if (*at != '{' && *at != '[') {
        while (*at && !is_space(*at) && !strchr(",]}", *at))
            at++;
        return at;
    }
    int depth = 0;
    do {
        if (*at == '"') {
            at = skip_string(at);
            continue;
        }
        depth += (*at == '{' || *at == '[') - (*at == '}' || *at == ']');
        at++;
    } while (depth > 0 && *at);
    return at;
}

/** Start of the value of child @index of the object or array at @at. */
static const char *enter_child(const char *at, int index)
{
    bool object = *at == '{';
    at = skip_space(at + 1);
    for (int i = 0;; i++) {
        if (object) {
            at = skip_space(skip_string(at));
            at = skip_space(at + 1);
        }
        if (i == index)
            return at;
        at = skip_space(skip_value(at));
        at = skip_space(at + 1);
    }
}

size_t mpp_json_place_of(const MppJson *json, const cJSON *node, char **pointer)
{
    g_autoptr(GArray) path = g_array_new(FALSE, FALSE, sizeof(int));
    GString *text = g_string_new(NULL);
    if (!json->root || !find_path(json->root, node, path, text)) {
        *pointer = g_string_free(text, FALSE);
        return 0;
    }
    if (json->places) {
        *pointer = g_string_free(text, FALSE);
        return GPOINTER_TO_SIZE(g_hash_table_lookup(json->places, node));
    }
    bool marked = g_str_has_prefix(json->text, BYTE_ORDER_MARK);
    const char *at = skip_space(json->text + (marked ? strlen(BYTE_ORDER_MARK) : 0));
    for (guint i = 0; i < path->len; i++)
        at = enter_child(at, g_array_index(path, int, i));
    *pointer = g_string_free(text, FALSE);
    return at - json->text;
}

static bool starts_character(char c)
{
    return (c & 0xc0) != 0x80;
}

/** The part of the line around byte @column that fits a terminal; @caret: out, characters of it before that byte. */
static char *excerpt(const char *start, size_t n_bytes, size_t column, int *caret)
{
    enum { WIDTH = 100, BEFORE = 50 };
    size_t from = n_bytes > WIDTH && column > BEFORE ? column - BEFORE : 0;
    size_t end = MIN(from + WIDTH, n_bytes);
    while (from > 0 && !starts_character(start[from]))
        from--;
    while (end < n_bytes && end > column && !starts_character(start[end]))
        end--;
    g_autofree char *cut = g_strndup(start + from, end - from);
    for (char *c = cut; *c; c++)
        if (g_ascii_iscntrl(*c))
            *c = *c == '\t' || *c == '\r' ? ' ' : '?';
    g_autofree char *before = g_strndup(cut, column - from), *shown_before = g_utf8_make_valid(before, -1);
    *caret = (int)g_utf8_strlen(shown_before, -1);
    return g_utf8_make_valid(cut, -1);
}

bool mpp_json_place_error(GError **error, const MppJson *json, size_t offset, const char *pointer, MppError code,
                          const char *message)
{
    int64_t line = json->first_line;
    size_t start = 0;
    for (size_t i = 0; i < offset; i++) {
        if (json->text[i] == '\n') {
            line++;
            start = i + 1;
        }
    }
    size_t column = offset - start;
    const char *newline = memchr(json->text + start, '\n', json->n_bytes - start);
    size_t length = newline ? (size_t)(newline - json->text) - start : json->n_bytes - start;
    int caret;
    g_autofree char *source = excerpt(json->text + start, length, column, &caret);
    g_set_error(error, MPP_ERROR, code, "%s:%" G_GINT64_FORMAT ":%zu: %s%s%s\n%5" G_GINT64_FORMAT " | %s\n      | %*s^",
                json->name, line, column + 1, pointer ? (*pointer ? pointer : "/") : "", pointer ? ": " : "", message, line,
                source, caret, "");
    return false;
}
