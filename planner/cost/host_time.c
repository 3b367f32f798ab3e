#include "planner/cost/host_time.h"

#include <math.h>

double mpp_host_launch_s(const MppJob *job, double host_s)
{
    return job->training.kernels.graphs ? 0 : mpp_cluster_host_s(job->cluster, host_s);
}

double mpp_host_layers(const MppJob *job, const MppLayerKind *layer)
{
    bool one_part = layer && !layer->listed && (layer->mixer == MPP_MIXER_NONE || !layer->ffn);
    bool partial = job->training.kernels.partial_graphs;
    return !layer || (partial && !layer->moe) ? 0 : one_part || partial ? 0.5 : 1;
}

double mpp_host_layer_s(const MppJob *job, const MppLayerKind *layer, int64_t tp)
{
    const MppHostCosts *host = &job->runtime->host;
    bool eager = !job->training.kernels.elementwise_fused;
    return mpp_host_layers(job, layer) * (host->layer_s + (tp > 1 && eager ? host->split_s : 0));
}

/** Power mean with power 8: equal to the greater of the two when they are far apart, 9 % more when they are equal. */
static double slower_of(double a_s, double b_s)
{
    double high = MAX(a_s, b_s), low = MIN(a_s, b_s);
    if (low <= 0)
        return high;
    double square = low / high * (low / high), fourth = square * square;
    return high * sqrt(sqrt(sqrt(1 + fourth * fourth)));
}

double mpp_host_counts_s(const MppJob *job)
{
    const MppKernels *kernels = &job->training.kernels;
    bool waits = !kernels->experts_padded && !kernels->expert_async;
    return waits ? mpp_host_launch_s(job, job->runtime->host.experts_s) : 0;
}

double mpp_host_pass_s(const MppJob *job, const MppHostWork *work, double device_s, double added_s)
{
    return slower_of(device_s, mpp_host_launch_s(job, work->s) + added_s) + work->counts_s;
}
