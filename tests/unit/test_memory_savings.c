#include "planner/cli/memory_savings.h"
#include "sim/answer.h"

#include <string.h>

#include "planner/spec/rules.h"
#include "tests/support/plain_job.h"
#include "tests/support/random_job.h"

static MppMemorySaving at(const GArray *savings, guint i)
{
    return g_array_index(savings, MppMemorySaving, i);
}

/** Device memory of the plain job under dp=8,tp=2,mbs=2, which needs 988 MB; by what it would be made to fit. */
static const struct {
    double memory_bytes;
    const char *first;
    int n_fitting;
} rows[] = {
    { 0.98e9, "twice the pp", 10 },
    { 0.95e9, "twice the pp", 9 },
    { 0.65e9, "ZeRO-1", 5 },
    { 0.52e9, "twice the tp", 1 },
    { 0.48e9, "twice the tp + twice the pp", 1 },
    { 0.20e9, "ZeRO-1 + half the micro-batch + twice the tp + twice the pp", 1 },
    { 0.01e9, "twice the tp", 0 },
};

static void test_titles(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppInputs) inputs = plain_job_new(16);
        inputs->cluster.device.memory_bytes = rows[i].memory_bytes;
        plain_job_finish(inputs);
        MppStrategy strategy = plain_job_strategy("dp=8,tp=2,mbs=2");
        g_autoptr(MppEstimate) now = mpp_answer_new(&inputs->job, &strategy);
        g_assert_false(now->fits);
        GArray *savings = mpp_memory_savings_find(&inputs->job, &strategy, now);
        int n_fitting = 0;
        for (guint k = 0; k < savings->len; k++)
            n_fitting += at(savings, k).fits;
        g_assert_cmpstr(at(savings, 0).title, ==, rows[i].first);
        g_assert_cmpint(n_fitting, ==, rows[i].n_fitting);
        mpp_memory_savings_free(savings);
    }
}

/** A saving is what it says: legal, smaller, costed right; in order; one set only, and only where no single change does. */
static void check_savings(const MppJob *job, const MppEstimate *now, const GArray *savings)
{
    int sets = 0, single = 0;
    for (guint i = 0; i < savings->len; i++) {
        MppMemorySaving saving = at(savings, i);
        g_assert_cmpint(mpp_rules_first_broken(MPP_RULE_ILLEGAL, job, &saving.strategy), ==, -1);
        g_autoptr(MppEstimate) estimate = mpp_answer_new(job, &saving.strategy);
        g_assert_true(estimate->step_s == saving.step_s && estimate->peak_bytes == saving.peak_bytes && estimate->fits == saving.fits);
        g_assert_true(saving.peak_bytes < now->peak_bytes);
        bool set = strstr(saving.title, " + ");
        g_assert_true(!set || (i == 0 && saving.fits));
        sets += set;
        single += !set && saving.fits;
        if (i > 0 && saving.fits)
            g_assert_true(at(savings, i - 1).fits && at(savings, i - 1).step_s <= saving.step_s);
        if (i > 0 && !saving.fits)
            g_assert_true(at(savings, i - 1).fits || at(savings, i - 1).peak_bytes <= saving.peak_bytes);
    }
    g_assert_true(sets <= 1 && (!sets || !single));
}

static void test_random(void)
{
    enum { JOBS = 250, MOST_GPUS = 16 };
    g_autoptr(GRand) rand = g_rand_new_with_seed(5101);
    int checked = 0, found = 0;
    for (int i = 0; i < JOBS; i++) {
        g_autoptr(MppInputs) inputs = random_job_new(rand, MOST_GPUS);
        const MppSpaceLimits everything = { .fixed = mpp_strategy_single() };
        g_autoptr(GArray) members = random_job_members(&inputs->job, &everything);
        if (!members->len)
            continue;
        guint which = (guint)g_rand_int_range(rand, 0, (gint32)members->len);
        MppStrategy strategy = g_array_index(members, RandomMember, which).strategy;
        g_autoptr(MppEstimate) now = mpp_answer_new(&inputs->job, &strategy);
        if (now->fits)
            continue;
        GArray *savings = mpp_memory_savings_find(&inputs->job, &strategy, now);
        check_savings(&inputs->job, now, savings);
        found += savings->len && at(savings, 0).fits;
        checked++;
        mpp_memory_savings_free(savings);
    }
    g_assert_cmpint(checked, >, 30);
    g_assert_cmpint(found, >, 5);
    g_assert_cmpint(found, <, checked);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/savings/titles", test_titles);
    g_test_add_func("/savings/random", test_random);
    return g_test_run();
}
