#include "planner/cli/ascii.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *text, *ascii;
} rows[] = {
    { "", "" },
    { "plain, 7 %\n", "plain, 7 %\n" },
    { "tp 8 · pp 2 × 385 − 1 ±3", "tp 8 - pp 2 x 385 - 1 +-3" },
    { "▄█▓░·", "f#x.-" },
    { "+1.3 % ≈", "+1.3 % ~" },
    { "stages 1–14 …", "stages 1-14 ..." },
    { "größer 模型 µs", "gr??er ?? us" },
};

static void test_text(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *ascii = mpp_ascii_text(rows[i].text, strlen(rows[i].text));
        g_assert_cmpstr(ascii, ==, rows[i].ascii);
    }
}

/** Whatever the size of the writes: characters may be cut between two. */
static void test_stream(void)
{
    for (int unbuffered = 0; unbuffered < 2; unbuffered++) {
        for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
            char *written = NULL;
            size_t n_bytes;
            FILE *under = open_memstream(&written, &n_bytes), *stream = mpp_ascii_stream(under);
            if (unbuffered)
                setvbuf(stream, NULL, _IONBF, 0);
            for (const char *at = rows[i].text; *at; at++)
                g_assert_cmpint(fputc(*at, stream), !=, EOF);
            g_assert_cmpint(fclose(stream), ==, 0);
            g_assert_cmpint(fclose(under), ==, 0);
            g_assert_cmpstr(written, ==, rows[i].ascii);
            free(written);
        }
    }
}

/** What the stream below refuses, it refuses. */
static void test_full(void)
{
    FILE *full = fopen("/dev/full", "w"), *stream = mpp_ascii_stream(full);
    fputs("µ", stream);
    g_assert_cmpint(fflush(stream), ==, EOF);
    g_assert_true(ferror(stream));
    fclose(stream);
    fclose(full);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ascii/text", test_text);
    g_test_add_func("/ascii/stream", test_stream);
    g_test_add_func("/ascii/full", test_full);
    return g_test_run();
}
