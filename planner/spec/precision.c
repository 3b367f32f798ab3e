#include "planner/spec/precision.h"

static const char *const names[MPP_N_PRECISIONS] = { "fp32", "tf32", "fp16", "bf16", "fp8", "fp8-rowwise", "mxfp8", "nvfp4" };
const MppNames mpp_precision_names = MPP_NAMES("precision", names);

double mpp_precision_element_bytes(MppPrecision precision)
{
    return precision <= MPP_PRECISION_TF32 ? 4 : 2;
}

double mpp_precision_operand_bytes(MppPrecision precision)
{
    static const double bytes[MPP_N_PRECISIONS] = { 4, 4, 2, 2, 1, 1, 1, 0.5 };
    return bytes[precision];
}

double mpp_precision_matmul_bytes(MppPrecision precision)
{
    static const double scales[MPP_N_PRECISIONS] = { [MPP_PRECISION_MXFP8] = 1.0 / 32, [MPP_PRECISION_NVFP4] = 1.0 / 16 };
    return mpp_precision_operand_bytes(precision) + scales[precision];
}

MppPrecision mpp_precision_outside_layers(MppPrecision precision)
{
    return precision >= MPP_PRECISION_FP8 ? MPP_PRECISION_BF16 : precision;
}

int mpp_precision_casts(MppPrecision precision)
{
    static const int readings[MPP_N_PRECISIONS] = {
        [MPP_PRECISION_FP8] = 2, [MPP_PRECISION_FP8_ROWWISE] = 3, [MPP_PRECISION_MXFP8] = 1, [MPP_PRECISION_NVFP4] = 2
    };
    return readings[precision];
}

bool mpp_precision_needs_casts(MppPrecision precision)
{
    return precision >= MPP_PRECISION_FP8;
}
