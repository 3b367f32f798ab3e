#include "planner/cli/ascii.h"

#include <glib.h>

static const struct {
    gunichar letter;
    const char *ascii;
} signs[] = {
    { 0x2588, "#" }, { 0x2591, "." },  { 0x2584, "f" }, { 0x2593, "x" }, { 0x00b7, "-" },   { 0x00d7, "x" },  { 0x2212, "-" },
    { 0x2013, "-" }, { 0x00b1, "+-" }, { 0x2248, "~" }, { 0x00b5, "u" }, { 0x2026, "..." }, { 0x2192, "->" }, { 0x2190, "<-" },
};

char *mpp_ascii_text(const char *text, size_t n_bytes)
{
    GString *out = g_string_new(NULL);
    for (const char *at = text; at < text + n_bytes; at = g_utf8_next_char(at)) {
        gunichar letter = g_utf8_get_char(at);
        const char *ascii = letter < 0x80 ? NULL : "?";
        for (size_t i = 0; ascii && i < G_N_ELEMENTS(signs); i++)
            ascii = signs[i].letter == letter ? signs[i].ascii : ascii;
        if (ascii)
            g_string_append(out, ascii);
        else
            g_string_append_c(out, (char)letter);
    }
    return g_string_free(out, FALSE);
}

/** Bytes of a character that a write ended within wait for the rest. */
typedef struct {
    FILE *under;
    GString *begun;
} Plain;

static ssize_t write_plain(void *cookie, const char *buffer, size_t size)
{
    Plain *plain = cookie;
    g_string_append_len(plain->begun, buffer, (gssize)size);
    const char *end = NULL;
    g_utf8_validate(plain->begun->str, (gssize)plain->begun->len, &end);
    size_t n_bytes = (size_t)(end - plain->begun->str);
    g_autofree char *text = mpp_ascii_text(plain->begun->str, n_bytes);
    g_string_erase(plain->begun, 0, (gssize)n_bytes);
    bool written = fputs(text, plain->under) != EOF && fflush(plain->under) == 0;
    return written ? (ssize_t)size : 0;
}

static int close_plain(void *cookie)
{
    Plain *plain = cookie;
    g_string_free(plain->begun, TRUE);
    g_free(plain);
    return 0;
}

FILE *mpp_ascii_stream(FILE *under)
{
    Plain *plain = g_new(Plain, 1);
    *plain = (Plain){ under, g_string_new(NULL) };
    return fopencookie(plain, "w", (cookie_io_functions_t){ .write = write_plain, .close = close_plain });
}

FILE *mpp_ascii_begin(bool wanted)
{
    FILE *before = stdout;
    if (wanted)
        stdout = mpp_ascii_stream(before);
    return before;
}

void mpp_ascii_end(FILE *before)
{
    if (stdout != before)
        fclose(stdout); /* what went wrong is told of the stream below */
    stdout = before;
}
