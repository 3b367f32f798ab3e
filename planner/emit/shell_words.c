#include "planner/emit/shell_words.h"

#include <stdbool.h>
#include <string.h>

#include "planner/base/error.h"

static size_t name_length(const char *at)
{
    size_t n = 0;
    while (g_ascii_isalnum(at[n]) || at[n] == '_')
        n++;
    return n;
}

/** The value of the variable that begins at @at ('$'), or NULL; sets @used to the length of its mention. */
static char *lookup(const char *at, GHashTable *values, size_t *used)
{
    bool braced = at[1] == '{';
    const char *begin = at + 1 + braced;
    size_t n = name_length(begin);
    const char *rest = begin + n, *close = braced ? strchr(rest, '}') : rest;
    if (!n || !close)
        return NULL;
    *used = (size_t)(close - at) + braced;
    g_autofree char *name = g_strndup(begin, n);
    const char *known = g_hash_table_lookup(values, name);
    if (known)
        return g_strdup(known);
    bool fallback = braced && g_str_has_prefix(rest, ":-");
    return fallback ? g_strndup(rest + 2, (size_t)(close - rest - 2)) : NULL;
}

static char *expand(const char *word, GHashTable *values)
{
    GString *text = g_string_new(NULL);
    for (const char *at = word; *at;) {
        size_t used = 1;
        g_autofree char *value = *at == '$' ? lookup(at, values, &used) : NULL;
        if (value)
            g_string_append(text, value);
        else
            g_string_append_c(text, *at);
        at += value ? used : 1;
    }
    return g_string_free(text, FALSE);
}

static void note_assignment(const char *word, GHashTable *values)
{
    size_t n = name_length(word);
    bool array = word[n] == '=' && word[n + 1] == '(';
    if (n && !g_ascii_isdigit(*word) && word[n] == '=' && !array)
        g_hash_table_replace(values, g_strndup(word, n), g_strdup(word + n + 1));
}

GStrv mpp_shell_words(const char *name, const char *text, GError **error)
{
    g_autoptr(GError) refused = NULL;
    g_autoptr(GHashTable) values = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_auto(GStrv) words = NULL;
    if (!g_shell_parse_argv(text, NULL, &words, &refused)) {
        if (g_error_matches(refused, G_SHELL_ERROR, G_SHELL_ERROR_EMPTY_STRING))
            return g_new0(char *, 1);
        g_set_error(error, MPP_ERROR, MPP_ERROR_SYNTAX, "%s: a quote does not end", name);
        return NULL;
    }
    for (int i = 0; words[i]; i++) {
        char *expanded = expand(words[i], values);
        g_free(words[i]);
        words[i] = expanded;
        note_assignment(expanded, values);
    }
    return g_steal_pointer(&words);
}
