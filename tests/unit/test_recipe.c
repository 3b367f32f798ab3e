#include "sim/recipe.h"

#include "tests/support/simulated.h"

enum { TOKENS = 1024, HIDDEN = 512, ELEMENT = 2 };
static const double layer_parameters = 4 * 512 * 512 + 2 * 512 * 2048 + 2 * 512;

static double bytes_of(const GArray *steps, MppCollective kind, MppAxis axis)
{
    double sum = 0;
    for (guint i = 0; i < steps->len; i++) {
        const MppRecipeStep *step = &g_array_index(steps, MppRecipeStep, i);
        sum += step->compute_s == 0 && step->collective == kind && step->axis == axis ? step->bytes : 0;
    }
    return sum;
}

static double compute_s(const GArray *steps)
{
    double sum = 0;
    for (guint i = 0; i < steps->len; i++)
        sum += g_array_index(steps, MppRecipeStep, i).compute_s;
    return sum;
}

/** Tensor-parallel layers gather and scatter their input twice a pass; recomputation does the forward pass's again. */
static void test_tensor_parallel(void)
{
    static const struct {
        const char *strategy;
        MppPass pass;
        double gathers, scatters; /* of a layer */
    } rows[] = {
        { "tp=2,pp=4,sp", MPP_PASS_FORWARD, 2, 2 },
        { "tp=2,pp=4,sp", MPP_PASS_WEIGHT, 0, 0 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Simulated) simulated = simulated_new(rows[i].strategy, 8, NULL);
        g_autoptr(GArray) steps = mpp_recipe_pass(simulated->simulation, 1, rows[i].pass, 1, false);
        double bytes = (double)TOKENS * HIDDEN * ELEMENT;
        plain_job_expect("gathers", bytes_of(steps, MPP_COLLECTIVE_ALL_GATHER, MPP_AXIS_TP), rows[i].gathers * bytes);
        plain_job_expect("scatters", bytes_of(steps, MPP_COLLECTIVE_REDUCE_SCATTER, MPP_AXIS_TP), rows[i].scatters * bytes);
    }
    g_autoptr(Simulated) stored = simulated_new("tp=2,pp=4,sp", 8, NULL),
                         again = simulated_new("tp=2,pp=4,sp,recompute=full", 8, NULL);
    g_autoptr(GArray) forward = mpp_recipe_pass(stored->simulation, 1, MPP_PASS_FORWARD, 1, false);
    g_autoptr(GArray) backward = mpp_recipe_pass(stored->simulation, 1, MPP_PASS_BACKWARD, 1, false);
    g_autoptr(GArray) recomputed = mpp_recipe_pass(again->simulation, 1, MPP_PASS_BACKWARD, 1, false);
    const MppCollective kinds[] = { MPP_COLLECTIVE_ALL_GATHER, MPP_COLLECTIVE_REDUCE_SCATTER };
    for (int i = 0; i < 2; i++)
        plain_job_expect("again", bytes_of(recomputed, kinds[i], MPP_AXIS_TP),
                         bytes_of(forward, kinds[i], MPP_AXIS_TP) + bytes_of(backward, kinds[i], MPP_AXIS_TP));
}

/** Layer by layer or summed up, it is the same computation and the same bytes. */
static void test_detail(void)
{
    static const char *const strategies[] = { "tp=2,pp=2,dp=2,sp,recompute=full:1", "cp=4,dp=2", "dp=8,zero=3",
                                              "cp=2,dp=4,cp_kind=all-to-all" };
    for (size_t i = 0; i < G_N_ELEMENTS(strategies); i++) {
        g_autoptr(Simulated) simulated = simulated_new(strategies[i], 8, NULL);
        for (int32_t c = 0; c < simulated->pipeline->n_chunks; c++)
            for (int pass = 0; pass < MPP_N_PASSES; pass++) {
                int32_t lane = c % (int32_t)simulated->strategy.pp;
                g_autoptr(GArray) summed = mpp_recipe_pass(simulated->simulation, lane, (MppPass)pass, c, false);
                g_autoptr(GArray) detailed = mpp_recipe_pass(simulated->simulation, lane, (MppPass)pass, c, true);
                g_assert_cmpfloat_with_epsilon(compute_s(detailed), compute_s(summed), 1e-12);
                for (int kind = 0; kind < MPP_N_COLLECTIVES; kind++)
                    for (int axis = 0; axis < MPP_N_AXES; axis++)
                        g_assert_cmpfloat(bytes_of(detailed, kind, axis), ==, bytes_of(summed, kind, axis));
                g_assert_cmpuint(detailed->len, >=, summed->len);
            }
    }
}

/** The pass computes as long as the scene says, on a slow device longer. */
static void test_compute(void)
{
    g_autoptr(Simulated) simulated = simulated_new("tp=2,pp=2,dp=2", 8, NULL);
    const MppChunkTime *time = mpp_scene_time(&simulated->simulation->scene, 0, MPP_PASS_FORWARD, 1);
    simulated->simulation->scene.compute_factor[1] = 1.7;
    g_autoptr(GArray) steps = mpp_recipe_pass(simulated->simulation, 1, MPP_PASS_FORWARD, 1, true);
    g_assert_cmpfloat_with_epsilon(compute_s(steps), 1.7 * time->compute_s, 1e-12);
}

/** ZeRO 3 gathers the parameters of each layer in each pass and scatters its gradients. */
static void test_sharded(void)
{
    static const struct {
        const char *strategy;
        MppPass pass;
        double gathered, scattered; /* bytes of a parameter */
    } rows[] = {
        { "dp=8,zero=2", MPP_PASS_FORWARD, 0, 0 },  { "dp=8,zero=2", MPP_PASS_BACKWARD, 0, 4 },
        { "dp=8,zero=3", MPP_PASS_FORWARD, 2, 0 },  { "dp=8,zero=3", MPP_PASS_BACKWARD, 2, 4 },
        { "dp=8,zero=1", MPP_PASS_BACKWARD, 0, 0 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Simulated) simulated = simulated_new(rows[i].strategy, 8, NULL);
        double parameters = simulated->pipeline->chunks[0].parameters;
        g_autoptr(GArray) steps = mpp_recipe_pass(simulated->simulation, 0, rows[i].pass, 0, false);
        g_assert_cmpfloat(parameters, >, 4 * layer_parameters);
        plain_job_expect("gathered", bytes_of(steps, MPP_COLLECTIVE_ALL_GATHER, MPP_AXIS_SHARD), rows[i].gathered * parameters);
        plain_job_expect("scattered", bytes_of(steps, MPP_COLLECTIVE_REDUCE_SCATTER, MPP_AXIS_SHARD),
                         rows[i].scattered * parameters);
    }
}

static void test_replicas(void)
{
    static const struct {
        const char *strategy;
        bool scatters;                                   /* the stack does under ZeRO 1 */
        double all_reduced, scattered, hybrid, gathered; /* bytes of a parameter */
    } rows[] = {
        { "dp=8", true, 4, 0, 0, 0 },        { "dp=8,zero=1", false, 4, 0, 0, 2 },
        { "dp=8,zero=1", true, 0, 4, 0, 2 }, { "dp=8,zero=1,zero_ranks=4", true, 0, 4, 1, 2 },
        { "tp=8", true, 0, 0, 0, 0 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        MppInputs *inputs = plain_job_new(8);
        inputs->runtime.state.zero1_reduce_scatter = rows[i].scatters;
        g_autoptr(Simulated) simulated = simulated_of(inputs, rows[i].strategy, NULL);
        double parameters = simulated->pipeline->chunks[0].parameters;
        g_autoptr(GArray) reduce = mpp_recipe_reduce(simulated->simulation, 0);
        g_autoptr(GArray) gather = mpp_recipe_gather(simulated->simulation, 0);
        plain_job_expect("all-reduced", bytes_of(reduce, MPP_COLLECTIVE_ALL_REDUCE, MPP_AXIS_DP_CP),
                         rows[i].all_reduced * parameters);
        plain_job_expect("scattered", bytes_of(reduce, MPP_COLLECTIVE_REDUCE_SCATTER, MPP_AXIS_SHARD),
                         rows[i].scattered * parameters);
        plain_job_expect("hybrid", bytes_of(reduce, MPP_COLLECTIVE_ALL_REDUCE, MPP_AXIS_REPLICAS), rows[i].hybrid * parameters);
        if (rows[i].gathered > 0)
            plain_job_expect("gathered", bytes_of(gather, MPP_COLLECTIVE_ALL_GATHER, MPP_AXIS_SHARD),
                             rows[i].gathered * parameters);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/recipe/tensor-parallel", test_tensor_parallel);
    g_test_add_func("/recipe/detail", test_detail);
    g_test_add_func("/recipe/compute", test_compute);
    g_test_add_func("/recipe/sharded", test_sharded);
    g_test_add_func("/recipe/replicas", test_replicas);
    return g_test_run();
}
