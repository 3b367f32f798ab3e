/**
 * Transfers in flight and the links they share.
 *
 * A transfer alone takes its own time and puts a load on each link it crosses. Where the loads on a link exceed
 * its capacity, transfers are slowed to max-min fair rates (sim/maxmin.h); all others keep their full speed, so
 * only transfers joined by saturated links are looked at together. Flow-level sharing as in SimGrid
 * (arXiv:1309.1630) and other fluid models: no packets, no slow start.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct MppNetwork MppNetwork;

/** What a transfer needs. */
typedef struct {
    double work_s;        /* time alone */
    double bytes_per_s;   /* load on each of its links while at full speed */
    const int32_t *links; /* lent while the transfer runs */
    int32_t n_links;
} MppTransfer;

/** A transfer whose end has moved. */
typedef struct {
    int32_t flow;
    uint32_t version; /* rises with each change; an end of an older version is void */
    double end_s;
} MppFlowEnd;

/** @capacity_bytes_per_s: of each link, positive. @n_flows: places for transfers, each used by one at a time. */
MppNetwork *mpp_network_new(const double *capacity_bytes_per_s, int32_t n_links, int32_t n_flows);
void mpp_network_free(MppNetwork *network);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppNetwork, mpp_network_free)

/** Starts a transfer in the free place @flow; ends the one there, which must be due. */
void mpp_network_start(MppNetwork *network, int32_t flow, const MppTransfer *transfer, double now_s);
void mpp_network_end(MppNetwork *network, int32_t flow, double now_s);

/**
 * Shares the links anew once all starts and ends of one moment are told.
 * Returns: the ends that they move, MppFlowEnd, those of started transfers among them; lent until the next call.
 */
const GArray *mpp_network_settle(MppNetwork *network, double now_s);

/** Whether an end of @version still stands. */
bool mpp_network_is_due(const MppNetwork *network, int32_t flow, uint32_t version);

/** Seconds during which some transfer on @link went slower than alone, until now; and bytes it carried. */
double mpp_network_contended_s(const MppNetwork *network, int32_t link, double now_s);
double mpp_network_carried_bytes(const MppNetwork *network, int32_t link);
