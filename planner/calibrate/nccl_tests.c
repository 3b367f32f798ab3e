#include <math.h>
#include <stdio.h>
#include <string.h>

#include "planner/base/error.h"
#include "planner/calibrate/sample_import.h"

/** What the head of the table says. */
typedef struct {
    int64_t ranks;
    GHashTable *hosts;
    int64_t repeats;
    char test[32]; /* "all_reduce_perf"; empty: not stated */
    char device[64];
} Head;

typedef struct {
    double bytes, time_us, algbw, busbw;
    char type[16], redop[16];
} Row;

static void read_head(const char *line, Head *head)
{
    char host[256];
    int used = 0;
    if (sscanf(line, "# Rank %*d Group %*d Pid %*d on %255s device %*d [%*[^]]]%n", host, &used) == 1 ||
        sscanf(line, "# Rank %*d Pid %*d on %255s device %*d [%*[^]]]%n", host, &used) == 1) {
        head->ranks++;
        g_hash_table_add(head->hosts, g_strdup(host));
        if (used)
            sscanf(line + used, " %63[^\n]", head->device);
    }
    sscanf(line, "# Collective test starting: %31s", head->test);
    const char *iterations = strstr(line, " iters: ");
    for (const char *next = iterations; next; next = strstr(next + 1, " iters: ")) /* the second: the first are warm-up's */
        if (strncmp(next - strlen("warmup"), "warmup", strlen("warmup")) != 0 && strncmp(next - strlen("agg"), "agg", strlen("agg")) != 0)
            head->repeats = g_ascii_strtoll(next + strlen(" iters: "), NULL, 10);
}

static bool read_row(const char *line, Row *row)
{
    int64_t count, root;
    return sscanf(line, " %lf %" G_GINT64_FORMAT " %15s %15s %" G_GINT64_FORMAT " %lf %lf %lf", &row->bytes, &count, row->type, row->redop,
                  &root, &row->time_us, &row->algbw, &row->busbw) == 8;
}

/** By the name of the test, or by what the row's bandwidths are to each other. -1: another one. */
static int collective_of(const Head *head, const Row *row)
{
    static const struct {
        const char *test;
        MppCollective kind;
    } tests[] = {
        { "all_reduce_perf", MPP_COLLECTIVE_ALL_REDUCE },         { "all_gather_perf", MPP_COLLECTIVE_ALL_GATHER },
        { "reduce_scatter_perf", MPP_COLLECTIVE_REDUCE_SCATTER }, { "alltoall_perf", MPP_COLLECTIVE_ALL_TO_ALL },
        { "sendrecv_perf", MPP_COLLECTIVE_EXCHANGE },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
        if (strcmp(head->test, tests[i].test) == 0)
            return tests[i].kind;
    bool reduces = strcmp(row->redop, "none") != 0;
    double ratio = row->busbw / row->algbw, share = (head->ranks - 1.0) / head->ranks;
    if (*head->test || !reduces)
        return -1; /* a gather and an all-to-all look alike */
    return fabs(ratio / share - 2) < 0.2 ? MPP_COLLECTIVE_ALL_REDUCE : fabs(ratio / share - 1) < 0.1 ? MPP_COLLECTIVE_REDUCE_SCATTER : -1;
}

static MppPrecision precision_of(const char *type)
{
    return strcmp(type, "bfloat16") == 0 ? MPP_PRECISION_BF16 : strcmp(type, "half") == 0 ? MPP_PRECISION_FP16 : MPP_PRECISION_FP32;
}

static bool check(const char *name, const Head *head, const GArray *rows, GError **error)
{
    int64_t nodes = g_hash_table_size(head->hosts);
    if (!rows->len || head->ranks < 2)
        g_set_error(error, MPP_ERROR, MPP_ERROR_SYNTAX,
                    "%s: expected nccl-tests' list of at least two ranks and rows of sizes and times, got %" G_GINT64_FORMAT
                    " ranks and %u rows",
                    name, head->ranks, rows->len);
    else if (head->ranks % nodes)
        g_set_error(error, MPP_ERROR, MPP_ERROR_INVALID,
                    "%s: %" G_GINT64_FORMAT " ranks do not lie evenly on %" G_GINT64_FORMAT " nodes", name, head->ranks, nodes);
    else
        return true;
    return false;
}

/** Small rows' bandwidths are rounded to nothing: the largest row tells the collective for all. */
static bool add_rows(const char *name, const Head *head, const GArray *rows, MppSamples *samples, GError **error)
{
    const Row *largest = &g_array_index(rows, Row, 0);
    for (guint i = 1; i < rows->len; i++)
        if (g_array_index(rows, Row, i).busbw > largest->busbw)
            largest = &g_array_index(rows, Row, i);
    int kind = collective_of(head, largest);
    if (kind < 0)
        return mpp_error_set(error, MPP_ERROR_UNSUPPORTED,
                             "%s: expected all_reduce, all_gather, reduce_scatter, alltoall or sendrecv, got %s", name,
                             *head->test ? head->test : "a table that does not say which collective it is of");
    for (guint i = 0; i < rows->len; i++) {
        const Row *row = &g_array_index(rows, Row, i);
        if (!(row->bytes > 0) || !(row->time_us > 0))
            continue;
        MppSample sample = mpp_samples_blank(MPP_SAMPLE_COLLECTIVE, mpp_names_get(&mpp_collective_names, kind));
        sample.collective = (MppCollective)kind;
        sample.precision = precision_of(row->type);
        sample.bytes = row->bytes;
        sample.ranks = head->ranks;
        sample.nodes = g_hash_table_size(head->hosts);
        sample.repeats = MAX(head->repeats, 1);
        sample.median_s = row->time_us * 1e-6;
        mpp_samples_add(samples, sample);
    }
    return true;
}

MppSamples *mpp_nccl_tests_parse(const char *name, const char *text, GError **error)
{
    Head head = { .hosts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL) };
    g_autoptr(GHashTable) hosts = head.hosts;
    g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, sizeof(Row));
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (int i = 0; lines[i]; i++) {
        Row row;
        bool blank = !lines[i][strspn(lines[i], " \t\r")];
        if (lines[i][0] == '#') {
            read_head(lines[i], &head);
        } else if (read_row(lines[i], &row)) {
            g_array_append_val(rows, row);
        } else if (!blank && rows->len) {
            g_set_error(error, MPP_ERROR, MPP_ERROR_SYNTAX, "%s:%d: expected a size, a count, a type, a reduction, a root, a time and bandwidths, got \"%s\"",
                        name, i + 1, g_strstrip(lines[i]));
            return NULL;
        }
    }
    g_autoptr(MppSamples) samples = mpp_samples_new("nccl-tests", *head.device ? head.device : NULL);
    return check(name, &head, rows, error) && add_rows(name, &head, rows, samples, error) ? g_steal_pointer(&samples) : NULL;
}
