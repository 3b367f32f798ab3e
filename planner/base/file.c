#include "planner/base/file.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "planner/base/error.h"

enum { LARGEST_FILE_BYTES = 256 << 20 };

bool mpp_file_read(const char *path, char **text, size_t *n_bytes, GError **error)
{
    GStatBuf status;
    bool found = g_stat(path, &status) == 0;
    if (found && status.st_size > LARGEST_FILE_BYTES)
        return mpp_error_set(error, MPP_ERROR_SYNTAX, "%s: the file is larger than 256 MiB", path);
    if (found && S_ISDIR(status.st_mode))
        return mpp_error_set(error, MPP_ERROR_SYNTAX, "%s: this is a directory; expected a file", path);
    return g_file_get_contents(path, text, n_bytes, error);
}

static bool write_error(const char *path, int code, GError **error)
{
    g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(code), "%s: %s", path, g_strerror(code));
    return false;
}

static bool write_through(const char *path, const void *bytes, size_t n_bytes, GError **error)
{
    FILE *file = fopen(path, "w");
    if (!file)
        return write_error(path, errno, error);
    int code = fwrite(bytes, 1, n_bytes, file) < n_bytes ? errno : 0;
    if (fclose(file) == EOF && !code)
        code = errno;
    return !code || write_error(path, code, error);
}

static bool replace(const char *path, const void *bytes, size_t n_bytes, GError **error)
{
    g_autofree char *target = realpath(path, NULL);
    g_autoptr(GError) refused = NULL;
    if (g_file_set_contents(target ? target : path, bytes, (gssize)n_bytes, &refused))
        return true;
    const char *reason = g_strrstr(refused->message, ": "); /* what stands before names the draft */
    g_set_error(error, refused->domain, refused->code, "%s: %s", path, reason ? reason + 2 : refused->message);
    return false;
}

bool mpp_file_write_bytes(const char *path, const void *bytes, size_t n_bytes, GError **error)
{
    GStatBuf status;
    bool special = g_stat(path, &status) == 0 && !S_ISREG(status.st_mode);
    return special ? write_through(path, bytes, n_bytes, error) : replace(path, bytes, n_bytes, error);
}

bool mpp_file_write(const char *path, const char *text, GError **error)
{
    return mpp_file_write_bytes(path, text, strlen(text), error);
}
