#include "planner/cost/host_time.h"

#include <math.h>

#include "tests/support/plain_job.h"

/** Operators of eager code find out anew where tensors split over tp lie; compiled ones and those of one rank do not. */
static void test_layer(void)
{
    static const struct {
        int64_t tp;
        bool layer, compiled;
        double seconds;
    } rows[] = {
        { 1, true, false, 3 }, { 2, true, false, 3 + 0.625 }, { 8, true, false, 3 + 0.625 }, { 8, true, true, 3 }, { 8, false, false, 0 },
    };
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    inputs->runtime.host = (MppHostCosts){ .layer_s = 3, .split_s = 0.625 };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        inputs->job.training.kernels.elementwise_fused = rows[i].compiled;
        const MppLayerKind *layer = rows[i].layer ? &inputs->model.kinds[0] : NULL;
        plain_job_expect("layer", mpp_host_layer_s(&inputs->job, layer, rows[i].tp), rows[i].seconds);
    }
}

/** The host's own speed scales what it does and how long it waits for counts, not what is added. */
static void test_pass(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    inputs->cluster.host_frac = 1.5;
    inputs->runtime.host = (MppHostCosts){ .experts_s = 2 };
    plain_job_expect("counts", mpp_host_counts_s(&inputs->job), 3);
    MppHostWork work = { .s = 4, .counts_s = 5 };
    plain_job_expect("host", mpp_host_pass_s(&inputs->job, &work, 1e-3, 7), 1.5 * 4 + 7 + 5);
    plain_job_expect("device", mpp_host_pass_s(&inputs->job, &work, 1e3, 7), 1e3 + 5);
    plain_job_expect("both", mpp_host_pass_s(&inputs->job, &work, 13, 7), 13 * pow(2, 1.0 / 8) + 5);
    inputs->job.training.kernels.experts_padded = true;
    g_assert_cmpfloat(mpp_host_counts_s(&inputs->job), ==, 0);
    inputs->job.training.kernels.graphs = true;
    plain_job_expect("launched whole", mpp_host_launch_s(&inputs->job, 4) + 1, 1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/host-time/layer", test_layer);
    g_test_add_func("/host-time/pass", test_pass);
    return g_test_run();
}
