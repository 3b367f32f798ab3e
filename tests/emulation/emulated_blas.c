/**
 * cuBLASLt's products in its own column-major terms, as far as the plug-in uses them.
 */
#include <cublasLt.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    cublasOperation_t operations[2];
} Product;

typedef struct {
    cudaDataType type;
    uint64_t rows, columns;
    int64_t stride;
} Layout;

typedef struct {
    uint32_t alignments[4];
} Preference;

const char *cublasLtGetStatusString(cublasStatus_t status)
{
    return status == CUBLAS_STATUS_SUCCESS ? "success" : "an emulated error";
}

cublasStatus_t cublasLtCreate(cublasLtHandle_t *handle)
{
    *handle = malloc(1);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle)
{
    free(handle);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t *product, cublasComputeType_t compute, cudaDataType scale)
{
    *product = calloc(1, sizeof(Product));
    return compute == CUBLAS_COMPUTE_32F && scale == CUDA_R_32F ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_NOT_SUPPORTED;
}

cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t product)
{
    free(product);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t product, cublasLtMatmulDescAttributes_t which,
                                              const void *value, size_t size)
{
    Product *p = (Product *)product;
    if (size != sizeof(cublasOperation_t) || (which != CUBLASLT_MATMUL_DESC_TRANSA && which != CUBLASLT_MATMUL_DESC_TRANSB))
        return CUBLAS_STATUS_INVALID_VALUE;
    memcpy(&p->operations[which == CUBLASLT_MATMUL_DESC_TRANSB], value, size);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t *layout, cudaDataType type, uint64_t rows, uint64_t columns,
                                          int64_t stride)
{
    Layout *l = malloc(sizeof *l);
    *l = (Layout){ type, rows, columns, stride };
    *layout = (cublasLtMatrixLayout_t)l;
    return stride >= (int64_t)rows && rows && columns ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE;
}

cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout)
{
    free(layout);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t *preference)
{
    *preference = calloc(1, sizeof(Preference));
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference)
{
    free(preference);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference,
                                                    cublasLtMatmulPreferenceAttributes_t which, const void *value, size_t size)
{
    if (which == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES)
        return size == sizeof(uint64_t) ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE;
    int i = (int)which - CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES;
    if (i < 0 || i > 3 || size != sizeof(uint32_t))
        return CUBLAS_STATUS_INVALID_VALUE;
    memcpy(&((Preference *)preference)->alignments[i], value, size);
    return CUBLAS_STATUS_SUCCESS;
}

/** The algorithm is what it was found for: its products are checked against that. */
cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle, cublasLtMatmulDesc_t product, cublasLtMatrixLayout_t a,
                                              cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t preference, int wanted,
                                              cublasLtMatmulHeuristicResult_t found[], int *n)
{
    (void)handle, (void)product, (void)a, (void)b, (void)d;
    memcpy(found[0].algo.data, preference, sizeof(Preference));
    *n = c == d && wanted == 1;
    return CUBLAS_STATUS_SUCCESS;
}

static float get(const Layout *l, const void *data, int64_t i, int64_t j)
{
    if (l->type == CUDA_R_32F)
        return ((const float *)data)[i + j * l->stride];
    uint32_t bits = (uint32_t)((const uint16_t *)data)[i + j * l->stride] << 16;
    float number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

/** To the nearest, ties to even; numbers are finite. */
static void set(const Layout *l, void *data, int64_t i, int64_t j, float number)
{
    uint32_t bits;
    memcpy(&bits, &number, sizeof bits);
    if (l->type == CUDA_R_32F)
        ((float *)data)[i + j * l->stride] = number;
    else
        ((uint16_t *)data)[i + j * l->stride] = (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static float element(const Product *p, int factor, const Layout *l, const void *data, int64_t i, int64_t j)
{
    return p->operations[factor] == CUBLAS_OP_T ? get(l, data, j, i) : get(l, data, i, j);
}

static int is_aligned(const cublasLtMatmulAlgo_t *algorithm, int i, const void *data)
{
    const Preference *preference = (const Preference *)algorithm->data;
    return (uintptr_t)data % preference->alignments[i] == 0;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t product, const void *alpha, const void *a,
                              cublasLtMatrixLayout_t a_layout, const void *b, cublasLtMatrixLayout_t b_layout, const void *beta,
                              const void *c, cublasLtMatrixLayout_t c_layout, void *d, cublasLtMatrixLayout_t d_layout,
                              const cublasLtMatmulAlgo_t *algorithm, void *workspace, size_t bytes, cudaStream_t stream)
{
    const Product *p = (const Product *)product;
    const Layout *left = (const Layout *)a_layout, *right = (const Layout *)b_layout, *out = (const Layout *)d_layout;
    uint64_t k = p->operations[0] == CUBLAS_OP_T ? left->rows : left->columns;
    uint64_t m = p->operations[0] == CUBLAS_OP_T ? left->columns : left->rows;
    uint64_t n = p->operations[1] == CUBLAS_OP_T ? right->rows : right->columns;
    uint64_t right_k = p->operations[1] == CUBLAS_OP_T ? right->columns : right->rows;
    if (!handle || !workspace || !bytes || !stream || c != d || c_layout != d_layout || k != right_k || m != out->rows ||
        n != out->columns || left->type != right->type || !is_aligned(algorithm, 0, a) || !is_aligned(algorithm, 1, b) ||
        !is_aligned(algorithm, 3, d))
        return CUBLAS_STATUS_INVALID_VALUE;
    for (uint64_t j = 0; j < n; j++)
        for (uint64_t i = 0; i < m; i++) {
            double sum = 0;
            for (uint64_t l = 0; l < k; l++)
                sum += (double)element(p, 0, left, a, (int64_t)i, (int64_t)l) * element(p, 1, right, b, (int64_t)l, (int64_t)j);
            float kept = *(const float *)beta ? *(const float *)beta * get(out, c, (int64_t)i, (int64_t)j) : 0;
            set(out, d, (int64_t)i, (int64_t)j, *(const float *)alpha * (float)sum + kept);
        }
    return CUBLAS_STATUS_SUCCESS;
}
