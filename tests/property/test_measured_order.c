/* Orders made to measure, on random pipelines: legal, within the caps, never longer than a named schedule that fits. */
#include <math.h>

#include "planner/schedule/list_schedule.h"
#include "planner/schedule/peaks.h"
#include "tests/support/schedules.h"

enum { CASES = 160, MOST_PP = 5, MOST_VPP = 3, MOST_MICRO_BATCHES = 12, EFFORT = 400000 };

/** A pipeline placed like a random named schedule, and caps around what that takes. */
typedef struct {
    MppListProblem problem;
    MppOrder *like;
    SchedulesTimes *times;
    double *kept_bytes, *cap_bytes;
} Case;

static void draw(GRand *rand, Case *out)
{
    MppSchedule schedule;
    do
        schedule = (MppSchedule){ g_rand_int_range(rand, 0, MPP_N_SCHEDULES), g_rand_int_range(rand, 1, MOST_PP + 1),
                                  g_rand_int_range(rand, 1, MOST_VPP + 1), g_rand_int_range(rand, 1, MOST_MICRO_BATCHES + 1), 0 };
    while (!mpp_schedule_check(&schedule, NULL) || mpp_schedule_copies(&schedule) > 1);
    out->like = mpp_schedule_order(&schedule);
    out->times = schedules_random_times(rand, out->like);
    int64_t n = out->like->n_chunks;
    out->kept_bytes = g_new(double, n);
    out->cap_bytes = g_new0(double, schedule.pp);
    for (int64_t c = 0; c < n; c++)
        out->kept_bytes[c] = g_rand_double_range(rand, 0.5, 2);
    double slack = g_rand_double_range(rand, 0.6, 1.4);
    for (int64_t k = 0; k < schedule.pp; k++) {
        MppPeaks peaks = mpp_order_peaks(out->like, k);
        for (int64_t i = 0; i < peaks.n_local; i++)
            out->cap_bytes[k] += out->kept_bytes[peaks.chunks[i]];
        out->cap_bytes[k] = MAX(out->cap_bytes[k], slack * mpp_peaks_weigh(&peaks, out->kept_bytes));
        mpp_peaks_clear(&peaks);
    }
    out->problem = (MppListProblem){ schedule.pp, n, schedule.micro_batches, out->like->rank_of, out->times->durations,
                                     out->kept_bytes, out->cap_bytes, g_rand_boolean(rand), EFFORT };
}

static void clear(Case *one)
{
    mpp_order_free(one->like);
    schedules_times_free(one->times);
    g_free(one->kept_bytes);
    g_free(one->cap_bytes);
}

static bool fits(const MppListProblem *problem, const MppOrder *order)
{
    bool all = true;
    for (int64_t k = 0; k < problem->pp; k++) {
        MppPeaks peaks = mpp_order_peaks(order, k);
        all = all && mpp_peaks_weigh(&peaks, problem->kept_bytes) <= problem->cap_bytes[k] * (1 + 1e-9);
        mpp_peaks_clear(&peaks);
    }
    return all;
}

/** The shortest named schedule that has the chunks where the problem has them, splits what it may and fits. */
static double shortest_named(const MppListProblem *problem)
{
    double shortest_s = INFINITY;
    for (int kind = 0; kind < MPP_N_SCHEDULES; kind++) {
        MppSchedule schedule = { kind, problem->pp, problem->n_chunks / problem->pp, problem->micro_batches, 0 };
        if (!mpp_schedule_check(&schedule, NULL) || mpp_schedule_copies(&schedule) > 1)
            continue;
        g_autoptr(MppOrder) order = mpp_schedule_order(&schedule);
        bool same = !mpp_order_splits_backward(order) || problem->split;
        for (int64_t c = 0; c < problem->n_chunks; c++)
            same = same && order->rank_of[c] == problem->rank_of[c];
        if (!same || !fits(problem, order))
            continue;
        g_autoptr(MppReplay) replay = mpp_replay_new(order, &problem->durations);
        shortest_s = MIN(shortest_s, replay->length_s);
    }
    return shortest_s;
}

static void expect_same(const MppOrder *a, const MppOrder *b)
{
    for (int32_t k = 0; k < a->pp; k++)
        g_assert_cmpmem(a->slots[k]->data, a->slots[k]->len * sizeof(MppSlot), b->slots[k]->data, b->slots[k]->len * sizeof(MppSlot));
}

static void test_random(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(60317);
    int n_named = 0, n_shorter = 0, n_optimal = 0;
    for (int i = 0; i < CASES; i++) {
        Case one;
        draw(rand, &one);
        g_autoptr(GError) error = NULL;
        g_autoptr(MppListSchedule) found = mpp_list_schedule_new(&one.problem, &error), again = mpp_list_schedule_new(&one.problem, &error);
        g_assert_no_error(error);
        g_assert_true(mpp_order_check(found->order, &error));
        g_assert_true(fits(&one.problem, found->order));
        g_assert_true(one.problem.split || !mpp_order_splits_backward(found->order));
        g_autoptr(MppReplay) replay = mpp_replay_new(found->order, &one.problem.durations);
        double rounding_s = 1e-12 * replay->length_s, named_s = shortest_named(&one.problem);
        g_assert_cmpfloat_with_epsilon(found->length_s, replay->length_s, rounding_s);
        g_assert_cmpfloat(found->bound_s, <=, found->length_s + rounding_s);
        g_assert_cmpfloat(found->length_s, <=, named_s + rounding_s);
        g_assert_true(isinf(named_s) || found->has_named);
        g_assert_true(!found->has_named || found->named_s <= named_s + rounding_s);
        expect_same(found->order, again->order);
        n_named += found->has_named;
        n_shorter += found->has_named && found->length_s < 0.99 * found->named_s;
        n_optimal += found->length_s <= found->bound_s + rounding_s;
        clear(&one);
    }
    g_test_message("%d of %d with a named schedule, %d shorter by 1 %%, %d at the bound", n_named, CASES, n_shorter, n_optimal);
    g_assert_cmpint(n_named, >, CASES / 4);
    g_assert_cmpint(n_shorter, >, CASES / 8);
}

/** Any order needs one micro-batch's room; with just that, there is one. */
static void test_least(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(5);
    for (int i = 0; i < CASES; i++) {
        Case one;
        draw(rand, &one);
        int64_t fullest = g_rand_int_range(rand, 0, (gint32)one.problem.pp);
        for (int64_t k = 0; k < one.problem.pp; k++)
            one.cap_bytes[k] = 0;
        for (int64_t c = 0; c < one.problem.n_chunks; c++)
            one.cap_bytes[one.problem.rank_of[c]] += one.kept_bytes[c];
        g_autoptr(GError) error = NULL;
        g_autoptr(MppListSchedule) found = mpp_list_schedule_new(&one.problem, &error);
        g_assert_no_error(error);
        g_assert_true(fits(&one.problem, found->order) && mpp_order_check(found->order, &error));
        one.cap_bytes[fullest] *= 0.99;
        g_assert_null(mpp_list_schedule_new(&one.problem, &error));
        g_assert_true(g_error_matches(error, MPP_ERROR, MPP_ERROR_INFEASIBLE));
        clear(&one);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/measured-order/random", test_random);
    g_test_add_func("/measured-order/least", test_least);
    return g_test_run();
}
