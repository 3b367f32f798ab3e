#include "planner/emit/stage_layout.h"

#include <string.h>

#include "planner/base/error.h"

static void append_layers(GString *text, char letter, int64_t n)
{
    if (n == 1)
        g_string_append_c(text, letter);
    else if (n > 1)
        g_string_append_printf(text, "%c*%" G_GINT64_FORMAT, letter, n);
}

char *mpp_stage_layout_text(const GArray *chunk_layers, int64_t prediction_layers)
{
    const int64_t *layers = (const int64_t *)chunk_layers->data;
    guint n = chunk_layers->len;
    GString *text = g_string_new("E");
    for (guint i = 0; i < n;) {
        bool middle = i > 0 && i + 1 < n;
        guint same = 1;
        while (middle && i + same + 1 < n && layers[i + same] == layers[i])
            same++;
        if (same > 1)
            g_string_append_c(text, '(');
        append_layers(text, 't', layers[i] - (i + 1 == n ? prediction_layers : 0));
        if (i + 1 < n)
            g_string_append_c(text, '|');
        if (same > 1)
            g_string_append_printf(text, ")*%u", same);
        i += same;
    }
    append_layers(text, 'm', prediction_layers);
    g_string_append_c(text, 'L');
    return g_string_free(text, FALSE);
}

static bool syntax(GError **error, const char *text, const char *at)
{
    return mpp_error_set(error, MPP_ERROR_SYNTAX,
                         "stage layout \"%s\": unexpected \"%s\"; expected letters of E, t, m, L and |, and *n", text, at);
}

enum { MOST_LETTERS = 1 << 14 };

/** The count after '*', or 1; moves @at past it. 0 when it is no number that can be meant. */
static int64_t read_repeat(const char **at)
{
    if (**at != '*')
        return 1;
    char *end;
    guint64 n = g_ascii_strtoull(*at + 1, &end, 10);
    bool plain = g_ascii_isdigit((*at)[1]) && n <= MOST_LETTERS;
    *at = end;
    return plain ? (int64_t)n : 0;
}

/** Writes out repetitions; groups do not nest. */
static bool unroll(const char *text, const char *from, const char *to, GString *out, GError **error)
{
    for (const char *at = from; at < to;) {
        const char *begin = at;
        g_autoptr(GString) part = g_string_new(NULL);
        if (*at == '(') {
            const char *close = memchr(at, ')', (size_t)(to - at));
            if (!close || !unroll(text, at + 1, close, part, error))
                return close ? false : syntax(error, text, begin);
            at = close + 1;
        } else if (strchr("EtmL|", *at)) {
            g_string_append_c(part, *at++);
        } else if (*at == ',' || g_ascii_isspace(*at)) {
            at++;
            continue;
        } else {
            return syntax(error, text, begin);
        }
        int64_t n = read_repeat(&at);
        if (!n || out->len + part->len * (size_t)n > MOST_LETTERS)
            return syntax(error, text, begin);
        for (int64_t i = 0; i < n; i++)
            g_string_append(out, part->str);
    }
    return true;
}

GArray *mpp_stage_layout_parse(const char *text, int64_t n_layers, GError **error)
{
    g_autoptr(GString) letters = g_string_new(NULL);
    if (!unroll(text, text, text + strlen(text), letters, error))
        return NULL;
    g_autoptr(GArray) layers = g_array_new(FALSE, TRUE, sizeof(int64_t));
    int64_t n = 0, sum = 0;
    bool ends = letters->len >= 2 && letters->str[0] == 'E' && letters->str[letters->len - 1] == 'L' &&
                strrchr(letters->str, 'E') == letters->str && strchr(letters->str, 'L') == letters->str + letters->len - 1;
    for (gsize i = 0; i < letters->len; i++) {
        char letter = letters->str[i];
        n += letter == 't' || letter == 'm';
        if (letter == '|' || i + 1 == letters->len) {
            g_array_append_val(layers, n);
            sum += n;
            n = 0;
        }
    }
    if (ends && sum == n_layers)
        return g_steal_pointer(&layers);
    g_set_error(error, MPP_ERROR, MPP_ERROR_INVALID,
                "stage layout \"%s\": %s; expected E first, L last, each once, and %" G_GINT64_FORMAT " layers", text,
                ends ? "another number of layers" : "E and L do not stand at its ends", n_layers);
    return NULL;
}
