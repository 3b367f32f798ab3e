#include "planner/emit/layer_pattern.h"

#include "planner/base/error.h"
#include "tests/support/expect.h"

static void test_both_ways(void)
{
    static const struct {
        int64_t layers, leading, every;
        const char *text;
    } rows[] = {
        { 61, 3, 1, "[0]*3+[1]*58" },           { 5, 0, 1, "[1]*5" }, { 4, 0, 2, "[0]+[1]+[0]+[1]" },
        { 7, 2, 3, "[0]*2+[1]+[0]*2+[1]+[0]" }, { 5, 5, 1, "[0]*5" }, { 6, 4, 2, "[0]*5+[1]" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        MppModel model = { .layers = rows[i].layers, .moe = { .leading_dense_layers = rows[i].leading, .every = rows[i].every } };
        g_autofree char *text = mpp_layer_pattern_text(&model);
        g_assert_cmpstr(text, ==, rows[i].text);
        MppModel back = { .layers = rows[i].layers };
        g_autoptr(GError) error = NULL;
        g_assert_true(mpp_layer_pattern_read(text, &back, &error));
        g_autofree char *again = mpp_layer_pattern_text(&back);
        g_assert_cmpstr(again, ==, text);
    }
}

static void test_read(void)
{
    static const struct {
        const char *text;
        int64_t layers, leading, every;
    } rows[] = {
        { "1", 6, 0, 1 },
        { "([0]*3+[1]*3)", 6, 3, 1 },
        { "([0, 1])*3", 6, 0, 2 },
        { " [0] * 2 + [1,1] ", 4, 2, 1 },
        { "([0]*2+([1]*2))*1", 4, 2, 1 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        MppModel model = { .layers = rows[i].layers };
        g_assert_true(mpp_layer_pattern_read(rows[i].text, &model, &error));
        g_assert_cmpint(model.moe.leading_dense_layers, ==, rows[i].leading);
        g_assert_cmpint(model.moe.every, ==, rows[i].every);
    }
}

static void test_errors(void)
{
    static const struct {
        const char *text, *message;
        MppError code;
    } rows[] = {
        { "x", "expected a number or lists like [0]*3+[1]*58, got \"x\"", MPP_ERROR_SYNTAX },
        { "[2]*6", "expected a number or lists like [0]*3+[1]*58, got \"[2]*6\"", MPP_ERROR_SYNTAX },
        { "[1]*6]", "expected a number or lists like [0]*3+[1]*58, got \"[1]*6]\"", MPP_ERROR_SYNTAX },
        { "[1]*99999999", "expected a number or lists like [0]*3+[1]*58, got \"[1]*99999999\"", MPP_ERROR_SYNTAX },
        { "(((((((((((((((((([1]))))))))))))))))))",
          "expected a number or lists like [0]*3+[1]*58, got \"(((((((((((((((((([1]))))))))))))))))))\"", MPP_ERROR_SYNTAX },
        { "[1]*5", "\"[1]*5\" is for 5 layers, there are 6", MPP_ERROR_INVALID },
        { "2", "\"2\": only dense layers followed by experts in each n-th layer are modelled", MPP_ERROR_UNSUPPORTED },
        { "[1]*3+[0]*3", "\"[1]*3+[0]*3\": only dense layers followed by experts in each n-th layer are modelled",
          MPP_ERROR_UNSUPPORTED },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        MppModel model = { .layers = 6 };
        g_assert_false(mpp_layer_pattern_read(rows[i].text, &model, &error));
        mpp_expect_error(&error, MPP_ERROR, rows[i].code, rows[i].message);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/layer_pattern/both_ways", test_both_ways);
    g_test_add_func("/layer_pattern/read", test_read);
    g_test_add_func("/layer_pattern/errors", test_errors);
    return g_test_run();
}
