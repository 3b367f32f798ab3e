#include "planner/emit/torchtitan_toml_read.h"

#include "tests/support/expect.h"

static MppLaunch *read_launch(const char *text, int64_t gpus, GError **error)
{
    const MppLaunchSource source = { "job.toml", text, NULL, gpus };
    return mpp_emit_read(&mpp_emit_torchtitan_toml, &source, error);
}

#define MODEL "[model]\nname = \"llama3\"\nflavor = \"8B\"\n"
#define WHOLE MODEL "[activation_checkpoint]\nmode = \"none\"\n[training]\n"

static void test_strategies(void)
{
    static const struct {
        const char *toml, *strategy;
    } rows[] = {
        { WHOLE, "dp=16,tp=1,pp=1,mbs=8,zero=3" }, /* torchtitan's own defaults */
        { WHOLE "local_batch_size = 2\n[parallelism]\ntensor_parallel_degree = 4", "dp=4,tp=4,pp=1,mbs=2,sp,zero=3" },
        { WHOLE "[parallelism]\nfsdp_reshard_after_forward = 'never'", "dp=16,tp=1,pp=1,mbs=8,zero=2" },
        { WHOLE "[parallelism]\ndata_parallel_replicate_degree = 4", "dp=16,tp=1,pp=1,mbs=8,zero=3,zero_ranks=4" },
        { WHOLE "[parallelism]\ndata_parallel_replicate_degree = 16\ndata_parallel_shard_degree = 1", "dp=16,tp=1,pp=1,mbs=8" },
        { WHOLE "[parallelism]\ncontext_parallel_degree = 4", "dp=4,tp=1,pp=1,cp=4,mbs=8,zero=3,cp_kind=all-gather" },
        { WHOLE "[parallelism]\ncontext_parallel_degree = 4\ncontext_parallel_rotate_method = 'alltoall'", "dp=4,tp=1,pp=1,cp=4,mbs=8,zero=3" },
        { WHOLE "[parallelism]\npipeline_parallel_degree = 4", /* the ends count for a layer each: 34 over 4 */
          "dp=4,tp=1,pp=4,mbs=1,zero=2,stages=8/9/8/7" },
        { WHOLE "[parallelism]\npipeline_parallel_degree = 2\npipeline_parallel_schedule = 'interleaved1f1b'\n"
                "pipeline_parallel_microbatch_size = 2",
          "dp=8,tp=1,pp=2,vpp=2,mbs=2,zero=2,schedule=interleaved,stages=8/9/8/7" },
        { WHOLE "[parallelism]\npipeline_parallel_degree = 4\npipeline_parallel_layers_per_stage = 9\n"
                "pipeline_parallel_first_stage_less_layers = 0\npipeline_parallel_last_stage_less_layers = 2",
          "dp=4,tp=1,pp=4,mbs=1,zero=2,stages=9/9/8/6" },
        { WHOLE "[parallelism]\npipeline_parallel_degree = 2\npipeline_parallel_schedule = \"GPipe\"\n"
                "module_fqns_per_model_part = [[\"tok_embeddings\", \"layers.0\"], [\"layers.1\", \"norm\"]]",
          "dp=8,tp=1,pp=2,mbs=1,zero=2,schedule=gpipe,stages=1/1" },
        { MODEL "[activation_checkpoint]\nmode = \"selective\"\nselective_ac_option = \"op\"",
          "dp=16,tp=1,pp=1,mbs=8,zero=3,recompute=selective" },
        { MODEL "[activation_checkpoint]\nmode = \"selective\"\nselective_ac_option = \"3\"",
          "dp=16,tp=1,pp=1,mbs=8,zero=3,recompute=full:11" },
        { MODEL "[activation_checkpoint]\nmode = \"full\"", "dp=16,tp=1,pp=1,mbs=8,zero=3,recompute=full" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(MppLaunch) launch = read_launch(rows[i].toml, 16, &error);
        g_assert_no_error(error);
        g_autofree char *text = mpp_strategy_to_text(&launch->strategy);
        g_assert_cmpstr(text, ==, rows[i].strategy);
    }
}

/** The recipe says which scales: one a tensor unless it is row-wise. */
static void test_scales(void)
{
    static const struct {
        const char *section;
        MppPrecision precision;
    } rows[] = {
        { "", MPP_PRECISION_FP8 },
        { "[quantize.linear.float8]\nrecipe_name = \"tensorwise\"", MPP_PRECISION_FP8 },
        { "[quantize.linear.float8]\nrecipe_name = \"rowwise\"", MPP_PRECISION_FP8_ROWWISE },
        { "[quantize.linear.float8]\nemulate = true\nrecipe_name = \"rowwise_with_gw_hp\"", MPP_PRECISION_FP8_ROWWISE },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *text = g_strconcat(MODEL "converters = [\"quantize.linear.float8\"]\n", rows[i].section, NULL);
        g_autoptr(MppLaunch) launch = read_launch(text, 16, &error);
        g_assert_no_error(error);
        g_assert_cmpint(launch->training.precision, ==, rows[i].precision);
    }
}

static void test_training(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MppLaunch) launch = read_launch(
        MODEL "converters = [\"quantize.linear.mx\"]\n[job]\ndump_folder = \"x\"\n[training]\nseq_len = 4096\n"
              "global_batch_size = 256\nsteps = 7\n[compile]\nenable = true\ncomponents = [\"model\"]\n"
              "[parallelism]\nenable_async_tensor_parallel = true",
        16, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(launch->model->name, ==, "Llama 3.1 8B");
    g_assert_cmpint(launch->training.seq, ==, 4096);
    g_assert_cmpint(launch->training.global_batch, ==, 256);
    g_assert_cmpint(launch->training.precision, ==, MPP_PRECISION_MXFP8);
    g_assert_true(launch->training.kernels.elementwise_fused);
    g_assert_false(launch->training.kernels.cross_entropy_fused);
    g_assert_true(launch->training.kernels.tensor_async);
    g_assert_cmpuint(launch->passed_over->len, ==, 2);
    g_assert_cmpstr(launch->passed_over->pdata[0], ==, "job.dump_folder");
    g_assert_cmpstr(launch->passed_over->pdata[1], ==, "training.steps");
}

/** A launch that states its devices needs no --gpus. */
static void test_gpus(void)
{
    g_autoptr(GError) error = NULL;
    static const char text[] = MODEL "[parallelism]\ndata_parallel_shard_degree = 8\ntensor_parallel_degree = 3";
    g_autoptr(MppLaunch) launch = read_launch(text, 0, &error);
    g_assert_no_error(error);
    g_assert_cmpint(launch->gpus, ==, 24);
    g_assert_null(read_launch(text, 16, &error));
    mpp_expect_error(&error, MPP_ERROR, MPP_ERROR_INVALID, "job.toml is for 24 devices, but --gpus is 16");
    g_assert_null(read_launch(MODEL, 0, &error));
    mpp_expect_error(&error, MPP_ERROR, MPP_ERROR_USAGE, "job.toml does not state the number of devices: give --gpus");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/torchtitan_toml_read/strategies", test_strategies);
    g_test_add_func("/torchtitan_toml_read/training", test_training);
    g_test_add_func("/torchtitan_toml_read/scales", test_scales);
    g_test_add_func("/torchtitan_toml_read/gpus", test_gpus);
    return g_test_run();
}
