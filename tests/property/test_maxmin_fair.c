/**
 * Max-min fairness on random problems: no link is over its capacity, and every flow is either at its own limit or
 * crosses a saturated link on which no flow is faster. That condition holds for one allocation only
 * (Bertsekas & Gallager, Data Networks §6.5.2), so it proves the answer.
 */
#include <glib.h>
#include <gsl/gsl_rng.h>
#include <math.h>

#include "sim/maxmin.h"

enum { PROBLEMS = 400, MOST_FLOWS = 60, MOST_LINKS = 25, MOST_CROSSED = 5 };

typedef struct {
    MppFlow flows[MOST_FLOWS];
    MppLink links[MOST_LINKS];
    int crossed[MOST_FLOWS * MOST_CROSSED];
    MppSharing sharing;
} Problem;

static void draw(Problem *problem, gsl_rng *random)
{
    int n_flows = 1 + (int)gsl_rng_uniform_int(random, MOST_FLOWS), n_links = 1 + (int)gsl_rng_uniform_int(random, MOST_LINKS), n = 0;
    for (int l = 0; l < n_links; l++)
        problem->links[l] = (MppLink){ .capacity = 0.25 + 10 * gsl_rng_uniform(random) };
    for (int f = 0; f < n_flows; f++) {
        problem->flows[f] = (MppFlow){ .limit = gsl_rng_uniform(random) < 0.3 ? 3 * gsl_rng_uniform_pos(random) : INFINITY,
                                       .first_link = n,
                                       .n_links = 1 + (int)gsl_rng_uniform_int(random, MIN(MOST_CROSSED, n_links)) };
        int first = (int)gsl_rng_uniform_int(random, n_links);
        for (int i = 0; i < problem->flows[f].n_links; i++)
            problem->crossed[n++] = (first + i) % n_links;
    }
    problem->sharing = (MppSharing){ problem->flows, n_flows, problem->links, n_links, problem->crossed };
}

static bool crosses(const Problem *problem, int flow, int link)
{
    const MppFlow *f = &problem->flows[flow];
    for (int i = 0; i < f->n_links; i++)
        if (problem->crossed[f->first_link + i] == link)
            return true;
    return false;
}

/** Whether @link is full and none on it is faster than @rate. */
static bool holds(const Problem *problem, int link, double rate)
{
    double sum = 0, fastest = 0;
    for (int f = 0; f < problem->sharing.n_flows; f++)
        if (crosses(problem, f, link)) {
            sum += problem->flows[f].rate;
            fastest = fmax(fastest, problem->flows[f].rate);
        }
    g_assert_cmpfloat(sum, <=, problem->links[link].capacity * (1 + 1e-9));
    return sum >= problem->links[link].capacity * (1 - 1e-9) && fastest <= rate * (1 + 1e-9);
}

static void test_fair(void)
{
    gsl_rng *random = gsl_rng_alloc(gsl_rng_mt19937);
    g_autofree Problem *problem = g_new0(Problem, 1);
    for (int p = 0; p < PROBLEMS; p++) {
        draw(problem, random);
        mpp_maxmin_solve(&problem->sharing);
        for (int f = 0; f < problem->sharing.n_flows; f++) {
            bool held = problem->flows[f].rate >= problem->flows[f].limit * (1 - 1e-12);
            g_assert_cmpfloat(problem->flows[f].rate, >, 0);
            g_assert_cmpfloat(problem->flows[f].rate, <=, problem->flows[f].limit);
            for (int l = 0; l < problem->sharing.n_links; l++)
                held = (crosses(problem, f, l) && holds(problem, l, problem->flows[f].rate)) || held;
            g_assert_true(held);
        }
    }
    gsl_rng_free(random);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/maxmin/fair", test_fair);
    return g_test_run();
}
