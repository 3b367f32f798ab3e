#include "planner/calibrate/train_log.h"

#include "planner/base/error.h"
#include "tests/support/expect.h"

static const char megatron[] =
    " [2025-03-01 10:00:00.1] iteration        1/      50 | consumed samples:           48 | elapsed time per iteration (ms): 9120.5 | "
    "learning rate: 1.000000E-05 | global batch size:    48 | lm loss: 1.1E+01 |\n"
    "[Rank 3] (after 1 iterations) memory (MB) | allocated: 1000.50 | max allocated: 2048.00 | reserved: 3000.00 | max reserved: 3072.00\n"
    " iteration        2/      50 | consumed samples:           96 | elapsed time per iteration (ms): 2410.0 | global batch size:    48 | x |\n"
    " iteration        3/      50 | consumed samples:          144 | elapsed time per iteration (ms): 2390.0 | global batch size:    48 | x |\n"
    " iteration        4/      50 | consumed samples:          192 | elapsed time per iteration (ms): 2400.0 | global batch size:    48 | x |\n";

static void test_formats(void)
{
    static const struct {
        const char *text, *framework;
        double step_s, allocated_bytes, reserved_bytes;
        int n_steps;
    } rows[] = {
        { megatron, "megatron", 2.4, 2048.0 * 1048576, 3072.0 * 1048576, 3 },
        { "iteration 1/ 9 | elapsed time per iteration (s): 8.0 |\niteration 2/ 9 | elapsed time per iteration (s): 3.5 |\n", "megatron", 3.5, 0, 0, 1 },
        { "[timer.py:260:stop] epoch=0/micro_step=4/global_step=1, RunningAvgSamplesPerSec=2.0, CurrSamplesPerSec=2.0, MemAllocated=4.5GB, "
          "MaxMemAllocated=6.5GB\nepoch=0/micro_step=8/global_step=2, RunningAvgSamplesPerSec=9.1, CurrSamplesPerSec=9.6, MemAllocated=4.5GB, "
          "MaxMemAllocated=7.5GB\n", "deepspeed", 5, 7.5 * 1073741824, 0, 1 },
        { "[timer.py:198:stop] 0/20, RunningAvgSamplesPerSec=1.0, CurrSamplesPerSec=1.0\n"
          "[timer.py:198:stop] 0/40, RunningAvgSamplesPerSec=1.0, CurrSamplesPerSec=24.0\n", "deepspeed", 2, 0, 0, 1 },
        { "steps: 1 loss: 12.7 iter time (s): 50.471 samples/sec: 6.8\nsteps: 2 loss: 12.8 iter time (s): 45.25 samples/sec: 7.0\n", "deepspeed",
          45.25, 0, 0, 1 },
        { "\x1b[31mstep:  1\x1b[0m  loss: 11.8  memory: 48.50GiB(51.44%)  tps: 100  tflops: 2.1\n"
          "\x1b[31mstep: 20\x1b[0m  loss: 11.8  memory: 48.75GiB(51.44%)  tps: 1,536.0  tflops: 2.1\n", "torchtitan", 8, 0, 48.75 * 1073741824, 1 },
        { "completed step: 0, seconds: 1.5, TFLOP/s\ncompleted step: 1, seconds: 12.5, TFLOP/s\n", "maxtext", 12.5, 0, 0, 1 },
    };
    const MppLogRun run = { .global_batch = 48, .seq = 1024, .gpus = 4 };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(MppTrainLog) log = mpp_train_log_parse("train.log", rows[i].text, &error);
        g_assert_no_error(error);
        MppLogSteady steady;
        g_assert_true(mpp_train_log_steady(log, &run, &steady, &error));
        g_assert_cmpstr(log->framework, ==, rows[i].framework);
        g_assert_cmpfloat_with_epsilon(steady.step_s, rows[i].step_s, 1e-9);
        g_assert_cmpfloat(log->allocated_bytes, ==, rows[i].allocated_bytes);
        g_assert_cmpfloat(log->reserved_bytes, ==, rows[i].reserved_bytes);
        g_assert_cmpint(steady.n_steps, ==, rows[i].n_steps);
    }
}

/** Steps of these seconds, numbered from 1; a 0 begins again at 1. */
static char *log_of(const double *seconds, size_t n)
{
    GString *text = g_string_new(NULL);
    for (size_t i = 0, number = 1; i < n; i++, number++) {
        if (seconds[i] == 0)
            number = 0;
        else
            g_string_append_printf(text, "completed step: %zu, seconds: %.3f\n", number, seconds[i]);
    }
    return g_string_free(text, FALSE);
}

static void test_steady(void)
{
    static const struct {
        double seconds[12], step_s;
        int n_steps;
    } rows[] = {
        { { 9, 4, 2.1, 2, 2.2, 2, 2.1, 2.1, 2, 2.2, 2.1, 2 }, 2.1, 10 },   /* two warm */
        { { 9, 2.1, 2, 2.2, 0, 9, 2, 2.1, 2.1, 2.2, 2.1, 2 }, 2.1, 9 },    /* a start again */
        { { 2, 2.1, 2, 2.2, 2, 2.1, 30, 2, 2.2, 2.1, 2, 2.1 }, 2.1, 11 },  /* a checkpoint on the way counts, but not in a median */
    };
    const MppLogRun run = { 48, 1024, 4 };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *text = log_of(rows[i].seconds, G_N_ELEMENTS(rows[i].seconds));
        g_autoptr(MppTrainLog) log = mpp_train_log_parse("train.log", text, &error);
        MppLogSteady steady;
        g_assert_true(mpp_train_log_steady(log, &run, &steady, &error));
        g_assert_no_error(error);
        g_assert_cmpfloat_with_epsilon(steady.step_s, rows[i].step_s, 1e-9);
        g_assert_cmpint(steady.n_steps, ==, rows[i].n_steps);
    }
}

static void test_errors(void)
{
    static const struct {
        const char *text, *message;
        MppError code;
    } rows[] = {
        { "nothing\n", "train.log: expected a line with a step time as Megatron-LM, DeepSpeed, torchtitan or MaxText print it, found none",
          MPP_ERROR_SYNTAX },
        { "a\nb\ncompleted step: 0, seconds: 0.0\n", "train.log:3: expected a step time or rate above 0, got 0", MPP_ERROR_SCHEMA },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(mpp_train_log_parse("train.log", rows[i].text, &error));
        mpp_expect_error(&error, MPP_ERROR, rows[i].code, rows[i].message);
    }
    static const struct {
        const char *text, *message;
    } unsteady[] = {
        { "\ncompleted step: 0, seconds: 1.5\n", "train.log:2: expected at least two lines of steps after a start: the first is warm-up" },
        { megatron, "train.log:5: expected steps of 50 sequences as the launch says, got 48" },
    };
    const MppLogRun run = { 50, 1024, 4 };
    for (size_t i = 0; i < G_N_ELEMENTS(unsteady); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(MppTrainLog) log = mpp_train_log_parse("train.log", unsteady[i].text, &error);
        MppLogSteady steady;
        g_assert_false(mpp_train_log_steady(log, &run, &steady, &error));
        mpp_expect_error(&error, MPP_ERROR, MPP_ERROR_INVALID, unsteady[i].message);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/train_log/formats", test_formats);
    g_test_add_func("/train_log/steady", test_steady);
    g_test_add_func("/train_log/errors", test_errors);
    return g_test_run();
}
