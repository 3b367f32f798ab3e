#include "planner/base/names.h"

#include <string.h>

#include "planner/base/error.h"

const char *mpp_names_get(const MppNames *names, int value)
{
    g_return_val_if_fail(value >= 0 && value < names->n_names, "?");
    return names->names[value];
}

static char folded(char c)
{
    return c == '-' ? '_' : g_ascii_tolower(c);
}

static const char *after_separators(const char *name)
{
    return name + strspn(name, "-_ ");
}

bool mpp_names_same(const char *a, const char *b)
{
    a = after_separators(a);
    b = after_separators(b);
    while (*a && folded(*a) == folded(*b)) {
        a = after_separators(a + 1);
        b = after_separators(b + 1);
    }
    return *a == *b;
}

int mpp_names_find(const MppNames *names, const char *name)
{
    for (int i = 0; i < names->n_names; i++)
        if (mpp_names_same(names->names[i], name))
            return i;
    return -1;
}

/** Levenshtein distance; a name that contains the other counts as near. */
static int edit_distance(const char *a, const char *b)
{
    size_t n = strlen(b);
    g_autofree int *row = g_new(int, n + 1);
    for (size_t j = 0; j <= n; j++)
        row[j] = (int)j;
    for (size_t i = 0; a[i]; i++) {
        int diagonal = row[0];
        row[0] = (int)i + 1;
        for (size_t j = 0; j < n; j++) {
            int substituted = diagonal + (folded(a[i]) != folded(b[j]));
            diagonal = row[j + 1];
            row[j + 1] = MIN(substituted, MIN(row[j], row[j + 1]) + 1);
        }
    }
    return strstr(b, a) || strstr(a, b) ? MIN(row[n], 1) : row[n];
}

typedef struct {
    const char *name;
    int distance;
    int index;
} Suggestion;

static int compare_suggestions(const void *left, const void *right)
{
    const Suggestion *a = left, *b = right;
    return a->distance != b->distance ? a->distance - b->distance : a->index - b->index;
}

char *mpp_names_suggest(const char *const *known, int n_known, const char *wrong)
{
    enum { MOST = 20 };
    g_autofree Suggestion *all = g_new(Suggestion, MAX(n_known, 1));
    for (int i = 0; i < n_known; i++)
        all[i] = (Suggestion){ known[i], edit_distance(wrong, known[i]), i };
    qsort(all, n_known, sizeof *all, compare_suggestions);

    GString *text = g_string_new(NULL);
    for (int i = 0; i < MIN(n_known, MOST); i++)
        g_string_append_printf(text, "%s%s", i ? ", " : "", all[i].name);
    if (n_known > MOST)
        g_string_append_printf(text, ", … (%d in all)", n_known);
    return g_string_free(text, FALSE);
}

bool mpp_names_read(const MppNames *names, const char *text, const char *what, int *out, GError **error)
{
    int value = text ? mpp_names_find(names, text) : *out;
    if (value >= 0) {
        *out = value;
        return true;
    }
    g_autofree char *known = mpp_names_suggest(names->names, names->n_names, text);
    return mpp_error_usage(error, "%s: unknown %s \"%s\"; known: %s", what, names->title, text, known);
}
