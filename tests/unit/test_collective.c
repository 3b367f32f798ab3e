#include "planner/cost/collective.h"

#include <math.h>

/**
 * Nodes of 8 with 200 GB/s reached of 400; a network port of 100 GB/s shared by two devices behind switches that
 * let 4/5 through, of which 80 % are reached: 32 GB/s a device; a third tier at half of that.
 */
static const MppTier tiers[] = {
    { .name = "node", .devices = 8, .bytes_per_s = 4e11, .shared_by = 1, .oversubscription = 1, .efficiency_frac = 0.5,
      .p2p_frac = 0.25, .latency_s = 3e-6, .step_s = 1e-6 },
    { .name = "leaf", .devices = 32, .bytes_per_s = 1e11, .shared_by = 2, .oversubscription = 1.25, .efficiency_frac = 0.8,
      .p2p_frac = 0.5, .latency_s = 2e-5, .step_s = 4e-6 },
    { .name = "spine", .devices = 0, .bytes_per_s = 1e11, .shared_by = 4, .oversubscription = 1.25, .efficiency_frac = 0.8,
      .p2p_frac = 0.5, .latency_s = 5e-5, .step_s = 6e-6, .in_network = true },
};

static MppCluster *make_cluster(void)
{
    MppCluster *cluster = g_new0(MppCluster, 1);
    cluster->tiers = g_array_new(FALSE, TRUE, sizeof(MppTier));
    for (size_t i = 0; i < G_N_ELEMENTS(tiers); i++) {
        MppTier tier = tiers[i];
        tier.name = g_strdup(tier.name);
        g_array_append_val(cluster->tiers, tier);
    }
    return cluster;
}

static const MppGroup pair = { 2, { 2, 2, 2 }, 0 }, node = { 8, { 8, 8, 8 }, 0 };
static const MppGroup nodes = { 12, { 4, 12, 12 }, 1 };  /* four devices in each of three nodes */
static const MppGroup apart = { 3, { 1, 3, 3 }, 1 };     /* one in each of three nodes */
static const MppGroup leaves = { 64, { 8, 32, 64 }, 2 }; /* two leaves of four nodes, whole */
static const MppGroup single = { 1, { 1, 1, 1 }, 0 };

static const struct {
    const char *name;
    const MppGroup *group;
    double bytes_per_s;
} bandwidths[] = {
    { "pair", &pair, 1e11 },
    { "node", &node, 2e11 },
    { "nodes", &nodes, 4 * 3.2e10 },
    { "apart", &apart, 3.2e10 },
    { "leaves", &leaves, 2e11 }, /* 8 devices bring 256 GB/s to the leaf, 32 bring 512 to the spine */
};

static void test_bandwidth(void)
{
    g_autoptr(MppCluster) cluster = make_cluster();
    for (size_t i = 0; i < G_N_ELEMENTS(bandwidths); i++)
        g_assert_cmpfloat_with_epsilon(mpp_collective_bandwidth(cluster, bandwidths[i].group), bandwidths[i].bytes_per_s, 1e-3);
}

/** A mesh of unlike links: 13.75 % of 400 GB/s join two, 32 % three or four; eight reach what one device can use. */
static void test_unlike_links(void)
{
    static const struct {
        MppGroup group;
        double bytes_per_s;
    } rows[] = {
        { { 2, { 2, 2, 2 }, 0 }, 5.5e10 },
        { { 3, { 3, 3, 3 }, 0 }, 1.28e11 },
        { { 4, { 4, 4, 4 }, 0 }, 1.28e11 },
        { { 5, { 5, 5, 5 }, 0 }, 2e11 }, /* a quarter to each of four others, of which half can be used */
        { { 4, { 2, 4, 4 }, 1 }, 5.5e10 }, /* two in each of two nodes: 64 GB/s between these */
    };
    g_autoptr(MppCluster) cluster = make_cluster();
    g_array_index(cluster->tiers, MppTier, 0).two_frac = 0.1375;
    g_array_index(cluster->tiers, MppTier, 0).four_frac = 0.32;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        g_assert_cmpfloat_with_epsilon(mpp_collective_bandwidth(cluster, &rows[i].group), rows[i].bytes_per_s, 1e-3);
}

/** Worked out by hand from the tiers above. */
static const struct {
    MppCollective kind;
    const MppGroup *group;
    double bytes, seconds;
} times[] = {
    { MPP_COLLECTIVE_ALL_REDUCE, &single, 2.4e9, 0 },
    { MPP_COLLECTIVE_EXCHANGE, &single, 2.4e9, 0 },
    /* (n-1)/n of the bytes over the ring, n-1 hops, one start-up; a pair has only the links that join it, a quarter */
    { MPP_COLLECTIVE_ALL_GATHER, &pair, 2.4e9, 1.2e9 / 1e11 + 1e-6 + 3e-6 },
    { MPP_COLLECTIVE_REDUCE_SCATTER, &node, 2.4e9, 2.1e9 / 2e11 + 7e-6 + 3e-6 },
    { MPP_COLLECTIVE_ALL_GATHER, &nodes, 2.4e9, 2.2e9 / 1.28e11 + 9 * 1e-6 + 2 * 4e-6 + 2e-5 },
    { MPP_COLLECTIVE_REDUCE_SCATTER, &apart, 2.4e9, 1.6e9 / 3.2e10 + 2 * 4e-6 + 2e-5 },
    { MPP_COLLECTIVE_ALL_GATHER, &leaves, 3.2e9, 3.15e9 / 2e11 + 56 * 1e-6 + 6 * 4e-6 + 6e-6 + 5e-5 },
    /* large: the ring twice; small: up and down the tree */
    { MPP_COLLECTIVE_ALL_REDUCE, &node, 2.4e9, 2 * (2.1e9 / 2e11 + 7e-6) + 3e-6 },
    { MPP_COLLECTIVE_ALL_REDUCE, &node, 4096, 2 * 4096 / 2e11 + 6 * 1e-6 + 3e-6 },
    { MPP_COLLECTIVE_ALL_REDUCE, &nodes, 512, 2 * 512 / 1.28e11 + 2 * 2 * 1e-6 + 2 * 1.5849625007211562 * 4e-6 + 2e-5 },
    /* the spine's switches reduce: once through, up and down */
    { MPP_COLLECTIVE_ALL_REDUCE, &leaves, 3.2e9, 3.2e9 / 2e11 + 2 * 6e-6 + 5e-5 },
    /* 7 of 8 parts leave the device; 8 of 12 the node; three steps and two within and between */
    { MPP_COLLECTIVE_ALL_TO_ALL, &node, 2.4e9, 2.4e9 * 7 / 8 / 2e11 + 3e-6 + 7e-6 },
    { MPP_COLLECTIVE_ALL_TO_ALL, &nodes, 2.4e9, 2.4e9 * 8 / 12 / 3.2e10 + 3e-6 + 3e-6 + 2e-5 + 2 * 4e-6 },
    /* one message between neighbours over the widest link: 25 and 50 % of a port, shared by two that both cross, 4/5 let through */
    { MPP_COLLECTIVE_EXCHANGE, &node, 5e8, 5e8 / 1e11 + 3e-6 },
    { MPP_COLLECTIVE_EXCHANGE, &apart, 5e8, 5e8 / 2e10 + 2e-5 },
    { MPP_COLLECTIVE_EXCHANGE, &nodes, 5e8, 5e8 / 2e10 + 2e-5 },
    /* the last of a whole node, and of a whole leaf, has its port alone */
    { MPP_COLLECTIVE_EXCHANGE, &leaves, 5e8, 5e8 / 4e10 + 5e-5 },
};

static void test_times(void)
{
    g_autoptr(MppCluster) cluster = make_cluster();
    for (size_t i = 0; i < G_N_ELEMENTS(times); i++) {
        double s = mpp_collective_time_s(cluster, times[i].kind, times[i].bytes, times[i].group);
        if (fabs(s - times[i].seconds) > 1e-12 * times[i].seconds)
            g_error("row %zu: %.12g s, expected %.12g", i, s, times[i].seconds);
    }
    g_assert_cmpfloat(mpp_collective_message_s(cluster, 5e8, &node), ==,
                      mpp_collective_time_s(cluster, MPP_COLLECTIVE_EXCHANGE, 5e8, &node));
}

static const MppGroup *const groups[] = { &pair, &node, &nodes, &apart, &leaves };

static void test_monotone(void)
{
    g_autoptr(MppCluster) cluster = make_cluster();
    for (int kind = 0; kind < MPP_N_COLLECTIVES; kind++)
        for (size_t g = 0; g < G_N_ELEMENTS(groups); g++) {
            double before_s = 0;
            for (double bytes = 1; bytes < 1e12; bytes *= 1.37) {
                double s = mpp_collective_time_s(cluster, kind, bytes, groups[g]);
                g_assert_cmpfloat(s, >, before_s);
                before_s = s;
            }
        }
}

/** Where start-up no longer counts, an all-reduce is a reduce-scatter and more; in a node exactly two turns. */
static void test_reduction(void)
{
    g_autoptr(MppCluster) cluster = make_cluster();
    for (size_t g = 0; g < G_N_ELEMENTS(groups); g++)
        for (double bytes = 1e9; bytes < 1e12; bytes *= 2.385) {
            double all_s = mpp_collective_time_s(cluster, MPP_COLLECTIVE_ALL_REDUCE, bytes, groups[g]);
            double scatter_s = mpp_collective_time_s(cluster, MPP_COLLECTIVE_REDUCE_SCATTER, bytes, groups[g]);
            double gather_s = mpp_collective_time_s(cluster, MPP_COLLECTIVE_ALL_GATHER, bytes, groups[g]);
            g_assert_cmpfloat(scatter_s, ==, gather_s);
            g_assert_cmpfloat(all_s, >, scatter_s);
            if (groups[g] != &leaves)
                g_assert_cmpfloat_with_epsilon(all_s / (2 * scatter_s), 1, 0.01);
        }
}

/** What a group loses to congestion is missing from the ring and from each device's part of an all-to-all. */
static void test_congestion(void)
{
    g_autoptr(MppCluster) cluster = make_cluster();
    MppGroup late = apart, wide = nodes;
    late.lost_frac[1] = wide.lost_frac[1] = 0.375;
    g_assert_cmpfloat_with_epsilon(mpp_collective_bandwidth(cluster, &late), 2e10, 1e-3);
    g_assert_cmpfloat_with_epsilon(mpp_collective_bandwidth(cluster, &wide), 4 * 2e10, 1e-3);
    double s = mpp_collective_time_s(cluster, MPP_COLLECTIVE_ALL_TO_ALL, 2.4e9, &late);
    g_assert_cmpfloat_with_epsilon(s, 1.6e9 / 2e10 + 2 * 4e-6 + 2e-5, 1e-12);
}

/**
 * A token goes to a rank and a node once: 3 copies, even over the 8 ranks of a node, reach 8 (1 - (7/8)^3) = 169/64 of them, over
 * the 3 nodes of 4 3 (1 - (2/3)^3) = 19/9. In turn over 2 experts a rank they begin at any, so reach 2 ranks (1-2-3 or 2-3-4 of
 * pairs) and over 8 experts a node 1 + 2/8 nodes (two of eight beginnings go beyond); 4 over pairs always 2.
 */
static void test_copies(void)
{
    g_autoptr(MppCluster) cluster = make_cluster();
    MppOp op = { .kind = MPP_OP_COLLECTIVE, .collective = MPP_COLLECTIVE_ALL_TO_ALL, .bytes = 2.4e9 };
    for (size_t g = 0; g < G_N_ELEMENTS(groups); g++)
        g_assert_cmpfloat(mpp_collective_op_s(cluster, &op, groups[g]), ==,
                          mpp_collective_time_s(cluster, op.collective, op.bytes, groups[g]));
    op.copies = 3;
    g_assert_cmpfloat(mpp_collective_op_s(cluster, &op, &single), ==, 0);
    const double in_node_s = 3e-6 + 7e-6, between_s = 3e-6 + 3e-6 + 2e-5 + 2 * 4e-6;
    const struct { double copies, in_turn; const MppGroup *group; double s; } rows[] = {
        { 3, 0, &node, 2.4e9 * 7 / 8 * 169 / 192 / 2e11 + in_node_s },
        { 3, 0, &nodes, 2.4e9 * 8 / 12 * 19 / 27 / 3.2e10 + between_s },
        { 3, 2, &node, 2.4e9 * 7 / 8 * 2 / 3 / 2e11 + in_node_s },
        { 4, 2, &node, 2.4e9 * 7 / 8 * 2 / 4 / 2e11 + in_node_s },
        { 3, 2, &nodes, 2.4e9 * 8 / 12 * 1.25 / 3 / 3.2e10 + between_s },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        op.copies = rows[i].copies, op.experts_in_turn = rows[i].in_turn;
        g_assert_cmpfloat_with_epsilon(mpp_collective_op_s(cluster, &op, rows[i].group), rows[i].s, 1e-12);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/collective/bandwidth", test_bandwidth);
    g_test_add_func("/collective/unlike-links", test_unlike_links);
    g_test_add_func("/collective/times", test_times);
    g_test_add_func("/collective/monotone", test_monotone);
    g_test_add_func("/collective/reduction", test_reduction);
    g_test_add_func("/collective/congestion", test_congestion);
    g_test_add_func("/collective/copies", test_copies);
    return g_test_run();
}
