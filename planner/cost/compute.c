#include "planner/cost/compute.h"

#include <math.h>

/** Output tiles as CUTLASS and cuBLAS have them, largest first. */
static const struct {
    int m, n;
} tiles[] = { { 256, 128 }, { 128, 128 }, { 128, 64 }, { 64, 64 } };

/** How a product is cut into tiles. */
typedef struct {
    double share;  /* of the rate that is reached */
    double splits; /* of k: slices that different cores add up, whose sums are added at the end */
} Tiling;

/**
 * Cores that the tiles of less than one wave leave over take slices of k (split-K), of 256 at least (guess: four steps of a tile):
 * gradients of small weights are few tiles, and deep ones.
 */
static double slices(const MppDevice *device, double n_tiles, double k)
{
    const double least = 256;
    return CLAMP(floor(device->cores / n_tiles), 1, MAX(k / least, 1));
}

/**
 * The best tile for @p: whole tiles cover the output, whole waves of tiles occupy the cores,
 * filling and emptying a tile's pipeline takes as long as @depth of k, and a small tile loads more operand bytes for its
 * work. The last is taken as i / (i + 8) with i = tm tn / (tm + tn), relative to the largest tile (8: guess, from cuBLAS'
 * preference for 128s). A processor without tiles in that sense loses what its register blocks do not fill.
 */
static Tiling best_tiling(const MppDevice *device, double depth, const MppProduct *p)
{
    double m = p->m, n = p->n, k = p->k;
    if (device->matmul_tile) {
        double edge = (double)device->matmul_tile;
        return (Tiling){ m / (ceil(m / edge) * edge) * n / (ceil(n / edge) * edge) * k / (k + depth), 1 };
    }
    const double overhead = 8, largest = 256.0 * 128 / (256 + 128);
    Tiling best = { 0 };
    for (size_t i = 0; i < G_N_ELEMENTS(tiles); i++) {
        double tm = tiles[i].m, tn = tiles[i].n;
        double n_tiles = p->count * ceil(m / tm) * ceil(n / tn), splits = slices(device, n_tiles, k);
        double waves = ceil(n_tiles * splits / device->cores);
        double occupied = p->count * m * n * splits / (waves * device->cores * tm * tn);
        double intensity = tm * tn / (tm + tn);
        double rate = intensity / (intensity + overhead) * (largest + overhead) / largest;
        double share = occupied * rate * k / (k + depth * splits);
        if (share > best.share)
            best = (Tiling){ share, splits };
    }
    return best;
}

/** Arithmetic and the operands' way overlap, less well the more alike they are: a quarter is lost when they are equal. */
static double together_s(double a_s, double b_s)
{
    return cbrt(a_s * a_s * a_s + b_s * b_s * b_s);
}

/** Filling and emptying the pipeline of a tile takes its time in every format, so more of k where products are faster. */
static double depth_of(const MppDevice *device, MppPrecision precision)
{
    const double *peak = device->peak_flop_per_s.by_precision;
    double usual = peak[MPP_PRECISION_BF16] > 0 ? peak[MPP_PRECISION_BF16] : peak[MPP_PRECISION_FP16];
    return usual > 0 ? device->matmul_depth * peak[precision] / usual : device->matmul_depth;
}

/**
 * Tensor cores are fed by loads of 16 bytes, so rows of operands must be a multiple of that. Otherwise one product loads
 * less at a time (272.7 against 395 to 398 TFLOP/s where d_ff is 10922, H100, stas00/ml-engineering@744d01e training/performance),
 * one element at a time where rows are odd: asynchronous copies take 4 bytes at least (PTX cp.async). That halves the rate again
 * (50257 tokens of vocabulary on one A100, VIA-Research/vTrain@f8dda84; padded, a step of GPT-2 takes 0.8 of the time,
 * karpathy/nanoGPT). Batched products, whose operands lie inside wider rows, go without tensor cores at the rate of fp32 (the
 * condition is cuBLAS' "Tensor Core usage"; 128 heads 108 wide take 1.25 times as long a step as 104, bigscience tr11).
 */
double mpp_compute_aligned_frac(const MppDevice *device, MppPrecision precision, bool batched, double n, double k)
{
    const double load_bytes = 16, copy_bytes = 4, narrow_loads_frac = 0.69, no_copies_frac = 0.35;
    double element = mpp_precision_operand_bytes(precision);
    bool aligned = fmod(n * element, load_bytes) == 0 && fmod(k * element, load_bytes) == 0;
    if (aligned || precision == MPP_PRECISION_FP32 || device->matmul_tile)
        return 1;
    if (!batched)
        return fmod(n * element, copy_bytes) == 0 && fmod(k * element, copy_bytes) == 0 ? narrow_loads_frac : no_copies_frac;
    const double *peak = device->peak_flop_per_s.by_precision, *frac = device->matmul_frac.by_precision;
    return MIN(1, peak[MPP_PRECISION_FP32] * frac[MPP_PRECISION_FP32] / (peak[precision] * frac[precision]));
}

/** @bytes: read and written by all products */
static double product_s(const MppDevice *device, MppPrecision precision, double frac, const MppProduct *p, double bytes)
{
    double flop = 2 * p->count * p->m * p->n * p->k;
    double rate = frac * device->peak_flop_per_s.by_precision[precision] * device->matmul_frac.by_precision[precision];
    Tiling tiling = best_tiling(device, depth_of(device, precision), p);
    double share = tiling.share * flop / (flop + device->matmul_work_flop);
    bytes += tiling.splits > 1 ? 2 * sizeof(float) * tiling.splits * p->count * p->m * p->n : 0;
    return together_s(flop / (rate * share), bytes / (device->memory_bytes_per_s * device->memory_frac)) + device->kernel_s;
}

double mpp_compute_matmul_s(const MppDevice *device, MppPrecision precision, double frac, const MppProduct *p, double out_bytes)
{
    double bytes = p->count * ((p->m * p->k + p->k * p->n) * mpp_precision_matmul_bytes(precision) + p->m * p->n * out_bytes);
    return product_s(device, precision, frac, p, bytes);
}

double mpp_compute_stream_s(const MppDevice *device, MppStreaming kind, double bytes, int kernels)
{
    double bytes_per_s = device->memory_bytes_per_s * device->memory_frac * device->streaming_frac.by_streaming[kind];
    return bytes / bytes_per_s + kernels * device->kernel_s;
}

/** Operands are read as often as mpp_precision_casts() says, written in the narrow format once by rows and once by columns. */
static double cast_s(const MppDevice *device, const MppOp *op, double elements)
{
    if (!mpp_precision_needs_casts(op->precision))
        return 0;
    int readings = mpp_precision_casts(op->precision);
    double bytes = 2 * readings + 2 * mpp_precision_matmul_bytes(op->precision);
    return mpp_compute_stream_s(device, MPP_STREAMING_COPY, elements * bytes, readings);
}

/** Time after the product of a weight's gradient: where it does not add to the accumulation buffer itself, another kernel does. */
static double accumulate_s(const MppJob *job, const MppOp *op)
{
    const MppStateCosts *state = &job->runtime->state;
    if (state->gradient_fused || op->parameters <= 0)
        return 0;
    double bytes = op->parameters * (mpp_precision_element_bytes(op->precision) + 2 * mpp_job_gradient_bytes(job));
    return mpp_compute_stream_s(&job->cluster->device, MPP_STREAMING_COPY, bytes, 1);
}

static MppOpTime matmul_time(const MppJob *job, const MppOp *op)
{
    const MppDevice *device = &job->cluster->device;
    double element = mpp_precision_element_bytes(op->precision), count = op->count, m = op->m, n = op->n, k = op->k;
    double frac = mpp_compute_aligned_frac(device, op->precision, op->attention_core, n, k);
    frac *= job->cluster->products_frac * job->runtime->products_frac * (op->expert && count > 1 ? device->grouped_frac : 1);
    double operand = mpp_precision_matmul_bytes(op->precision);
    bool accumulates = op->parameters > 0 && job->runtime->state.gradient_fused;
    double written = accumulates ? 2 * mpp_job_gradient_bytes(job) : element; /* read and written */
    double in = m * k / MAX(op->overlap, 1), weights = k * n, out = m * n; /* shared numbers are read once */
    double forward_bytes = count * ((in + weights) * operand + out * element);
    double input_bytes = count * ((out + weights) * operand + in * element);
    double weight_bytes = count * ((out + in) * operand + weights * written);
    double apart = op->expert && !job->training.kernels.experts_fused ? count : 1, together = count / apart;
    const MppProduct forward = { together, m, n, k }, of_input = { together, m, k, n }, of_weight = { together, n, k, m };
    return (MppOpTime){
        .forward_s = apart * product_s(device, op->precision, frac, &forward, forward_bytes / apart) + cast_s(device, op, count * in),
        .backward_input_s = apart * product_s(device, op->precision, frac, &of_input, input_bytes / apart) + cast_s(device, op, count * out),
        .backward_weight_s = apart * product_s(device, op->precision, frac, &of_weight, weight_bytes / apart) + accumulate_s(job, op),
    };
}

/**
 * Rate of narrow heads against 128-wide ones. 64-wide heads reach 1.1 (1), 0.88 (2) and 0.73 (3, cuDNN) of it
 * (Dao-AILab/flash-attention benchmark figures, A100 and H100, means over sequence lengths), in Triton 1 (both 96 TFLOP/s
 * where attention takes nine tenths of a step: llm-foundry, 32k and 64k tokens, A100); others by the power of the width that
 * goes through these.
 */
static double narrow_share(MppAttentionKernel kernel, double width)
{
    static const double of_64[MPP_N_ATTENTIONS] = {
        [MPP_ATTENTION_FLASH1] = 1.1, [MPP_ATTENTION_FLASH1_TRITON] = 1, [MPP_ATTENTION_FLASH2] = 0.88, [MPP_ATTENTION_FLASH3] = 0.73
    };
    return width < 128 ? pow(width / 128, -log2(of_64[kernel])) : 1;
}

/** Keys are worked on in blocks; the ramp over the keys seen stands for the blocks at the diagonal and the fill. */
double mpp_compute_attention_s(const MppDevice *device, MppAttentionKernel kernel, MppPrecision precision,
                               const MppAttentionSize *size, bool backward)
{
    const MppAttentionRate *rate = mpp_device_attention(device, kernel);
    double ramp = size->n / (size->n + device->attention_tokens);
    double reached = device->peak_flop_per_s.by_precision[precision] * ramp * narrow_share(kernel, size->k);
    double flop = 2 * size->count * size->m * size->n * (size->k + size->v);
    return backward ? 2.5 * flop / (reached * rate->backward_frac) + 2 * device->kernel_s
                    : flop / (reached * rate->forward_frac) + device->kernel_s;
}

static double attention_s(const MppJob *job, const MppOp *op, bool backward)
{
    double blocks = MAX(op->blocks, 1);
    const MppAttentionSize size = { op->count * blocks, op->m, op->n / blocks, op->k, op->v };
    return mpp_compute_attention_s(&job->cluster->device, job->training.kernels.attention, op->precision, &size, backward);
}

static MppOpTime time_of(const MppJob *job, const MppOp *op)
{
    const MppDevice *device = &job->cluster->device;
    switch (op->kind) {
    case MPP_OP_MATMUL: return matmul_time(job, op);
    case MPP_OP_ATTENTION:
        return (MppOpTime){ .forward_s = attention_s(job, op, false), .backward_input_s = attention_s(job, op, true) };
    case MPP_OP_MEMORY:
        return (MppOpTime){ .forward_s = mpp_compute_stream_s(device, op->streaming, op->forward_bytes, op->forward_kernels),
                            .backward_input_s = mpp_compute_stream_s(device, op->streaming, op->backward_bytes, op->backward_kernels) };
    default: return (MppOpTime){ 0 };
    }
}

MppOpTime mpp_compute_time(const MppJob *job, const MppOp *op)
{
    MppOpTime time = time_of(job, op);
    time.backward_input_s += op->remade ? time.forward_s : 0;
    return time;
}
