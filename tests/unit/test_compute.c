#include "planner/cost/compute.h"

#include <math.h>

#include "tests/support/plain_job.h"

/** Of arithmetic and operand traffic together. */
static double together_s(double compute_s, double move_s)
{
    return pow(pow(compute_s, 3) + pow(move_s, 3), 1.0 / 3);
}

/** On the plain device: 2 m n k over 100 TFLOP/s together with the operands and the result over 10 TB/s. */
static void test_matmul(void)
{
    static const struct {
        double frac, count, m, n, k, out_bytes, compute_s, move_s;
    } rows[] = {
        { 1, 1, 1024, 512, 2048, 2, 2.0 * 1024 * 512 * 2048 / 1e14, (1536 * 2048 * 2 + 1024 * 512 * 2) / 1e13 },
        { 0.25, 1, 1024, 512, 2048, 2, 8.0 * 1024 * 512 * 2048 / 1e14, (1536 * 2048 * 2 + 1024 * 512 * 2) / 1e13 },
        { 1, 7, 256, 128, 640, 2, 7 * 2.0 * 256 * 128 * 640 / 1e14, 7 * (384 * 640 * 2 + 256 * 128 * 2) / 1e13 },
        { 1, 1, 8192, 4096, 16, 4, 2.0 * 8192 * 4096 * 16 / 1e14, (12288 * 16 * 2 + 8192.0 * 4096 * 4) / 1e13 }, /* thin */
        { 1, 3, 256, 128, 16, 8, 3 * 2.0 * 256 * 128 * 16 / 1e14, 3 * (384 * 16 * 2 + 256.0 * 128 * 8) / 1e13 },
    };
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const MppProduct product = { rows[i].count, rows[i].m, rows[i].n, rows[i].k };
        double s = mpp_compute_matmul_s(&inputs->cluster.device, MPP_PRECISION_BF16, rows[i].frac, &product, rows[i].out_bytes);
        plain_job_expect("product", s, together_s(rows[i].compute_s, rows[i].move_s));
    }
    MppDevice *device = &inputs->cluster.device; /* 16384 operand elements and no result to write: 32768 bytes */
    device->memory_bytes_per_s = 32768 / (2.0 * 256 * 128 * 42.6666666666666667 / 1e14);
    double s = mpp_compute_matmul_s(device, MPP_PRECISION_BF16, 1, &(MppProduct){ 1, 256, 128, 42.6666666666666667 }, 0);
    plain_job_expect("as long as its operands", s, cbrt(2) * 2.0 * 256 * 128 * 42.6666666666666667 / 1e14);
}

/** What shape costs, each alone. */
static void test_losses(void)
{
    static const struct {
        const char *name;
        int64_t cores;
        double depth, work_flop, kernel_s, m, n, k, factor, more_s;
    } rows[] = {
        { "none", 1, 0, 0, 0, 2048, 2048, 2048, 1, 0 },
        { "half of the rate at this depth", 1, 2048, 0, 0, 2048, 2048, 2048, 2, 0 },
        { "half of the rate at this work", 1, 0, 2.0 * 2048 * 2048 * 2048, 0, 2048, 2048, 2048, 2, 0 },
        { "a launch", 1, 0, 0, 3e-6, 2048, 2048, 2048, 1, 3e-6 },
        { "a last wave with two of five tiles of 12", 10, 0, 0, 0, 256 * 3, 128 * 4, 2048, 20.0 / 12, 0 },
        { "two of twelve tiles, each by six cores", 24, 0, 0, 0, 256, 256, 6 * 512, 1, 0 },
        { "four slices of 256 of the smallest tile on 24 cores", 24, 0, 0, 0, 64, 64, 1024, 6 / 0.875, 0 },
        { "each slice fills and empties", 4, 256, 0, 0, 64, 64, 1024, 2 / 0.875, 0 },
        { "whole waves", 12, 0, 0, 0, 256 * 3, 128 * 4, 2048, 1, 0 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppInputs) inputs = plain_job_new(8);
        MppDevice *device = &inputs->cluster.device;
        device->memory_bytes_per_s = 1e18;
        device->cores = rows[i].cores;
        device->matmul_depth = rows[i].depth;
        device->peak_flop_per_s.by_precision[MPP_PRECISION_FP8] = 2e14;
        device->matmul_work_flop = rows[i].work_flop;
        device->kernel_s = rows[i].kernel_s;
        const MppProduct product = { 1, rows[i].m, rows[i].n, rows[i].k };
        double s = mpp_compute_matmul_s(device, MPP_PRECISION_BF16, 1, &product, 2);
        double ideal_s = 2 * rows[i].m * rows[i].n * rows[i].k / 1e14;
        double narrow_s = mpp_compute_matmul_s(device, MPP_PRECISION_FP8, 1, &product, 2);
        if (rows[i].depth > 0 && rows[i].cores == 1) /* the same time is lost: twice the depth at twice the rate */
            plain_job_expect("narrow", narrow_s, ideal_s / 2 * (rows[i].k + 2 * rows[i].depth) / rows[i].k);
        if (rows[i].cores == 10) /* a smaller tile may do better than the largest */
            g_assert_true(s > ideal_s && s <= ideal_s * rows[i].factor * (1 + 1e-12));
        else
            plain_job_expect(rows[i].name, s, ideal_s * rows[i].factor + rows[i].more_s);
    }
}

/** No shape runs above the sustained rate, and more work never takes less time on the same tiles. */
static void test_shapes(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    MppDevice *device = &inputs->cluster.device;
    device->cores = 108;
    device->matmul_depth = 100;
    for (double m = 1; m < 9000; m *= 1.7)
        for (double n = 1; n < 9000; n *= 1.9) {
            double before_s = 0;
            for (double k = 1; k < 9000; k *= 2.3) {
                double s = mpp_compute_matmul_s(device, MPP_PRECISION_BF16, 1, &(MppProduct){ 1, m, n, k }, 2);
                g_assert_cmpfloat(s, >=, 2 * m * n * k / 1e14);
                g_assert_cmpfloat(s, >, before_s);
                before_s = s;
            }
        }
}

static void test_stream(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    inputs->cluster.device.memory_frac = 0.5;
    inputs->cluster.device.kernel_s = 2e-6;
    plain_job_expect("stream", mpp_compute_stream_s(&inputs->cluster.device, MPP_STREAMING_COPY, 3e9, 3), 3e9 / 5e12 + 6e-6);
}

/** Weights' gradients are added to an fp32 buffer: 8 bytes an element are read and written. */
static void test_products(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    inputs->cluster.device.memory_bytes_per_s = 1e18;
    MppOp op = { .kind = MPP_OP_MATMUL, .count = 1, .m = 256, .n = 4096, .k = 4096, .precision = MPP_PRECISION_BF16 };
    double compute_s = 2 * 256 * 4096.0 * 4096 / 1e14, operands = (256 * 4096 + 256 * 4096) * 2.0;
    plain_job_expect("forward", mpp_compute_time(&inputs->job, &op).forward_s, compute_s);
    plain_job_expect("backward input", mpp_compute_time(&inputs->job, &op).backward_input_s, compute_s);
    plain_job_expect("backward weight", mpp_compute_time(&inputs->job, &op).backward_weight_s, compute_s);
    op.parameters = 4096 * 4096;
    inputs->cluster.device.memory_bytes_per_s = 1e11;
    plain_job_expect("accumulated", mpp_compute_time(&inputs->job, &op).backward_weight_s,
                     together_s(compute_s, (operands + 4096.0 * 4096 * 8) / 1e11));
    inputs->runtime.state.gradient_fused = false; /* 2 bytes an element are written, then read and added */
    plain_job_expect("accumulated apart", mpp_compute_time(&inputs->job, &op).backward_weight_s,
                     together_s(compute_s, (operands + 4096.0 * 4096 * 2) / 1e11) + 4096.0 * 4096 * (2 + 8) / 1e11);

    inputs->cluster.device.memory_bytes_per_s = 1e18;
    inputs->cluster.device.grouped_frac = 0.5;
    op.expert = true;
    plain_job_expect("one expert is no group", mpp_compute_time(&inputs->job, &op).forward_s, compute_s);
    op.count = 2;
    op.n /= 2;
    plain_job_expect("grouped", mpp_compute_time(&inputs->job, &op).forward_s, 2 * compute_s);
    inputs->runtime.products_frac = 1.6; /* a stack that gets more out of all products */
    plain_job_expect("grouped in a faster stack", mpp_compute_time(&inputs->job, &op).forward_s, 1.25 * compute_s);
    inputs->cluster.products_frac = 0.625; /* under a limit of power */
    plain_job_expect("on slower devices", mpp_compute_time(&inputs->job, &op).forward_s, 2 * compute_s);
}

/** Products of experts that are launched one by one take as long as each alone; in one kernel they share the last wave and the launch. */
static void test_experts_apart(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    inputs->cluster.device.cores = 7;
    inputs->cluster.device.kernel_s = 3e-6;
    MppOp op = { .kind = MPP_OP_MATMUL, .expert = true, .count = 1, .m = 256, .n = 384, .k = 640, .precision = MPP_PRECISION_BF16 };
    MppOpTime one = mpp_compute_time(&inputs->job, &op);
    op.count = 5;
    MppOpTime apart = mpp_compute_time(&inputs->job, &op);
    plain_job_expect("forward", apart.forward_s, 5 * one.forward_s);
    plain_job_expect("backward input", apart.backward_input_s, 5 * one.backward_input_s);
    plain_job_expect("backward weight", apart.backward_weight_s, 5 * one.backward_weight_s);
    inputs->job.training.kernels.experts_fused = true;
    MppOpTime fused = mpp_compute_time(&inputs->job, &op);
    g_assert_cmpfloat(fused.forward_s, <, apart.forward_s - 4 * 3e-6);
    g_assert_cmpfloat(fused.backward_input_s, <, apart.backward_input_s - 4 * 3e-6);
    g_assert_cmpfloat(fused.backward_weight_s, <, apart.backward_weight_s - 4 * 3e-6);
}

/** FP8 operands are cast first: 2 bytes read twice, for the scale and to be cast, and two copies of one byte written. */
static void test_casts(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    MppOp op = { .kind = MPP_OP_MATMUL, .count = 1, .m = 1024, .n = 512, .k = 2048, .precision = MPP_PRECISION_FP8 };
    MppOpTime time = mpp_compute_time(&inputs->job, &op);
    double compute_s = 2 * 1024.0 * 512 * 2048 / 1e14, operands = 1024.0 * 2048 + 2048 * 512, result = 1024 * 512;
    plain_job_expect("forward", time.forward_s,
                     together_s(compute_s, (operands + 2 * result) / 1e13) + 1024 * 2048 * 6 / 1e13);
    plain_job_expect("backward input", time.backward_input_s,
                     together_s(compute_s, (result + 2048 * 512 + 2 * 1024.0 * 2048) / 1e13) + 1024 * 512 * 6 / 1e13);
    plain_job_expect("backward weight", time.backward_weight_s,
                     together_s(compute_s, (result + 1024 * 2048 + 2 * 2048.0 * 512) / 1e13));
    op.precision = MPP_PRECISION_MXFP8; /* a scale for 32 elements: 33/32 bytes each, and no reading ahead */
    plain_job_expect("block scales", mpp_compute_time(&inputs->job, &op).forward_s,
                     together_s(compute_s, (operands * 33 / 32 + 2 * result) / 1e13) + 1024 * 2048 * (2 + 2 * 33 / 32.0) / 1e13);
    op.precision = MPP_PRECISION_FP8_ROWWISE; /* read for the rows, for the columns' scales and for the columns */
    plain_job_expect("scales of rows", mpp_compute_time(&inputs->job, &op).forward_s,
                     together_s(compute_s, (operands + 2 * result) / 1e13) + 1024 * 2048 * (3 * 2 + 2) / 1e13);
}

/** The backward core has 2.5 times the FLOP; heads of 64 and 32 reach 0.88 and 0.88^2 of the rate of those of 128. */
static void test_attention(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    MppOp op = {
        .kind = MPP_OP_ATTENTION, .count = 12, .m = 1024, .n = 512, .k = 128, .v = 128, .precision = MPP_PRECISION_BF16
    };
    double flop = 2.0 * 12 * 1024 * 512 * 256;
    plain_job_expect("forward", mpp_compute_time(&inputs->job, &op).forward_s, flop / 0.5e14);
    plain_job_expect("backward", mpp_compute_time(&inputs->job, &op).backward_input_s, 2.5 * flop / 0.25e14);
    g_assert_cmpfloat(mpp_compute_time(&inputs->job, &op).backward_weight_s, ==, 0);
    inputs->cluster.device.attention_tokens = 512;
    plain_job_expect("ramp", mpp_compute_time(&inputs->job, &op).forward_s, 2 * flop / 0.5e14);
    op.blocks = 4; /* of 128 keys each */
    plain_job_expect("ramp of a ring", mpp_compute_time(&inputs->job, &op).forward_s, 5 * flop / 0.5e14);
    op.blocks = 0;
    inputs->cluster.device.attention_tokens = 0;
    op.k = op.v = 64;
    plain_job_expect("narrow", mpp_compute_time(&inputs->job, &op).forward_s, flop / 2 / 0.88 / 0.5e14);
    op.k = op.v = 32;
    plain_job_expect("narrower", mpp_compute_time(&inputs->job, &op).forward_s, flop / 4 / (0.88 * 0.88) / 0.5e14);
    op.k = op.v = 64;
    inputs->cluster.device.flash3 = (MppAttentionRate){ 0.5, 0.25 };
    inputs->job.training.kernels.attention = MPP_ATTENTION_FLASH3;
    plain_job_expect("narrow in the third", mpp_compute_time(&inputs->job, &op).forward_s, flop / 2 / 0.73 / 0.5e14);
    inputs->cluster.device.flash1 = (MppAttentionRate){ 0.4, 0.2 };
    inputs->job.training.kernels.attention = MPP_ATTENTION_FLASH1;
    plain_job_expect("narrow in the first", mpp_compute_time(&inputs->job, &op).forward_s, flop / 2 / 1.1 / 0.4e14);
    inputs->job.training.kernels.attention = MPP_ATTENTION_FLASH1_TRITON;
    plain_job_expect("narrow in Triton", mpp_compute_time(&inputs->job, &op).forward_s, flop / 2 / 0.4e14);
}

/** Rows of operands that are not a multiple of 16 bytes. */
static void test_aligned(void)
{
    static const struct {
        MppPrecision precision;
        bool batched;
        double n, k, frac;
    } rows[] = {
        { MPP_PRECISION_BF16, false, 4096, 10944, 1 },   { MPP_PRECISION_BF16, false, 4096, 10922, 0.69 },
        { MPP_PRECISION_BF16, false, 10922, 4096, 0.69 }, { MPP_PRECISION_BF16, true, 1024, 104, 1 },
        { MPP_PRECISION_BF16, true, 1024, 108, 0.25 },   { MPP_PRECISION_BF16, true, 197, 64, 0.25 },
        { MPP_PRECISION_FP16, false, 50257, 1024, 0.35 }, { MPP_PRECISION_FP16, false, 1024, 50257, 0.35 },
        { MPP_PRECISION_FP8, false, 4096, 24, 0.69 },    { MPP_PRECISION_FP32, true, 197, 109, 1 },
        /* scales of blocks are elsewhere: 10304 numbers of 8 bits are 644 loads, 2688 of 4 bits 84 */
        { MPP_PRECISION_MXFP8, false, 10304, 2688, 1 },  { MPP_PRECISION_MXFP8, false, 4096, 24, 0.69 },
        { MPP_PRECISION_NVFP4, false, 2688, 4096, 1 },   { MPP_PRECISION_NVFP4, false, 4096, 24, 0.69 },
    };
    g_autoptr(MppInputs) inputs = plain_job_new(8);
    MppDevice *device = &inputs->cluster.device;
    device->peak_flop_per_s.by_precision[MPP_PRECISION_FP32] = device->peak_flop_per_s.by_precision[MPP_PRECISION_BF16] / 4;
    device->matmul_frac.by_precision[MPP_PRECISION_FP32] = device->matmul_frac.by_precision[MPP_PRECISION_BF16];
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        g_assert_cmpfloat(mpp_compute_aligned_frac(device, rows[i].precision, rows[i].batched, rows[i].n, rows[i].k), ==, rows[i].frac);
    device->matmul_tile = 8; /* no tensor cores */
    g_assert_cmpfloat(mpp_compute_aligned_frac(device, MPP_PRECISION_BF16, true, 197, 64), ==, 1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/compute/matmul", test_matmul);
    g_test_add_func("/compute/losses", test_losses);
    g_test_add_func("/compute/shapes", test_shapes);
    g_test_add_func("/compute/stream", test_stream);
    g_test_add_func("/compute/products", test_products);
    g_test_add_func("/compute/experts-apart", test_experts_apart);
    g_test_add_func("/compute/casts", test_casts);
    g_test_add_func("/compute/attention", test_attention);
    g_test_add_func("/compute/aligned", test_aligned);
    return g_test_run();
}
