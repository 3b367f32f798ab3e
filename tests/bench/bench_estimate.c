/* Estimates per second, from a strategy to the full answer, without what a search shares between members. */
#include <stdio.h>

#include "planner/cost/estimate.h"
#include "tests/bench/bench.h"
#include "tests/bench/bench_jobs.h"

static const struct {
    int job; /* of bench_jobs */
    const char *strategy;
} rows[] = {
    { 0, "dp=512,tp=8,pp=1,mbs=1,sp,zero=1" },
    { 0, "dp=64,tp=8,pp=8,mbs=1,sp,zero=1" },
    { 0, "dp=32,tp=8,pp=16,vpp=6,mbs=1,sp,zero=1,schedule=interleaved" },
    { 1, "dp=128,tp=8,pp=16,mbs=1,sp,zero=1,split=balanced" },
    { 2, "dp=128,tp=1,pp=16,ep=64,mbs=1,zero=1,recompute=full" },
};

static double estimates_per_s(const MppJob *job, const MppStrategy *strategy)
{
    const double enough_s = 0.5;
    double s = 0;
    for (int64_t n = 1;; n *= 2) {
        BENCH(s, for (int64_t i = 0; i < n; i++) mpp_estimate_free(mpp_estimate_new(job, strategy)));
        if (s >= enough_s)
            return n / s;
    }
}

int main(void)
{
    printf("%-28s %-66s %12s\n", "estimate", "strategy", "estimates/s");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const BenchJob *job = &bench_jobs[rows[i].job];
        g_autoptr(MppInputs) inputs = bench_job_new(job);
        g_autoptr(GError) error = NULL;
        MppStrategy strategy = mpp_strategy_single();
        if (!mpp_strategy_parse(rows[i].strategy, &strategy, NULL, &error))
            g_error("%s", error->message);
        printf("%-28s %-66s %12.0f\n", job->title, rows[i].strategy, estimates_per_s(&inputs->job, &strategy));
        mpp_strategy_clear(&strategy);
    }
    return 0;
}
