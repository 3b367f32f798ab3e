/**
 * Max-min fair sharing of links among flows, by progressive filling (Bertsekas & Gallager, Data Networks §6.5.2).
 *
 * A flow crosses some links and may have a rate of its own that it cannot exceed. In the answer no flow's rate can
 * rise without lowering that of a flow which is no faster: each flow is either at its own limit, or crosses a
 * saturated link on which none is faster. Knows nothing of time or of networks; the caller brings all memory.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    double limit; /* of its own rate; INFINITY: none */
    int first_link, n_links; /* its links: a run of MppSharing.links */
    double rate;  /* the answer */
} MppFlow;

typedef struct {
    double capacity;
    /* of the solver */
    double left;
    int n_open;
} MppLink;

typedef struct {
    MppFlow *flows;
    int n_flows;
    MppLink *links;
    int n_links;
    const int *crossed; /* indices of links, the flows' runs one after another */
} MppSharing;

/** Sets every flow's rate. A flow that crosses no link and has no limit gets INFINITY. */
void mpp_maxmin_solve(MppSharing *sharing);
