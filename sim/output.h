/**
 * A file being written: whole or not at all, compressed when its name says so.
 *
 * What is written goes to a file beside the final one and takes its name when the output is closed; a link stays a
 * link, and what is no file (a pipe, /dev/null) is written to. Numbers are printed the same in every locale.
 */
#pragma once

#include <gio/gio.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct MppOutput MppOutput;

/** A path that ends in ".gz" is compressed. Errors: G_FILE_ERROR, G_IO_ERROR. */
MppOutput *mpp_output_new(const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** An output into memory. */
MppOutput *mpp_output_new_memory(void);

/** Drops what was written, unless the output is closed. */
void mpp_output_free(MppOutput *output);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppOutput, mpp_output_free)

/** Writing remembers the first error, which mpp_output_close() returns. */
void mpp_output_bytes(MppOutput *output, const void *bytes, size_t n);
void mpp_output_text(MppOutput *output, const char *text);
void mpp_output_format(MppOutput *output, const char *format, ...) G_GNUC_PRINTF(2, 3);

/** @text between quotes, as JSON has it. */
void mpp_output_quoted(MppOutput *output, const char *text);

/** @value with @decimals digits after the point. */
void mpp_output_number(MppOutput *output, double value, int decimals);

/** @seconds in microseconds, rounded to a nanosecond. */
void mpp_output_us(MppOutput *output, double seconds);

/** From @start_s to @end_s as each is rounded, in microseconds: spans that touch still do. */
void mpp_output_us_between(MppOutput *output, double start_s, double end_s);

/** What a memory output holds; lent. */
const GString *mpp_output_content(const MppOutput *output);

/** Gives the file its name. Errors: G_FILE_ERROR and G_IO_ERROR of this or of any earlier write. */
bool mpp_output_close(MppOutput *output, GError **error) G_GNUC_WARN_UNUSED_RESULT;
