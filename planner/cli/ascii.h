/**
 * Output for terminals that show ASCII only.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

/** A stream that writes to @under in ASCII: bars, arrows and dots become signs of the same width, other letters "?". */
FILE *mpp_ascii_stream(FILE *under);

/** Makes standard output such a stream when @wanted. Returns: what it was, for mpp_ascii_end(). */
FILE *mpp_ascii_begin(bool wanted);
void mpp_ascii_end(FILE *before);

/** UTF-8 @text in ASCII; g_free() it. @n_bytes: all of it is whole characters. */
char *mpp_ascii_text(const char *text, size_t n_bytes);
