#include "planner/calibrate/sample_fit.h"
#include "planner/cost/collective.h"
#include "planner/cost/compute.h"

/** Ranks spread over the nodes; the innermost tier joins those of a node. */
static MppGroup group_of(const MppCluster *cluster, const MppSample *sample)
{
    int widest = sample->nodes > 1 ? mpp_cluster_n_tiers(cluster) - 1 : 0;
    MppGroup group = { .n = sample->ranks, .widest_tier = widest };
    for (int i = 0; i < mpp_cluster_n_tiers(cluster); i++)
        group.members[i] = i < widest ? sample->ranks / sample->nodes : sample->ranks;
    return group;
}

static double matmul_s(const MppDevice *device, const MppSample *s)
{
    double out_bytes = mpp_precision_element_bytes(s->precision) * (s->accumulates ? 2 : 1);
    double frac = mpp_compute_aligned_frac(device, s->precision, s->count > 1, (double)s->n, (double)s->k);
    const MppProduct product = { (double)s->count, (double)s->m, (double)s->n, (double)s->k };
    return mpp_compute_matmul_s(device, s->precision, frac, &product, out_bytes);
}

static double attention_s(const MppDevice *device, const MppRuntime *runtime, const MppSample *s)
{
    const MppAttentionSize size = { (double)s->count, (double)s->m, (double)s->n, (double)s->k, (double)(s->v ? s->v : s->k) };
    return mpp_compute_attention_s(device, runtime->kernels.attention, s->precision, &size, s->backward);
}

double mpp_sample_predict_s(const MppCluster *cluster, const MppRuntime *runtime, const MppSample *s)
{
    const MppDevice *device = &cluster->device;
    double slowdown = mpp_cluster_slowdown(cluster, (double)s->busy_ranks);
    MppGroup group = group_of(cluster, s);
    switch (s->kind) {
    case MPP_SAMPLE_MATMUL: return slowdown * matmul_s(device, s);
    case MPP_SAMPLE_ATTENTION: return slowdown * attention_s(device, runtime, s);
    case MPP_SAMPLE_MEMORY: return slowdown * mpp_compute_stream_s(device, s->streaming, s->bytes, (int)s->kernels);
    case MPP_SAMPLE_LAUNCH: return slowdown * mpp_cluster_host_s(cluster, runtime->host.kernel_s);
    case MPP_SAMPLE_COPY: return slowdown * s->bytes / device->host_link_bytes_per_s;
    case MPP_SAMPLE_COLLECTIVE: return slowdown * mpp_collective_time_s(cluster, s->collective, s->bytes, &group);
    case MPP_N_SAMPLE_KINDS: break;
    }
    g_assert_not_reached();
}
