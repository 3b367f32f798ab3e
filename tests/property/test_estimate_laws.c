/* Laws that every estimate obeys: bounds below it, parts that add up, more of anything never slower. */
#include <math.h>

#include "planner/cost/estimate.h"
#include "planner/cost/plan_cost.h"
#include "tests/support/random_job.h"

enum { JOBS = 160, MOST_MEMBERS = 500 };

typedef void (*Check)(GRand *rand, const MppJob *job, const RandomMember *member);

/** @share_of_members of every random job's space. */
static void for_each_member(guint32 seed, double share_of_members, Check check)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
    for (int i = 0; i < JOBS; i++) {
        g_autoptr(MppInputs) inputs = random_job_new(rand, i % 3 ? 12 : 32);
        MppSpaceLimits limits = random_job_limits(rand, &inputs->job);
        g_autoptr(GArray) members = random_job_members(&inputs->job, &limits);
        for (guint k = 0; k < members->len; k++)
            if (g_rand_double(rand) < share_of_members * MIN(1, (double)MOST_MEMBERS / members->len))
                check(rand, &inputs->job, &g_array_index(members, RandomMember, k));
    }
}

/** A member, now and then with a part of its layers recomputed. */
static MppStrategy vary(GRand *rand, const MppJob *job, const RandomMember *member)
{
    MppStrategy s = member->strategy;
    int64_t chunks = s.pp * s.vpp, most = (job->model->n_layers + chunks - 1) / chunks;
    if (s.recompute == MPP_RECOMPUTE_FULL && g_rand_boolean(rand))
        s.recompute_layers = g_rand_int_range(rand, 1, (int)most + 1);
    return s;
}

static void assert_close(double a, double b, double relative)
{
    if (fabs(a - b) > relative * MAX(fabs(a), fabs(b)))
        g_error("%.17g and %.17g differ by more than %g", a, b, relative);
}

static void check_shares(const MppEstimate *estimate)
{
    for (int i = 0; i < MPP_N_SHARES; i++)
        g_assert_cmpfloat(estimate->shares.s[i], >=, -1e-12 * estimate->step_s);
    assert_close(mpp_shares_sum(&estimate->shares), estimate->step_s, 1e-12);
    if (estimate->pp == 1) {
        g_assert_cmpfloat(estimate->shares.s[MPP_SHARE_BUBBLE], ==, 0);
        g_assert_cmpfloat(estimate->shares.s[MPP_SHARE_PP], ==, 0);
    }
}

static void check_memory(const MppEstimate *estimate, double peak_bytes)
{
    double most = 0;
    for (int64_t k = 0; k < estimate->pp; k++) {
        const MppMemory *memory = &estimate->stages[k].memory;
        double sum = 0;
        for (int i = 0; i < MPP_N_MEMORY_PARTS; i++) {
            g_assert_cmpfloat(memory->bytes[i], >=, 0);
            sum += memory->bytes[i];
        }
        assert_close(sum, memory->allocated_bytes, 1e-12);
        g_assert_cmpfloat(memory->allocated_bytes, <=, memory->reserved_bytes);
        g_assert_cmpfloat(memory->reserved_bytes, <=, memory->device_bytes);
        most = MAX(most, memory->allocated_bytes);
    }
    g_assert_cmpfloat_with_epsilon(estimate->peak_bytes, most, 1e-12 * most);
    g_assert_cmpfloat(estimate->peak_bytes, ==, peak_bytes);
    g_assert_true(estimate->fits == (peak_bytes <= estimate->usable_bytes));
}

static void check_layers(const MppJob *job, const MppStrategy *s, const MppEstimate *estimate)
{
    int64_t in_chunks = 0, in_stages = 0;
    g_assert_cmpuint(estimate->chunk_layers->len, ==, s->pp * s->vpp);
    for (guint c = 0; c < estimate->chunk_layers->len; c++)
        in_chunks += g_array_index(estimate->chunk_layers, int64_t, c);
    for (int64_t k = 0; k < estimate->pp; k++)
        in_stages += estimate->stages[k].layers;
    g_assert_cmpint(in_chunks, ==, job->model->n_layers);
    MppSchedule schedule = mpp_schedule_of(s, job->training.global_batch);
    g_assert_cmpint(in_stages, ==, job->model->n_layers * mpp_schedule_copies(&schedule));
}

static void check_parts(GRand *rand, const MppJob *job, const RandomMember *member)
{
    MppStrategy s = vary(rand, job, member);
    g_autoptr(MppEstimate) estimate = mpp_estimate_new(job, &s);
    g_autoptr(MppPlanCost) cost = mpp_plan_cost_new(job, &s);
    MppPipelineCost *pipeline = cost->pipeline;

    double step_s = mpp_estimate_step_s(pipeline);
    g_assert_true(isfinite(step_s) && step_s > 0);
    assert_close(step_s, estimate->step_s, 1e-12);
    g_assert_cmpfloat(mpp_estimate_bound_s(pipeline), <=, step_s);
    g_assert_cmpfloat(mpp_estimate_bound_s(pipeline), >, 0);
    g_assert_cmpfloat(mpp_estimate_passes_bound_s(pipeline), <=, mpp_estimate_bound_s(pipeline));
    g_assert_cmpfloat(member->family_bound_s, <=, step_s);
    g_assert_cmpfloat(mpp_memory_bound_bytes(&cost->shard, &s), <=, estimate->peak_bytes);
    check_shares(estimate);
    check_memory(estimate, mpp_memory_peak_bytes(pipeline));
    check_layers(job, &s, estimate);
}

static void test_parts(void)
{
    for_each_member(7351, 1, check_parts);
}

static void faster_links(MppCluster *cluster, double factor)
{
    for (int i = 0; i < mpp_cluster_n_tiers(cluster); i++)
        g_array_index(cluster->tiers, MppTier, i).bytes_per_s *= factor;
}

static void shorter_latency(MppCluster *cluster, double factor)
{
    for (int i = 0; i < mpp_cluster_n_tiers(cluster); i++) {
        g_array_index(cluster->tiers, MppTier, i).latency_s /= factor;
        g_array_index(cluster->tiers, MppTier, i).step_s /= factor;
    }
}

static void faster_inner_links(MppCluster *cluster, double factor)
{
    g_array_index(cluster->tiers, MppTier, 0).bytes_per_s *= factor;
}

static void higher_peaks(MppCluster *cluster, double factor)
{
    for (int i = 0; i < MPP_N_PRECISIONS; i++)
        cluster->device.peak_flop_per_s.by_precision[i] *= factor;
}

static void faster_memory(MppCluster *cluster, double factor)
{
    cluster->device.memory_bytes_per_s *= factor;
}

static void faster_host(MppCluster *cluster, double factor)
{
    cluster->host_frac /= factor;
}

static const struct {
    const char *name;
    void (*apply)(MppCluster *cluster, double factor);
} improvements[] = {
    { "faster links", faster_links },     { "faster inner links", faster_inner_links }, { "shorter latency", shorter_latency },
    { "higher peaks", higher_peaks },     { "faster memory", faster_memory },           { "faster host", faster_host },
};

/**
 * The law is not claimed for balanced stages, which move with the loads (the least longest stage is not the least
 * step), nor for gathers hidden behind the forward pass of a stage that the pipeline does not wait for: there a
 * shorter pass exposes more; nor for steps that a rank begins on its own, counted from when its input arrives; nor where
 * backward passes are split: their host time is shared out in proportion, so a part can grow while their sum shrinks.
 */
static void check_improvements(GRand *rand, const MppJob *job, const RandomMember *member)
{
    MppStrategy s = vary(rand, job, member);
    if (s.stage_split == MPP_STAGE_SPLIT_BALANCED || mpp_schedule_kind_shape(s.schedule)->splits_backward)
        return;
    g_autoptr(MppRuntime) runtime = mpp_runtime_copy(job->runtime);
    runtime->overlap.parameters_frac *= s.pp == 1;
    runtime->skips_step_barrier = false;
    MppJob worse = *job;
    worse.runtime = runtime;
    g_autoptr(MppEstimate) before = mpp_estimate_new(&worse, &s);
    for (size_t i = 0; i < G_N_ELEMENTS(improvements); i++) {
        g_autoptr(MppCluster) cluster = mpp_cluster_copy(job->cluster);
        improvements[i].apply(cluster, random_job_scale(rand, 1.001, 4));
        MppJob better = worse;
        better.cluster = cluster;
        g_autoptr(MppEstimate) after = mpp_estimate_new(&better, &s);
        g_autofree char *text = mpp_strategy_to_text(&s);
        if (after->step_s > before->step_s * (1 + 1e-12))
            g_error("%s: %s: %.17g s become %.17g", text, improvements[i].name, before->step_s, after->step_s);
        g_assert_cmpfloat(after->peak_bytes, ==, before->peak_bytes);
    }
}

static void test_improvements(void)
{
    for_each_member(9127, 0.3, check_improvements);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/estimate-laws/parts", test_parts);
    g_test_add_func("/estimate-laws/improvements", test_improvements);
    return g_test_run();
}
