#include "sim/critical_path.h"

static const char *const names[MPP_N_CRITICALS] = {
    [MPP_CRITICAL_PASS] = "pass",       [MPP_CRITICAL_MESSAGE] = "message", [MPP_CRITICAL_REDUCE] = "reduce",
    [MPP_CRITICAL_TIED] = "tied",       [MPP_CRITICAL_UPDATE] = "update",   [MPP_CRITICAL_GATHER] = "gather",
    [MPP_CRITICAL_UNKNOWN] = "unknown", [MPP_CRITICAL_HOST] = "host",       [MPP_CRITICAL_STRAGGLER] = "straggler",
};
static const char *const titles[MPP_N_CRITICALS] = {
    [MPP_CRITICAL_PASS] = "pass",
    [MPP_CRITICAL_MESSAGE] = "messages to other stages",
    [MPP_CRITICAL_REDUCE] = "exchange of gradients",
    [MPP_CRITICAL_TIED] = "exchange of the shared embedding's gradients",
    [MPP_CRITICAL_UPDATE] = "optimizer",
    [MPP_CRITICAL_GATHER] = "gather of parameters",
    [MPP_CRITICAL_UNKNOWN] = "ranks that are not recorded",
    [MPP_CRITICAL_HOST] = "host",
    [MPP_CRITICAL_STRAGGLER] = "waiting for stragglers",
};
const MppNames mpp_critical_names = MPP_NAMES("segment", names);
const MppNames mpp_critical_titles = MPP_NAMES("segment", titles);

static MppCriticalKind kind_of(const MppSpan *span)
{
    switch ((MppActionKind)span->action) {
    case MPP_ACTION_SEND: return MPP_CRITICAL_MESSAGE;
    case MPP_ACTION_REDUCE: return MPP_CRITICAL_REDUCE;
    case MPP_ACTION_TIED: return MPP_CRITICAL_TIED;
    case MPP_ACTION_UPDATE: return MPP_CRITICAL_UPDATE;
    case MPP_ACTION_GATHER: return MPP_CRITICAL_GATHER;
    default: return MPP_CRITICAL_PASS;
    }
}

/** Puts a segment before those there are; none of no length. */
static void prepend(MppCriticalPath *path, double start_s, double end_s, int32_t span, MppCriticalKind kind)
{
    MppCriticalSegment segment = { start_s, end_s, span, kind };
    if (end_s > start_s)
        g_array_append_val(path->segments, segment); /* turned round at the end */
}

static int32_t last_span(const MppSimulation *simulation)
{
    int32_t last = -1;
    double last_s = -1;
    for (guint i = 0; i < simulation->spans->len; i++) {
        double end_s = g_array_index(simulation->spans, MppSpan, i).end_s;
        if (end_s > last_s) {
            last_s = end_s;
            last = (int32_t)i;
        }
    }
    return last;
}

/** When the lanes are done: at the end of @last, to rounding, unless that lane is not recorded. */
static double lanes_end_s(const MppSimulation *simulation, int32_t last)
{
    const double rounding = 1e-12;
    double end_s = simulation->step_s - simulation->straggler_s - simulation->host_s;
    double last_s = last >= 0 ? g_array_index(simulation->spans, MppSpan, last).end_s : 0;
    return end_s - last_s <= rounding * simulation->step_s ? last_s : end_s;
}

/** An exchange may begin within the pass that is its cause, so a span counts from its start to where the next begins. */
static void walk_back(const MppSimulation *simulation, MppCriticalPath *path)
{
    int32_t index = last_span(simulation);
    double waits_s = simulation->step_s - simulation->straggler_s, at_s = lanes_end_s(simulation, index);
    prepend(path, waits_s, simulation->step_s, -1, MPP_CRITICAL_STRAGGLER);
    prepend(path, at_s, waits_s, -1, MPP_CRITICAL_HOST);
    while (index >= 0) {
        const MppSpan *span = &g_array_index(simulation->spans, MppSpan, index);
        prepend(path, span->end_s, at_s, -1, MPP_CRITICAL_UNKNOWN);
        at_s = MIN(at_s, span->end_s);
        prepend(path, span->start_s, at_s, index, kind_of(span));
        at_s = MIN(at_s, span->start_s);
        index = span->cause;
    }
    prepend(path, 0, at_s, -1, MPP_CRITICAL_UNKNOWN);
    GArray *segments = path->segments;
    for (guint i = 0; i < segments->len / 2; i++) {
        MppCriticalSegment *a = &g_array_index(segments, MppCriticalSegment, i);
        MppCriticalSegment *b = &g_array_index(segments, MppCriticalSegment, segments->len - 1 - i);
        MppCriticalSegment swapped = *a;
        *a = *b;
        *b = swapped;
    }
}

/** Longest first; equals as in the step: by kind, stage, pass and share. */
static int by_time(const void *a, const void *b)
{
    const MppCriticalPart *p = a, *q = b;
    if (p->s != q->s)
        return p->s < q->s ? 1 : -1;
    int order[] = { (int)p->kind - (int)q->kind, p->stage - q->stage, (int)p->pass - (int)q->pass,
                    (int)p->share - (int)q->share };
    for (size_t i = 0; i < G_N_ELEMENTS(order); i++)
        if (order[i])
            return order[i];
    return 0;
}

/** Sums of the path: one for each stage, pass and share, one for each stage and kind. */
typedef struct {
    double *pass_s;
    int32_t *n_passes;
    double *other_s; /* [kind][stage + 1] */
    int32_t *n_others;
    int32_t pp;
} Sums;

static void add_segment(const MppSimulation *simulation, const MppCriticalSegment *segment, Sums *sums)
{
    double duration_s = segment->end_s - segment->start_s;
    const MppSpan *span = segment->span >= 0 ? &g_array_index(simulation->spans, MppSpan, segment->span) : NULL;
    int32_t stage = span ? span->lane % sums->pp : -1;
    if (segment->kind != MPP_CRITICAL_PASS) {
        sums->other_s[segment->kind * (sums->pp + 1) + stage + 1] += duration_s;
        sums->n_others[segment->kind * (sums->pp + 1) + stage + 1]++;
        return;
    }
    MppShares shares;
    mpp_pass_pieces_shares(simulation, span, &shares);
    double sum_s = mpp_shares_sum(&shares);
    int32_t at = (stage * MPP_N_PASSES + span->pass) * MPP_N_SHARES;
    for (int i = 0; i < MPP_N_SHARES; i++) {
        sums->pass_s[at + i] += sum_s > 0 ? duration_s * (shares.s[i] / sum_s) : 0;
        sums->n_passes[at + i]++;
    }
}

static void list_parts(const Sums *sums, GArray *parts)
{
    for (int32_t i = 0; i < sums->pp * MPP_N_PASSES * MPP_N_SHARES; i++) {
        MppCriticalPart part = { sums->pass_s[i],
                                 MPP_CRITICAL_PASS,
                                 i / (MPP_N_PASSES * MPP_N_SHARES),
                                 (MppPass)(i / MPP_N_SHARES % MPP_N_PASSES),
                                 (MppShare)(i % MPP_N_SHARES),
                                 sums->n_passes[i] };
        if (part.s > 0)
            g_array_append_val(parts, part);
    }
    for (int32_t i = 0; i < MPP_N_CRITICALS * (sums->pp + 1); i++) {
        MppCriticalPart part = { .s = sums->other_s[i],
                                 .kind = (MppCriticalKind)(i / (sums->pp + 1)),
                                 .stage = i % (sums->pp + 1) - 1,
                                 .n = sums->n_others[i] };
        if (part.s > 0)
            g_array_append_val(parts, part);
    }
    g_array_sort(parts, by_time);
}

static void sum_parts(const MppSimulation *simulation, MppCriticalPath *path)
{
    int32_t pp = simulation->program->pp, n_passes = pp * MPP_N_PASSES * MPP_N_SHARES, n_others = MPP_N_CRITICALS * (pp + 1);
    g_autofree double *pass_s = g_new0(double, n_passes), *other_s = g_new0(double, n_others);
    g_autofree int32_t *pass_counts = g_new0(int32_t, n_passes), *other_counts = g_new0(int32_t, n_others);
    Sums sums = { pass_s, pass_counts, other_s, other_counts, pp };
    for (guint i = 0; i < path->segments->len; i++)
        add_segment(simulation, &g_array_index(path->segments, MppCriticalSegment, i), &sums);
    list_parts(&sums, path->parts);
}

MppCriticalPath *mpp_critical_path_new(const MppSimulation *simulation)
{
    MppCriticalPath *path = g_new0(MppCriticalPath, 1);
    path->segments = g_array_new(FALSE, FALSE, sizeof(MppCriticalSegment));
    path->parts = g_array_new(FALSE, FALSE, sizeof(MppCriticalPart));
    walk_back(simulation, path);
    sum_parts(simulation, path);
    return path;
}

void mpp_critical_path_free(MppCriticalPath *path)
{
    if (!path)
        return;
    g_array_unref(path->segments);
    g_array_unref(path->parts);
    g_free(path);
}

char *mpp_critical_part_title(const MppCriticalPart *part)
{
    static const char *const passes[MPP_N_PASSES] = { "forward", "backward", "backward of inputs", "backward of weights" };
    const char *title = mpp_names_get(&mpp_critical_titles, part->kind);
    if (part->kind == MPP_CRITICAL_PASS)
        return g_strdup_printf("stage %d, %s: %s", part->stage, passes[part->pass],
                               mpp_names_get(&mpp_share_titles, part->share));
    return part->stage >= 0 ? g_strdup_printf("stage %d: %s", part->stage, title) : g_strdup(title);
}
