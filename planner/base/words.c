#include "planner/base/words.h"

#include <string.h>

/** Where @word begins in @text, case aside. */
static const char *find_word(const char *text, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = text; at && *at; at++)
        if (g_ascii_strncasecmp(at, word, n) == 0)
            return at;
    return NULL;
}

bool mpp_words_has(const char *text, const char *word)
{
    return find_word(text, word) != NULL;
}

size_t mpp_words_longest(const GPtrArray *words, const char *text)
{
    size_t longest = 0;
    for (guint i = 0; words && text && i < words->len; i++)
        if (mpp_words_has(text, words->pdata[i]))
            longest = MAX(longest, strlen(words->pdata[i]));
    return longest;
}

static bool within_word(char c)
{
    return g_ascii_isalnum(c) || c == '_';
}

bool mpp_words_has_whole(const char *text, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = find_word(text, word); at; at = find_word(at + 1, word))
        if ((at == text || !within_word(at[-1])) && !within_word(at[n]))
            return true;
    return false;
}

bool mpp_words_name(const GPtrArray *words, const char *text)
{
    for (guint i = 0; words && text && i < words->len; i++)
        if (strcmp(words->pdata[i], text) == 0)
            return true;
    return false;
}

size_t mpp_words_position(const GPtrArray *words, const char *text)
{
    enum { LONGEST_TEXT = 1000 };
    size_t best = 0;
    for (guint i = 0; words && text && i < words->len; i++) {
        const char *at = find_word(text, words->pdata[i]);
        if (at && at - text < LONGEST_TEXT)
            best = MAX(best, (LONGEST_TEXT - (at - text)) * LONGEST_TEXT + strlen(words->pdata[i]));
    }
    return best;
}
