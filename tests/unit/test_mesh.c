/**
 * Groups against a count of ranks, one by one.
 *
 * The closed form is exact where sizes nest: of a domain's size and a group's stride one divides the other, and so
 * for the group's whole extent. Elsewhere (a stride of 4 in a node of 6) it counts whole strides only: never none,
 * and never more than lie in the fullest domain.
 */
#include "planner/spec/mesh.h"

#include "tests/support/sample.h"

enum { MOST_RANKS = 96 };

typedef struct {
    const MppStrategy *s;
    int64_t gpus, world;                              /* world: ranks of a stage */
    int64_t fast_n, fast_stride, slow_n, slow_stride; /* of dp and cp */
    bool apart, pp_outermost;                         /* pp stands between dp and cp; after both */
} Layout;

static int64_t degree(const MppStrategy *s, char axis)
{
    return axis == 't' ? s->tp : axis == 'c' ? s->cp : axis == 'd' ? s->dp : s->pp;
}

/** Stride by the order's own name, "tp-cp-dp-pp". */
static int64_t stride(const MppStrategy *s, char axis)
{
    int64_t product = 1;
    for (const char *at = mpp_names_get(&mpp_order_names, s->order); *at != axis; at += 3)
        product *= degree(s, *at);
    return product;
}

static Layout layout_of(const MppStrategy *s, int64_t gpus)
{
    int64_t dp = stride(s, 'd'), cp = stride(s, 'c'), pp = stride(s, 'p');
    bool dp_first = s->cp == 1 || (dp < cp && s->dp > 1);
    Layout out = { s, gpus, s->tp * s->cp * s->dp, s->cp, cp, s->dp, dp };
    if (dp_first)
        out = (Layout){ s, gpus, out.world, s->dp, dp, s->cp, cp };
    out.apart = out.slow_n > 1 && out.slow_stride != out.fast_n * out.fast_stride;
    out.pp_outermost = s->pp == 1 || pp == out.world;
    return out;
}

/** A number that the ranks of one group share. */
static int64_t group_id(const Layout *l, MppAxis axis, int64_t rank)
{
    const MppStrategy *s = l->s;
    int64_t fast = rank / l->fast_stride % l->fast_n, slow = rank / l->slow_stride % l->slow_n;
    int64_t replica = rank - fast * l->fast_stride - slow * l->slow_stride; /* of dp and cp 0 */
    int64_t shard = mpp_strategy_shard_ranks(s), index = slow * l->fast_n + fast;
    int64_t in_expert = rank % s->etp, expert = rank / s->etp % s->ep;
    switch (axis) {
    case MPP_AXIS_TP: return rank - rank % s->tp;
    case MPP_AXIS_CP: return rank - rank / stride(s, 'c') % s->cp * stride(s, 'c');
    case MPP_AXIS_DP: return rank - rank / stride(s, 'd') % s->dp * stride(s, 'd');
    case MPP_AXIS_PP: return rank - rank / stride(s, 'p') % s->pp * stride(s, 'p');
    case MPP_AXIS_DP_CP: return replica;
    case MPP_AXIS_SHARD: return replica + l->gpus * (index / shard);
    case MPP_AXIS_REPLICAS: return replica + l->gpus * (index % shard);
    case MPP_AXIS_ETP: return rank - in_expert;
    case MPP_AXIS_EP: return rank - expert * s->etp;
    default: return rank / l->world * l->world + rank % (s->etp * s->ep);
    }
}

static bool one_divides(int64_t a, int64_t b)
{
    return a % b == 0 || b % a == 0;
}

/** Whether the closed form knows this group at all. */
static bool is_progression(const Layout *l, MppAxis axis)
{
    bool experts = axis == MPP_AXIS_EP || axis == MPP_AXIS_ETP || axis == MPP_AXIS_EXPERT_DP;
    int64_t shard = mpp_strategy_shard_ranks(l->s);
    if (experts)
        return l->pp_outermost; /* as the rule experts-order has it */
    return (axis != MPP_AXIS_SHARD && axis != MPP_AXIS_REPLICAS) || !l->apart || one_divides(l->fast_n, shard);
}

static bool nests_level(int64_t domain, int64_t n, int64_t step)
{
    return n == 1 || (one_divides(domain, step) && one_divides(domain, step * n));
}

static bool nests(const Layout *l, MppAxis axis, int64_t domain)
{
    const MppStrategy *s = l->s;
    int64_t shard = mpp_strategy_shard_ranks(s), inner = MIN(shard, l->fast_n), outer = shard / inner;
    const struct {
        int64_t n, step, n2, step2;
    } shapes[MPP_N_AXES] = {
        [MPP_AXIS_TP] = { s->tp, 1, 1, 1 },
        [MPP_AXIS_CP] = { s->cp, stride(s, 'c'), 1, 1 },
        [MPP_AXIS_DP] = { s->dp, stride(s, 'd'), 1, 1 },
        [MPP_AXIS_PP] = { s->pp, stride(s, 'p'), 1, 1 },
        [MPP_AXIS_EP] = { s->ep, s->etp, 1, 1 },
        [MPP_AXIS_ETP] = { s->etp, 1, 1, 1 },
        [MPP_AXIS_DP_CP] = { l->apart ? l->fast_n : l->fast_n * l->slow_n, l->fast_stride, l->apart ? l->slow_n : 1,
                             l->slow_stride },
        [MPP_AXIS_SHARD] = { l->apart ? inner : shard, l->fast_stride, l->apart ? outer : 1, l->slow_stride },
        [MPP_AXIS_REPLICAS] = { l->fast_n / inner, l->fast_stride * inner, l->slow_n / outer, l->slow_stride * outer },
        [MPP_AXIS_EXPERT_DP] = { mpp_strategy_expert_dp(s), s->etp * s->ep, 1, 1 },
    };
    if (axis == MPP_AXIS_REPLICAS && !l->apart)
        return nests_level(domain, l->fast_n * l->slow_n / shard, l->fast_stride * shard);
    return nests_level(domain, shapes[axis].n, shapes[axis].step) && nests_level(domain, shapes[axis].n2, shapes[axis].step2);
}

typedef struct {
    int64_t least, most;
} Counts;

/** Ranks of a group in a domain that holds any: least and most over all groups and domains. */
static Counts count(const Layout *l, MppAxis axis, int64_t domain)
{
    static int64_t counts[MOST_RANKS * MOST_RANKS][MOST_RANKS];
    Counts out = { G_MAXINT64, 0 };
    for (int64_t rank = 0; rank < l->gpus; rank++)
        counts[group_id(l, axis, rank)][rank / domain]++;
    for (int64_t rank = 0; rank < l->gpus; rank++) {
        int64_t n = counts[group_id(l, axis, rank)][rank / domain];
        out = (Counts){ MIN(out.least, n), MAX(out.most, n) };
    }
    for (int64_t rank = 0; rank < l->gpus; rank++)
        counts[group_id(l, axis, rank)][rank / domain] = 0;
    return out;
}

/** Returns: the number of exact comparisons. */
static int check_axis(const Layout *l, const MppCluster *cluster, const MppGroup *group, MppAxis axis)
{
    int n_exact = 0, n_tiers = mpp_cluster_n_tiers(cluster);
    int64_t n = count(l, axis, l->gpus).most;
    g_assert_cmpint(group->n, ==, n);
    g_assert_cmpint(group->members[n_tiers - 1], ==, n);
    for (int i = 0; i < n_tiers - 1; i++) {
        int64_t domain = mpp_cluster_domain(cluster, i, l->gpus);
        Counts counts = count(l, axis, domain);
        g_assert_cmpint(group->members[i], >=, 1);
        g_assert_cmpint(group->members[i], <=, counts.most);
        if (!nests(l, axis, domain))
            continue;
        g_assert_cmpint(counts.least, ==, counts.most);
        g_assert_cmpint(group->members[i], ==, counts.most);
        n_exact++;
    }
    int widest = 0;
    while (n > 1 && group->members[widest] < n)
        widest++;
    g_assert_cmpint(group->widest_tier, ==, widest);
    return n_exact;
}

static int check_strategy(const MppStrategy *s, const MppCluster *cluster, int64_t gpus)
{
    Layout l = layout_of(s, gpus);
    MppMesh mesh = mpp_mesh_new(s, cluster, gpus);
    const struct {
        char letter;
        MppAxis axis;
    } letters[] = {
        { 't', MPP_AXIS_TP },
        { 'c', MPP_AXIS_CP },
        { 'd', MPP_AXIS_DP },
        { 'p', MPP_AXIS_PP },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(letters); i++)
        g_assert_cmpint(mpp_mesh_stride(s, letters[i].axis), ==, stride(s, letters[i].letter));
    int n_exact = 0;
    for (MppAxis axis = 0; axis < MPP_N_AXES; axis++)
        if (is_progression(&l, axis))
            n_exact += check_axis(&l, cluster, &mesh.groups[axis], axis);
    return n_exact;
}

/** A random divisor. */
static int64_t divisor(GRand *random, int64_t number)
{
    int64_t d = 1;
    do
        d = g_rand_int_range(random, 1, (gint32)number + 1);
    while (number % d);
    return d;
}

/** All splits of @gpus over dp, tp, pp and cp in all orders; experts and shard groups at random. */
static int check_all(const MppCluster *cluster, int64_t gpus, GRand *random)
{
    int n_exact = 0;
    for (int64_t tp = 1; tp <= gpus; tp++) {
        for (int64_t pp = 1; pp <= gpus; pp++) {
            for (int64_t cp = 1; cp <= gpus; cp++) {
                if (gpus % (tp * pp * cp))
                    continue;
                MppStrategy s = mpp_strategy_single();
                s.dp = gpus / (tp * pp * cp);
                s.tp = tp;
                s.pp = pp;
                s.cp = cp;
                s.ep = divisor(random, s.dp * tp * cp);
                s.etp = divisor(random, s.dp * tp * cp / s.ep);
                s.zero_ranks = g_rand_boolean(random) ? divisor(random, s.dp * cp) : 0;
                for (s.order = 0; s.order < MPP_N_ORDERS; s.order++)
                    n_exact += check_strategy(&s, cluster, gpus);
            }
        }
    }
    return n_exact;
}

static const struct {
    const char *path;
    int64_t devices[MPP_MOST_TIERS];
    int n_tiers;
    int64_t gpus;
    int exact; /* groups and tiers whose sizes nest, so that the closed form must be exact */
} rows[] = {
    { "/mesh/one-tier", { 0 }, 1, 24, 0 },
    { "/mesh/two-tiers/powers-of-two", { 8, 0 }, 2, 64, 4530 },
    { "/mesh/two-tiers/odd", { 6, 0 }, 2, 90, 5812 },
    { "/mesh/two-tiers/sized", { 3, 72 }, 2, 72, 8237 },
    { "/mesh/three-tiers/powers-of-two", { 4, 16, 0 }, 3, 64, 9060 },
    { "/mesh/three-tiers/odd", { 3, 12, 0 }, 3, 36, 8872 },
    { "/mesh/four-tiers/powers-of-two", { 2, 8, 16, 0 }, 4, 32, 9180 },
    { "/mesh/four-tiers/odd", { 5, 15, 30, 0 }, 4, 90, 18274 },
    { "/mesh/part-of-a-node", { 16, 0 }, 2, 12, 2238 },
};

static void test_row(gconstpointer data)
{
    size_t i = GPOINTER_TO_SIZE(data);
    g_autoptr(MppCluster) cluster = mpp_sample_cluster(rows[i].devices, rows[i].n_tiers);
    g_autoptr(GRand) random = g_rand_new_with_seed(385 + (guint32)i);
    int n_exact = check_all(cluster, rows[i].gpus, random);
    g_test_message("%d exact comparisons", n_exact);
    g_assert_cmpint(n_exact, ==, rows[i].exact);
}

/** A stride of 4 in nodes of 6: two ranks share the first node, none the second, and the closed form says one. */
static void test_not_nested(void)
{
    static const int64_t devices[] = { 6, 0 };
    g_autoptr(MppCluster) cluster = mpp_sample_cluster(devices, G_N_ELEMENTS(devices));
    MppStrategy s = mpp_strategy_single();
    s.tp = 4;
    s.dp = 3;
    MppMesh mesh = mpp_mesh_new(&s, cluster, 12);
    g_assert_cmpint(mesh.groups[MPP_AXIS_DP].members[0], ==, 1);
    g_assert_cmpint(mesh.groups[MPP_AXIS_DP].widest_tier, ==, 1);
    Layout l = layout_of(&s, 12);
    Counts counts = count(&l, MPP_AXIS_DP, 6);
    g_assert_cmpint(counts.least, ==, 1);
    g_assert_cmpint(counts.most, ==, 2);
}

/** Beyond two nodes' members a tier's rate falls with a power of their number: 64 of 8 lose 1 - 4^-0.5, 16 nothing, however far apart. */
static void test_congestion(void)
{
    static const int64_t devices[] = { 8, 0 };
    g_autoptr(MppCluster) cluster = mpp_sample_cluster(devices, G_N_ELEMENTS(devices));
    g_array_index(cluster->tiers, MppTier, 1).congestion = 0.5;
    MppStrategy s = mpp_strategy_single();
    s.dp = 64;
    MppMesh mesh = mpp_mesh_new(&s, cluster, 64);
    g_assert_cmpfloat(mesh.groups[MPP_AXIS_DP].lost_frac[0], ==, 0);
    g_assert_cmpfloat_with_epsilon(mesh.groups[MPP_AXIS_DP].lost_frac[1], 0.5, 1e-12);
    s.tp = 4;
    s.dp = 16;
    mesh = mpp_mesh_new(&s, cluster, 64);
    g_assert_cmpfloat(mesh.groups[MPP_AXIS_TP].lost_frac[0], ==, 0);
    g_assert_cmpfloat(mesh.groups[MPP_AXIS_DP].lost_frac[1], ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        g_test_add_data_func(rows[i].path, GSIZE_TO_POINTER(i), test_row);
    g_test_add_func("/mesh/not-nested", test_not_nested);
    g_test_add_func("/mesh/congestion", test_congestion);
    return g_test_run();
}
