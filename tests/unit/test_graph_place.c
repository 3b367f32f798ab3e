#include "planner/graph/graph_build.h"

#include "tests/support/costed_plan.h"
#include "tests/support/plain_job.h"

static void test_stage_title(void)
{
    g_autofree char *one = mpp_graph_stage_title(7, 7), *several = mpp_graph_stage_title(3, 11);
    g_assert_cmpstr(one, ==, "stage 7");
    g_assert_cmpstr(several, ==, "stages 3–11");
}

static void test_layer_title(void)
{
    static const struct {
        MppLayerKind kinds[3];
        int n_kinds;
        const char *titles[3];
    } rows[] = {
        { { { .ffn = true, .causal = true } }, 1, { "layer" } },
        { { { .ffn = true, .causal = true }, { .ffn = true, .causal = true, .moe = true } }, 2, { "dense layer", "layer with experts" } },
        { { { .ffn = true, .moe = true }, { .ffn = true, .moe = true, .prediction = true } },
          2,
          { "layer with experts", "prediction layer with experts" } },
        { { { .ffn = true, .window = 128 }, { .ffn = true, .causal = true } }, 2, { "layer, window 128", "layer, full attention" } },
        { { { .ffn = true, .window = 128 } }, 1, { "layer" } },
        { { { .ffn = true, .causal = false }, { .ffn = true, .cross_attention = true } }, 2, { "encoder layer", "decoder layer" } },
        { { { .ffn = true, .window = 96, .moe = true }, { .ffn = true, .window = 0, .moe = true }, { .ffn = true, .window = 96 } },
          3,
          { "layer with experts, window 96", "layer with experts, full attention", "dense layer, window 96" } },
        { { { .mixer = MPP_MIXER_SSM, .ffn = true }, { .ffn = true } }, 2, { "Mamba-2 layer", "layer, full attention" } },
        { { { .mixer = MPP_MIXER_SSM }, { .mixer = MPP_MIXER_NONE, .ffn = true }, { .ffn = false } },
          3,
          { "Mamba-2 layer", "MLP layer", "attention layer" } },
        { { { .mixer = MPP_MIXER_SSM, .ffn = true, .moe = true }, { .mixer = MPP_MIXER_NONE, .ffn = true, .moe = true } },
          2,
          { "Mamba-2 layer with experts", "expert layer" } },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        MppModel model = { .n_kinds = rows[i].n_kinds };
        for (int k = 0; k < rows[i].n_kinds; k++)
            model.kinds[k] = rows[i].kinds[k];
        for (int k = 0; k < rows[i].n_kinds; k++) {
            g_autofree char *title = mpp_graph_layer_title(&model, &model.kinds[k]);
            g_assert_cmpstr(title, ==, rows[i].titles[k]);
        }
    }
}

/** Nodes of 4. */
static void test_place(void)
{
    static const struct {
        const char *strategy;
        int64_t gpus, replica, first, last;
        const char *place;
    } rows[] = {
        { "tp=1,pp=2", 2, -1, 1, 1, "rank 1 on node 0" },
        { "tp=4,pp=2", 8, -1, 1, 1, "ranks 4–7 on node 1" },
        { "tp=2,pp=4,dp=2", 16, 1, 2, 2, "ranks 10–11 on node 2" },
        { "tp=2,pp=4,dp=2", 16, -1, 2, 2, "2 ranks in each of 2 replicas" },
        { "tp=2,pp=4,dp=2", 16, -1, 1, 3, "2 ranks a stage in each of 2 replicas" },
        { "tp=2,pp=4", 8, -1, 0, 3, "2 ranks a stage" },
        { "tp=2,cp=3,dp=2,order=tp-dp-cp-pp", 12, 1, 0, 0, "ranks 2–3, 6–7, 10–11 on nodes 0–2" },
        { "tp=1,cp=4,dp=2,order=tp-dp-cp-pp", 8, 0, 0, 0, "ranks 0, 2, 4, … on nodes 0–1" },
        { "tp=8,pp=1", 8, 0, 0, 0, "ranks 0–7 on nodes 0–1" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        MppStrategy s = plain_job_strategy(rows[i].strategy);
        g_autoptr(MppInputs) inputs = plain_job_new(rows[i].gpus);
        g_autofree char *place = mpp_graph_place(&inputs->job, &s, rows[i].replica, rows[i].first, rows[i].last);
        g_assert_cmpstr(place, ==, rows[i].place);
    }
}

static void test_tier(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(16);
    g_autoptr(CostedPlan) plan = costed_plan_new(&inputs->job, "tp=4,pp=2,dp=2");
    g_assert_cmpstr(mpp_graph_tier(plan->pipeline, MPP_AXIS_TP), ==, mpp_cluster_tier(&inputs->cluster, 0)->name);
    g_assert_cmpstr(mpp_graph_tier(plan->pipeline, MPP_AXIS_PP), ==, mpp_cluster_tier(&inputs->cluster, 1)->name);
    g_assert_cmpint(mpp_graph_axis(MPP_AXIS_EXPERT_DP), ==, MPP_GRAPH_DP);
    g_assert_cmpint(mpp_graph_axis(MPP_AXIS_ETP), ==, MPP_GRAPH_ETP);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/graph-place/stage-title", test_stage_title);
    g_test_add_func("/graph-place/layer-title", test_layer_title);
    g_test_add_func("/graph-place/place", test_place);
    g_test_add_func("/graph-place/tier", test_tier);
    return g_test_run();
}
