/**
 * Time of one op on one device.
 *
 * A product runs at the device's sustained rate, less what its shape loses: idle cores in the last wave of tiles,
 * padding of tiles, the fill and epilogue of short k; it is never faster than its operands can be moved. Fused
 * attention runs at a share of the peak by kernel; everything else moves bytes.
 */
#pragma once

#include "planner/ops/op.h"

/** Seconds of one op in each direction; transfers excluded. */
typedef struct {
    double forward_s;
    double backward_input_s;  /* gradient of the input; all of the backward pass for ops without weights */
    double backward_weight_s; /* gradient of the weights */
} MppOpTime;

MppOpTime mpp_compute_time(const MppJob *job, const MppOp *op);

/** Share of the usual rate that products reach whose second operands are @n by @k; @batched: strided parts of wider ones. */
double mpp_compute_aligned_frac(const MppDevice *device, MppPrecision precision, bool batched, double n, double k);

/** @count products [m,k]x[k,n] in one launch. */
typedef struct {
    double count, m, n, k;
} MppProduct;

/** Time of products that write elements of @out_bytes, at @frac of the usual rate. */
double mpp_compute_matmul_s(const MppDevice *device, MppPrecision precision, double frac, const MppProduct *product,
                            double out_bytes);

/** Fused attention of @count heads with @m queries that see @n keys each, @k and @v wide. */
typedef struct {
    double count, m, n, k, v;
} MppAttentionSize;

/** Time of one pass; @backward: of all gradients, 2.5 times the FLOP since scores are computed again. */
double mpp_compute_attention_s(const MppDevice *device, MppAttentionKernel kernel, MppPrecision precision,
                               const MppAttentionSize *size, bool backward);

/** Time to stream @bytes through memory in @kernels kernels of one @kind. */
double mpp_compute_stream_s(const MppDevice *device, MppStreaming kind, double bytes, int kernels);
