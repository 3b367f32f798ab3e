#include "sim/network.h"

#include "sim/maxmin.h"

typedef struct {
    double capacity, load; /* bytes per s; load if all went at full speed */
    double carried_bytes;
    double contended_s, contended_since_s; /* since: valid while tight */
    int32_t *flows;                        /* crossing it */
    int32_t n_flows, room;
    int32_t mark;  /* index in the problem being solved, -1 outside */
} Link;

typedef struct {
    MppTransfer transfer;
    double left_s, rate, updated_s; /* work left, progress per second (1: full speed) */
    uint32_t version;
    bool active;
    bool marked; /* in the problem */
} Flow;

struct MppNetwork {
    Link *links;
    Flow *flows;
    int32_t n_links, n_flows;
    GArray *moved; /* MppFlowEnd */
    /* what starts and ends have touched, then all that hangs together with it */
    GArray *problem_flows, *problem_links; /* int32_t */
    GArray *sharing_flows, *sharing_links; /* MppFlow, MppLink */
    GArray *crossed;                       /* int */
};

MppNetwork *mpp_network_new(const double *capacity_bytes_per_s, int32_t n_links, int32_t n_flows)
{
    MppNetwork *network = g_new0(MppNetwork, 1);
    network->links = g_new0(Link, n_links);
    network->flows = g_new0(Flow, n_flows);
    network->n_links = n_links;
    network->n_flows = n_flows;
    for (int32_t l = 0; l < n_links; l++) {
        network->links[l].capacity = capacity_bytes_per_s[l];
        network->links[l].mark = -1;
    }
    network->moved = g_array_new(FALSE, FALSE, sizeof(MppFlowEnd));
    network->problem_flows = g_array_new(FALSE, FALSE, sizeof(int32_t));
    network->problem_links = g_array_new(FALSE, FALSE, sizeof(int32_t));
    network->sharing_flows = g_array_new(FALSE, FALSE, sizeof(MppFlow));
    network->sharing_links = g_array_new(FALSE, FALSE, sizeof(MppLink));
    network->crossed = g_array_new(FALSE, FALSE, sizeof(int));
    return network;
}

void mpp_network_free(MppNetwork *network)
{
    if (!network)
        return;
    for (int32_t l = 0; l < network->n_links; l++)
        g_free(network->links[l].flows);
    g_free(network->links);
    g_free(network->flows);
    GArray *arrays[] = { network->moved,         network->problem_flows, network->problem_links,
                         network->sharing_flows, network->sharing_links, network->crossed };
    for (gsize i = 0; i < G_N_ELEMENTS(arrays); i++)
        g_array_unref(arrays[i]);
    g_free(network);
}

/** Rounding of sums of loads must not make a full link a contended one. */
static bool is_tight(const Link *link)
{
    return link->load > link->capacity * (1 + 1e-9);
}

static void set_rate(MppNetwork *network, int32_t index, double rate, double now_s)
{
    Flow *flow = &network->flows[index];
    if (flow->rate == rate)
        return;
    flow->left_s -= flow->rate * (now_s - flow->updated_s);
    flow->rate = rate;
    flow->updated_s = now_s;
    MppFlowEnd end = { index, ++flow->version, now_s + MAX(flow->left_s, 0) / rate };
    g_array_append_val(network->moved, end);
}

static void mark_flow(MppNetwork *network, int32_t index)
{
    if (network->flows[index].marked)
        return;
    network->flows[index].marked = true;
    g_array_append_val(network->problem_flows, index);
}

static void mark_link(MppNetwork *network, int32_t index)
{
    Link *link = &network->links[index];
    if (link->mark >= 0 || !is_tight(link))
        return;
    link->mark = (int32_t)network->problem_links->len;
    g_array_append_val(network->problem_links, index);
    for (int32_t i = 0; i < link->n_flows; i++)
        mark_flow(network, link->flows[i]);
}

/** Flows and tight links that hang together with those marked so far. */
static void grow_problem(MppNetwork *network)
{
    for (guint f = 0; f < network->problem_flows->len; f++) {
        const MppTransfer *transfer = &network->flows[g_array_index(network->problem_flows, int32_t, f)].transfer;
        for (int32_t i = 0; i < transfer->n_links; i++)
            mark_link(network, transfer->links[i]);
    }
}

/** Links with room to spare hold nobody back: only the tight ones are in the problem. */
static void state_problem(MppNetwork *network)
{
    g_array_set_size(network->sharing_flows, 0);
    g_array_set_size(network->sharing_links, 0);
    g_array_set_size(network->crossed, 0);
    for (guint l = 0; l < network->problem_links->len; l++) {
        MppLink link = { .capacity = network->links[g_array_index(network->problem_links, int32_t, l)].capacity };
        g_array_append_val(network->sharing_links, link);
    }
    for (guint f = 0; f < network->problem_flows->len; f++) {
        const MppTransfer *transfer = &network->flows[g_array_index(network->problem_flows, int32_t, f)].transfer;
        MppFlow flow = { .limit = transfer->bytes_per_s, .first_link = (int)network->crossed->len };
        bool active = network->flows[g_array_index(network->problem_flows, int32_t, f)].active;
        for (int32_t i = 0; active && i < transfer->n_links; i++) {
            int mark = network->links[transfer->links[i]].mark;
            if (mark >= 0)
                g_array_append_val(network->crossed, mark);
        }
        flow.n_links = (int)network->crossed->len - flow.first_link;
        g_array_append_val(network->sharing_flows, flow);
    }
}

const GArray *mpp_network_settle(MppNetwork *network, double now_s)
{
    g_array_set_size(network->moved, 0);
    grow_problem(network);
    state_problem(network);
    MppSharing sharing = {
        .flows = (MppFlow *)(void *)network->sharing_flows->data,
        .n_flows = (int)network->sharing_flows->len,
        .links = (MppLink *)(void *)network->sharing_links->data,
        .n_links = (int)network->sharing_links->len,
        .crossed = (const int *)(void *)network->crossed->data,
    };
    if (sharing.n_links)
        mpp_maxmin_solve(&sharing);
    for (guint f = 0; f < network->problem_flows->len; f++) {
        int32_t index = g_array_index(network->problem_flows, int32_t, f);
        const MppFlow *flow = &sharing.flows[f];
        bool free = !sharing.n_links || flow->rate >= flow->limit;
        network->flows[index].marked = false;
        if (network->flows[index].active)
            set_rate(network, index, free ? 1 : flow->rate / flow->limit, now_s);
    }
    for (guint l = 0; l < network->problem_links->len; l++)
        network->links[g_array_index(network->problem_links, int32_t, l)].mark = -1;
    g_array_set_size(network->problem_flows, 0);
    g_array_set_size(network->problem_links, 0);
    return network->moved;
}

static void set_load(Link *link, double load, double now_s)
{
    bool was_tight = is_tight(link);
    link->load = load;
    if (!was_tight && is_tight(link))
        link->contended_since_s = now_s;
    if (was_tight && !is_tight(link))
        link->contended_s += now_s - link->contended_since_s;
}

static void join(Link *link, int32_t flow, const MppTransfer *transfer, double now_s)
{
    if (link->n_flows == link->room) {
        link->room = MAX(4, 2 * link->room);
        link->flows = g_renew(int32_t, link->flows, link->room);
    }
    link->flows[link->n_flows++] = flow;
    link->carried_bytes += transfer->bytes_per_s * transfer->work_s;
    set_load(link, link->load + transfer->bytes_per_s, now_s);
}

static void leave(Link *link, int32_t flow, const MppTransfer *transfer, double now_s)
{
    int32_t at = 0;
    while (link->flows[at] != flow)
        at++;
    for (link->n_flows--; at < link->n_flows; at++)
        link->flows[at] = link->flows[at + 1];
    set_load(link, link->n_flows ? link->load - transfer->bytes_per_s : 0, now_s); /* an idle link keeps no rounding */
}

void mpp_network_start(MppNetwork *network, int32_t index, const MppTransfer *transfer, double now_s)
{
    Flow *flow = &network->flows[index];
    g_assert(!flow->active);
    flow->transfer = *transfer;
    flow->left_s = transfer->work_s;
    flow->updated_s = now_s;
    flow->rate = 0;
    flow->active = true;
    for (int32_t i = 0; i < transfer->n_links; i++)
        join(&network->links[transfer->links[i]], index, transfer, now_s);
    mark_flow(network, index);
}

/** Those it held back may go faster. */
void mpp_network_end(MppNetwork *network, int32_t index, double now_s)
{
    Flow *flow = &network->flows[index];
    g_assert(flow->active);
    flow->active = false;
    for (int32_t i = 0; i < flow->transfer.n_links; i++) {
        Link *link = &network->links[flow->transfer.links[i]];
        for (int32_t f = 0; is_tight(link) && f < link->n_flows; f++)
            mark_flow(network, link->flows[f]);
        leave(link, index, &flow->transfer, now_s);
    }
}

bool mpp_network_is_due(const MppNetwork *network, int32_t flow, uint32_t version)
{
    return network->flows[flow].active && network->flows[flow].version == version;
}

double mpp_network_contended_s(const MppNetwork *network, int32_t link, double now_s)
{
    const Link *l = &network->links[link];
    return l->contended_s + (is_tight(l) ? now_s - l->contended_since_s : 0);
}

double mpp_network_carried_bytes(const MppNetwork *network, int32_t link)
{
    return network->links[link].carried_bytes;
}
