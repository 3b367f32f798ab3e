/* Speed of the simulator: events per second, and steps folded and with every replica. */
#include <stdio.h>

#include "planner/cost/plan_cost.h"
#include "sim/simulate.h"
#include "tests/bench/bench.h"
#include "tests/bench/bench_jobs.h"

static const struct {
    const char *title, *model, *cluster;
    int64_t gpus, global_batch;
    const char *strategy;
    bool unfold;
} rows[] = {
    { "Llama 3.1 405B, 16,384 H100, folded", "llama-3.1-405b", "grand-teton-h100", 16384, 2048,
      "dp=128,tp=8,pp=16,vpp=8,mbs=1,sp,zero=1,schedule=interleaved", false },
    { "Llama 3.1 405B, 16,384 H100, every rank", "llama-3.1-405b", "grand-teton-h100", 16384, 2048,
      "dp=128,tp=8,pp=16,vpp=8,mbs=1,sp,zero=1,schedule=interleaved", true },
    { "Llama 3.1 8B, 16,384 H100, every rank", "llama-3.1-8b", "grand-teton-h100", 16384, 32768, "dp=4096,tp=1,pp=4,mbs=1,zero=1", true },
    { "Llama 3.1 70B, 1,024 H100, every rank", "llama-3.1-70b", "grand-teton-h100", 1024, 2048, "dp=32,tp=4,pp=8,mbs=1,sp,zero=1", true },
    { "GPT-3 6.7B, 1,024 A100, every rank", "gpt", "dgx-a100", 1024, 4096, "dp=256,tp=1,pp=4,mbs=1,zero=1", true },
};

int main(void)
{
    printf("%-42s %12s %10s %14s %10s\n", "simulate", "events", "seconds", "events/s", "peak MB");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        BenchJob job = { rows[i].title, rows[i].model, rows[i].cluster, rows[i].gpus, rows[i].global_batch };
        g_autoptr(MppInputs) inputs = bench_job_new(&job);
        MppStrategy strategy = mpp_strategy_single();
        if (!mpp_strategy_parse(rows[i].strategy, &strategy, NULL, &error))
            g_error("%s", error->message);
        g_autoptr(MppPlanCost) cost = mpp_plan_cost_new(&inputs->job, &strategy);
        g_autoptr(MppWhatIf) what_if = mpp_what_if_new();
        what_if->unfold = rows[i].unfold;
        g_autoptr(MppSimulation) simulation = NULL;
        double seconds, cpu_s = bench_cpu_s();
        BENCH(seconds, simulation = mpp_simulate(cost->pipeline, what_if, NULL, &error));
        cpu_s = bench_cpu_s() - cpu_s;
        if (!simulation)
            g_error("%s", error->message);
        printf("%-42s %12" G_GINT64_FORMAT " %10.3f %14.3g %10.0f\n", rows[i].title, simulation->n_events, seconds,
               simulation->n_events / cpu_s, bench_peak_bytes() / 1e6);
        mpp_strategy_clear(&strategy);
    }
    return 0;
}
