#include "planner/cost/collective.h"

#include <math.h>

/** Members of the group below tier @i; they share what crosses the tier. */
static int64_t inner_members(const MppGroup *group, int i)
{
    return i ? group->members[i - 1] : 1;
}

/** Of the links of the innermost tier, those that join @members to each other: as measured, or each pair alike. */
static double joined_frac(const MppTier *tier, int64_t members)
{
    double measured = members == 2 ? tier->two_frac : members <= 4 ? tier->four_frac : 0;
    return measured > 0 ? measured : tier->p2p_frac * (members - 1);
}

/**
 * What one device may use of tier @i when all its neighbours use it too. Where no switch joins a node's devices, each
 * reaches the other members only over its links to them.
 */
static double device_rate(const MppTier *tier, const MppGroup *group, int i)
{
    double reached = tier->efficiency_frac;
    if (i == 0)
        reached = MIN(reached, joined_frac(tier, group->members[0]));
    return tier->bytes_per_s / (tier->shared_by * tier->oversubscription) * reached * (1 - group->lost_frac[i]);
}

/** A ring crosses tier i between inner domains, over the ports of all members that lie in one. */
static double ring_rate(const MppTier *tier, const MppGroup *group, int i)
{
    return device_rate(tier, group, i) * inner_members(group, i);
}

double mpp_collective_bandwidth(const MppCluster *cluster, const MppGroup *group)
{
    double rate = INFINITY;
    for (int i = 0; i <= group->widest_tier; i++)
        if (group->members[i] > inner_members(group, i))
            rate = MIN(rate, ring_rate(mpp_cluster_tier(cluster, i), group, i));
    return rate;
}

/** Time of the hops of one turn round the ring, and the message start-up of the widest tier. */
static double ring_steps_s(const MppCluster *cluster, const MppGroup *group, double *latency_s)
{
    double steps_s = 0;
    for (int i = 0; i <= group->widest_tier; i++) {
        const MppTier *tier = mpp_cluster_tier(cluster, i);
        double domains = (double)group->n / group->members[i];
        steps_s += domains * ((double)group->members[i] / inner_members(group, i) - 1) * tier->step_s;
        *latency_s = MAX(*latency_s, group->members[i] > inner_members(group, i) ? tier->latency_s : 0);
    }
    return steps_s;
}

static double tree_s(const MppCluster *cluster, double bytes, const MppGroup *group, double latency_s)
{
    double steps_s = 0;
    for (int i = 0; i <= group->widest_tier; i++) {
        double fan = (double)group->members[i] / inner_members(group, i);
        steps_s += 2 * log2(fan) * mpp_cluster_tier(cluster, i)->step_s;
    }
    return latency_s + 2 * bytes / mpp_collective_bandwidth(cluster, group) + steps_s;
}

static double common_divisor(double a, double b)
{
    return b > 0 ? common_divisor(b, fmod(a, b)) : a;
}

/** Of a token's copies, those that are the first to their domain of @ranks; copies lie evenly over the @n ranks of the group. */
static double first_frac(const MppOp *op, double n, double ranks)
{
    double copies = op->copies, domains = n / ranks;
    if (op->experts_in_turn == 0)
        return domains * (1 - pow(1 - 1 / domains, copies)) / copies;
    double experts = op->experts_in_turn * ranks; /* of a domain; copies begin at any multiple of what both are divided by */
    double step = common_divisor(copies, experts);
    return MIN(1 + (copies - step) / experts, domains) / copies;
}

/** Of what a rank sends, the share that crosses tier @i: what is bound for ranks beyond those inside it, straight to them. */
static double sent_apart(const MppGroup *group, int i)
{
    return (double)(group->members[i] - inner_members(group, i)) / group->n;
}

/**
 * A token goes to each domain of the tier once, to the rank there that stands as the sender does in its own, and on to
 * each rank once from there (DeepEP).
 */
static double sent_once(const MppGroup *group, int i, const MppOp *op)
{
    return (1 - (double)inner_members(group, i) / group->members[i]) * first_frac(op, (double)group->n, (double)inner_members(group, i));
}

/** @once: an exchange that sends a token to each rank and domain once, or NULL. */
static double all_to_all_s(const MppCluster *cluster, double bytes, const MppOp *once, const MppGroup *group)
{
    double slowest_s = 0, latency_s = 0;
    for (int i = 0; i <= group->widest_tier; i++) {
        const MppTier *tier = mpp_cluster_tier(cluster, i);
        if (group->members[i] == inner_members(group, i))
            continue;
        double sent = bytes * (once ? sent_once(group, i, once) : sent_apart(group, i));
        slowest_s = MAX(slowest_s, sent / device_rate(tier, group, i));
        latency_s += tier->latency_s + ((double)group->members[i] / inner_members(group, i) - 1) * tier->step_s;
    }
    return slowest_s + latency_s;
}

/**
 * Of the ranks that share a port of tier @i, those that send over it to a neighbour at once: of each group in a domain inside
 * the tier, only the last member's neighbour lies beyond it. The last members of neighbouring groups are neighbours.
 */
static double senders(const MppCluster *cluster, const MppGroup *group, int i)
{
    double shared_by = (double)mpp_cluster_tier(cluster, i)->shared_by;
    return i ? MIN(shared_by, (double)mpp_cluster_tier(cluster, i - 1)->devices / group->members[i - 1]) : shared_by;
}

double mpp_collective_message_s(const MppCluster *cluster, double bytes, const MppGroup *group)
{
    if (group->n == 1)
        return 0;
    double slowest_s = 0;
    for (int i = 0; i <= group->widest_tier; i++) {
        const MppTier *tier = mpp_cluster_tier(cluster, i);
        if (group->members[i] > inner_members(group, i))
            slowest_s = MAX(slowest_s, tier->latency_s + bytes * senders(cluster, group, i) * tier->oversubscription /
                                                             (tier->bytes_per_s * tier->p2p_frac));
    }
    return slowest_s;
}

double mpp_collective_time_s(const MppCluster *cluster, MppCollective kind, double bytes, const MppGroup *group)
{
    if (group->n == 1)
        return 0;
    if (kind == MPP_COLLECTIVE_EXCHANGE)
        return mpp_collective_message_s(cluster, bytes, group);
    if (kind == MPP_COLLECTIVE_ALL_TO_ALL)
        return all_to_all_s(cluster, bytes, NULL, group);

    double latency_s = 0, steps_s = ring_steps_s(cluster, group, &latency_s);
    double turn_s = (group->n - 1.0) / group->n * bytes / mpp_collective_bandwidth(cluster, group) + steps_s;
    if (kind != MPP_COLLECTIVE_ALL_REDUCE)
        return latency_s + turn_s;
    double best_s = MIN(latency_s + 2 * turn_s, tree_s(cluster, bytes, group, latency_s));
    if (mpp_cluster_tier(cluster, group->widest_tier)->in_network)
        best_s = MIN(best_s, latency_s + bytes / mpp_collective_bandwidth(cluster, group) +
                                 2 * mpp_cluster_tier(cluster, group->widest_tier)->step_s);
    return best_s;
}

double mpp_collective_op_s(const MppCluster *cluster, const MppOp *op, const MppGroup *group)
{
    if (op->copies > 1 && group->n > 1)
        return all_to_all_s(cluster, op->bytes, op, group);
    return mpp_collective_time_s(cluster, op->collective, op->bytes, group);
}
