/**
 * Words in texts that others wrote.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

/** Whether @word occurs in @text, case aside; not when that is NULL. */
bool mpp_words_has(const char *text, const char *word);

/** The same where it is no part of a longer word: "moe" does not occur in "moe_act". */
bool mpp_words_has_whole(const char *text, const char *word);

/** Whether one of @words, if any, is @text. */
bool mpp_words_name(const GPtrArray *words, const char *text);

/** The length of the longest of @words that occurs in @text; 0 when none does. */
size_t mpp_words_longest(const GPtrArray *words, const char *text);

/** Higher for words nearer to the start of @text, then for longer ones; 0 when none occurs. */
size_t mpp_words_position(const GPtrArray *words, const char *text);
