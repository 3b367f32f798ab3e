#include "planner/search/search.h"

#include "planner/search/family.h"
#include "planner/search/placed_shard.h"

enum { ROUND = 16 };
static const double front_slack = 1.5;

void mpp_search_result_free(MppSearchResult *result)
{
    if (!result)
        return;
    mpp_board_free(result->board);
    g_free(result->space);
    g_free(result);
}

static int compare_families(const void *a, const void *b)
{
    const MppFamily *x = a, *y = b;
    if (x->bound_s != y->bound_s)
        return x->bound_s < y->bound_s ? -1 : 1;
    return x->index - y->index;
}

/** One family of a round, filled in by whichever thread takes it. */
typedef struct {
    const MppJob *job;
    MppFamily *family;
    const MppSpaceLimits *limits;
    const MppBoard *board; /* NULL: only the bound is wanted */
    MppPeaksTable *peaks;
    MppSearchResult *result;
} Task;

static void work(void *data, void *unused)
{
    (void)unused;
    Task *task = data;
    if (task->board)
        task->result = mpp_family_evaluate(task->job, task->family, task->limits, task->board, task->peaks);
    else
        task->family->bound_s = mpp_placed_shard_bound_s(task->job, &task->family->base);
}

/** Runs @n tasks on @threads threads and waits for all. */
static void run_tasks(Task *tasks, int n, int threads)
{
    if (threads == 1 || n == 1) {
        for (int i = 0; i < n; i++)
            work(&tasks[i], NULL);
        return;
    }
    GThreadPool *pool = g_thread_pool_new(work, NULL, threads, FALSE, NULL);
    for (int i = 0; i < n; i++)
        g_thread_pool_push(pool, &tasks[i], NULL);
    g_thread_pool_free(pool, FALSE, TRUE);
}

static void add_result(MppSearchResult *total, const MppSearchResult *one)
{
    mpp_board_merge(total->board, one->board);
    total->counts.evaluated += one->counts.evaluated;
    total->counts.replayed += one->counts.replayed;
    total->counts.pruned_by_memory += one->counts.pruned_by_memory;
    total->counts.pruned_by_bound += one->counts.pruned_by_bound;
    if (one->has_miss && (!total->has_miss || one->lacking_bytes < total->lacking_bytes)) {
        total->has_miss = true;
        total->nearest_miss = one->nearest_miss;
        total->lacking_bytes = one->lacking_bytes;
    }
}

static void set_bounds(const MppJob *job, GArray *families, int threads)
{
    g_autofree Task *tasks = g_new0(Task, MAX(families->len, 1));
    for (guint i = 0; i < families->len; i++)
        tasks[i] = (Task){ .job = job, .family = &g_array_index(families, MppFamily, i) };
    run_tasks(tasks, (int)families->len, threads);
    g_array_sort(families, compare_families);
}

/** Members of the families from @first up to @end, none of which was evaluated. */
static int64_t count_members(const MppJob *job, const GArray *families, guint first, guint end, const MppSpaceLimits *limits)
{
    int64_t members = 0;
    for (guint i = first; i < end; i++)
        members += mpp_family_members(job, &g_array_index(families, MppFamily, i), limits);
    return members;
}

/** Families from @next on: none was evaluated, and those whose bound is beyond what the board wants need not be. */
static void count_left(const MppJob *job, const GArray *families, guint next, const MppSpaceLimits *limits, MppSearchResult *result)
{
    double limit_s = mpp_board_limit_s(result->board);
    guint beyond = next;
    while (beyond < families->len && g_array_index(families, MppFamily, beyond).bound_s <= limit_s)
        beyond++;
    MppSearchCounts *counts = &result->counts;
    counts->unjudged = count_members(job, families, next, beyond, limits);
    counts->pruned_by_bound += count_members(job, families, beyond, families->len, limits);
    counts->members = counts->evaluated + counts->unjudged + counts->pruned_by_bound;
}

MppSearchResult *mpp_search_run(const MppJob *job, const MppSearchOptions *options)
{
    int threads = options->threads > 0 ? options->threads : (int)g_get_num_processors();
    MppSearchResult *result = g_new0(MppSearchResult, 1);
    result->board = mpp_board_new(options->top, options->top ? front_slack : 0);
    result->board->within_s = options->within_s;
    result->board->near_frac = options->near_frac;
    result->space = mpp_space_describe(job);
    g_autoptr(MppPeaksTable) peaks = mpp_peaks_table_new();
    g_autoptr(GArray) families = mpp_space_families(job, &options->limits);
    result->counts.families = families->len;
    set_bounds(job, families, threads);

    guint next = 0;
    for (bool goes_on = true; goes_on && next < families->len;) {
        Task tasks[ROUND];
        int n = 0;
        double limit_s = mpp_board_limit_s(result->board);
        int most = (int)MIN(ROUND, next + 1); /* the first families make the board that the others are judged by */
        for (; n < most && next < families->len && g_array_index(families, MppFamily, next).bound_s <= limit_s; next++)
            tasks[n++] = (Task){ job, &g_array_index(families, MppFamily, next), &options->limits, result->board, peaks, NULL };
        if (n == 0)
            break;
        run_tasks(tasks, n, threads);
        for (int i = 0; i < n; i++) {
            add_result(result, tasks[i].result);
            mpp_search_result_free(tasks[i].result);
        }
        if (options->progress)
            goes_on = options->progress((double)next / families->len, options->progress_data);
    }
    count_left(job, families, next, &options->limits, result);
    return result;
}
