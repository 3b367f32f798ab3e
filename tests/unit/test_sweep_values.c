#include "planner/cli/sweep_values.h"

#include "planner/base/error.h"
#include "tests/support/expect.h"

static void test_values(void)
{
    static const struct { const char *text, *name, *values; } rows[] = {
        { "gpus=8..64", "gpus", "8 16 32 64" },
        { "gpus=6..50", "gpus", "6 12 24 48 50" },
        { "gpus=7..7", "gpus", "7" },
        { "global_batch=120,90", "global-batch", "120 90" },
        { "cluster=../a..b.json", "cluster", "../a..b.json" },
        { "precision=bf16", "precision", "bf16" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(MppSweep) sweep = mpp_sweep_parse(rows[i].text, &error);
        g_assert_no_error(error);
        g_autofree char *values = g_strjoinv(" ", sweep->values);
        g_assert_cmpstr(sweep->name, ==, rows[i].name);
        g_assert_cmpstr(values, ==, rows[i].values);
    }
}

static void test_refused(void)
{
    static const char *const texts[] = { "gpus", "gpus=", "=8", "gpus=9..8", "gpus=0..8", "gpus=a..8", "gpus=1..2..3" };
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *message =
            g_strdup_printf("\"%s\": expected NAME=VALUES, like gpus=8..1024 (doubling) or precision=bf16,fp8", texts[i]);
        g_assert_null(mpp_sweep_parse(texts[i], &error));
        mpp_expect_error(&error, MPP_ERROR, MPP_ERROR_USAGE, message);
    }
    g_autoptr(GString) many = g_string_new("seq=1");
    for (int i = 0; i < 64; i++)
        g_string_append(many, ",1");
    g_autoptr(GError) error = NULL;
    g_assert_null(mpp_sweep_parse(many->str, &error));
    g_assert_error(error, MPP_ERROR, MPP_ERROR_USAGE);
}

/** An option keeps the others; a strategy's part is added to what is there. */
static void test_set(void)
{
    MppJobWords options = mpp_job_words_none();
    options.seq = 96;
    g_autoptr(GError) error = NULL;
    g_autofree char *strategy = NULL;
    g_autoptr(MppSweep) gpus = mpp_sweep_parse("gpus=6,x", &error), tp = mpp_sweep_parse("tp=5", &error);
    g_autoptr(MppSweep) precision = mpp_sweep_parse("precision=fp8", &error), none = mpp_sweep_parse("colour=red", &error);
    g_assert_true(mpp_sweep_set(gpus, 0, &options, &strategy, &error));
    g_assert_cmpint(options.gpus, ==, 6);
    g_assert_cmpint(options.seq, ==, 96);
    g_assert_true(mpp_sweep_set(precision, 0, &options, &strategy, &error));
    g_assert_cmpstr(options.precision, ==, "fp8");
    g_assert_null(strategy);
    g_assert_true(mpp_sweep_set(tp, 0, &options, &strategy, &error));
    g_assert_true(mpp_sweep_set(tp, 0, &options, &strategy, &error));
    g_assert_cmpstr(strategy, ==, "tp=5,tp=5");
    g_assert_false(mpp_sweep_set(gpus, 1, &options, &strategy, &error));
    mpp_expect_error(&error, MPP_ERROR, MPP_ERROR_USAGE, "--gpus: expected a whole number from 1 on, got \"x\"");
    g_assert_false(mpp_sweep_set(none, 0, &options, &strategy, &error));
    g_assert_error(error, MPP_ERROR, MPP_ERROR_USAGE);
}

static void test_tokens(void)
{
    static const struct { const char *text; double tokens; } rows[] = {
        { "15T", 15e12 }, { "300b", 300e9 }, { "2.5e11", 2.5e11 }, { "7K", 7000 }, { "0.5M", 5e5 }
    };
    static const char *const wrong[] = { "", "T", "15Q", "-3T", "0", "nan", "inf", "1 T" };
    double tokens;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_assert_true(mpp_sweep_tokens(rows[i].text, &tokens, NULL));
        g_assert_cmpfloat(tokens, ==, rows[i].tokens);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_false(mpp_sweep_tokens(wrong[i], &tokens, &error));
        g_assert_error(error, MPP_ERROR, MPP_ERROR_USAGE);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sweep/values", test_values);
    g_test_add_func("/sweep/refused", test_refused);
    g_test_add_func("/sweep/set", test_set);
    g_test_add_func("/sweep/tokens", test_tokens);
    return g_test_run();
}
