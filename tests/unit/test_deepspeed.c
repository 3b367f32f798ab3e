#include "planner/emit/emit.h"

#include "tests/support/expect.h"
#include "tests/support/sample.h"

static MppLaunch *read_launch(const MppModel *model, const char *text, GError **error)
{
    const MppLaunchSource source = { "ds.json", text, model, 24 };
    return mpp_emit_read(&mpp_emit_deepspeed, &source, error);
}

static void test_strategies(void)
{
    static const struct {
        const char *json, *strategy;
        int64_t global_batch; /* 0: not stated */
        MppPrecision precision;
    } rows[] = {
        { "{\"train_batch_size\": 120, \"train_micro_batch_size_per_gpu\": 5}", "dp=24,tp=1,pp=1,mbs=5", 120,
          MPP_PRECISION_FP32 },
        { "{\"train_batch_size\": 144, \"gradient_accumulation_steps\": 2, \"bf16\": {\"enabled\": true}}",
          "dp=24,tp=1,pp=1,mbs=3", 144, MPP_PRECISION_BF16 },
        { "{\"train_micro_batch_size_per_gpu\": 2, \"gradient_accumulation_steps\": 3, \"fp16\": {\"enabled\": true}}",
          "dp=24,tp=1,pp=1,mbs=2", 144, MPP_PRECISION_FP16 },
        { "{\"train_batch_size\": 72}", "dp=24,tp=1,pp=1,mbs=3", 72, MPP_PRECISION_FP32 },
        { "{\"train_batch_size\": \"auto\", \"train_micro_batch_size_per_gpu\": \"auto\"}", "dp=24,tp=1,pp=1,mbs=1", 0,
          MPP_PRECISION_FP32 },
        { "{\"zero_optimization\": {\"stage\": 3, \"offload_optimizer\": {\"device\": \"cpu\"}, \"offload_param\": {\"device\": \"cpu\"}}}",
          "dp=24,tp=1,pp=1,mbs=1,zero=3,offload=parameters", 0, MPP_PRECISION_FP32 },
        { "{\"zero_optimization\": {\"stage\": 3, \"offload_optimizer\": {\"device\": \"cpu\"}}}",
          "dp=24,tp=1,pp=1,mbs=1,zero=3,offload=optimizer", 0, MPP_PRECISION_FP32 },
        { "{\"tensor_parallel\": {\"autotp_size\": 3}, \"zero_optimization\": {\"stage\": 1}}", "dp=8,tp=3,pp=1,mbs=1,zero=1", 0,
          MPP_PRECISION_FP32 },
        { "{\"sequence_parallel_size\": 6}", "dp=4,tp=1,pp=1,cp=6,mbs=1,cp_kind=all-to-all", 0, MPP_PRECISION_FP32 },
        { "{\"expert_parallel\": {\"enabled\": true, \"autoep_size\": 4}}", "dp=24,tp=1,pp=1,ep=4,mbs=1", 0, MPP_PRECISION_FP32 },
        { "{\"expert_parallel\": {\"enabled\": false, \"autoep_size\": 4}}", "dp=24,tp=1,pp=1,mbs=1", 0, MPP_PRECISION_FP32 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppInputs) inputs = mpp_sample_new(24);
        g_autoptr(GError) error = NULL;
        g_autoptr(MppLaunch) launch = read_launch(&inputs->model, rows[i].json, &error);
        g_assert_no_error(error);
        g_autofree char *text = mpp_strategy_to_text(&launch->strategy);
        g_assert_cmpstr(text, ==, rows[i].strategy);
        g_assert_true((launch->stated & MPP_LAUNCH_GLOBAL_BATCH) == (rows[i].global_batch ? MPP_LAUNCH_GLOBAL_BATCH : 0));
        if (rows[i].global_batch)
            g_assert_cmpint(launch->training.global_batch, ==, rows[i].global_batch);
        g_assert_cmpint(launch->training.precision, ==, rows[i].precision);
    }
}

/** What no prediction depends on is listed, and "auto" is no number format. */
static void test_passed_over(void)
{
    g_autoptr(MppInputs) inputs = mpp_sample_new(24);
    g_autoptr(GError) error = NULL;
    g_autoptr(MppLaunch) launch = read_launch(
        &inputs->model, "{\"wall_clock_breakdown\": true, \"bf16\": {\"enabled\": \"auto\"}, \"gradient_clipping\": 1.0}",
        &error);
    g_assert_no_error(error);
    g_assert_cmpuint(launch->passed_over->len, ==, 2);
    g_assert_cmpstr(launch->passed_over->pdata[0], ==, "wall_clock_breakdown");
    g_assert_cmpstr(launch->passed_over->pdata[1], ==, "gradient_clipping");
    g_assert_cmphex(launch->stated & MPP_LAUNCH_PRECISION, ==, 0);
    g_assert_cmpuint(launch->assumed->len, ==, 1);
    g_assert_cmpstr(launch->assumed->pdata[0], ==, "a micro-batch of 1 (train_micro_batch_size_per_gpu)");
}

static void test_needs_model(void)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(read_launch(NULL, "{}", &error));
    mpp_expect_error(&error, MPP_ERROR, MPP_ERROR_USAGE,
                     "ds.json does not state the model, the training script does: give --model");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/deepspeed/strategies", test_strategies);
    g_test_add_func("/deepspeed/passed_over", test_passed_over);
    g_test_add_func("/deepspeed/needs_model", test_needs_model);
    return g_test_run();
}
