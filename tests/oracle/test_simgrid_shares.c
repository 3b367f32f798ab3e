/* Transfers on shared links end when SimGrid's fluid network model (arXiv:1309.1630) says, where SimGrid is installed. */
#include <glib.h>
#include <glib/gstdio.h>
#include <math.h>

#include "sim/heap.h"
#include "sim/network.h"

enum { FLOWS = 24, LINKS = 9, MOST_CROSSED = 4, PROBLEMS = 12 };

typedef struct {
    double capacity[LINKS];
    double start_s[FLOWS], bytes[FLOWS];
    int32_t links[FLOWS][MOST_CROSSED];
    int32_t n_links[FLOWS];
} Problem;

static Problem draw(guint32 seed)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
    Problem problem;
    for (int l = 0; l < LINKS; l++)
        problem.capacity[l] = g_rand_double_range(rand, 1e6, 9e6);
    for (int f = 0; f < FLOWS; f++) {
        problem.start_s[f] = g_rand_int_range(rand, 0, 4) * 0.75;
        problem.bytes[f] = g_rand_double_range(rand, 1e6, 2e7);
        problem.n_links[f] = g_rand_int_range(rand, 1, MOST_CROSSED + 1);
        for (int i = 0, first = g_rand_int_range(rand, 0, LINKS); i < problem.n_links[f]; i++)
            problem.links[f][i] = (first + i * 2) % LINKS;
    }
    return problem;
}

/** Alone, a transfer goes as fast as its narrowest link. */
static MppTransfer transfer_of(const Problem *problem, int flow)
{
    double rate = INFINITY;
    for (int i = 0; i < problem->n_links[flow]; i++)
        rate = MIN(rate, problem->capacity[problem->links[flow][i]]);
    return (MppTransfer){ problem->bytes[flow] / rate, rate, problem->links[flow], problem->n_links[flow] };
}

/** Ends of all transfers by mpp_network. */
static void run_ours(const Problem *problem, double *end_s)
{
    enum { START, END };
    g_autoptr(MppNetwork) network = mpp_network_new(problem->capacity, LINKS, FLOWS);
    g_autoptr(MppHeap) heap = mpp_heap_new();
    for (int f = 0; f < FLOWS; f++)
        mpp_heap_push(heap, problem->start_s[f], START, f, 0);
    MppEvent event;
    while (mpp_heap_pop(heap, &event)) {
        if (event.kind == START) {
            MppTransfer transfer = transfer_of(problem, event.subject);
            mpp_network_start(network, event.subject, &transfer, event.time_s);
        } else if (mpp_network_is_due(network, event.subject, event.version)) {
            mpp_network_end(network, event.subject, event.time_s);
            end_s[event.subject] = event.time_s;
        }
        if (mpp_heap_next_s(heap) <= event.time_s)
            continue;
        const GArray *moved = mpp_network_settle(network, event.time_s);
        for (guint i = 0; i < moved->len; i++) {
            const MppFlowEnd *end = &g_array_index(moved, MppFlowEnd, i);
            mpp_heap_push(heap, end->end_s, END, end->flow, end->version);
        }
    }
}

#if defined(HAVE_SIMGRID) && !defined(__SANITIZE_ADDRESS__)
#include <simgrid/actor.h>
#include <simgrid/engine.h>
#include <simgrid/host.h>
#include <simgrid/mailbox.h>

static const Problem *asked; /* SimGrid's actors take text only */
static double *answered_s;

/** One pair of hosts a transfer, joined by its links without latency. */
static char *write_platform(const Problem *problem)
{
    GString *xml = g_string_new("<?xml version='1.0'?>\n<!DOCTYPE platform SYSTEM \"https://simgrid.org/simgrid.dtd\">\n"
                                "<platform version=\"4.1\"><zone id=\"all\" routing=\"Full\">\n");
    for (int f = 0; f < FLOWS; f++)
        g_string_append_printf(xml, "<host id=\"s%d\" speed=\"1Gf\"/><host id=\"r%d\" speed=\"1Gf\"/>\n", f, f);
    char number[G_ASCII_DTOSTR_BUF_SIZE];
    for (int l = 0; l < LINKS; l++)
        g_string_append_printf(xml, "<link id=\"l%d\" bandwidth=\"%sBps\" latency=\"0us\"/>\n", l,
                               g_ascii_formatd(number, sizeof number, "%.17g", problem->capacity[l]));
    for (int f = 0; f < FLOWS; f++) {
        g_string_append_printf(xml, "<route src=\"s%d\" dst=\"r%d\">", f, f);
        for (int i = 0; i < problem->n_links[f]; i++)
            g_string_append_printf(xml, "<link_ctn id=\"l%d\"/>", problem->links[f][i]);
        g_string_append(xml, "</route>\n");
    }
    g_string_append(xml, "</zone></platform>\n");
    char *path = NULL;
    int file = g_file_open_tmp("simgrid-XXXXXX.xml", &path, NULL);
    g_assert_cmpint(file, >=, 0);
    g_close(file, NULL);
    g_assert_true(g_file_set_contents(path, xml->str, -1, NULL));
    g_string_free(xml, TRUE);
    return path;
}

static void send_one(int argc, char *argv[])
{
    g_assert_cmpint(argc, ==, 2);
    int f = atoi(argv[1]);
    sg_actor_sleep_for(asked->start_s[f]);
    g_autofree char *name = g_strdup_printf("m%d", f);
    sg_mailbox_put(sg_mailbox_by_name(name), GINT_TO_POINTER(1), (long)asked->bytes[f]);
}

static void receive_one(int argc, char *argv[])
{
    g_assert_cmpint(argc, ==, 2);
    int f = atoi(argv[1]);
    g_autofree char *name = g_strdup_printf("m%d", f);
    sg_mailbox_get(sg_mailbox_by_name(name));
    answered_s[f] = simgrid_get_clock();
}

static void run_simgrid(const Problem *problem, double *end_s)
{
    g_autofree char *path = write_platform(problem);
    asked = problem;
    answered_s = end_s;
    simgrid_load_platform(path);
    for (int f = 0; f < FLOWS; f++) {
        char number[16];
        g_snprintf(number, sizeof number, "%d", f);
        char *argv[] = { number, number, NULL };
        g_autofree char *sender = g_strdup_printf("s%d", f), *receiver = g_strdup_printf("r%d", f);
        sg_actor_create("send", sg_host_by_name(sender), send_one, 2, argv);
        sg_actor_create("receive", sg_host_by_name(receiver), receive_one, 2, argv);
    }
    simgrid_run();
    g_unlink(path);
}

/** SimGrid can be started once a process: each problem has its own. */
static void test_problem(gconstpointer data)
{
    if (!g_test_subprocess()) {
        g_test_trap_subprocess(NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
        g_test_trap_assert_passed();
        return;
    }
    int argc = 6;
    char *argv[] = { "test", "--cfg=network/model:CM02", "--cfg=network/TCP-gamma:0", "--cfg=network/crosstraffic:0",
                     "--cfg=maxmin/precision:1e-12", "--cfg=surf/precision:1e-12", NULL };
    simgrid_init(&argc, argv);
    Problem problem = draw(GPOINTER_TO_UINT(data));
    for (int f = 0; f < FLOWS; f++)
        problem.bytes[f] = floor(problem.bytes[f]);
    double ours_s[FLOWS], theirs_s[FLOWS];
    run_ours(&problem, ours_s);
    run_simgrid(&problem, theirs_s);
    for (int f = 0; f < FLOWS; f++)
        g_assert_cmpfloat_with_epsilon(ours_s[f], theirs_s[f], 1e-6 * theirs_s[f]);
}
#else
static void test_problem(gconstpointer data)
{
    double end_s[FLOWS];
    Problem problem = draw(GPOINTER_TO_UINT(data));
    run_ours(&problem, end_s);
    g_test_skip("SimGrid is not installed, or its contexts do not go with the address sanitizer");
}
#endif

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (guint seed = 1; seed <= PROBLEMS; seed++) {
        g_autofree char *path = g_strdup_printf("/simgrid/problem-%u", seed);
        g_test_add_data_func(path, GUINT_TO_POINTER(seed), test_problem);
    }
    return g_test_run();
}
