/**
 * Number formats of a training run and the devices' rates that belong to them.
 */
#pragma once

#include "planner/base/names.h"

/** What the matrix products of the layers run in; norms, loss and optimizer keep wider formats. */
typedef enum {
    MPP_PRECISION_FP32,
    MPP_PRECISION_TF32,
    MPP_PRECISION_FP16,
    MPP_PRECISION_BF16,
    MPP_PRECISION_FP8,
    MPP_PRECISION_FP8_ROWWISE,
    MPP_PRECISION_MXFP8,
    MPP_PRECISION_NVFP4,
    MPP_N_PRECISIONS,
} MppPrecision;

extern const MppNames mpp_precision_names;

/** Bytes of one activation or weight element outside the matrix products: 4 or 2. */
double mpp_precision_element_bytes(MppPrecision precision);

/** Bytes of one operand element inside the layers' matrix products: 4, 2, 1 or 0.5. Scales of blocks are stored apart. */
double mpp_precision_operand_bytes(MppPrecision precision);

/** The same with its part of a block's scale. */
double mpp_precision_matmul_bytes(MppPrecision precision);

/** What the output layer and the router run in: bf16 under fp8 and fp4 recipes, else the same. */
MppPrecision mpp_precision_outside_layers(MppPrecision precision);

/**
 * How often an operand is read to be cast, a kernel each; 0: it is not. A scale for the whole tensor needs its largest value first,
 * one more reading (Transformer Engine's current scaling and NVFP4; MXFP8 has block scales alone). Scales of rows and of columns
 * come from two casts (torchao); a row's largest value is at hand, a column's is one more reading.
 */
int mpp_precision_casts(MppPrecision precision);

/** Whether operands are cast (and their maxima taken) before each product. */
bool mpp_precision_needs_casts(MppPrecision precision);
