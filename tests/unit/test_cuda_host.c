/**
 * What the CUDA backend decides on the host, without CUDA: its account of memory, and layouts for cuBLASLt.
 */
#include <glib.h>

#include "validate/cuda/cuda_layout.h"
#include "validate/cuda/cuda_ledger.h"

static void test_ledger(void)
{
    static char blocks[3];
    MppCudaLedger *ledger = mpp_cuda_ledger_new(1000);
    mpp_cuda_ledger_add(ledger, &blocks[0], 700);
    mpp_cuda_ledger_add(ledger, &blocks[1], 0);
    g_assert_true(mpp_cuda_ledger_allows(ledger, 300));
    g_assert_false(mpp_cuda_ledger_allows(ledger, 301));
    g_assert_true(mpp_cuda_ledger_remove(ledger, &blocks[0]));
    g_assert_false(mpp_cuda_ledger_remove(ledger, &blocks[0])); /* never twice */
    g_assert_true(mpp_cuda_ledger_remove(ledger, &blocks[1]));
    mpp_cuda_ledger_add(ledger, &blocks[2], 110);
    g_assert_cmpfloat(mpp_cuda_ledger_used_bytes(ledger), ==, 110);
    g_assert_cmpfloat(mpp_cuda_ledger_peak_bytes(ledger, true), ==, 700);
    g_assert_cmpfloat(mpp_cuda_ledger_peak_bytes(ledger, false), ==, 110); /* from now on */
    mpp_cuda_ledger_free(ledger);
}

enum { M = 3, N = 5, K = 4, MOST = 7 };

static float column_major(const MppCudaOperand *x, const float *data, int64_t i, int64_t j)
{
    g_assert_true(x->transposed ? j < x->rows && i < x->columns : i < x->rows && j < x->columns);
    return x->transposed ? data[j + i * x->stride] : data[i + j * x->stride];
}

/** The product as a column-major library does it, beside the row-major one that is meant. */
static void check_product(bool a_transposed, bool b_transposed)
{
    static float a[MOST * MOST], b[MOST * MOST], c[MOST * MOST];
    for (int i = 0; i < MOST * MOST; i++) {
        a[i] = (float)(i * 7 % 11);
        b[i] = (float)(i * 5 % 13);
    }
    MppTensor left = { a, MPP_ELEMENT_F32, a_transposed ? K : M, a_transposed ? M : K, 6 };
    MppTensor right = { b, MPP_ELEMENT_BF16, b_transposed ? N : K, b_transposed ? K : N, 7 };
    MppTensor out = { c, MPP_ELEMENT_F32, M, N, 5 };
    MppCudaLayout layout = mpp_cuda_layout(out, left, a_transposed, right, b_transposed);
    g_assert_cmpint(layout.left.element, ==, MPP_ELEMENT_BF16);
    g_assert_cmpint(layout.right.element, ==, MPP_ELEMENT_F32);
    for (int64_t i = 0; i < M; i++)
        for (int64_t j = 0; j < N; j++) {
            float meant = 0, found = 0;
            for (int64_t l = 0; l < K; l++) {
                meant += (a_transposed ? a[l * 6 + i] : a[i * 6 + l]) * (b_transposed ? b[j * 7 + l] : b[l * 7 + j]);
                found += column_major(&layout.left, b, j, l) * column_major(&layout.right, a, l, i);
            }
            g_assert_cmpfloat(found, ==, meant);
            g_assert_cmpint(j + i * layout.out.stride, ==, i * out.stride + j);
        }
    g_assert_cmpint(layout.out.rows, ==, N);
    g_assert_cmpint(layout.out.columns, ==, M);
}

static void test_layout(void)
{
    for (int i = 0; i < 4; i++)
        check_product(i & 1, i & 2);
}

static void test_alignment(void)
{
    static const int64_t addresses[][2] = { { 0x10000, 256 }, { 0x10080, 128 }, { 0x10044, 4 }, { 0x10002, 2 } };
    for (size_t i = 0; i < G_N_ELEMENTS(addresses); i++) {
        MppTensor x = { (void *)addresses[i][0], MPP_ELEMENT_BF16, 2, 2, 2 };
        g_assert_cmpint(mpp_cuda_layout(x, x, false, x, false).out.alignment_bytes, ==, addresses[i][1]);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/cuda-host/ledger", test_ledger);
    g_test_add_func("/cuda-host/layout", test_layout);
    g_test_add_func("/cuda-host/alignment", test_alignment);
    return g_test_run();
}
