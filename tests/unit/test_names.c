#include "planner/base/names.h"

static const char *const colours[] = { "dark-red", "sea_green", "Blue", "b" };
static const MppNames names = MPP_NAMES("colour", colours);

static void test_find(void)
{
    static const struct {
        const char *name;
        int value;
    } rows[] = {
        { "dark-red", 0 }, { "dark_red", 0 },  { "DARK-Red", 0 }, { "sea-green", 1 }, { "blue", 2 }, { "B", 3 },
        { "", -1 },        { "dark red", 0 }, { "blu", -1 },     { "bluee", -1 },    { "-b", 3 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        g_assert_cmpint(mpp_names_find(&names, rows[i].name), ==, rows[i].value);
}

static void test_get(void)
{
    for (int i = 0; i < names.n_names; i++) {
        g_assert_cmpstr(mpp_names_get(&names, i), ==, colours[i]);
        g_assert_cmpint(mpp_names_find(&names, mpp_names_get(&names, i)), ==, i);
    }
}

static void test_get_out_of_range(void)
{
    static const int values[] = { -1, 4 };
    for (size_t i = 0; i < G_N_ELEMENTS(values); i++) {
        g_test_expect_message(NULL, G_LOG_LEVEL_CRITICAL, "*assertion*value < names->n_names*failed*");
        g_assert_cmpstr(mpp_names_get(&names, values[i]), ==, "?");
        g_test_assert_expected_messages();
    }
}

static void test_same(void)
{
    static const struct {
        const char *a, *b;
        bool same;
    } rows[] = {
        { "", "", true },           { "A100-SXM4", "a100_sxm4", true }, { "a", "", false },     { "", "a", false },
        { "h100-", "h100_", true }, { "h100", "h100-", true },          { "µ-x", "µ_X", true }, { "a b", "a-b", true },
        { "Llama3-8B", "llama-3-8b", true }, { "opt-1.3b", "opt-13b", false },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        g_assert_cmpint(mpp_names_same(rows[i].a, rows[i].b), ==, rows[i].same);
}

static void test_suggest(void)
{
    static const char *const fields[] = { "layers", "hidden", "heads", "kv_heads", "head_dim" };
    static const char *const many[] = { "a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8", "a9", "b1", "b2",
                                        "b3", "b4", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8" };
    static const struct {
        const char *const *known;
        int n_known;
        const char *wrong, *text;
    } rows[] = {
        { fields, 5, "head", "heads, kv_heads, head_dim, hidden, layers" }, /* contained names are near */
        { fields, 5, "hiden", "hidden, heads, layers, head_dim, kv_heads" },
        { fields, 5, "LAYER", "layers, hidden, heads, kv_heads, head_dim" },
        { fields, 5, "kv-heads", "kv_heads, heads, layers, hidden, head_dim" },
        { fields, 5, "", "layers, hidden, heads, kv_heads, head_dim" }, /* nothing is nearest: as listed */
        { fields, 1, "x", "layers" },
        { many, 20, "a1", "a1, a2, a3, a4, a5, a6, a7, a8, a9, b1, c1, b2, b3, b4, c2, c3, c4, c5, c6, c7" },
        { many, 21, "b4", "b4, a4, b1, b2, b3, c4, a1, a2, a3, a5, a6, a7, a8, a9, c1, c2, c3, c5, c6, c7, … (21 in all)" },
        { many, 0, "a1", "" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = mpp_names_suggest(rows[i].known, rows[i].n_known, rows[i].wrong);
        g_assert_cmpstr(text, ==, rows[i].text);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/names/find", test_find);
    g_test_add_func("/names/get", test_get);
    g_test_add_func("/names/get-out-of-range", test_get_out_of_range);
    g_test_add_func("/names/same", test_same);
    g_test_add_func("/names/suggest", test_suggest);
    return g_test_run();
}
