#include "planner/spec/precision.h"

static const struct {
    MppPrecision precision;
    const char *name;
    double element_bytes, operand_bytes, matmul_bytes;
    MppPrecision outside;
    bool casts;
} rows[MPP_N_PRECISIONS] = {
    { MPP_PRECISION_FP32, "fp32", 4, 4, 4, MPP_PRECISION_FP32, false },
    { MPP_PRECISION_TF32, "tf32", 4, 4, 4, MPP_PRECISION_TF32, false },
    { MPP_PRECISION_FP16, "fp16", 2, 2, 2, MPP_PRECISION_FP16, false },
    { MPP_PRECISION_BF16, "bf16", 2, 2, 2, MPP_PRECISION_BF16, false },
    { MPP_PRECISION_FP8, "fp8", 2, 1, 1, MPP_PRECISION_BF16, true },
    { MPP_PRECISION_FP8_ROWWISE, "fp8-rowwise", 2, 1, 1, MPP_PRECISION_BF16, true },
    /* OCP microscaling formats: an 8-bit scale for each 32 elements; NVFP4: for each 16 */
    { MPP_PRECISION_MXFP8, "mxfp8", 2, 1, 1.03125, MPP_PRECISION_BF16, true },
    { MPP_PRECISION_NVFP4, "nvfp4", 2, 0.5, 0.5625, MPP_PRECISION_BF16, true },
};

static void test_row(gconstpointer data)
{
    size_t i = GPOINTER_TO_SIZE(data);
    MppPrecision precision = rows[i].precision;
    g_assert_cmpint(mpp_names_find(&mpp_precision_names, rows[i].name), ==, precision);
    g_assert_cmpfloat(mpp_precision_element_bytes(precision), ==, rows[i].element_bytes);
    g_assert_cmpfloat(mpp_precision_operand_bytes(precision), ==, rows[i].operand_bytes);
    g_assert_cmpfloat(mpp_precision_matmul_bytes(precision), ==, rows[i].matmul_bytes);
    g_assert_cmpint(mpp_precision_outside_layers(precision), ==, rows[i].outside);
    g_assert_cmpint(mpp_precision_needs_casts(precision), ==, rows[i].casts);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/precision/", rows[i].name, NULL);
        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_row);
    }
    return g_test_run();
}
