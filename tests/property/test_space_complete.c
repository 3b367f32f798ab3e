/* The space holds all that its description states, and nothing that breaks a rule. */

#include "planner/cost/estimate.h"
#include "planner/search/space.h"
#include "planner/spec/rules.h"
#include "tests/support/random_job.h"

enum { JOBS = 120, MOST_MEMBERS = 2000, TRIES = 1200 };

static int64_t pick_divisor(GRand *rand, int64_t number)
{
    for (;;) {
        int64_t divisor = g_rand_int_range(rand, 1, (int)number + 1);
        if (number % divisor == 0)
            return divisor;
    }
}

/** Ranks of a group that fills the rest of a node, or 0. */
static int64_t node_group(const MppJob *job, const MppStrategy *s)
{
    int64_t inside = mpp_cluster_domain(job->cluster, 0, job->gpus) / s->tp, replicas = s->dp * s->cp;
    return inside > 1 && inside < replicas && replicas % inside == 0 ? inside : 0;
}

static MppStageSplit pick_split(GRand *rand, const MppJob *job, const MppStrategy *s)
{
    bool balanced = s->pp > 1 && g_rand_boolean(rand);
    return balanced ? MPP_STAGE_SPLIT_BALANCED : job->runtime->stage_split;
}

/** Choices that mean nothing without others are left at the value that the space gives them. */
static MppStrategy pick_strategy(GRand *rand, const MppJob *job)
{
    bool experts = job->model->moe.experts, selective = job->runtime->selective != MPP_SELECTIVE_ATTENTION ||
                                                        mpp_attention_is_unfused(job->training.kernels.attention);
    MppStrategy s = mpp_strategy_single();
    s.tp = pick_divisor(rand, job->gpus);
    s.cp = pick_divisor(rand, job->gpus / s.tp);
    s.pp = pick_divisor(rand, job->gpus / s.tp / s.cp);
    s.dp = job->gpus / s.tp / s.cp / s.pp;
    s.vpp = s.pp > 1 && g_rand_boolean(rand) ? g_rand_int_range(rand, 1, 14) : 1;
    s.schedule = s.pp > 1 ? g_rand_int_range(rand, 0, MPP_N_SCHEDULES) : MPP_SCHEDULE_1F1B;
    s.ep = experts ? pick_divisor(rand, job->gpus) : 1;
    s.etp = experts && g_rand_boolean(rand) ? s.tp : 1;
    s.micro_batch = pick_divisor(rand, job->training.global_batch);
    s.sequence_parallel = g_rand_boolean(rand);
    s.cp_kind = s.cp > 1 ? (MppCpKind)g_rand_int_range(rand, 0, MPP_N_CPS) : MPP_CP_RING;
    s.zero = s.dp * s.cp > 1 ? g_rand_int_range(rand, 0, 4) : 0;
    s.zero_ranks = s.zero == 3 && g_rand_boolean(rand) ? node_group(job, &s) : 0;
    s.offload = g_rand_int_range(rand, 0, MPP_N_OFFLOADS);
    s.recompute = g_rand_int_range(rand, 0, MPP_N_RECOMPUTES);
    if (s.recompute == MPP_RECOMPUTE_SELECTIVE && !selective)
        s.recompute = MPP_RECOMPUTE_NONE;
    s.stage_split = pick_split(rand, job, &s);
    bool one_node = job->gpus <= mpp_cluster_domain(job->cluster, 0, job->gpus);
    s.order = one_node ? MPP_ORDER_CP_DP_PP : g_rand_int_range(rand, 0, s.cp > 1 ? MPP_N_ORDERS : 2);
    return s;
}

/** Limits of the space that are no rules. A stack without expert parallelism holds experts as it does MLPs. */
static bool in_space(const MppJob *job, const MppStrategy *s)
{
    const MppSpaceLimits none = { .fields = 0 };
    bool fixed_etp = job->model->moe.experts && !job->runtime->expert_parallel;
    bool pp_outermost = s->order == MPP_ORDER_CP_DP_PP || s->order == MPP_ORDER_DP_CP_PP;
    int64_t chunks = s->pp * s->vpp, layers = job->model->n_layers;
    bool ends_alone = s->stage_split == MPP_STAGE_SPLIT_EVEN && job->model->vocab && s->pp <= layers;
    return s->tp <= mpp_cluster_domain(job->cluster, 0, job->gpus) && s->vpp <= 12 && chunks <= layers + (ends_alone ? 2 : 0) &&
           !mpp_space_spreads_idly(&none, s) && (!fixed_etp || s->etp == s->tp) && (s->ep * s->etp == 1 || pp_outermost);
}

static bool legal(const MppJob *job, const MppStrategy *s)
{
    return mpp_rules_first_broken(MPP_RULE_ILLEGAL, job, s) < 0;
}

/** Returns: how many strategies were looked up. */
static int check_complete(GRand *rand, const MppJob *job, GHashTable *texts)
{
    int n = 0;
    for (int i = 0; i < TRIES; i++) {
        MppStrategy s = pick_strategy(rand, job);
        if (!in_space(job, &s) || !legal(job, &s))
            continue;
        g_autofree char *text = mpp_strategy_to_text(&s);
        if (!g_hash_table_contains(texts, text))
            g_error("%s is not enumerated", text);
        n++;
    }
    return n;
}

static int check_job(GRand *rand, const MppJob *job)
{
    MppSpaceLimits limits = { .fixed = mpp_strategy_single() };
    g_autoptr(GArray) members = random_job_members(job, &limits);
    g_autoptr(GHashTable) texts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    int64_t stride = MAX(1, members->len / MOST_MEMBERS);
    for (guint i = 0; i < members->len; i++) {
        const MppStrategy *s = &g_array_index(members, RandomMember, i).strategy;
        char *text = mpp_strategy_to_text(s);
        g_autoptr(GError) error = NULL;
        if (i % stride == 0 && !mpp_rules_check(job, s, &error))
            g_error("%s: %s", text, error->message);
        if (!g_hash_table_add(texts, text))
            g_error("%s is enumerated twice", text);
    }
    return check_complete(rand, job, texts);
}

static void test_random_jobs(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(4271);
    int n = 0;
    for (int i = 0; i < JOBS; i++) {
        g_autoptr(MppInputs) inputs = random_job_new(rand, i % 3 ? 12 : 32);
        n += check_job(rand, &inputs->job);
    }
    g_test_message("%d strategies looked up", n);
    g_assert_cmpint(n, >, 1000);
}

/** The same tokens a rank, of fewer sequences over fewer ranks each. */
static MppStrategy gathered(MppStrategy s, int64_t by)
{
    s.cp /= by;
    s.micro_batch /= by;
    s.dp *= by;
    s.cp_kind = s.cp > 1 ? s.cp_kind : MPP_CP_RING;
    return s;
}

/** What is left out for going over more ranks than it needs to is nowhere faster by a thousandth or smaller by a hundredth. Returns: how many were compared. */
static int check_idle(GRand *rand, const MppJob *job)
{
    const MppSpaceLimits none = { .fields = 0 };
    int n = 0;
    for (int i = 0; i < TRIES; i++) {
        MppStrategy s = pick_strategy(rand, job);
        for (int64_t by = MIN(s.cp, s.micro_batch); by > 1; by--) {
            if (s.cp % by || s.micro_batch % by || !legal(job, &s))
                continue;
            g_assert_true(mpp_space_spreads_idly(&none, &s));
            MppStrategy fewer = gathered(s, by);
            if (!legal(job, &fewer))
                continue;
            g_autoptr(MppEstimate) spread = mpp_estimate_new(job, &s), dense = mpp_estimate_new(job, &fewer);
            g_assert_cmpfloat(dense->step_s, <=, spread->step_s * 1.001);
            g_assert_cmpfloat(dense->peak_bytes, <=, spread->peak_bytes * 1.01);
            n++;
        }
    }
    return n;
}

static void test_idle(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(8161);
    int n = 0;
    for (int i = 0; i < JOBS; i++) {
        g_autoptr(MppInputs) inputs = random_job_new(rand, i % 3 ? 12 : 32);
        n += check_idle(rand, &inputs->job);
    }
    g_assert_cmpint(n, >, 100);
}

/** What limits name is kept, and narrows the space to the members that have it. */
static void test_limits(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(6173);
    MppSpaceLimits none = { .fixed = mpp_strategy_single() };
    for (int i = 0; i < JOBS / 5; i++) {
        g_autoptr(MppInputs) inputs = random_job_new(rand, 12);
        MppSpaceLimits limits = random_job_limits(rand, &inputs->job);
        g_autoptr(GArray) all = random_job_members(&inputs->job, &none);
        g_autoptr(GArray) members = random_job_members(&inputs->job, &limits);
        g_autoptr(GHashTable) texts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        for (guint k = 0; k < all->len; k++)
            g_hash_table_add(texts, mpp_strategy_to_text(&g_array_index(all, RandomMember, k).strategy));
        for (guint k = 0; k < members->len; k++) {
            MppStrategy s = g_array_index(members, RandomMember, k).strategy;
            bool fixed = limits.fields & mpp_strategy_field("recompute");
            g_assert_cmpint(s.recompute_layers, ==, fixed ? limits.fixed.recompute_layers : 0);
            s.recompute_layers = 0;
            g_autofree char *text = mpp_strategy_to_text(&s);
            /* these are kept also where they change nothing, which the whole space spells otherwise, or where ranks are spread idly */
            bool idle = limits.fields & (mpp_strategy_field("order") | mpp_strategy_field("stage_split")) || mpp_space_spreads_idly(&none, &s);
            if (!idle && !g_hash_table_contains(texts, text))
                g_error("%s is in the space only under limits", text);
        }
        g_assert_true(members->len > 0 || all->len == 0);
    }
}

static GHashTable *texts_of(const GArray *members, MppTechniques without)
{
    GHashTable *texts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint k = 0; k < members->len; k++) {
        const MppStrategy *s = &g_array_index(members, RandomMember, k).strategy;
        if (!(mpp_techniques_of(s) & without))
            g_hash_table_add(texts, mpp_strategy_to_text(s));
    }
    return texts;
}

/** The space without some techniques is the members that do not use them. */
static void test_without(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(7321);
    guint n_left = 0, n_gone = 0;
    for (int i = 0; i < JOBS / 2; i++) {
        g_autoptr(MppInputs) inputs = random_job_new(rand, 12);
        MppSpaceLimits limits = { .fixed = mpp_strategy_single() };
        g_autoptr(GArray) all = random_job_members(&inputs->job, &limits);
        limits.without = g_rand_int(rand) & g_rand_int(rand) & ((1u << MPP_N_TECHNIQUES) - 1);
        g_autoptr(GArray) members = random_job_members(&inputs->job, &limits);
        g_autoptr(GHashTable) wanted = texts_of(all, limits.without), found = texts_of(members, 0);
        g_assert_cmpuint(g_hash_table_size(found), ==, g_hash_table_size(wanted));
        GHashTableIter texts;
        gpointer text;
        for (g_hash_table_iter_init(&texts, found); g_hash_table_iter_next(&texts, &text, NULL);)
            g_assert_true(g_hash_table_contains(wanted, text));
        n_left += members->len;
        n_gone += all->len - members->len;
    }
    g_assert_cmpuint(n_left, >, 1000);
    g_assert_cmpuint(n_gone, >, 1000);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/space-complete/random-jobs", test_random_jobs);
    g_test_add_func("/space-complete/idle", test_idle);
    g_test_add_func("/space-complete/limits", test_limits);
    g_test_add_func("/space-complete/without", test_without);
    return g_test_run();
}
