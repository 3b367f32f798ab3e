#include "tests/support/sample.h"

#include "tests/support/expect.h"

static const char model_text[] =
    "{\"name\": \"sample\", \"layers\": 12, \"hidden\": 210, \"heads\": 30, \"kv_heads\": 6, \"ffn\": 420,"
    " \"gated_mlp\": true, \"vocab\": 1009, \"max_seq\": 96}";

static const char device_text[] =
    "{\"name\": \"chip\", \"title\": \"Chip 7\", \"vendor\": \"none\", \"memory_bytes\": 1.7e10,"
    " \"memory_bytes_per_s\": 9.1e11, \"memory_frac\": 0.83, \"peak_flop_per_s\": {\"fp16\": 1.31e14, \"bf16\": 1.27e14},"
    " \"matmul_frac\": {\"fp16\": 0.71, \"bf16\": 0.73}, \"cores\": 57,"
    " \"flash2\": {\"forward_frac\": 0.51, \"backward_frac\": 0.43}}";

static const char runtime_text[] = "{\"name\": \"stack\", \"title\": \"Stack 3\", \"most_zero\": 3, \"most_zero_with_pp\": 3, \"offloads\": [\"optimizer\"]}";

MppCluster *mpp_sample_cluster(const int64_t *devices, int n_tiers)
{
    g_autoptr(GString) text = g_string_new("{\"name\": \"racks\", \"title\": \"Racks\", \"device\": \"chip\", \"tiers\": [");
    for (int i = 0; i < n_tiers; i++)
        g_string_append_printf(text, "%s{\"name\": \"t%d\", \"devices\": %" G_GINT64_FORMAT ", \"bytes_per_s\": %d}",
                               i ? ", " : "", i, devices[i], 230000000 >> (2 * i));
    g_string_append(text, "]}");
    g_autoptr(MppJson) json = mpp_expect_json(text->str), device = mpp_expect_json(device_text);
    g_autoptr(GError) error = NULL;
    MppCluster *cluster = mpp_cluster_read(json, &error);
    g_assert_no_error(error);
    g_assert_true(mpp_device_read(device, &cluster->device, &error));
    return cluster;
}

MppInputs *mpp_sample_new(int64_t gpus)
{
    static const int64_t devices[] = { 6, 24, 0 };
    g_autoptr(GError) error = NULL;
    g_autoptr(MppJson) model = mpp_expect_json(model_text), runtime = mpp_expect_json(runtime_text);
    MppInputs *inputs = mpp_inputs_new(mpp_model_read(model, &error), mpp_sample_cluster(devices, G_N_ELEMENTS(devices)),
                                       mpp_runtime_read(runtime, &error));
    g_assert_no_error(error);
    inputs->gpus = gpus;
    inputs->training =
        (MppTraining){ .seq = 96, .global_batch = 120, .precision = MPP_PRECISION_BF16, .kernels = inputs->runtime.kernels };
    mpp_inputs_bind(inputs);
    return inputs;
}

void mpp_sample_add_experts(MppInputs *inputs)
{
    g_autoptr(GError) error = NULL;
    inputs->model.moe = (MppMoe){ .experts = 20, .topk = 3, .ffn = 56, .every = 1 };
    g_assert_true(mpp_model_finish(&inputs->model, NULL, NULL, &error));
}
