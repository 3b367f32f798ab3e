#include "planner/emit/stage_layout.h"

#include "planner/base/error.h"
#include "tests/support/expect.h"

static GArray *layers_of(const char *text)
{
    GArray *layers = g_array_new(FALSE, FALSE, sizeof(int64_t));
    g_auto(GStrv) parts = g_strsplit(text, "/", -1);
    for (int i = 0; parts[i]; i++) {
        int64_t n = g_ascii_strtoll(parts[i], NULL, 10);
        g_array_append_val(layers, n);
    }
    return layers;
}

static void test_text(void)
{
    static const struct {
        const char *layers;
        int64_t prediction;
        const char *text;
    } rows[] = {
        { "3/5", 0, "Et*3|t*5L" },
        { "0/1/0", 0, "E|t|L" },
        { "4/4/4/4", 0, "Et*4|(t*4|)*2t*4L" },
        { "10/11/11/10/10/9", 1, "Et*10|(t*11|)*2(t*10|)*2t*8mL" },
        { "2/2/2/3/2/2", 2, "Et*2|(t*2|)*2t*3|t*2|m*2L" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GArray) layers = layers_of(rows[i].layers);
        g_autofree char *text = mpp_stage_layout_text(layers, rows[i].prediction);
        g_assert_cmpstr(text, ==, rows[i].text);
    }
}

static void test_parse(void)
{
    static const struct {
        const char *text, *layers;
        int64_t n;
    } rows[] = {
        { "Et*3|t*5L", "3/5", 8 },
        { "E|(tt|)*2,(t|)*4,mL", "0/2/2/1/1/1/1/1", 9 }, /* Megatron's own example */
        { "Ettt | (tt|)*3 m|L", "3/2/2/2/1/0", 10 },
        { "EttL", "2", 2 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GArray) layers = mpp_stage_layout_parse(rows[i].text, rows[i].n, &error);
        g_assert_no_error(error);
        g_autoptr(GArray) expected = layers_of(rows[i].layers);
        g_assert_cmpmem(layers->data, layers->len * sizeof(int64_t), expected->data, expected->len * sizeof(int64_t));
    }
}

static void test_errors(void)
{
    static const struct {
        const char *text, *message;
        MppError code;
    } rows[] = {
        { "Etx|tL", "stage layout \"Etx|tL\": unexpected \"x|tL\"; expected letters of E, t, m, L and |, and *n",
          MPP_ERROR_SYNTAX },
        { "E(t|tL", "stage layout \"E(t|tL\": unexpected \"(t|tL\"; expected letters of E, t, m, L and |, and *n",
          MPP_ERROR_SYNTAX },
        { "Et*|tL", "stage layout \"Et*|tL\": unexpected \"t*|tL\"; expected letters of E, t, m, L and |, and *n",
          MPP_ERROR_SYNTAX },
        { "Et*99999999|tL",
          "stage layout \"Et*99999999|tL\": unexpected \"t*99999999|tL\"; expected letters of E, t, m, L and |, and *n",
          MPP_ERROR_SYNTAX },
        { "Et|t|L", "stage layout \"Et|t|L\": another number of layers; expected E first, L last, each once, and 3 layers",
          MPP_ERROR_INVALID },
        { "tE|ttL",
          "stage layout \"tE|ttL\": E and L do not stand at its ends; expected E first, L last, each once, and 3 layers",
          MPP_ERROR_INVALID },
        { "EttEtL",
          "stage layout \"EttEtL\": E and L do not stand at its ends; expected E first, L last, each once, and 3 layers",
          MPP_ERROR_INVALID },
        { "", "stage layout \"\": E and L do not stand at its ends; expected E first, L last, each once, and 3 layers",
          MPP_ERROR_INVALID },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(mpp_stage_layout_parse(rows[i].text, 3, &error));
        mpp_expect_error(&error, MPP_ERROR, rows[i].code, rows[i].message);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/stage_layout/text", test_text);
    g_test_add_func("/stage_layout/parse", test_parse);
    g_test_add_func("/stage_layout/errors", test_errors);
    return g_test_run();
}
