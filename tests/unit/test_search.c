#include "planner/search/search.h"

#include "tests/support/plain_job.h"

static MppSearchOptions options_of(const char *limits, int top)
{
    g_autoptr(GError) error = NULL;
    MppSearchOptions options = { .limits.fixed = mpp_strategy_single(), .top = top, .threads = 1 };
    if (limits && !mpp_strategy_parse(limits, &options.limits.fixed, &options.limits.fields, &error))
        g_error("%s", error->message);
    return options;
}

static const MppCandidate *nth(const MppSearchResult *result, guint i)
{
    return &g_array_index(result->board->fastest, MppCandidate, i);
}

/** A small model in one node and a large batch: replicas alone are best. */
static void test_best(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(4);
    inputs->job.training.global_batch = 4096;
    MppSearchOptions options = options_of(NULL, 5);
    g_autoptr(MppSearchResult) result = mpp_search_run(&inputs->job, &options);
    g_assert_cmpuint(result->board->fastest->len, ==, 5);
    g_assert_cmpint(nth(result, 0)->strategy.dp, ==, 4);
    for (guint i = 1; i < 5; i++)
        g_assert_cmpfloat(nth(result, i - 1)->step_s, <=, nth(result, i)->step_s);
    g_assert_true(g_str_has_prefix(result->space, "tp up to a node (4)"));
    const MppSearchCounts *counts = &result->counts;
    g_assert_cmpint(counts->members, ==, counts->evaluated + counts->pruned_by_bound);
    g_assert_cmpint(counts->replayed, <, counts->evaluated);
    g_assert_cmpint(counts->families, >, 10);
}

static void test_limits(void)
{
    static const char *const rows[] = { "tp=2", "pp=4,mbs=2", "zero=3", "recompute=full", "recompute=full:1",
                                        "pp=2,stages=1/3", "cp=2,cp_kind=all-to-all,offload" };
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    MppSearchOptions open = options_of(NULL, 1);
    g_autoptr(MppSearchResult) best = mpp_search_run(&inputs->job, &open);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        MppSearchOptions options = options_of(rows[i], 1);
        g_autoptr(MppSearchResult) result = mpp_search_run(&inputs->job, &options);
        MppStrategy kept = nth(result, 0)->strategy;
        g_autoptr(GError) error = NULL;
        g_autofree char *before = mpp_strategy_to_text(&kept);
        kept.stage_layers = NULL; /* the limits' own */
        g_assert_true(mpp_strategy_parse(rows[i], &kept, NULL, &error));
        g_autofree char *after = mpp_strategy_to_text(&kept);
        g_assert_cmpstr(before, ==, after);
        mpp_strategy_clear(&kept);
        g_assert_cmpfloat(nth(result, 0)->step_s, >=, nth(best, 0)->step_s);
        g_assert_cmpint(result->counts.members, <, best->counts.members);
        mpp_strategy_clear(&options.limits.fixed);
    }
}

static void test_infeasible(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    inputs->cluster.device.memory_bytes = 1e6;
    MppSearchOptions options = options_of(NULL, 3);
    g_autoptr(MppSearchResult) result = mpp_search_run(&inputs->job, &options);
    g_assert_cmpuint(result->board->fastest->len, ==, 0);
    g_assert_cmpuint(result->board->front->len, ==, 0);
    g_assert_true(result->has_miss);
    g_assert_cmpfloat(result->lacking_bytes, ==, result->nearest_miss.peak_bytes - 1e6);
    g_assert_cmpint(result->counts.pruned_by_memory, ==, result->counts.members);
    g_assert_cmpint(result->counts.pruned_by_bound, ==, 0);
}

/** No strategy at all: nothing found and nothing missed. */
static void test_empty(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    MppSearchOptions options = options_of("tp=3", 3);
    g_autoptr(MppSearchResult) result = mpp_search_run(&inputs->job, &options);
    g_assert_cmpint(result->counts.members, ==, 0);
    g_assert_cmpuint(result->board->fastest->len, ==, 0);
    g_assert_false(result->has_miss);
}

static bool note(double done_frac, void *data)
{
    GArray *fracs = data;
    g_array_append_val(fracs, done_frac);
    return true;
}

static void test_progress(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    inputs->cluster.device.memory_bytes = 1e6; /* so that no bound ends the search */
    g_autoptr(GArray) fracs = g_array_new(FALSE, FALSE, sizeof(double));
    MppSearchOptions options = options_of(NULL, 3);
    options.progress = note;
    options.progress_data = fracs;
    g_autoptr(MppSearchResult) result = mpp_search_run(&inputs->job, &options);
    g_assert_cmpuint(fracs->len, >, 1);
    for (guint i = 1; i < fracs->len; i++)
        g_assert_cmpfloat(g_array_index(fracs, double, i - 1), <, g_array_index(fracs, double, i));
    g_assert_cmpfloat(g_array_index(fracs, double, fracs->len - 1), ==, 1);
}

static bool stop(double done_frac, void *data)
{
    *(double *)data = done_frac;
    return done_frac < 0.3;
}

/** What is left after the first rounds is counted: with it a search has as many members as one that goes on. */
static void test_stopped(void)
{
    static const double memories_bytes[] = { 1e6, 8e10 }; /* nothing fits, so everything is left; bounds leave out some */
    for (size_t i = 0; i < G_N_ELEMENTS(memories_bytes); i++) {
        g_autoptr(MppInputs) inputs = plain_job_new(8);
        inputs->cluster.device.memory_bytes = memories_bytes[i];
        MppSearchOptions options = options_of(NULL, 3);
        g_autoptr(MppSearchResult) whole = mpp_search_run(&inputs->job, &options);
        double done_frac = 0;
        options.progress = stop;
        options.progress_data = &done_frac;
        g_autoptr(MppSearchResult) stopped = mpp_search_run(&inputs->job, &options);
        const MppSearchCounts *counts = &stopped->counts;
        g_assert_cmpint(whole->counts.unjudged, ==, 0);
        g_assert_cmpfloat(done_frac, <, 1);
        g_assert_cmpint(counts->unjudged, >, 0);
        g_assert_cmpint(counts->members, ==, whole->counts.members);
        g_assert_cmpint(counts->evaluated, <, whole->counts.evaluated);
        g_assert_cmpint(counts->evaluated + counts->unjudged, >=, whole->counts.evaluated);
        g_assert_cmpint(counts->pruned_by_bound > 0, ==, i > 0);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/search/best", test_best);
    g_test_add_func("/search/limits", test_limits);
    g_test_add_func("/search/infeasible", test_infeasible);
    g_test_add_func("/search/empty", test_empty);
    g_test_add_func("/search/progress", test_progress);
    g_test_add_func("/search/stopped", test_stopped);
    return g_test_run();
}
