#include "sim/maxmin.h"

#include <math.h>

/** Not yet given a rate. */
static const double open_rate = -1;

static void open_all(MppSharing *sharing)
{
    for (int l = 0; l < sharing->n_links; l++) {
        sharing->links[l].left = sharing->links[l].capacity;
        sharing->links[l].n_open = 0;
    }
    for (int f = 0; f < sharing->n_flows; f++) {
        MppFlow *flow = &sharing->flows[f];
        flow->rate = open_rate;
        for (int i = 0; i < flow->n_links; i++)
            sharing->links[sharing->crossed[flow->first_link + i]].n_open++;
    }
}

static double fair_share(const MppLink *link)
{
    return link->n_open ? fmax(link->left, 0) / link->n_open : INFINITY;
}

/** The least share any open flow can be held to: by a link it crosses or by its own limit. */
static double least_share(const MppSharing *sharing)
{
    double least = INFINITY;
    for (int l = 0; l < sharing->n_links; l++)
        least = fmin(least, fair_share(&sharing->links[l]));
    for (int f = 0; f < sharing->n_flows; f++)
        if (sharing->flows[f].rate == open_rate)
            least = fmin(least, sharing->flows[f].limit);
    return least;
}

static bool is_held(const MppSharing *sharing, const MppFlow *flow, double share)
{
    if (flow->limit <= share)
        return true;
    for (int i = 0; i < flow->n_links; i++)
        if (fair_share(&sharing->links[sharing->crossed[flow->first_link + i]]) <= share)
            return true;
    return false;
}

static void close_flow(MppSharing *sharing, MppFlow *flow, double rate)
{
    flow->rate = rate;
    for (int i = 0; i < flow->n_links; i++) {
        MppLink *link = &sharing->links[sharing->crossed[flow->first_link + i]];
        link->left -= rate;
        link->n_open--;
    }
}

/** Every round closes the flows that the tightest link or limit holds; shares of the rest can only grow. */
void mpp_maxmin_solve(MppSharing *sharing)
{
    open_all(sharing);
    for (int n_open = sharing->n_flows; n_open > 0;) {
        double share = least_share(sharing), tolerance = share * (1 + 1e-12);
        for (int f = 0; f < sharing->n_flows; f++) {
            MppFlow *flow = &sharing->flows[f];
            if (flow->rate != open_rate || !is_held(sharing, flow, tolerance))
                continue;
            close_flow(sharing, flow, share);
            n_open--;
        }
        if (isinf(share))
            break;
    }
}
