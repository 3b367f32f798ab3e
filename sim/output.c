#include "sim/output.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { BUFFER_BYTES = 1 << 16 };

struct MppOutput {
    char *path;            /* as errors have it */
    char *target;          /* what it links to, or itself */
    char *partial;         /* written to until it is closed; the target itself where that is no file */
    GOutputStream *stream; /* NULL: into memory */
    GString *buffer;
    GError *error;
};

static bool prefix_path(const char *path, GError **error)
{
    g_prefix_error(error, "%s: ", path);
    return false;
}

static bool fail(const char *path, GError **error)
{
    g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno), "%s: %s", path, g_strerror(errno));
    return false;
}

/** Makes an empty file beside @target; a device or pipe that is there already is written to directly. */
static char *make_partial(const char *path, const char *target, GError **error)
{
    GStatBuf status;
    if (g_stat(target, &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode))
        return g_strdup(target);
    g_autofree char *partial = g_strdup_printf("%s.XXXXXX", target);
    int file = g_mkstemp_full(partial, O_WRONLY | O_CLOEXEC, 0666);
    if (file < 0 || !g_close(file, NULL)) {
        fail(path, error);
        return NULL;
    }
    return g_steal_pointer(&partial);
}

MppOutput *mpp_output_new(const char *path, GError **error)
{
    g_autofree char *linked = realpath(path, NULL), *target = g_strdup(linked ? linked : path);
    g_autofree char *partial = make_partial(path, target, error);
    if (!partial)
        return NULL;
    g_autoptr(GFile) file = g_file_new_for_path(partial);
    g_autoptr(GFileOutputStream) raw = g_file_append_to(file, G_FILE_CREATE_NONE, NULL, error);
    if (!raw) {
        prefix_path(path, error);
        return NULL;
    }
    MppOutput *output = mpp_output_new_memory();
    output->path = g_strdup(path);
    output->target = g_steal_pointer(&target);
    output->partial = g_steal_pointer(&partial);
    g_autoptr(GZlibCompressor) gzip = g_zlib_compressor_new(G_ZLIB_COMPRESSOR_FORMAT_GZIP, -1);
    output->stream = g_str_has_suffix(path, ".gz") ? g_converter_output_stream_new(G_OUTPUT_STREAM(raw), G_CONVERTER(gzip))
                                                   : G_OUTPUT_STREAM(g_object_ref(raw));
    return output;
}

MppOutput *mpp_output_new_memory(void)
{
    MppOutput *output = g_new0(MppOutput, 1);
    output->buffer = g_string_sized_new(BUFFER_BYTES + 4096);
    return output;
}

void mpp_output_free(MppOutput *output)
{
    if (!output)
        return;
    if (output->stream)
        g_output_stream_close(output->stream, NULL, NULL);
    g_clear_object(&output->stream);
    if (output->partial && !g_str_equal(output->partial, output->target))
        g_unlink(output->partial); /* gone if it was closed */
    g_clear_error(&output->error);
    g_string_free(output->buffer, TRUE);
    g_free(output->path);
    g_free(output->target);
    g_free(output->partial);
    g_free(output);
}

static void flush(MppOutput *output)
{
    if (output->stream && !output->error)
        g_output_stream_write_all(output->stream, output->buffer->str, output->buffer->len, NULL, NULL, &output->error);
    g_string_truncate(output->buffer, 0);
}

static void flush_if_full(MppOutput *output)
{
    if (output->stream && output->buffer->len >= BUFFER_BYTES)
        flush(output);
}

void mpp_output_bytes(MppOutput *output, const void *bytes, size_t n)
{
    g_string_append_len(output->buffer, bytes, (gssize)n);
    flush_if_full(output);
}

void mpp_output_text(MppOutput *output, const char *text)
{
    mpp_output_bytes(output, text, strlen(text));
}

void mpp_output_format(MppOutput *output, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_string_append_vprintf(output->buffer, format, arguments);
    va_end(arguments);
    flush_if_full(output);
}

void mpp_output_quoted(MppOutput *output, const char *text)
{
    g_string_append_c(output->buffer, '"');
    for (const char *at = text; *at; at++) {
        if ((unsigned char)*at < ' ')
            g_string_append_printf(output->buffer, "\\u%04x", *at);
        else
            g_string_append_printf(output->buffer, *at == '"' || *at == '\\' ? "\\%c" : "%c", *at);
    }
    g_string_append_c(output->buffer, '"');
}

void mpp_output_number(MppOutput *output, double value, int decimals)
{
    char format[16], text[G_ASCII_DTOSTR_BUF_SIZE + 320];
    g_snprintf(format, sizeof format, "%%.%df", decimals);
    mpp_output_text(output, g_ascii_formatd(text, sizeof text, format, value));
}

static int64_t nanoseconds(double seconds)
{
    return (int64_t)llround(seconds * 1e9);
}

static void put_us(MppOutput *output, int64_t ns)
{
    mpp_output_format(output, "%" G_GINT64_FORMAT ".%03d", ns / 1000, (int)(ns % 1000));
}

void mpp_output_us(MppOutput *output, double seconds)
{
    put_us(output, nanoseconds(seconds));
}

void mpp_output_us_between(MppOutput *output, double start_s, double end_s)
{
    put_us(output, nanoseconds(end_s) - nanoseconds(start_s));
}

const GString *mpp_output_content(const MppOutput *output)
{
    return output->buffer;
}

bool mpp_output_close(MppOutput *output, GError **error)
{
    if (!output->stream)
        return true;
    flush(output);
    if (output->error) {
        g_propagate_error(error, g_steal_pointer(&output->error));
        return prefix_path(output->path, error);
    }
    if (!g_output_stream_close(output->stream, NULL, error))
        return prefix_path(output->path, error);
    return g_rename(output->partial, output->target) == 0 || fail(output->path, error);
}
