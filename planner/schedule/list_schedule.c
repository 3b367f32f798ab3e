#include "planner/schedule/list_schedule.h"

#include <math.h>
#include <string.h>

#include "planner/base/units.h"
#include "planner/schedule/list_parts.h"
#include "planner/schedule/peaks.h"

enum { MOST_STARTS = 4, RUN_EFFORT = 20 }; /* placing a slot takes about as long as replaying so many */
#define SAME_LENGTH 1e-12                    /* lengths differ by no more than the order of their sums makes them */

void mpp_list_schedule_free(MppListSchedule *schedule)
{
    if (!schedule)
        return;
    mpp_order_free(schedule->order);
    g_free(schedule);
}

typedef struct {
    MppOrder *order;
    double length_s, held_bytes; /* held_bytes: peaks of all ranks together */
} Start;

/** Orders found so far, the shortest first; the search goes on from these. */
typedef struct {
    const MppListProblem *problem;
    Start best[MOST_STARTS];
    int n;
    double bound_s;
    int64_t effort;
} Starts;

static bool is_proven(const Starts *starts)
{
    return starts->n > 0 && starts->best[0].length_s <= starts->bound_s * (1 + SAME_LENGTH);
}

static double length_of(const MppListProblem *problem, const MppOrder *order)
{
    g_autofree void *work = g_malloc(mpp_replay_work_bytes(order));
    g_autofree double *ends = g_new(double, problem->n_chunks + problem->pp);
    return mpp_replay_ends(order, &problem->durations, work, ends, ends + problem->n_chunks);
}

/** Peaks of all ranks; @fits: out, whether all are within the caps. */
static double held_by(const MppListProblem *problem, const MppOrder *order, bool *fits)
{
    double held_bytes = 0;
    *fits = true;
    for (int64_t k = 0; k < problem->pp; k++) {
        MppPeaks peaks = mpp_order_peaks(order, k);
        double most = mpp_peaks_weigh(&peaks, problem->kept_bytes);
        mpp_peaks_clear(&peaks);
        held_bytes += most;
        *fits = *fits && most <= problem->cap_bytes[k] * (1 + MPP_LIST_ROUNDING);
    }
    return held_bytes;
}

/** Below 0: @a is shorter, or as long and holds less. */
static double compare(const Start *a, const Start *b)
{
    double longer_s = a->length_s - b->length_s;
    return ABS(longer_s) > SAME_LENGTH * b->length_s ? longer_s : a->held_bytes - b->held_bytes;
}

/** Keeps @start, whose order is given away, if it is among the best. One of each length is enough. */
static void keep(Starts *starts, Start start)
{
    int at = 0, from;
    while (at < starts->n && compare(&starts->best[at], &start) <= 0)
        at++;
    bool known = at > 0 && start.length_s <= starts->best[at - 1].length_s * (1 + SAME_LENGTH);
    if (at == MOST_STARTS || known) {
        mpp_order_free(start.order);
        return;
    }
    for (from = at; from < starts->n && starts->best[from].length_s <= start.length_s * (1 + SAME_LENGTH); from++)
        mpp_order_free(starts->best[from].order);
    if (from == at && starts->n == MOST_STARTS)
        mpp_order_free(starts->best[--starts->n].order);
    memmove(&starts->best[at + 1], &starts->best[from], (starts->n - from) * sizeof start);
    starts->n += at + 1 - from;
    starts->best[at] = start;
}

/** The order of a named schedule if it is one of this problem; else NULL. */
static MppOrder *named_order(const MppListProblem *problem, const MppSchedule *schedule)
{
    const MppScheduleShape *shape = mpp_schedule_kind_shape(schedule->kind);
    if (!mpp_schedule_check(schedule, NULL) || mpp_schedule_copies(schedule) > 1 || (shape->splits_backward && !problem->split))
        return NULL;
    for (int64_t c = 0; c < problem->n_chunks; c++)
        if (mpp_schedule_rank(schedule, c) != problem->rank_of[c])
            return NULL;
    return mpp_schedule_order(schedule);
}

static void try_named(Starts *starts, const MppSchedule *schedule, Start *best, MppListSchedule *result)
{
    g_autoptr(MppOrder) order = named_order(starts->problem, schedule);
    bool fits = false;
    Start start = { .held_bytes = order ? held_by(starts->problem, order, &fits) : 0 };
    if (!fits)
        return;
    start.length_s = length_of(starts->problem, order);
    if (!result->has_named || compare(&start, best) < 0) {
        *best = start;
        result->has_named = true;
        result->named = *schedule;
        result->named_s = start.length_s;
    }
    start.order = g_steal_pointer(&order);
    keep(starts, start);
}

/** All kinds; where micro-batches go in groups, groups of a few sizes. */
static void try_all_named(Starts *starts, MppListSchedule *result)
{
    const MppListProblem *problem = starts->problem;
    Start best;
    if (problem->n_chunks % problem->pp != 0)
        return;
    for (int kind = 0; kind < MPP_N_SCHEDULES; kind++) {
        MppSchedule schedule = { kind, problem->pp, problem->n_chunks / problem->pp, problem->micro_batches, 0 };
        try_named(starts, &schedule, &best, result);
        const int64_t groups[] = { problem->pp + 1, problem->pp + problem->pp / 2, 2 * problem->pp };
        for (size_t i = 0; mpp_schedule_kind_shape(kind)->grouped && i < G_N_ELEMENTS(groups); i++) {
            schedule.group = groups[i];
            try_named(starts, &schedule, &best, result);
        }
    }
}

static void try_policy(Starts *starts, const MppListPolicy *policy)
{
    bool fits;
    Start start = { .order = mpp_list_run(starts->problem, policy) };
    start.length_s = length_of(starts->problem, start.order);
    start.held_bytes = held_by(starts->problem, start.order, &fits);
    g_assert(fits);
    keep(starts, start);
    starts->effort -= RUN_EFFORT * (2 + policy->split) * starts->problem->n_chunks * starts->problem->micro_batches;
}

/** From usual policies to odd ones, as far as half of the effort goes. */
static void try_policies(Starts *starts)
{
    static const double rooms[] = { 1, 0.5, 0.25 }, patience[] = { 0, 0.5, 1 }, ages[] = { 1, 2, 0.5, 1e6, 0.75, 1.4, 0.25, 4, 0 };
    enum { N_ROOMS = G_N_ELEMENTS(rooms), N_PATIENCE = G_N_ELEMENTS(patience), N_AGES = G_N_ELEMENTS(ages) };
    int64_t rest = starts->effort / 2;
    for (int i = 0; i < N_ROOMS * N_PATIENCE * N_AGES && starts->effort > rest && !is_proven(starts); i++) {
        MppListPolicy policy = { .age = ages[i % N_AGES], .patience = patience[i / N_AGES % N_PATIENCE], .room = rooms[i / N_AGES / N_PATIENCE] };
        try_policy(starts, &policy);
        if (!starts->problem->split)
            continue;
        policy.split = true;
        try_policy(starts, &policy);
        policy.weights_last = true;
        try_policy(starts, &policy);
    }
}

static bool check_caps(const MppListProblem *problem, GError **error)
{
    for (int64_t k = 0; k < problem->pp; k++) {
        double least = mpp_list_least_bytes(problem, k);
        if (least <= problem->cap_bytes[k] * (1 + MPP_LIST_ROUNDING))
            continue;
        g_autofree char *needed = mpp_units_bytes(least), *cap = mpp_units_bytes(MAX(0, problem->cap_bytes[k]));
        return mpp_error_set(error, MPP_ERROR_INFEASIBLE,
                             "rank %d needs %s for the activations of one micro-batch, %s are free: no order of passes fits",
                             (int)k, needed, cap);
    }
    return true;
}

/** Improves every start by an equal part of the effort. Returns: the best, owned by the caller. */
static MppOrder *improve(Starts *starts)
{
    int best = 0;
    int64_t effort = starts->effort / starts->n;
    bool proven = is_proven(starts);
    for (int i = 0; i < starts->n && !proven; i++) {
        Start *start = &starts->best[i];
        start->length_s = mpp_list_improve(starts->problem, start->order, starts->bound_s, effort);
        best = start->length_s < starts->best[best].length_s ? i : best;
        proven = start->length_s <= starts->bound_s * (1 + SAME_LENGTH);
    }
    return g_steal_pointer(&starts->best[best].order);
}

MppListSchedule *mpp_list_schedule_new(const MppListProblem *problem, GError **error)
{
    if (!check_caps(problem, error))
        return NULL;
    MppListSchedule *result = g_new0(MppListSchedule, 1);
    result->bound_s = mpp_list_bound(problem);
    Starts starts = { .problem = problem, .bound_s = result->bound_s, .effort = problem->effort ? problem->effort : MPP_LIST_EFFORT };
    try_all_named(&starts, result);
    try_policies(&starts);
    result->order = improve(&starts);
    mpp_list_join(problem, result->order);
    result->length_s = length_of(problem, result->order); /* sums of the joined passes round differently */
    for (int i = 0; i < starts.n; i++)
        mpp_order_free(starts.best[i].order);
    return result;
}
