#include "planner/schedule/list_parts.h"

#include <math.h>

#include "planner/schedule/peaks.h"

static const int32_t looped[] = { 0, 1, 2, 0, 1, 2 }, folded[] = { 0, 1, 2, 2, 1, 0 };
static const double forward_s[] = { 1, 2.5, 1, 1.25, 0.5, 3 }, input_s[] = { 2, 1, 1, 2, 1, 0.5 }, weight_s[] = { 1, 1, 0.25, 3, 1, 1 };
static const double message_s[] = { 0.25, 0.5, 0, 0.25, 1, 0 };
static const double kept[] = { 3, 1, 2, 1, 4, 1 };

/** Every policy: a legal order that holds no more than it may, from one micro-batch's room to any amount. */
static void check(const MppListPolicy *policy, const int32_t *rank_of, double room)
{
    double cap[3] = { 0 };
    for (int c = 0; c < 6; c++)
        cap[rank_of[c]] += room * kept[c];
    MppListProblem problem = { 3, 6, 7, rank_of, { forward_s, input_s, weight_s, message_s }, kept, cap, true, 0 };
    g_autoptr(MppOrder) order = mpp_list_run(&problem, policy);
    g_autoptr(GError) error = NULL;
    g_assert_true(mpp_order_check(order, &error));
    g_assert_true(mpp_order_splits_backward(order) == policy->split);
    for (int k = 0; k < 3; k++) {
        MppPeaks peaks = mpp_order_peaks(order, k);
        g_assert_cmpfloat(mpp_peaks_weigh(&peaks, kept), <=, cap[k]);
        mpp_peaks_clear(&peaks);
    }
}

static void test_policies(void)
{
    static const double ages[] = { 0, 0.5, 1, 1e6 }, patience[] = { 0, 1, 100 }, rooms[] = { 1, 1.3, 2, 3.5, INFINITY };
    for (size_t age = 0; age < G_N_ELEMENTS(ages); age++)
        for (size_t wait = 0; wait < G_N_ELEMENTS(patience); wait++)
            for (size_t room = 0; room < G_N_ELEMENTS(rooms); room++)
                for (int split = 0; split < 3; split++) {
                    MppListPolicy policy = { split > 0, split == 2, ages[age], patience[wait], 1 };
                    check(&policy, looped, rooms[room]);
                    check(&policy, folded, rooms[room]);
                }
}

/** Without age passes early on their way come first, as in gpipe; with much of it backward passes do, as in 1F1B. */
static void test_age(void)
{
    static const int32_t rank_of[] = { 0, 1 };
    static const double s[] = { 1, 1 }, none_s[] = { 0, 0 }, cap[] = { INFINITY, INFINITY };
    MppListProblem problem = { 2, 2, 8, rank_of, { s, s, s, none_s }, s, cap, false, 0 };
    static const struct {
        double age;
        int64_t most;
    } rows[] = { { 0, 8 }, { 1e6, 1 } };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppOrder) order = mpp_list_run(&problem, &(MppListPolicy){ .age = rows[i].age, .room = 1 });
        MppPeaks peaks = mpp_order_peaks(order, 1);
        g_assert_cmpint(peaks.most, ==, rows[i].most);
        mpp_peaks_clear(&peaks);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/list-run/policies", test_policies);
    g_test_add_func("/list-run/age", test_age);
    return g_test_run();
}
