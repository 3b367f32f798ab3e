/**
 * Time of collectives and messages over the cluster's tiers.
 *
 * Assumes that all groups of one axis communicate at the same time, so a group has the ports of its own members
 * and no others. A tier's efficiency_frac is what large messages reach; latency_s and step_s make small ones slow.
 */
#pragma once

#include "planner/ops/op.h"

/**
 * Time of one collective over a group, by the cheapest algorithm that applies.
 *
 * @bytes: what each rank holds before an all-reduce, reduce-scatter or all-to-all, after an all-gather; what each
 *         sends in an exchange
 * @group: members and how they lie over the tiers
 *
 * Returns: seconds; 0 for a single rank. Ring: 2(n-1)/n bytes/bandwidth for an all-reduce, half of it for the
 * others (nccl-tests PERFORMANCE.md), and step_s of each tier for each hop of the ring over it. Tree: bytes twice
 * over the outermost links, 2 log2(nodes) steps. In-network reduction: each byte once up and down.
 */
double mpp_collective_time_s(const MppCluster *cluster, MppCollective kind, double bytes, const MppGroup *group);

/**
 * Time of a layer's collective @op, as above. Where a token goes to op->copies experts and is sent to each rank and node once,
 * fewer bytes are sent: copies spread evenly over D of them reach D (1 - (1 - 1/D)^copies); those of experts in turn,
 * E to a rank or node, reach 1 + (copies - gcd(copies, E)) / E.
 */
double mpp_collective_op_s(const MppCluster *cluster, const MppOp *op, const MppGroup *group);

/**
 * Time of one message of @bytes between neighbours of @group (the pipeline axis): the widest tier between them, whose port only
 * those share that have their neighbour beyond it, too.
 */
double mpp_collective_message_s(const MppCluster *cluster, double bytes, const MppGroup *group);

/** Bytes per s at which one rank of @group takes part in a ring over all of it (nccl-tests' busbw for large messages). */
double mpp_collective_bandwidth(const MppCluster *cluster, const MppGroup *group);
