/* The search finds what brute force over the whole space finds, with any number of threads. */
#include <math.h>

#include "planner/cost/estimate.h"
#include "planner/cost/plan_cost.h"
#include "planner/search/search.h"
#include "tests/support/random_job.h"

enum { JOBS = 300, MOST_MEMBERS = 4000, TOP = 4 };
static const double slack = 1.5;

/** All that fits, and by how many bytes the smallest does not. */
typedef struct {
    const MppJob *job;
    GArray *fitting; /* MppCandidate */
    double least_lacking;
    int64_t judged;
} Brute;

/** Nothing is shared between calls. Returns: whether the member fits. */
static bool judge(Brute *brute, const RandomMember *member, const MppStrategy *s)
{
    const MppJob *job = brute->job;
    g_autoptr(MppPlanCost) cost = mpp_plan_cost_new(job, s);
    MppPipelineCost *pipeline = cost->pipeline;
    double lacking = MAX(mpp_memory_peak_bytes(pipeline) - mpp_memory_usable_bytes(job),
                         mpp_memory_host_bytes(pipeline) - mpp_memory_host_usable_bytes(job));
    brute->judged++;
    if (lacking > 0) {
        brute->least_lacking = MIN(brute->least_lacking, lacking);
        return false;
    }
    MppCandidate candidate = { *s, mpp_estimate_step_s(pipeline), mpp_memory_peak_bytes(pipeline), member->family,
                               (int)brute->judged };
    g_array_append_val(brute->fitting, candidate);
    return true;
}

static bool fits_in_part(const MppJob *job, MppStrategy s, int64_t layers)
{
    s.recompute_layers = layers;
    g_autoptr(MppEstimate) estimate = mpp_estimate_new(job, &s);
    return estimate->fits;
}

/** All layers recomputed or offloaded fit and with none of them the member does not: the fewest that fit are a member too. */
static void judge_part(Brute *brute, const RandomMember *member)
{
    MppStrategy s = member->strategy;
    int64_t chunks = s.pp * s.vpp, most = mpp_strategy_recomputed(&s, (brute->job->model->n_layers + chunks - 1) / chunks);
    for (s.recompute_layers = 1; s.recompute_layers < most; s.recompute_layers++)
        if (fits_in_part(brute->job, s, s.recompute_layers)) {
            judge(brute, member, &s);
            return;
        }
}

static Brute brute_force(const MppJob *job, const MppSpaceLimits *limits, const GArray *members)
{
    Brute brute = { job, g_array_new(FALSE, FALSE, sizeof(MppCandidate)), INFINITY, 0 };
    bool fixed = limits->fields & mpp_strategy_field("recompute");
    g_autofree bool *fits = g_new0(bool, members->len + 1);
    for (guint i = 0; i < members->len; i++) {
        const RandomMember *member = &g_array_index(members, RandomMember, i);
        fits[i] = judge(&brute, member, &member->strategy);
        if (member->strategy.recompute < MPP_RECOMPUTE_FULL || fixed || !fits[i])
            continue;
        MppStrategy before = member->strategy; /* the same but for its recomputation: the most that keeps layers */
        MppRecompute recomputes[MPP_SPACE_MOST_CHOICES];
        int n = mpp_space_recomputes(job, &before, limits, recomputes);
        while (n > 0 && recomputes[n - 1] >= MPP_RECOMPUTE_FULL)
            n--;
        before.recompute = recomputes[MAX(n - 1, 0)];
        g_autoptr(MppEstimate) estimate = mpp_estimate_new(job, &before);
        if (!estimate->fits)
            judge_part(&brute, member);
    }
    return brute;
}

static int by_step(const void *a, const void *b)
{
    const MppCandidate *x = a, *y = b;
    if (x->step_s != y->step_s)
        return x->step_s < y->step_s ? -1 : 1;
    if (x->peak_bytes != y->peak_bytes)
        return x->peak_bytes < y->peak_bytes ? -1 : 1;
    return x->family != y->family ? x->family - y->family : x->member - y->member;
}

static bool same_layout(const MppStrategy *a, const MppStrategy *b)
{
    return a->tp == b->tp && a->cp == b->cp && a->pp == b->pp && a->ep == b->ep && a->recompute == b->recompute;
}

static void assert_same(const MppCandidate *found, const MppCandidate *expected)
{
    g_autofree char *text = mpp_strategy_to_text(&found->strategy);
    g_autofree char *expected_text = mpp_strategy_to_text(&expected->strategy);
    if (found->step_s != expected->step_s || found->peak_bytes != expected->peak_bytes)
        g_test_message("found %s: %.17g s, brute force %s: %.17g s", text, found->step_s, expected_text, expected->step_s);
    g_assert_cmpfloat(found->step_s, ==, expected->step_s);
    g_assert_cmpfloat(found->peak_bytes, ==, expected->peak_bytes);
}

/** @fitting: sorted. The first of each layout, as far as the list goes. */
static void check_fastest(const MppBoard *board, const GArray *fitting)
{
    guint n = 0;
    const MppCandidate *kept[TOP];
    for (guint i = 0; i < fitting->len && n < TOP; i++) {
        const MppCandidate *one = &g_array_index(fitting, MppCandidate, i);
        bool seen = false;
        for (guint k = 0; k < n; k++)
            seen = seen || same_layout(&kept[k]->strategy, &one->strategy);
        if (seen)
            continue;
        kept[n] = one;
        g_assert_cmpuint(n, <, board->fastest->len);
        const MppCandidate *found = &g_array_index(board->fastest, MppCandidate, n++);
        assert_same(found, one);
        g_assert_true(same_layout(&found->strategy, &one->strategy));
    }
    g_assert_cmpuint(board->fastest->len, ==, n);
}

static void check_front(const MppBoard *board, const GArray *fitting)
{
    double least = INFINITY;
    guint n = 0;
    for (guint i = 0; i < fitting->len; i++) {
        const MppCandidate *one = &g_array_index(fitting, MppCandidate, i);
        if (one->peak_bytes >= least || one->step_s > slack * g_array_index(fitting, MppCandidate, 0).step_s)
            continue;
        least = one->peak_bytes;
        g_assert_cmpuint(n, <, board->front->len);
        assert_same(&g_array_index(board->front, MppCandidate, n++), one);
    }
    g_assert_cmpuint(board->front->len, ==, n);
}

static void check_same_list(const GArray *list, const GArray *expected)
{
    g_assert_cmpuint(list->len, ==, expected->len);
    for (guint i = 0; i < list->len; i++) {
        const MppCandidate *one = &g_array_index(list, MppCandidate, i), *other = &g_array_index(expected, MppCandidate, i);
        g_autofree char *text = mpp_strategy_to_text(&one->strategy), *other_text = mpp_strategy_to_text(&other->strategy);
        assert_same(one, other);
        g_assert_cmpstr(text, ==, other_text);
        g_assert_cmpint(one->family, ==, other->family);
        g_assert_cmpint(one->member, ==, other->member);
    }
}

static void check_threads(const MppJob *job, MppSearchOptions options, const MppSearchResult *single)
{
    for (options.threads = 2; options.threads <= 3; options.threads++) {
        g_autoptr(MppSearchResult) result = mpp_search_run(job, &options);
        g_assert_cmpmem(&result->counts, sizeof(result->counts), &single->counts, sizeof(single->counts));
        check_same_list(result->board->fastest, single->board->fastest);
        check_same_list(result->board->front, single->board->front);
        g_assert_true(result->has_miss == single->has_miss);
        g_assert_cmpfloat(result->lacking_bytes, ==, single->lacking_bytes);
    }
}

/** Returns: whether anything fits. */
static bool check_job(const MppJob *job, const MppSpaceLimits *limits, const GArray *members)
{
    MppSearchOptions options = { .limits = *limits, .top = TOP, .threads = 1 };
    g_autoptr(MppSearchResult) result = mpp_search_run(job, &options);
    Brute brute = brute_force(job, limits, members);
    g_autoptr(GArray) fitting = brute.fitting;
    g_array_sort(fitting, by_step);
    check_fastest(result->board, fitting);
    check_front(result->board, fitting);
    g_assert_cmpint(result->counts.evaluated, <=, brute.judged);
    g_assert_cmpint(result->counts.members, >=, members->len);
    if (!fitting->len && members->len) {
        g_assert_true(result->has_miss);
        g_assert_cmpfloat(result->lacking_bytes, ==, brute.least_lacking);
        g_assert_cmpint(result->counts.evaluated, ==, members->len);
        g_assert_cmpint(result->counts.pruned_by_memory, ==, members->len);
    }
    check_threads(job, options, result);
    return fitting->len > 0;
}

static void test_brute_force(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(2395);
    int n_fitting = 0, n_not = 0;
    for (int i = 0; i < JOBS; i++) {
        g_autoptr(MppInputs) inputs = random_job_new(rand, i % 3 ? 12 : 32);
        MppSpaceLimits limits = random_job_limits(rand, &inputs->job);
        g_autoptr(GArray) members = random_job_members(&inputs->job, &limits);
        if (members->len > MOST_MEMBERS / (i % 10 ? 10 : 1))
            continue;
        g_test_message("job %d: %u members", i, members->len);
        *(check_job(&inputs->job, &limits, members) ? &n_fitting : &n_not) += members->len > 0;
    }
    g_test_message("%d jobs with a plan, %d without", n_fitting, n_not);
    g_assert_cmpint(n_fitting, >, 50);
    g_assert_cmpint(n_not, >, 5);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/best-plan/brute-force", test_brute_force);
    return g_test_run();
}
