/**
 * The jobs that benchmarks time: published trainings at the scale they ran at.
 */
#pragma once

#include "planner/spec/inputs.h"
#include "planner/spec/zoo.h"

typedef struct {
    const char *title, *model, *cluster;
    int64_t gpus, global_batch;
} BenchJob;

static const BenchJob bench_jobs[] = {
    { "GPT-3 175B, 4096 A100", "gpt3-175b", "dgx-a100", 4096, 1536 },               /* arXiv:2104.04473 */
    { "Llama 3.1 405B, 16384 H100", "llama-3.1-405b", "grand-teton-h100", 16384, 2048 }, /* arXiv:2407.21783 */
    { "DeepSeek-V3, 2048 H100", "deepseek-v3", "dgx-h100", 2048, 15360 },           /* arXiv:2412.19437, on H800 */
};

static inline MppInputs *bench_job_new(const BenchJob *job)
{
    g_autoptr(GError) error = NULL;
    MppModel *model = mpp_zoo_model(job->model, &error);
    MppCluster *cluster = model ? mpp_zoo_cluster(job->cluster, &error) : NULL;
    MppRuntime *runtime = cluster ? mpp_zoo_runtime("megatron-core", &error) : NULL;
    if (!runtime)
        g_error("%s", error->message);
    MppInputs *inputs = mpp_inputs_new(model, cluster, runtime);
    inputs->gpus = job->gpus;
    inputs->training = mpp_training_default(&inputs->model, &inputs->runtime, &inputs->cluster.device, job->gpus);
    inputs->training.global_batch = job->global_batch;
    mpp_inputs_bind(inputs);
    return inputs;
}
