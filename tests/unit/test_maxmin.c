#include "sim/maxmin.h"

#include <glib.h>
#include <math.h>

enum { MOST = 8 };

/** Crossed links end with -1. */
typedef struct {
    const char *name;
    int n_flows, n_links;
    double capacity[MOST], limit[MOST];
    int crossed[MOST][MOST];
    double rate[MOST];
} Case;

static const Case cases[] = {
    { "alone", 1, 1, { 2.5 }, { INFINITY }, { { 0, -1 } }, { 2.5 } },
    { "alone with a limit", 1, 1, { 2.5 }, { 1.25 }, { { 0, -1 } }, { 1.25 } },
    { "two share", 2, 1, { 3 }, { INFINITY, INFINITY }, { { 0, -1 }, { 0, -1 } }, { 1.5, 1.5 } },
    { "what one leaves the others take", 3, 1, { 7 }, { 1, INFINITY, INFINITY }, { { 0, -1 }, { 0, -1 }, { 0, -1 } }, { 1, 3, 3 } },
    /* Bertsekas & Gallager, Data Networks, figure 6.16's kind: a long flow and short ones */
    { "a long flow over three links", 4, 3, { 1, 2, 3 }, { INFINITY, INFINITY, INFINITY, INFINITY },
      { { 0, 1, 2, -1 }, { 0, -1 }, { 1, -1 }, { 2, -1 } }, { 0.5, 0.5, 1.5, 2.5 } },
    { "two bottlenecks", 3, 2, { 10, 3 }, { INFINITY, INFINITY, INFINITY }, { { 0, 1, -1 }, { 0, -1 }, { 1, -1 } }, { 1.5, 8.5, 1.5 } },
    { "no link, a limit", 2, 1, { 4 }, { 2.25, INFINITY }, { { -1 }, { 0, -1 } }, { 2.25, 4 } },
    { "neither link nor limit", 1, 0, { 0 }, { INFINITY }, { { -1 } }, { INFINITY } },
};

static void test_known(gconstpointer data)
{
    const Case *c = data;
    MppFlow flows[MOST];
    MppLink links[MOST] = { { 0 } };
    int crossed[MOST * MOST], n = 0;
    for (int f = 0; f < c->n_flows; f++) {
        flows[f] = (MppFlow){ .limit = c->limit[f], .first_link = n };
        for (const int *link = c->crossed[f]; *link >= 0; link++)
            crossed[n++] = *link;
        flows[f].n_links = n - flows[f].first_link;
    }
    for (int l = 0; l < c->n_links; l++)
        links[l].capacity = c->capacity[l];
    MppSharing sharing = { flows, c->n_flows, links, c->n_links, crossed };
    mpp_maxmin_solve(&sharing);
    for (int f = 0; f < c->n_flows; f++)
        g_assert_true(flows[f].rate == c->rate[f] || fabs(flows[f].rate - c->rate[f]) < 1e-12 * c->rate[f]);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strdup_printf("/maxmin/known/%s", cases[i].name);
        g_test_add_data_func(path, &cases[i], test_known);
    }
    return g_test_run();
}
