#include "planner/runs/run_kernels.h"

#include <string.h>

#include "planner/base/words.h"
#include "planner/runs/run_match.h"
#include "planner/runs/run_test_name.h"

/**
 * Kernels of a stack that compiles on demand: those that it lists where the run says that it did, or its number format or its
 * exchanges need it, else single ones. Elsewhere a run that says so has what a compiler fuses in a layer.
 */
static void fill_compiled(const MppRun *run, const MppRuntime *runtime, MppTraining *training)
{
    MppKernels *kernels = &training->kernels;
    bool compiled = mpp_run_match_compiled(run);
    if (!runtime->eager_unless_stated) {
        kernels->norm_fused |= compiled;
        kernels->elementwise_fused |= compiled;
        kernels->rotary_fused |= compiled;
        return;
    }
    if (!compiled && !mpp_precision_needs_casts(training->precision) && !kernels->tensor_async)
        *kernels = (MppKernels){ .attention = kernels->attention };
    kernels->cross_entropy_fused = mpp_run_match_label(run, "loss"); /* compiled later than the layers were */
    kernels->segments_grow = false;
}

/** Liger Kernel: norms, rotary embedding and gated activation are single kernels, the loss takes a piece at a time (arXiv:2410.10989 §3). */
static void fill_liger(const MppRun *run, MppKernels *kernels)
{
    if (mpp_run_match_label(run, "liger") || mpp_words_has(run->training.framework, "liger"))
        kernels->norm_fused = kernels->elementwise_fused = kernels->rotary_fused = kernels->cross_entropy_fused =
            kernels->loss_in_pieces = true;
}

/** A benchmark's gate; tokens beyond the capacity of an expert are dropped by the plain all-to-all alone (Megatron-Core). */
static void fill_exchange(const MppRun *run, const MppRuntime *runtime, MppKernels *kernels)
{
    kernels->experts_in_turn |= runtime->published_in_turn;
    kernels->experts_padded = run->model.name && strstr(run->model.name, "tokendrop");
    kernels->dispatch_once &= !kernels->experts_padded;
}

/** A whole iteration can be captured where all shapes are known; recipes do so on some devices, without a pipeline. */
static void fill_graphs(const MppRun *run, const MppJob *job, MppKernels *kernels)
{
    bool shapes_known = !job->model->moe.experts || kernels->experts_padded;
    kernels->graphs |= shapes_known && run->parallel.pp <= 1 && mpp_words_longest(job->runtime->graph_devices, run->hardware.gpu);
}

/** Layers without Transformer Engine, which 8-bit products need, keep the scores unless the record states their attention. */
static void fill_test(const MppRun *run, MppTraining *training)
{
    MppRunTestName test = mpp_run_test_name(run->model.name);
    if (test.own_layers && !run->training.attention && !mpp_precision_needs_casts(training->precision))
        training->kernels.attention = MPP_ATTENTION_FUSED_SOFTMAX;
    training->kernels.cross_entropy_fused |= test.loss_fused;
}

/** Kernels of the releases that ran on a device; one option compiles layers and loss, so these have either or neither. */
static void fill_device(const MppRun *run, const MppRuntime *runtime, MppKernels *kernels)
{
    bool loss = kernels->cross_entropy_fused;
    mpp_kernels_set_named(runtime->device_kernels, run->hardware.gpu, kernels);
    if (runtime->eager_unless_stated && !kernels->elementwise_fused)
        kernels->cross_entropy_fused = loss;
}

bool mpp_run_fill_kernels(const MppRun *run, MppJob *job, GError **error)
{
    const MppRuntime *runtime = job->runtime;
    MppTraining *training = &job->training;
    MppKernels *kernels = &training->kernels;
    kernels->context_whole |= mpp_words_has(run->training.attention, "flex");
    kernels->tensor_async |= mpp_run_match_label(run, "async tp") || mpp_run_match_label(run, "asynctp");
    fill_exchange(run, runtime, kernels);
    fill_graphs(run, job, kernels);
    fill_compiled(run, runtime, training);
    fill_liger(run, kernels);
    fill_test(run, training);
    if (run->training.norm_kernel)
        kernels->norm_fused = strcmp(run->training.norm_kernel, "fused") == 0;
    fill_device(run, runtime, kernels);
    mpp_kernels_set_named(runtime->framework_kernels, run->training.framework, kernels);
    kernels->attention = mpp_run_match_attention(run->training.attention, &job->cluster->device, kernels->attention);
    g_autofree char *wrong = run->training.kernels ? mpp_kernels_set(run->training.kernels, kernels) : NULL;
    if (wrong)
        g_set_error(error, MPP_ERROR, MPP_ERROR_INVALID, "training.kernels has no switch %s", wrong);
    return !wrong;
}
