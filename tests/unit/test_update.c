#include "planner/cost/exchange.h"

#include "tests/support/plain_job.h"

/** 30 bytes a parameter at 10 TB/s, or on the host at a quarter of its 60 GB/s; the norm's 4 bytes go round once more. */
static void test_update(void)
{
    static const struct {
        const char *strategy;
        MppOptimizer optimizer;
        double parameters, experts, update_s;
    } rows[] = {
        { "dp=4,zero=0", MPP_OPTIMIZER_ADAM, 1e8, 0, 3e-4 },
        { "dp=4,zero=1", MPP_OPTIMIZER_ADAM, 1e8, 0, 3e-4 / 4 },
        { "dp=4,zero=1", MPP_OPTIMIZER_SGD, 1e8, 0, 2e-4 / 4 },
        { "dp=4,ep=2,zero=1", MPP_OPTIMIZER_ADAM, 1e8, 1e8, 3e-4 / 4 + 3e-4 / 2 },
        { "dp=4,zero=0,offload", MPP_OPTIMIZER_ADAM, 1e8, 0, 6e8 / 1e10 + 30e8 / 1.5e10 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        MppStrategy s = plain_job_strategy(rows[i].strategy);
        g_autoptr(MppInputs) inputs = plain_job_new(4);
        inputs->job.training.optimizer = rows[i].optimizer;
        MppExchange exchange = { &inputs->job, &s, mpp_mesh_new(&s, &inputs->cluster, inputs->gpus) };
        double norm_s = 2 * 3.0 / 4 * 4 / 1e11;
        plain_job_expect(rows[i].strategy, mpp_exchange_update_s(&exchange, rows[i].parameters, rows[i].experts),
                         rows[i].update_s + norm_s);
    }
}

/** A rank reaches 20 GB/s of a host's memory, and its four ranks 60 GB/s together. */
static void test_host_update(void)
{
    g_autoptr(MppInputs) one = plain_job_new(1), four = plain_job_new(4);
    MppStrategy s = plain_job_strategy("dp=1,zero=3,offload=parameters"), all = plain_job_strategy("dp=4,zero=3,offload=parameters");
    MppExchange alone = { &one->job, &s, mpp_mesh_new(&s, &one->cluster, 1) }, shared = { &four->job, &all, mpp_mesh_new(&all, &four->cluster, 4) };
    plain_job_expect("alone", mpp_exchange_update_s(&alone, 1e9, 0), 30e9 / 2e10);
    plain_job_expect("shared", mpp_exchange_update_s(&shared, 1e9, 0), 30e9 / 6e10 + 2 * 3.0 / 4 * 4 / 1e11);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/update/device", test_update);
    g_test_add_func("/update/host", test_host_update);
    return g_test_run();
}
