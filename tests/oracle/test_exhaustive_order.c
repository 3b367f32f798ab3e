/* Orders made to measure against the shortest of all legal orders, found by trying every one, on tiny pipelines. */
#include <math.h>

#include "planner/schedule/list_schedule.h"

enum { CASES = 390, MOST_CHUNKS = 4, MOST_MICRO_BATCHES = 4, MOST_PASSES = MOST_CHUNKS * MOST_MICRO_BATCHES };

/** Passes in the order of their starts, so that each set of ranks' orders is met, and none that ends later than the best. */
typedef struct {
    const MppListProblem *problem;
    int forwards[MOST_CHUNKS], inputs[MOST_CHUNKS], weights[MOST_CHUNKS]; /* sets of micro-batches */
    double forward_end_s[MOST_PASSES], input_end_s[MOST_PASSES];
    double free_s[MOST_CHUNKS], held_bytes[MOST_CHUNKS], left_s[MOST_CHUNKS]; /* by rank */
    double best_s;
    int64_t n_tried;
} Trial;

static double lag_s(const MppListProblem *problem, int a, int b)
{
    return problem->rank_of[a] == problem->rank_of[b] ? 0 : problem->durations.message_s[MIN(a, b)];
}

static void try_all(Trial *trial, double now_s, int left);

/** Runs one pass of @duration_s whose input is there at @ready_s, then all that can follow. */
static void try_pass(Trial *trial, int *done, double *end_s, int chunk, int batch, double ready_s, double duration_s, double change,
                     double now_s, int left)
{
    int rank = trial->problem->rank_of[chunk];
    double before_s = trial->free_s[rank], start_s = fmax(before_s, ready_s), held = trial->held_bytes[rank];
    bool full = change > 0 && held + change > trial->problem->cap_bytes[rank] * (1 + 1e-9);
    if (start_s < now_s || full || start_s + trial->left_s[rank] >= trial->best_s)
        return;
    double kept_end_s = end_s ? *end_s : 0;
    *done |= 1 << batch;
    trial->free_s[rank] = start_s + duration_s;
    trial->held_bytes[rank] += change;
    trial->left_s[rank] -= duration_s;
    if (end_s)
        *end_s = start_s + duration_s;
    try_all(trial, start_s, left - 1);
    *done &= ~(1 << batch);
    trial->free_s[rank] = before_s;
    trial->held_bytes[rank] = held;
    trial->left_s[rank] += duration_s;
    if (end_s)
        *end_s = kept_end_s;
}

static bool has(int set, int batch)
{
    return set & 1 << batch;
}

static void try_forward(Trial *trial, int c, int b, double now_s, int left)
{
    const MppListProblem *p = trial->problem;
    int m = (int)p->micro_batches;
    if (has(trial->forwards[c], b) || (c > 0 && !has(trial->forwards[c - 1], b)) || (b > 0 && c == 0 && !has(trial->forwards[0], b - 1)))
        return; /* micro-batches are alike: the first chunk takes them by number */
    double ready_s = c ? trial->forward_end_s[(c - 1) * m + b] + lag_s(p, c - 1, c) : 0;
    try_pass(trial, &trial->forwards[c], &trial->forward_end_s[c * m + b], c, b, ready_s, p->durations.forward_s[c], p->kept_bytes[c],
             now_s, left);
}

static void try_backward(Trial *trial, int c, int b, double now_s, int left)
{
    const MppListProblem *p = trial->problem;
    int m = (int)p->micro_batches, n = (int)p->n_chunks;
    if (has(trial->inputs[c], b) || !has(trial->forwards[c], b) || (c + 1 < n && !has(trial->inputs[c + 1], b)))
        return;
    double ready_s = c + 1 == n ? trial->forward_end_s[c * m + b] : trial->input_end_s[(c + 1) * m + b] + lag_s(p, c + 1, c);
    double duration_s = p->durations.input_s[c] + (p->split ? 0 : p->durations.weight_s[c]);
    try_pass(trial, &trial->inputs[c], &trial->input_end_s[c * m + b], c, b, ready_s, duration_s, p->split ? 0 : -p->kept_bytes[c],
             now_s, left);
}

static void try_all(Trial *trial, double now_s, int left)
{
    const MppListProblem *p = trial->problem;
    trial->n_tried++;
    if (left == 0) {
        for (int k = 0; k < p->pp; k++)
            now_s = fmax(now_s, trial->free_s[k]);
        trial->best_s = fmin(trial->best_s, now_s);
        return;
    }
    for (int c = 0; c < p->n_chunks; c++)
        for (int b = 0; b < p->micro_batches; b++) {
            try_backward(trial, c, b, now_s, left);
            try_forward(trial, c, b, now_s, left);
            if (p->split && has(trial->inputs[c], b) && !has(trial->weights[c], b))
                try_pass(trial, &trial->weights[c], NULL, c, b, trial->input_end_s[c * p->micro_batches + b], p->durations.weight_s[c],
                         -p->kept_bytes[c], now_s, left);
        }
}

static Trial shortest(const MppListProblem *problem, double below_s)
{
    Trial trial = { .problem = problem, .best_s = below_s };
    for (int c = 0; c < problem->n_chunks; c++)
        trial.left_s[problem->rank_of[c]] += problem->micro_batches * (problem->durations.forward_s[c] + problem->durations.input_s[c] +
                                                                       problem->durations.weight_s[c]);
    try_all(&trial, 0, (int)(problem->n_chunks * problem->micro_batches * (2 + problem->split)));
    return trial;
}

/** Storage of a random tiny problem. */
typedef struct {
    MppListProblem problem;
    int32_t rank_of[MOST_CHUNKS];
    double forward_s[MOST_CHUNKS], input_s[MOST_CHUNKS], weight_s[MOST_CHUNKS], message_s[MOST_CHUNKS], kept_bytes[MOST_CHUNKS], cap_bytes[MOST_CHUNKS];
} Tiny;

static const struct {
    int pp, n_chunks, micro_batches;
    bool split;
} sizes[] = { { 2, 2, 2, false }, { 2, 2, 3, false }, { 2, 2, 2, true }, { 3, 3, 2, false }, { 2, 4, 2, false },
              { 1, 2, 2, true },  { 3, 3, 3, false }, { 2, 3, 2, true },
              { 2, 2, 3, true },  { 2, 4, 3, false }, { 3, 3, 2, true },  { 2, 2, 4, false } };

static void draw(GRand *rand, int which, Tiny *tiny)
{
    int pp = sizes[which].pp, n = sizes[which].n_chunks;
    bool folded = g_rand_boolean(rand), equal = g_rand_int_range(rand, 0, 5) == 0;
    *tiny = (Tiny){ .problem = { .pp = pp, .n_chunks = n, .micro_batches = sizes[which].micro_batches, .split = sizes[which].split } };
    for (int c = 0; c < n; c++) {
        tiny->rank_of[c] = c % (2 * pp) < pp || !folded ? c % pp : 2 * pp - 1 - c;
        tiny->forward_s[c] = equal ? 1 : g_rand_int_range(rand, 1, 9);
        tiny->input_s[c] = equal ? 1 : g_rand_int_range(rand, 1, 9);
        tiny->weight_s[c] = equal ? 1 : g_rand_int_range(rand, 1, 9);
        tiny->message_s[c] = equal ? 1 : g_rand_int_range(rand, 0, 3);
        tiny->kept_bytes[c] = g_rand_int_range(rand, 1, 4);
        tiny->cap_bytes[tiny->rank_of[c]] += tiny->kept_bytes[c];
    }
    for (int k = 0; k < pp; k++)
        tiny->cap_bytes[k] *= g_rand_boolean(rand) ? INFINITY : g_rand_double_range(rand, 1, 2.5);
    tiny->problem.rank_of = tiny->rank_of;
    tiny->problem.kept_bytes = tiny->kept_bytes;
    tiny->problem.cap_bytes = tiny->cap_bytes;
    tiny->problem.durations = (MppDurations){ tiny->forward_s, tiny->input_s, tiny->weight_s, tiny->message_s };
}

static void test_random(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(4451);
    int n_above_bound = 0, n_longer = 0;
    for (int i = 0; i < CASES; i++) {
        Tiny tiny;
        draw(rand, i % G_N_ELEMENTS(sizes), &tiny);
        g_autoptr(GError) error = NULL;
        g_autoptr(MppListSchedule) found = mpp_list_schedule_new(&tiny.problem, &error);
        g_assert_no_error(error);
        Trial trial = shortest(&tiny.problem, found->length_s + 0.5);
        g_assert_cmpfloat(trial.best_s, <=, found->length_s); /* times are whole: the search above finds equal ones too */
        n_longer += trial.best_s < found->length_s;
        g_assert_cmpfloat(found->length_s, <, 1.1 * trial.best_s);
        g_assert_cmpfloat(found->bound_s, <=, trial.best_s);
        n_above_bound += trial.best_s > found->bound_s;
    }
    g_test_message("%d of %d longer than the shortest", n_longer, CASES);
    g_assert_cmpint(n_longer, <=, CASES / 100); /* a local search: nearly always the shortest */
    g_assert_cmpint(n_above_bound, >, CASES / 10); /* where the bound alone does not prove it */
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/exhaustive-order/random", test_random);
    return g_test_run();
}
