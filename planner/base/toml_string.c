#include "planner/base/toml_string.h"

#include <stdbool.h>
#include <string.h>

/** "\u12ab" or "\U000012ab" at @at; moves past it. */
static bool append_code_point(GString *text, const char **at)
{
    int digits = (*at)[1] == 'u' ? 4 : 8;
    gunichar code = 0;
    for (int i = 0; i < digits; i++) {
        int digit = g_ascii_xdigit_value((*at)[2 + i]);
        if (digit < 0)
            return false;
        code = code * 16 + (gunichar)digit;
    }
    if (!code || !g_unichar_validate(code))
        return false;
    g_string_append_unichar(text, code);
    *at += 2 + digits;
    return true;
}

static bool append_escape(GString *text, const char **at)
{
    static const char letters[] = "btnfr\"\\", meanings[] = "\b\t\n\f\r\"\\";
    char letter = (*at)[1];
    if (letter == 'u' || letter == 'U')
        return append_code_point(text, at);
    const char *found = letter ? strchr(letters, letter) : NULL;
    if (!found)
        return false;
    g_string_append_c(text, meanings[found - letters]);
    *at += 2;
    return true;
}

char *mpp_toml_string(const char *begin, const char **end, const char **wrong)
{
    g_autoptr(GString) text = g_string_new(NULL);
    const char quote = *begin, *at = begin + 1;
    while (*at != quote) {
        *wrong = begin;
        if (!*at || *at == '\n')
            return NULL;
        if (*at == '\\' && quote == '"') {
            *wrong = at;
            if (!append_escape(text, &at))
                return NULL;
        } else {
            g_string_append_c(text, *at++);
        }
    }
    *end = at + 1;
    return g_strdup(text->str);
}
