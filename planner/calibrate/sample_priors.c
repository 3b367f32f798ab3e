#include "planner/calibrate/sample_fit.h"

typedef struct {
    const MppCluster *cluster;
    const MppRuntime *runtime;
    const GPtrArray *samples;
    GArray *priors;
} Priors;

static const MppSample *sample_at(const Priors *p, guint i)
{
    return p->samples->pdata[i];
}

static void add_prior(Priors *p, const char *kind, const char *profile, const char *path, double value, double spread)
{
    if (!(value > 0))
        return;
    MppPrior prior = { g_strdup_printf("%s:%s/%s", kind, profile, path), value, spread };
    g_array_append_val(p->priors, prior);
}

static bool is_guess(GHashTable *sources, const char *key)
{
    const char *source = sources ? g_hash_table_lookup(sources, key) : NULL;
    return !source || g_str_has_prefix(source, "guess");
}

/** The number itself where it is a guess, else the share of it that is reached. */
static void add_rate(Priors *p, const char *kind, const char *profile, bool guess, const char *rate, double rate_value,
                     const char *share, double share_value)
{
    add_prior(p, kind, profile, guess ? rate : share, guess ? rate_value : share_value, guess ? 1.5 : 0.7);
}

static bool has_kind(const Priors *p, MppSampleKind kind)
{
    for (guint i = 0; i < p->samples->len; i++)
        if (sample_at(p, i)->kind == kind)
            return true;
    return false;
}

static bool has_precision(const Priors *p, MppPrecision precision)
{
    for (guint i = 0; i < p->samples->len; i++)
        if (sample_at(p, i)->kind == MPP_SAMPLE_MATMUL && sample_at(p, i)->precision == precision)
            return true;
    return false;
}

static void add_products(Priors *p)
{
    const MppDevice *d = &p->cluster->device;
    for (int i = 0; i < MPP_N_PRECISIONS; i++) {
        g_autofree char *path = g_strconcat("matmul_frac/", mpp_names_get(&mpp_precision_names, i), NULL);
        if (has_precision(p, i))
            add_prior(p, "device", d->name, path, d->matmul_frac.by_precision[i], 1.5);
    }
    add_prior(p, "device", d->name, "matmul_depth", d->matmul_depth, 1);
    add_prior(p, "device", d->name, "matmul_work_flop", d->matmul_work_flop, 1);
}

static void add_attention(Priors *p)
{
    const MppDevice *d = &p->cluster->device;
    MppAttentionKernel kernel = p->runtime->kernels.attention;
    const MppAttentionRate *rate = mpp_device_attention(d, kernel);
    const char *name = mpp_names_get(&mpp_attention_names, kernel);
    g_autofree char *forward = g_strconcat(name, "/forward_frac", NULL), *backward = g_strconcat(name, "/backward_frac", NULL);
    add_prior(p, "device", d->name, forward, rate->forward_frac, 1.5);
    add_prior(p, "device", d->name, backward, rate->backward_frac, 1.5);
    add_prior(p, "device", d->name, "attention_tokens", d->attention_tokens, 1);
}

static void add_streams(Priors *p)
{
    const MppDevice *d = &p->cluster->device;
    add_rate(p, "device", d->name, is_guess(d->sources, "memory_bytes_per_s"), "memory_bytes_per_s", d->memory_bytes_per_s,
             "memory_frac", d->memory_frac);
    for (int k = MPP_STREAMING_COPY + 1; k < MPP_N_STREAMINGS; k++) {
        g_autofree char *path = g_strconcat("streaming_frac/", mpp_names_get(&mpp_streaming_names, k), NULL);
        add_prior(p, "device", d->name, path, d->streaming_frac.by_streaming[k], 1.5);
    }
}

static void add_links(Priors *p)
{
    const MppCluster *c = p->cluster;
    for (int i = 0; i < mpp_cluster_n_tiers(c); i++) {
        const MppTier *tier = mpp_cluster_tier(c, i);
        g_autofree char *key = g_strconcat(tier->name, ".bytes_per_s", NULL);
        const struct {
            const char *field;
            double value, spread;
        } rows[] = { { "p2p_frac", tier->p2p_frac, 1 }, { "latency_s", tier->latency_s, 1.5 }, { "step_s", tier->step_s, 1.5 } };
        g_autofree char *rate = g_strdup_printf("tiers/%d/bytes_per_s", i),
                        *share = g_strdup_printf("tiers/%d/efficiency_frac", i);
        add_rate(p, "cluster", c->name, is_guess(c->sources, key), rate, tier->bytes_per_s, share, tier->efficiency_frac);
        for (size_t k = 0; k < G_N_ELEMENTS(rows); k++) {
            g_autofree char *path = g_strdup_printf("tiers/%d/%s", i, rows[k].field);
            add_prior(p, "cluster", c->name, path, rows[k].value, rows[k].spread);
        }
    }
}

static void add_priors(Priors *p)
{
    const MppDevice *d = &p->cluster->device;
    if (has_kind(p, MPP_SAMPLE_MATMUL))
        add_products(p);
    if (has_kind(p, MPP_SAMPLE_ATTENTION))
        add_attention(p);
    if (has_kind(p, MPP_SAMPLE_MEMORY))
        add_streams(p);
    if (has_kind(p, MPP_SAMPLE_LAUNCH))
        add_prior(p, "device", d->name, "host_frac", d->host_frac, 2);
    if (has_kind(p, MPP_SAMPLE_COPY))
        add_prior(p, "device", d->name, "host_link_bytes_per_s", d->host_link_bytes_per_s, 1.5);
    if (has_kind(p, MPP_SAMPLE_COLLECTIVE))
        add_links(p);
    if (p->priors->len)
        add_prior(p, "device", d->name, "kernel_s", d->kernel_s, 1);
    add_prior(p, "cluster", p->cluster->name, "host_capacity", p->cluster->host_capacity, 1);
}

GArray *mpp_sample_priors(const MppCluster *cluster, const MppRuntime *runtime, const GPtrArray *samples)
{
    Priors priors = { cluster, runtime, samples, g_array_new(FALSE, TRUE, sizeof(MppPrior)) };
    add_priors(&priors);
    return priors.priors;
}
