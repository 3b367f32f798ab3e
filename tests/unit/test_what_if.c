#include "sim/what_if.h"

#include "planner/base/error.h"

static void test_ranges(void)
{
    static const struct { const char *text; char wants; int64_t first, last; double factor; const char *device; } rows[] = {
        { "12", 0, 12, 12, 1, NULL },         { "8-15", 0, 8, 15, 1, NULL },
        { "12:1.5", 'f', 12, 12, 1.5, NULL }, { "0-3:2", 'f', 0, 3, 2, NULL },
        { "32-63:a100-80gb", 'd', 32, 63, 1, "a100-80gb" },
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        MppRankRange range;
        GError *error = NULL;
        g_assert_true(mpp_rank_range_parse(rows[i].text, rows[i].wants, &range, &error));
        g_assert_no_error(error);
        g_assert_cmpint(range.first, ==, rows[i].first);
        g_assert_cmpint(range.last, ==, rows[i].last);
        g_assert_cmpfloat(range.factor, ==, rows[i].factor);
        g_assert_cmpstr(range.device, ==, rows[i].device);
        g_free(range.device);
    }
}

static void test_wrong(void)
{
    static const struct { const char *text; char wants; const char *message; } rows[] = {
        { "", 0, "expected ranks, like 12 or 8-15, got \"\"" },
        { "-3", 0, "expected ranks, like 12 or 8-15, got \"-3\"" },
        { "9-8", 0, "expected ranks, like 12 or 8-15, got \"9-8\"" },
        { "8:2", 0, "expected ranks, like 12 or 8-15, got \"8:2\"" },
        { "8", 'f', "expected ranks and a factor of 1 or more, like 12:1.5 or 8-15:2, got \"8\"" },
        { "8:0.5", 'f', "expected ranks and a factor of 1 or more, like 12:1.5 or 8-15:2, got \"8:0.5\"" },
        { "8:nan", 'f', "expected ranks and a factor of 1 or more, like 12:1.5 or 8-15:2, got \"8:nan\"" },
        { "8:inf", 'f', "expected ranks and a factor of 1 or more, like 12:1.5 or 8-15:2, got \"8:inf\"" },
        { "8:2x", 'f', "expected ranks and a factor of 1 or more, like 12:1.5 or 8-15:2, got \"8:2x\"" },
        { "8:", 'd', "expected ranks and a device, like 32-63:a100-80gb, got \"8:\"" },
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        MppRankRange range;
        g_autoptr(GError) error = NULL;
        g_assert_false(mpp_rank_range_parse(rows[i].text, rows[i].wants, &range, &error));
        g_assert_error(error, MPP_ERROR, MPP_ERROR_USAGE);
        g_assert_cmpstr(error->message, ==, rows[i].message);
    }
}

/** Equal replicas are folded; anything that tells them apart unfolds them. */
static void test_unfolds(void)
{
    g_autoptr(MppWhatIf) what_if = mpp_what_if_new();
    MppRankRange range = { 1, 1, 2, NULL };
    g_assert_false(mpp_what_if_unfolds(what_if));
    what_if->jitter_frac = 0.1;
    g_assert_true(mpp_what_if_unfolds(what_if));
    what_if->jitter_frac = 0;
    GArray *const lists[] = { what_if->slow_gpus, what_if->slow_links, what_if->failed_links, what_if->pools };
    for (gsize i = 0; i < G_N_ELEMENTS(lists); i++) {
        g_array_append_val(lists[i], range);
        g_assert_true(mpp_what_if_unfolds(what_if));
        g_array_set_size(lists[i], 0);
    }
    what_if->unfold = true;
    g_assert_true(mpp_what_if_unfolds(what_if));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/what-if/ranges", test_ranges);
    g_test_add_func("/what-if/wrong", test_wrong);
    g_test_add_func("/what-if/unfolds", test_unfolds);
    return g_test_run();
}
