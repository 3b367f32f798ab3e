/**
 * Whole files: read with a limit, written all or nothing.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

/** Reads the text file @path of at most 256 MiB. Errors: G_FILE_ERROR, MPP_ERROR_SYNTAX for a directory or a larger file. */
bool mpp_file_read(const char *path, char **text, size_t *n_bytes, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * Writes @text to @path. A file is replaced only once all is written, and a link to it stays a link; what is no
 * file (a pipe, a terminal, /dev/null) is written to. Error: G_FILE_ERROR.
 */
bool mpp_file_write(const char *path, const char *text, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** The same of @n_bytes of any kind. */
bool mpp_file_write_bytes(const char *path, const void *bytes, size_t n_bytes, GError **error) G_GNUC_WARN_UNUSED_RESULT;
