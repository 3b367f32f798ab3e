/* Plans judged per second by the search, and how many its bounds save. */
#include <stdio.h>

#include "planner/search/search.h"
#include "tests/bench/bench.h"
#include "tests/bench/bench_jobs.h"

enum { TOP = 5, MOST_THREADS = 2 };

static void run(const BenchJob *job, int threads)
{
    g_autoptr(MppInputs) inputs = bench_job_new(job);
    MppSearchOptions options = { .limits.fixed = mpp_strategy_single(), .top = TOP, .threads = threads };
    g_autoptr(MppSearchResult) result = NULL;
    double s, cpu_s = bench_cpu_s();
    BENCH(s, result = mpp_search_run(&inputs->job, &options));
    cpu_s = bench_cpu_s() - cpu_s;
    const MppSearchCounts *counts = &result->counts;
    printf("%-28s %7d %9.3f %9.3f %11" G_GINT64_FORMAT " %11" G_GINT64_FORMAT " %9.1f %% %9" G_GINT64_FORMAT " %13.0f %9.0f\n",
           job->title, threads, s, cpu_s, counts->members, counts->evaluated, 100.0 * counts->pruned_by_bound / MAX(counts->members, 1),
           counts->replayed, counts->evaluated / cpu_s, bench_peak_bytes() / 1e6);
}

int main(void)
{
    printf("%-28s %7s %9s %9s %11s %11s %11s %9s %13s %9s\n", "search", "threads", "s", "CPU s", "plans", "evaluated", "pruned", "replayed",
           "plans/s/core", "peak MB");
    for (size_t i = 0; i < G_N_ELEMENTS(bench_jobs); i++)
        for (int threads = 1; threads <= MOST_THREADS; threads++)
            run(&bench_jobs[i], threads);
    return 0;
}
