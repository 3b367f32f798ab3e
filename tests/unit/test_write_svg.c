#include "sim/writers.h"

#include <string.h>

#include "tests/support/simulated.h"

static GString *drawn(const Simulated *simulated, const bool *lanes)
{
    g_autoptr(MppOutput) output = mpp_output_new_memory();
    mpp_write_svg.write(simulated->tracks, &(MppWriterOptions){ .lanes = lanes }, 0, output);
    const GString *content = mpp_output_content(output);
    return g_string_new_len(content->str, (gssize)content->len);
}

/** Elements by name and class: "rect f" and the like. */
typedef struct {
    GHashTable *counts;
    double rightmost;
} Found;

static void on_element(GMarkupParseContext *context, const char *name, const char **keys, const char **values, gpointer data,
                       GError **error)
{
    (void)context;
    (void)error;
    Found *found = data;
    const char *class = "";
    double x = 0, width = 0;
    for (int i = 0; keys[i]; i++) {
        class = g_str_equal(keys[i], "class") ? values[i] : class;
        x = g_str_equal(keys[i], "x") ? g_ascii_strtod(values[i], NULL) : x;
        width = g_str_equal(keys[i], "width") ? g_ascii_strtod(values[i], NULL) : width;
    }
    g_autofree char *first = g_strndup(class, strcspn(class, " ")), *key = g_strdup_printf("%s %s", name, first);
    bool box = g_str_equal(name, "rect") && strlen(first) == 1 && strchr("fbiwusd", *first) && x != 0;
    found->rightmost = box ? MAX(found->rightmost, x + width) : found->rightmost;
    int n = GPOINTER_TO_INT(g_hash_table_lookup(found->counts, key));
    g_hash_table_insert(found->counts, g_steal_pointer(&key), GINT_TO_POINTER(n + 1));
}

static Found parse(const GString *svg)
{
    static const GMarkupParser parser = { .start_element = on_element };
    Found found = { g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL), 0 };
    g_autoptr(GMarkupParseContext) context = g_markup_parse_context_new(&parser, 0, &found, NULL);
    g_autoptr(GError) error = NULL;
    g_assert_true(g_markup_parse_context_parse(context, svg->str, (gssize)svg->len, &error));
    g_assert_true(g_markup_parse_context_end_parse(context, &error));
    g_assert_no_error(error);
    return found;
}

static int count(const Found *found, const char *key)
{
    return GPOINTER_TO_INT(g_hash_table_lookup(found->counts, key));
}

/** A few passes are all drawn, each with its tooltip; colours are in the legend once more. */
static void test_boxes(void)
{
    g_autoptr(Simulated) simulated = simulated_new("dp=2,pp=4,mbs=1,zero=0", 8, NULL);
    g_autoptr(GString) svg = drawn(simulated, NULL);
    Found found = parse(svg);
    g_assert_cmpint(count(&found, "rect f"), ==, 4 * 8 + 1);
    g_assert_cmpint(count(&found, "rect b"), ==, 4 * 8 + 1);
    g_assert_cmpint(count(&found, "rect u"), ==, 4 + 1);
    g_assert_cmpint(count(&found, "rect s"), ==, 8 * 6 + 1);
    g_assert_cmpint(count(&found, "rect d"), ==, 4 + 1);
    g_assert_cmpint(count(&found, "rect w"), ==, 0);
    g_assert_cmpint(count(&found, "title "), ==, 1 + 4 * 16 + 4);
    g_assert_nonnull(strstr(svg->str, "<title>F3, chunk 2, "));
    g_assert_nonnull(strstr(svg->str, "prefers-color-scheme:dark"));
    double last_s = 0;
    for (guint i = 0; i < simulated->simulation->spans->len; i++)
        last_s = MAX(last_s, g_array_index(simulated->simulation->spans, MppSpan, i).end_s);
    g_assert_cmpfloat_with_epsilon(found.rightmost, 1064 * last_s / simulated->simulation->step_s, 0.3);
    g_hash_table_unref(found.counts);
}

/** Shades are explained where there are any. */
static void test_chunks(void)
{
    static const struct { const char *strategy; bool pale; } rows[] = { { "dp=4,pp=2,mbs=1", false }, { "dp=4,pp=2,vpp=2,mbs=1", true } };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Simulated) simulated = simulated_new(rows[i].strategy, 8, NULL);
        g_autoptr(GString) svg = drawn(simulated, NULL);
        g_assert_true((strstr(svg->str, "paler: later chunks") != NULL) == rows[i].pale);
    }
}

static void test_chosen(void)
{
    g_autoptr(Simulated) simulated = simulated_new("dp=2,pp=4,mbs=1", 8, NULL);
    const bool lanes[] = { false, false, true, false };
    g_autoptr(GString) svg = drawn(simulated, lanes);
    Found found = parse(svg);
    g_assert_cmpint(count(&found, "rect f"), ==, 8 + 1);
    g_assert_nonnull(strstr(svg->str, ">stage 2<"));
    g_assert_null(strstr(svg->str, ">stage 1<"));
    g_hash_table_unref(found.counts);
}

/** Many passes, and many rows, stay below 2 MB; what is busy is as wide as before. */
static void test_size(void)
{
    enum { LANES = 2, PASSES = 60000, MOST_BYTES = 2000000 };
    g_autoptr(Simulated) simulated = simulated_new("dp=2,pp=2", 4, NULL);
    g_autoptr(GArray) spans = g_array_new(FALSE, FALSE, sizeof(MppSpan));
    for (int i = 0; i < PASSES; i++) {
        MppSpan pass = { .start_s = i / LANES,
                         .end_s = i / LANES + 0.9,
                         .lane = i % LANES,
                         .chunk = i % LANES,
                         .cause = -1,
                         .micro_batch = i / 2 % 1000,
                         .action = MPP_ACTION_PASS,
                         .pass = (uint8_t)(i / LANES % 3 == 0) };
        MppSpan sent = pass;
        sent.action = MPP_ACTION_SEND;
        g_array_append_val(spans, pass);
        g_array_append_val(spans, sent);
    }
    simulated_set_spans(simulated, (const MppSpan *)(void *)spans->data, (int)spans->len, PASSES / LANES);
    g_autoptr(GString) svg = drawn(simulated, NULL);
    g_assert_cmpuint(svg->len, <, MOST_BYTES);
    Found found = parse(svg);
    g_assert_cmpint(count(&found, "rect f"), >, 5000); /* two of three passes go forward: joined boxes do */
    g_assert_cmpint(count(&found, "rect b"), ==, 1);
    g_assert_cmpfloat_with_epsilon(found.rightmost, 1064, 0.2);
    g_hash_table_unref(found.counts);

    g_autoptr(MppWhatIf) unfolded = mpp_what_if_new();
    unfolded->unfold = true;
    g_autoptr(Simulated) wide = simulated_new("dp=128,pp=4,mbs=1", 512, unfolded);
    g_autoptr(GString) rows = drawn(wide, NULL);
    g_assert_cmpuint(rows->len, <, MOST_BYTES);
    g_assert_nonnull(strstr(rows->str, "; first rows only"));
    g_assert_nonnull(strstr(rows->str, ">rank 4<"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/write-svg/boxes", test_boxes);
    g_test_add_func("/write-svg/chunks", test_chunks);
    g_test_add_func("/write-svg/chosen", test_chosen);
    g_test_add_func("/write-svg/size", test_size);
    return g_test_run();
}
