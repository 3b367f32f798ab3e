/*
 * One run: the rank that can start a pass soonest starts the one that comes first by the policy.
 *
 * A pass comes first by its place in an endless pipeline: the micro-batch's number times the time that the busiest rank
 * takes for one, plus the time after which the pass could run if it were alone. Memory is granted as a banker does:
 * a forward pass runs only if afterwards every earlier micro-batch still finds room for the rest of its forward passes
 * once those before it are through. So the first one can always go on, and no run ends in a deadlock.
 */
#include <math.h>

#include "planner/schedule/list_parts.h"

typedef struct {
    MppPass pass;
    int32_t chunk, micro_batch;
    double start_s, key;
} Choice;

typedef struct {
    const MppListProblem *problem;
    const MppListPolicy *policy;
    MppOrder *order;
    GArray **chunks;      /* of each rank: int32_t */
    double *forward_at_s, *backward_at_s; /* n_chunks: when a lone micro-batch's passes start */
    double interval_s;
    int32_t *n_forward, *n_backward, *n_weight; /* n_chunks: passes begun */
    double *forward_end_s, *backward_end_s;     /* n_chunks * micro_batches */
    double *free_s, *cap_bytes, *held_bytes;    /* pp */
    double *held_of;                            /* pp * micro_batches */
    Choice *choice;                             /* pp: start_s INFINITY when there is none */
} Run;

static double duration_s(const MppListProblem *problem, MppPass pass, int64_t chunk)
{
    const MppDurations *d = &problem->durations;
    return pass == MPP_PASS_FORWARD ? d->forward_s[chunk]
           : pass == MPP_PASS_INPUT ? d->input_s[chunk]
           : pass == MPP_PASS_WEIGHT ? d->weight_s[chunk]
                                     : d->input_s[chunk] + d->weight_s[chunk];
}

double mpp_list_least_bytes(const MppListProblem *problem, int64_t rank)
{
    double bytes = 0;
    for (int64_t c = 0; c < problem->n_chunks; c++)
        bytes += problem->rank_of[c] == rank ? problem->kept_bytes[c] : 0;
    return bytes;
}

/** Bytes of forward passes that @micro_batch has still before it on @rank. */
static double coming_bytes(const Run *run, int64_t rank, int32_t micro_batch)
{
    const GArray *chunks = run->chunks[rank];
    double bytes = 0;
    for (guint i = 0; i < chunks->len; i++) {
        int32_t c = g_array_index(chunks, int32_t, i);
        bytes += run->n_forward[c] <= micro_batch ? run->problem->kept_bytes[c] : 0;
    }
    return bytes;
}

/** Micro-batches that have begun on @rank, and how many of them have all forward passes there behind them. */
static int32_t begun(const Run *run, int64_t rank, int32_t *n_through)
{
    const GArray *chunks = run->chunks[rank];
    int32_t most = 0;
    *n_through = INT32_MAX;
    for (guint i = 0; i < chunks->len; i++) {
        int32_t n = run->n_forward[g_array_index(chunks, int32_t, i)];
        most = MAX(most, n);
        *n_through = MIN(*n_through, n);
    }
    return most;
}

static bool may_hold(const Run *run, int64_t rank, int32_t chunk, int32_t micro_batch)
{
    double more = run->problem->kept_bytes[chunk], cap = run->cap_bytes[rank] * (1 + MPP_LIST_ROUNDING);
    if (run->held_bytes[rank] + more > cap)
        return false;
    int32_t n_through, last = begun(run, rank, &n_through);
    double later_bytes = more;
    for (int32_t b = last; b >= n_through; b--) {
        later_bytes += b < last ? run->held_of[rank * run->problem->micro_batches + b] : 0;
        if (b < micro_batch && later_bytes + coming_bytes(run, rank, b) > cap)
            return false;
    }
    return true;
}

/** Smaller: sooner. */
static double key_of(const Run *run, MppPass pass, int32_t chunk, int32_t micro_batch)
{
    double at_s = pass == MPP_PASS_FORWARD ? run->forward_at_s[chunk] : run->backward_at_s[chunk];
    double last = pass == MPP_PASS_WEIGHT && run->policy->weights_last ? 1e12 * run->interval_s : 0;
    return last + at_s + (pass == MPP_PASS_WEIGHT ? run->problem->durations.input_s[chunk] : 0) +
           run->policy->age * micro_batch * run->interval_s;
}

/** When the input of a pass is there; INFINITY: not yet known. */
static double ready_s(const Run *run, MppPass pass, int32_t chunk, int32_t micro_batch)
{
    int64_t m = run->problem->micro_batches;
    if (pass == MPP_PASS_WEIGHT)
        return run->backward_end_s[chunk * m + micro_batch];
    if (pass == MPP_PASS_FORWARD)
        return chunk == 0 ? 0
                          : run->forward_end_s[(chunk - 1) * m + micro_batch] + mpp_list_message_s(run->problem, chunk - 1, chunk);
    if (chunk == run->problem->n_chunks - 1)
        return run->forward_end_s[chunk * m + micro_batch];
    return run->backward_end_s[(chunk + 1) * m + micro_batch] + mpp_list_message_s(run->problem, chunk + 1, chunk);
}

/** Whether @a is to run rather than @b: first by key unless that means to wait longer than the policy's patience. */
static bool goes_before(const Run *run, const Choice *a, const Choice *b)
{
    const Choice *first = a->key < b->key || (a->key == b->key && a->start_s <= b->start_s) ? a : b, *other = first == a ? b : a;
    bool waits = first->start_s > other->start_s + run->policy->patience * duration_s(run->problem, other->pass, other->chunk);
    return (waits ? other : first) == a;
}

static void consider(const Run *run, int64_t rank, MppPass pass, int32_t chunk, int32_t micro_batch, Choice *best)
{
    double start_s = MAX(run->free_s[rank], ready_s(run, pass, chunk, micro_batch));
    if (isinf(start_s) || (pass == MPP_PASS_FORWARD && !may_hold(run, rank, chunk, micro_batch)))
        return;
    Choice choice = { pass, chunk, micro_batch, start_s, key_of(run, pass, chunk, micro_batch) };
    if (isinf(best->start_s) || goes_before(run, &choice, best))
        *best = choice;
}

/** The pass that @rank runs next as far as is known. */
static void choose(Run *run, int64_t rank)
{
    int32_t m = (int32_t)run->problem->micro_batches;
    MppPass backward = run->policy->split ? MPP_PASS_INPUT : MPP_PASS_BACKWARD;
    Choice best = { .start_s = INFINITY };
    for (guint i = 0; i < run->chunks[rank]->len; i++) {
        int32_t c = g_array_index(run->chunks[rank], int32_t, i);
        if (run->n_backward[c] < m)
            consider(run, rank, backward, c, run->n_backward[c], &best);
        if (run->n_forward[c] < m)
            consider(run, rank, MPP_PASS_FORWARD, c, run->n_forward[c], &best);
        if (run->policy->split && run->n_weight[c] < run->n_backward[c])
            consider(run, rank, MPP_PASS_WEIGHT, c, run->n_weight[c], &best);
    }
    run->choice[rank] = best;
}

/** Starts the choice of @rank. */
static void start(Run *run, int64_t rank)
{
    const MppListProblem *problem = run->problem;
    Choice choice = run->choice[rank];
    int64_t m = problem->micro_batches, at = choice.chunk * m + choice.micro_batch;
    double end_s = choice.start_s + duration_s(problem, choice.pass, choice.chunk), kept = problem->kept_bytes[choice.chunk];
    bool forward = choice.pass == MPP_PASS_FORWARD, frees = choice.pass == MPP_PASS_BACKWARD || choice.pass == MPP_PASS_WEIGHT;
    int32_t *n = forward ? run->n_forward : choice.pass == MPP_PASS_WEIGHT ? run->n_weight : run->n_backward;
    n[choice.chunk]++;
    if (forward)
        run->forward_end_s[at] = end_s;
    else if (choice.pass != MPP_PASS_WEIGHT)
        run->backward_end_s[at] = end_s;
    double change = forward ? kept : frees ? -kept : 0;
    run->held_bytes[rank] += change;
    run->held_of[rank * m + choice.micro_batch] += change;
    run->free_s[rank] = end_s;
    mpp_order_add(run->order, choice.pass, choice.chunk, choice.micro_batch);
    int64_t taker = choice.chunk + (forward ? 1 : -1);
    choose(run, rank);
    if (choice.pass != MPP_PASS_WEIGHT && taker >= 0 && taker < problem->n_chunks && problem->rank_of[taker] != rank)
        choose(run, problem->rank_of[taker]);
}

static void run_all(Run *run)
{
    const MppListProblem *problem = run->problem;
    for (int64_t left = (2 + run->policy->split) * problem->n_chunks * problem->micro_batches; left > 0; left--) {
        int64_t soonest = 0;
        for (int64_t k = 1; k < problem->pp; k++)
            if (run->choice[k].start_s < run->choice[soonest].start_s)
                soonest = k;
        g_assert(!isinf(run->choice[soonest].start_s));
        start(run, soonest);
    }
}

/** When a micro-batch that has the pipeline to itself comes to each pass, and what a rank works on one at most. */
static void set_keys(Run *run)
{
    const MppListProblem *problem = run->problem;
    int64_t n = problem->n_chunks;
    g_autofree double *work_s = g_new0(double, problem->pp);
    double at_s = 0;
    for (int64_t c = 0; c < n; c++) {
        at_s += c ? mpp_list_message_s(problem, c - 1, c) : 0;
        run->forward_at_s[c] = at_s;
        at_s += problem->durations.forward_s[c];
        work_s[problem->rank_of[c]] += problem->durations.forward_s[c] + duration_s(problem, MPP_PASS_BACKWARD, c);
    }
    for (int64_t c = n - 1; c >= 0; c--) {
        at_s += c < n - 1 ? mpp_list_message_s(problem, c + 1, c) : 0;
        run->backward_at_s[c] = at_s;
        at_s += duration_s(problem, run->policy->split ? MPP_PASS_INPUT : MPP_PASS_BACKWARD, c);
    }
    for (int64_t k = 0; k < problem->pp; k++)
        run->interval_s = MAX(run->interval_s, work_s[k]);
}

static void set_ranks(Run *run)
{
    const MppListProblem *problem = run->problem;
    for (int32_t k = 0; k < problem->pp; k++) {
        double least = mpp_list_least_bytes(problem, k), most = MIN(problem->cap_bytes[k], least * problem->micro_batches);
        run->cap_bytes[k] = least + run->policy->room * MAX(0, most - least);
        run->chunks[k] = g_array_new(FALSE, FALSE, sizeof(int32_t));
    }
    for (int32_t c = 0; c < problem->n_chunks; c++) {
        run->order->rank_of[c] = problem->rank_of[c];
        g_array_append_val(run->chunks[problem->rank_of[c]], c);
    }
    for (int64_t i = 0; i < problem->n_chunks * problem->micro_batches; i++)
        run->forward_end_s[i] = run->backward_end_s[i] = INFINITY;
}

MppOrder *mpp_list_run(const MppListProblem *problem, const MppListPolicy *policy)
{
    int64_t n = problem->n_chunks, m = problem->micro_batches, pp = problem->pp;
    g_autofree double *numbers = g_new0(double, 2 * n + 2 * n * m + 3 * pp + pp * m);
    g_autofree int32_t *counts = g_new0(int32_t, 3 * n);
    g_autofree GArray **chunks = g_new(GArray *, pp);
    g_autofree Choice *choices = g_new(Choice, pp);
    Run run = { .problem = problem, .policy = policy, .order = mpp_order_new(pp, n, m), .chunks = chunks, .choice = choices };
    double *at = numbers;
    double **const arrays[] = { &run.forward_at_s, &run.backward_at_s, &run.forward_end_s, &run.backward_end_s,
                                &run.free_s,       &run.cap_bytes,     &run.held_bytes,    &run.held_of };
    const int64_t lengths[] = { n, n, n * m, n * m, pp, pp, pp, pp * m };
    for (size_t i = 0; i < G_N_ELEMENTS(arrays); at += lengths[i++])
        *arrays[i] = at;
    run.n_forward = counts;
    run.n_backward = counts + n;
    run.n_weight = counts + 2 * n;
    set_ranks(&run);
    set_keys(&run);
    for (int64_t k = 0; k < pp; k++)
        choose(&run, k);
    run_all(&run);
    for (int64_t k = 0; k < pp; k++)
        g_array_unref(chunks[k]);
    return run.order;
}
